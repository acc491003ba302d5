"""Records to tables: a compiled connector and a destination come in, loaded tables come out.

The package knows no requests and no pages.
"""
