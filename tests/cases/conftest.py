"""Every case runs in a folder of its own, with a server of its own and no waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from framework.build import budget
from tests.build.opened import NoWait
from tests.servers.web import Web


@pytest.fixture(autouse=True)
def _without_waits(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        budget, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + NoWait.skipped)
    )


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback."""
    with Web() as server:
        yield server
