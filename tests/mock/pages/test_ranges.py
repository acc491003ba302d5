"""Ranges of requests, for cursors of each kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.mocks import asked, invented, shop

Json = Any
PAGE = {"paginator": "single_page"}


def found(
    folder: Path, spec: Mapping[str, Json], values: list[Json], query: str, **more: Json
) -> Any:
    """The cursors of the records that a request gets."""
    endpoint = {**PAGE, **more, "incremental": {"cursor_path": "at", **spec}}
    body = shop(endpoint)
    del body["resources"][0]["schema"]
    mock = invented(folder, body, rows=0)
    asked(mock, "GET /items")
    (key,) = mock.world.lists("items")
    mock.world.put(key, [{"id": n, "at": value} for n, value in enumerate(values)])
    response = asked(mock, f"GET /items?{query}")
    return [one["at"] for one in json.loads(response.body)["items"]]


@pytest.mark.parametrize(
    ("spec", "values", "query", "expected"),
    [
        ({"initial_value": 1}, [1, 5, 9], "since=5", [5, 9]),
        ({"initial_value": 1, "last_value_func": "min"}, [1, 5, 9], "since=5", [1, 5]),
        ({"initial_value": "1"}, ["9", "10", "11"], "since=10", ["10", "11"]),
        ({"initial_value": "a"}, ["a", "b", "c"], "since=b", ["b", "c"]),
        (
            {"initial_value": "2026-01-01", "format": "%Y-%m-%d", "end_value": "2026-12-31"},
            ["2026-02-01T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-02T10:00:00Z"],
            "since=2026-02-02&until=2026-03-01",
            ["2026-03-01T10:00:00Z"],
        ),
        (
            {"initial_value": 1767225600, "format": "epoch_seconds"},
            ["2026-01-02T00:00:00Z", "2026-01-05T00:00:00Z"],
            "since=1767398400",
            ["2026-01-05T00:00:00Z"],
        ),
        ({"initial_value": 1}, [1, None, 9], "since=5", [None, 9]),
    ],
)
def test_records_within_the_range_come(
    tmp_path: Path, spec: Mapping[str, Json], values: list[Json], query: str, expected: list[Json]
) -> None:
    bounds = {"start_param": "since"}
    if "end_value" in spec:
        bounds["end_param"] = "until"
    assert found(tmp_path, {**bounds, **spec}, values, query) == expected


def test_a_range_in_a_text_is_read(tmp_path: Path) -> None:
    more = {"params": {"filter": "at ge {incremental.start_value}"}}
    assert found(tmp_path, {"initial_value": 1}, [1, 5, 9], "filter=at+ge+5", **more) == [5, 9]


def test_what_is_no_bound_leaves_all(tmp_path: Path) -> None:
    spec = {"initial_value": "2026-01-01T00:00:00Z", "start_param": "since"}
    values = ["2026-01-02T00:00:00Z"]
    assert found(tmp_path, spec, values, "since=yesterday") == values
