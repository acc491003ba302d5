"""Both load paths, and both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.both_paths import Into, by_dlt, into_postgres
from tests.support.loaded_tables import left_in


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
