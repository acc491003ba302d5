"""A server for what is recorded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.web import Web


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback."""
    with Web() as server:
        yield server
