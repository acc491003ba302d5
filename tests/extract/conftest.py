"""Every test of `build`: dlt's folders and settings are in the test's own folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from framework.load.dlt_defaults import set_defaults
from tests.support.open_resource import forwarded
from tests.support.servers.web import Web


@pytest.fixture(scope="session", autouse=True)
def nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    """dlt has read its settings files in an empty folder, not in the one that pytest started in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt")))
        patch.chdir(tmp_path_factory.mktemp("empty"))
        set_defaults()
        reload_providers()


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, current while the test runs, with dlt's data beside it."""
    for name in list(os.environ):
        if name.startswith(("SOURCES__", "RUNTIME__", "DLT_")) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
    set_defaults()
    forwarded(monkeypatch)
    monkeypatch.chdir(tmp_path)
    return tmp_path


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
