"""A connector file, found, read and judged: no dlt, no network."""
