"""A connector and its settings come in; plans to read by, a dlt source and a dlt config go out."""
