"""Monitors of a resource while it is read: they are told of pages, and warn or fail.

Pages and counts come in, warnings go out. Monitors change nothing in what is loaded.
"""
