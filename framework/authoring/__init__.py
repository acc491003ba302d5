"""What helps to write connectors: recordings, tests from them, looks at the API, reference."""
