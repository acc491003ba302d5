"""The files that recordings come in: each is read as the exchanges of cassettes (`Interaction`).

What a file leaves open is marked (`open_values.py`). Nothing here knows what a list is.
"""
