"""Lists and pages: a connector and its settings come in, pages of records go out.

The package knows no pipelines and no destinations.
"""
