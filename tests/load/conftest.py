"""Every test of `run`: dlt's folders and settings are in the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers.web import Web


@pytest.fixture(autouse=True)
def _in_project(project: Path) -> None:
    """Nothing that a test writes is outside its own folder."""


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback."""
    with Web() as server:
        yield server
