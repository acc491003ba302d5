"""A fleet: many accounts and windows of connectors, run as units on an executor.

In comes a fleet file; out go runs of its units, and a ledger of them. How one run reads and loads
is not known here.
"""
