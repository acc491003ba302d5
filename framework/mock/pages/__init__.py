"""Requests for lists, and their pages: which list, which records, and what surrounds them."""
