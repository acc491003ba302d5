"""Every test here: dlt's folders and settings are in the test's own folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.both_paths import Into, by_dlt, into_postgres
from tests.support.loaded_tables import left_in


@pytest.fixture(autouse=True)
def _in_project(project: Path) -> None:
    """Nothing that a test writes is outside its own folder."""


@pytest.fixture(params=["columnar", "by dlt"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each path in turn."""
    if request.param == "by dlt":
        with by_dlt():
            yield
    else:
        yield


@pytest.fixture(params=["duckdb", "postgres"])
def into(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Into:
    """Each database in turn."""
    if request.param == "postgres":
        return into_postgres(request.getfixturevalue("postgres"), monkeypatch)
    return lambda _: ({}, left_in)
