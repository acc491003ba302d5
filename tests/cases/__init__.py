"""Connector files with their expected outcome, each in a folder of its own."""
