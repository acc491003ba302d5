"""Prove a connector file: a connector comes in, histories of an account that break its promise go
out.

Histories are played through the mock over several runs. It knows nothing of the command line.
"""
