"""The channel between coordinator and units: shared limits, turns at destinations, logs, stop.

Knows nothing of fleets, and of units only their ids.
"""
