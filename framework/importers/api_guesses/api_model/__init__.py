"""An API as plain data: operations with the shapes of their values, and the words of names.

References and alternatives are resolved here. Nothing here guesses what is a list.
"""
