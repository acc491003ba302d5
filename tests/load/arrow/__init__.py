"""The columnar path held against dlt's own."""
