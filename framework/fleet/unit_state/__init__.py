"""The ledger of units: in come units and how their attempts end, out comes what is left to run.

Knows databases, and nothing of executors.
"""
