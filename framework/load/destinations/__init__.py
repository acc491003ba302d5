"""What is particular to each destination."""
