"""Generated records by both paths, into each destination that the columnar path takes: the same
tables, columns, types and rows.

Of each two resources one has records of the declared types alone, the other a few odd ones. They
are loaded twice: the second time half of the first records come again, changed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.load.arrow.test_both_paths import NESTED, WAYS
from tests.support.both_paths import (
    Into,
    assert_same,
    into_files,
    into_postgres,
    load_both,
    resource,
)
from tests.support.generated_records import drawn, numbered, records_of

pytestmark = pytest.mark.slow
Json = Any
EACH = 40
READ_BY_ARROW: Json = {
    "type": "object",
    "properties": {
        **{key: NESTED["properties"][key] for key in ("id", "name", "count", "weight", "on", "at")},
        "place": {
            "type": "object",
            "properties": {
                "day": {"type": "string", "format": "date"},
                "hours": {"type": "array", "items": {"type": "string", "format": "time"}},
                "tags": {"type": "array", "items": {"type": ["number", "null"]}},
            },
        },
    },
}
"""Types that Arrow reads from the page itself, where all records of a batch are of them."""

KINDS = {"odd": (NESTED, 12), "plain": (READ_BY_ARROW, 0)}
"""Schemas, and how many places of a thousand hold anything at all."""

Drawn = dict[str, list[Json]]


@pytest.fixture(scope="module")
def pool() -> Drawn:
    """Records for two loads, by kind."""
    return {
        name: drawn(records_of(schema, odd=odd), 2 * EACH, odd)
        for name, (schema, odd) in KINDS.items()
    }


def both_loads(pool: Drawn, ways: tuple[str, ...]) -> tuple[list[Json], Drawn, Drawn]:
    """A resource for each way and kind, and its records in the first and the second load."""
    resources, first, second = [], {}, {}
    for way in ways:
        for name, records in pool.items():
            table = f"{way}_{name}"
            resources.append(resource(table, KINDS[name][0], write_disposition=way))
            first[table] = list(numbered(records[:EACH]))
            second[table] = list(numbered(records[EACH:], EACH // 2))
    return resources, first, second


def compare(project: Path, pool: Drawn, ways: tuple[str, ...], into: Into | None = None) -> None:
    resources, first, second = both_loads(pool, ways)
    ours, theirs = load_both(project, resources, first, second, into=into)
    for table in first:
        assert_same(ours.of(table), theirs.of(table))
    assert set(ours.trees) == set(first)


def test_into_duckdb(project: Path, pool: Drawn) -> None:
    compare(project, pool, WAYS)


def test_into_postgres(
    project: Path, pool: Drawn, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(project / "generated", pool, WAYS, into_postgres(postgres, monkeypatch))


def test_into_files(project: Path, pool: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(project, pool, ("append", "replace"), into_files(monkeypatch))
