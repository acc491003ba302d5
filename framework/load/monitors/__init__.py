"""Monitors watch records or tables pass and report what would surprise a reader of the data.

Records or dlt's schema come in, codes and messages of warnings go out. They change nothing.
"""
