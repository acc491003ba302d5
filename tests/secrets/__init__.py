"""Secrets: that they stay where they belong, and what a connector file of a stranger can do."""
