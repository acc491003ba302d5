"""Two versions of a connector compared, by what they make of one recording.

Files or git revisions come in, a `ConnectorDiff` goes out. Knows no terminal, and sends no request.
"""
