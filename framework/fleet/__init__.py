"""Many accounts and long backfills: in comes a fleet file, out go units, each of them one run.

Knows connectors, runs and their ledger, and nothing of the command line.
"""
