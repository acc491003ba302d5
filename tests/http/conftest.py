"""The fixtures of tests that read resources."""

from tests.extract.conftest import nobodys_settings, project, web

__all__ = ["nobodys_settings", "project", "web"]
