"""Where units run: in comes a unit as JSON, out comes how its run ended.

Knows nothing of ledgers and of other units.
"""
