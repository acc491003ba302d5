"""Which way the records of a resource take, and why not the fastest one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.events import ignore_event
from framework.extract.compilation.compiler import compile_connector
from framework.load.arrow.eligibility import load_paths
from framework.load.destinations.profiles import profile_of
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings
from tests.support.both_paths import resource, shop

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
        "data": {},
    },
}
PRICED = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "price": {"type": "string", "format": "decimal"}},
}
PRICES = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "prices": {"type": "array", "items": {"type": "string", "format": "decimal"}},
    },
}


def path_of(folder: Path, destination: str = "duckdb", **hints: Any) -> str:
    endpoint = {"path": "/rows", "paginator": "single_page", "data_selector": "items"}
    endpoint |= hints.pop("endpoint", {})
    schema = hints.pop("schema", SCHEMA)
    connector = shop(folder, resource("rows", schema, endpoint=endpoint, **hints))
    settings = resolve_settings(connector, {})
    compiled = compile_connector(connector, settings, Environment(), ignore_event)
    return load_paths(compiled, profile_of(destination))["rows"]


@pytest.mark.parametrize(
    ("hints", "path"),
    [
        ({}, "arrow"),
        ({"schema": None}, "arrow"),
        ({"schema": None, "max_table_nesting": 1}, "records (`max_table_nesting`)"),
        ({"endpoint": {"incremental": {"cursor_path": "at"}}}, "arrow"),
        ({"processing_steps": [{"filter": "id > `1`"}]}, "arrow"),
        ({"schema": PRICED}, "arrow"),
        ({"schema": PRICES}, "arrow, from parsed pages (the schema has a list of decimals)"),
        (
            {"processing_steps": [{"set": {"a": "`1`"}}]},
            "arrow, from parsed pages (`set` in processing_steps)",
        ),
        (
            {"endpoint": {"data_selector": "items[?id]"}},
            "arrow, from parsed pages (no `data_selector` that is a plain path)",
        ),
        ({"table_format": "delta"}, "records (`table_format`)"),
        ({"write_disposition": {"disposition": "merge", "strategy": "scd2"}}, "records ("),
        ({"columns": {"id": {"precision": 3}}}, "records (`precision` in `columns.id`)"),
    ],
)
def test_the_path_and_why_it_is_not_the_fastest_are_one_line(
    project: Path, hints: Any, path: str
) -> None:
    assert path_of(project, **hints).startswith(path)


def test_a_destination_without_an_arrow_path_gets_records(project: Path) -> None:
    assert path_of(project, "bigquery").startswith("records (the destination")
