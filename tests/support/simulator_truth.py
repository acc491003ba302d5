"""The tables of the scheduling connector held against the records that they must hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.expected_scheduling import expected_columns, loaded_trees, sorted_trees, tree_of
from tests.support.run_verbs import tables
from tests.support.simulator import TABLES, Record

SCHEMAS = Path(__file__).parents[2] / "schemas" / "scheduling"


def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return schema


def assert_tables_are(
    folder: Path, wanted: Mapping[str, list[Record]], dataset: str | None = None
) -> None:
    """Each of these resources' tables holds exactly what these records make."""
    with tables(folder, "scheduling", dataset) as found:
        names = found.names()
        owners = {table: max((r for r in TABLES if is_of(table, r)), key=len) for table in names}
        for resource, records in wanted.items():
            schema = schema_of(resource)
            own = sorted(table for table, owner in owners.items() if owner == resource)
            columns = expected_columns(schema)
            assert {table: found.columns(table) for table in own} == {
                f"{resource}__{suffix}" if suffix else resource: kinds
                for suffix, kinds in columns.items()
            }
            rows = {table: found.rows(table) for table in own}
            got = sorted_trees(loaded_trees(rows, resource))
            assert got == sorted_trees(tree_of(record, schema) for record in records), resource
            for table in own:
                assert_types(rows[table])


def is_of(table: str, resource: str) -> bool:
    return table == resource or table.startswith(f"{resource}__")


def assert_types(rows: list[Record]) -> None:
    """No value is another type's equal (1 for True, 1 for 1.0), and every time knows UTC."""
    seen: dict[str, set[type]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None and not isinstance(value, (dict, list)):
                seen.setdefault(name, set()).add(type(value))
            if hasattr(value, "utcoffset"):
                assert value.utcoffset() == timedelta(0)
    free = {"result__value", "location__data"}
    assert all(len(kinds) == 1 for name, kinds in seen.items() if name not in free)
