"""Every test of `build`: dlt's folders and settings are in the test's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.run.quiet import set_defaults
from tests.servers.web import Web


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project folder, current while the test runs, with dlt's data beside it."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "RUNTIME__", "DLT_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
    set_defaults()
    monkeypatch.chdir(tmp_path)
    reload_providers()
    yield tmp_path
    monkeypatch.undo()
    reload_providers()


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback."""
    with Web() as server:
        yield server


def reload_providers() -> None:
    """Have dlt read its settings files again."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs import PluggableRunContext

    Container()[PluggableRunContext].reload()
