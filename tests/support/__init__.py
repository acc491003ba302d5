"""What helps tests: servers, runs, cases; no tests."""
