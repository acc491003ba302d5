"""Tools for people who write connector files: record, test, diagnose, scaffold.

Takes a validated connector and the runner; gives cassettes, findings about the live API, and files.
Knows nothing of the command line.
"""
