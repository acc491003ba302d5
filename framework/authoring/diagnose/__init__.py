"""`check --deep`: a connector file held against real responses."""
