"""Which lists a resource has: partitions, parents and children, and lists that begin anew."""
