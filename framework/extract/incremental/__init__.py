"""Watermarks, windows and the state of lists."""
