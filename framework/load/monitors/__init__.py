"""Warnings about records as they are loaded."""
