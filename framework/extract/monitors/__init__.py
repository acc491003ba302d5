"""Warnings about lists as they are read."""
