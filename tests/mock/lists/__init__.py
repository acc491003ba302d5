"""Tests of framework.mock.lists."""
