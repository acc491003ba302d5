"""Tests of the room run: whole runs, into DuckDB and other destinations."""
