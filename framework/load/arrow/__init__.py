"""Records to destinations as Arrow tables."""
