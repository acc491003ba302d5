"""Credentials on requests: an auth mapping with its placeholders filled in, and what it needs of
the run, become one of dlt's auth objects. Knows no resources and no pages."""
