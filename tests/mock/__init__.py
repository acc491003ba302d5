"""Tests of framework.mock."""
