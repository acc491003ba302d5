"""Commits: what a run loads while it still reads, and how a later run goes on from there."""
