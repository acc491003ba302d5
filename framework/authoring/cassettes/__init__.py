"""Recorded runs: written, replayed, compared."""
