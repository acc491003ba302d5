"""Limits of requests: how many there may be in a time, and how many at once."""
