"""Destinations: what a run may do with each kind, and our faster versions of two of dlt's.

Options come in, a `Target` goes out. Knows nothing of resources beyond their write disposition.
"""
