"""Tests; a package so that they can import `tests.support.simulator` however pytest is started."""
