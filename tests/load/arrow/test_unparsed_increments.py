"""Loads of an incremental whose pages stay unparsed, beside dlt's own path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.both_paths import assert_same, load_both, resource

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
        "size": {"type": "number"},
        "n": {"type": "integer"},
        "price": {"type": "string", "format": "decimal"},
        "place": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "more": {}},
        },
        "lines": {
            "type": "array",
            "items": {"type": "object", "properties": {"n": {"type": "integer"}, "note": {}}},
        },
    },
}
SPEC = {"cursor_path": "at", "initial_value": "2026-11-01T00:00:00Z"}


def row(number: int, day: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "at": f"2026-11-{day:02d}T00:00:00Z",
        "size": number / 3,
        "price": [number / 7, "12.5", None, number][number % 4],
        "place": None if number % 4 == 0 else {"city": f"c{number}", "more": {"x": [number]}},
        "lines": [{"n": place, "note": [place, None]} for place in range(number % 3)],
        **fields,
    }


LOADS = (
    [row(1, 2), row(2, 3), row(3, 5), row(4, 5)],
    [row(3, 5), row(4, 5, size=9), row(5, 5), row(6, 4), row(7, 8), row(2, 9, lines=[])],
    [row(7, 8), row(8, 9, other=1), row(9, 30)],
    [row(10, 30, n=2**70, other=2**65), row(11, 30, n=2)],
)


@pytest.mark.parametrize(
    ("spec", "hints"),
    [
        ({}, {}),
        pytest.param({}, {"schema": None}, marks=pytest.mark.slow),
        pytest.param({}, {"write_disposition": "append"}, marks=pytest.mark.slow),
        pytest.param({"watermark": "run_start", "lag": "P3D"}, {}, marks=pytest.mark.slow),
        pytest.param({"range_start": "open", "lag": "P1D"}, {}, marks=pytest.mark.slow),
        pytest.param(
            {"cap_at_run_start": True},
            {"processing_steps": [{"filter": "id != `6` && place.city != 'c2'"}]},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_tables_are_those_of_dlts_own_path(project: Path, spec: Any, hints: Any) -> None:
    endpoint = {
        "path": "/rows",
        "paginator": "single_page",
        "data_selector": "items",
        "incremental": {**SPEC, **spec},
    }
    rows = resource("rows", **{"schema": SCHEMA, "endpoint": endpoint, **hints})
    ours, theirs = load_both(project, [rows], *({"rows": records} for records in LOADS))
    assert_same(ours, theirs)
