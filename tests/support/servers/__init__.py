"""Small strict HTTP servers on loopback for tests."""
