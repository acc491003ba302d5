"""A description as it is written: documents in, operations with the shapes of their values out.

References and alternatives are resolved here. Nothing here guesses what is a list.
"""
