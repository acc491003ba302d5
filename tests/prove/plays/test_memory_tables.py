"""Tables in memory are loaded as a destination would."""

from __future__ import annotations

from typing import Any

import pytest

from framework.definition.model import Endpoint, Incremental, Resource
from framework.prove.plays.memory_tables import MemoryTable

OLD, NEW = {"id": 1, "at": 1, "text": "old"}, {"id": 1, "at": 2, "text": "new"}
OTHER = {"id": 2, "at": 1, "text": "other"}


def loaded(disposition: Any, *runs: list[Any]) -> list[Any]:
    hints = {"primary_key": "id", "write_disposition": disposition}
    spec = Incremental("at", {"initial_value": 0})
    table = MemoryTable(Resource("orders", Endpoint("/", incremental=spec), hints=hints))
    for records in runs:
        table.load(records)
    return table.rows


@pytest.mark.parametrize(
    ("disposition", "rows"),
    [
        ("merge", [NEW, OTHER]),
        ("append", [OLD, OTHER, NEW]),
        ("replace", [NEW]),
        ({"disposition": "merge", "strategy": "scd2"}, [NEW]),
    ],
)
def test_a_second_run_merges_appends_or_replaces(disposition: Any, rows: list[Any]) -> None:
    assert loaded(disposition, [OLD, OTHER], [NEW]) == rows


def test_of_two_versions_in_a_run_the_one_with_the_greater_cursor_stays() -> None:
    assert loaded("merge", [NEW, OLD]) == [NEW]
