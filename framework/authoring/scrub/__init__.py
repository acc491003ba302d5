"""Secrets and personal data out of recordings, stable fake values in."""
