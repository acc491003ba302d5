"""A record of each run in the dataset that it loads: `_framework_runs` and a child table.

In comes a run that has ended; out go its rows, and what earlier runs left. How a run reads and
loads is not known here, and a ledger that cannot be written ends no run.
"""
