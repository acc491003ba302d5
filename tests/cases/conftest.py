"""Every case runs in a folder of its own, with a server of its own and no waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.open_resource import forwarded
from tests.support.servers.web import Web


@pytest.fixture(autouse=True)
def _without_waits(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forwarded(monkeypatch)


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback."""
    with Web() as server:
        yield server
