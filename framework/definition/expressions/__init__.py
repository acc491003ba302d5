"""JMESPath, JSONPath and placeholders of a connector file."""
