"""Tests; a package so that they can import `tests.simulator` however pytest is started."""
