"""Servers that are hostile or broken, and what the person running a connector sees of them."""
