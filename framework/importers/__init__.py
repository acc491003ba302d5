"""Connectors of other tools as connector files."""
