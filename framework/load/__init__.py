"""A source taken to a destination: the loop, the pipeline, the state and the report."""
