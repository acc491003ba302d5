"""Tests of framework.mock.pages."""
