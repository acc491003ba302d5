"""What a fleet file says: in come the file and its accounts, out come findings, units and a plan.

Knows nothing of how units are run.
"""
