"""Recorded runs: record one, replay it without a network, compare the tables that it loads.

Takes a connector and a run; gives cassette files and differences. What is personal data, and what
replaces it, is decided in `scrub`.
"""
