"""Runs that a history is played by: quick ones into memory, and real ones into DuckDB."""
