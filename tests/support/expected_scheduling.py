"""The rows that records must become, worked out from the records and their JSON Schema alone.

Written against design's table of types and not against the code: objects flatten with `__`, lists
become child tables in their order, times are UTC, free-form values are JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

Json = Any
Record = dict[str, Any]

TYPES = {
    "VARCHAR": str,
    "TIMESTAMP WITH TIME ZONE": datetime,
    "DATE": date,
    "DECIMAL(38,9)": Decimal,
    "BIGINT": int,
    "DOUBLE": float,
    "BOOLEAN": bool,
}


@dataclass(frozen=True)
class Tree:
    """A row with its child rows by table suffix, each list in its order."""

    row: dict[str, Any]
    below: dict[str, tuple[Tree, ...]] = field(default_factory=dict)


def sort_of(schema: Mapping[str, Json]) -> str:
    """DuckDB's type for a declared value; `object` or `list` where it is none."""
    written = schema.get("type", [])
    several = [written] if isinstance(written, str) else written
    kinds = [kind for kind in several if kind != "null"]
    form = schema.get("format")
    if form == "decimal":
        return "DECIMAL(38,9)"
    if kinds == ["object"] and schema.get("properties"):
        return "object"
    if kinds == ["array"] and schema.get("items"):
        return "list"
    if kinds == ["string"]:
        return {"date-time": "TIMESTAMP WITH TIME ZONE", "date": "DATE"}.get(form or "", "VARCHAR")
    return {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN"}.get(
        kinds[0] if len(kinds) == 1 else "", "JSON"
    )


def expected_columns(schema: Mapping[str, Json]) -> dict[str, dict[str, str]]:
    """Columns and types by table suffix, "" for the root."""
    found: dict[str, dict[str, str]] = {}

    def walk(schema: Mapping[str, Json], table: str, prefix: str) -> None:
        found.setdefault(table, {})
        for key, inner in schema["properties"].items():
            kind, name = sort_of(inner), f"{prefix}{key}"
            if kind == "object":
                walk(inner, table, f"{name}__")
            elif kind == "list":
                below = f"{table}__{name}" if table else name
                if sort_of(inner["items"]) == "object":
                    walk(inner["items"], below, "")
                else:
                    found[below] = {"value": sort_of(inner["items"])}
            else:
                found[table][name] = kind

    walk(schema, "", "")
    return found


def tree_of(record: Record, schema: Mapping[str, Json]) -> Tree:
    """The record as rows. KeyError for a field that is not declared."""
    row: dict[str, Any] = {}
    below: dict[str, tuple[Tree, ...]] = {}

    def walk(value: Record, schema: Mapping[str, Json], prefix: str) -> None:
        assert value.keys() <= schema["properties"].keys()
        for key, inner in schema["properties"].items():
            kind, name, item = sort_of(inner), f"{prefix}{key}", value.get(key)
            if kind == "object":
                walk(item or {}, inner, f"{name}__")
            elif kind == "list":
                below[name] = tuple(_child(one, inner["items"]) for one in item or ())
            else:
                row[name] = _value(item, kind)

    walk(record, schema, "")
    return Tree(row, below)


def _child(item: Json, schema: Mapping[str, Json]) -> Tree:
    kind = sort_of(schema)
    return tree_of(item, schema) if kind == "object" else Tree({"value": _value(item, kind)})


def _value(value: Json, kind: str) -> Any:
    if value is None or kind == "JSON":
        return value
    if kind == "TIMESTAMP WITH TIME ZONE":
        return datetime.fromisoformat(value).astimezone(UTC)
    if kind == "DATE":
        return date.fromisoformat(value)
    if kind == "DECIMAL(38,9)":
        return Decimal(str(value))
    made = float(value) if kind == "DOUBLE" else value
    assert type(made) is TYPES[kind]
    return made


def loaded_trees(tables: Mapping[str, Iterable[Record]], root: str) -> list[Tree]:
    """The rows of a root table and its children put together again, by dlt's own keys."""
    below: dict[tuple[str, str], list[Record]] = {}
    for name, rows in tables.items():
        for row in rows if name != root else ():
            below.setdefault((name, row["_dlt_parent_id"]), []).append(row)
    used = 0

    def build(name: str, row: Record) -> Tree:
        nonlocal used
        used += 1
        children = {}
        for table in tables:
            if table.startswith(f"{name}__") and _is_child(table, name, tables):
                rows = below.get((table, row["_dlt_id"]), [])
                rows.sort(key=lambda one: int(one["_dlt_list_idx"]))
                assert [one["_dlt_list_idx"] for one in rows] == list(range(len(rows)))
                children[table[len(name) + 2 :]] = tuple(build(table, one) for one in rows)
        return Tree({k: v for k, v in row.items() if not k.startswith("_dlt")}, children)

    trees = [build(root, row) for row in tables[root]]
    assert used == sum(len(list(rows)) for rows in tables.values()), "child rows without a parent"
    return trees


def _is_child(table: str, parent: str, tables: Iterable[str]) -> bool:
    """Whether the table hangs on this one and not on one between them."""
    return not any(
        between != parent and between.startswith(f"{parent}__") and table.startswith(f"{between}__")
        for between in tables
    )


def sorted_trees(trees: Iterable[Tree]) -> list[Tree]:
    """In an order that both sides share."""
    return sorted(trees, key=lambda tree: repr(sorted(tree.row.items())))
