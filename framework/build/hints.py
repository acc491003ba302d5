"""A resource's declared schema as dlt's column hints, for its table and its child tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.common.jsonpath import extract_simple_field_name

from framework.spec.columns import Table, table_of
from framework.spec.connector import Resource
from framework.spec.naming import normalize_identifier

Hints = dict[str, Any]
DLT_HINTS = (
    "table_name",
    "write_disposition",
    "primary_key",
    "merge_key",
    "schema_contract",
    "table_format",
    "file_format",
    "references",
    "max_table_nesting",
)
"""The keys of a resource that go to `dlt.resource` as they are."""


def resource_hints(resource: Resource) -> Hints:
    """What `dlt.resource` takes for this resource, besides its name and its generator."""
    hints = {key: resource.hints[key] for key in DLT_HINTS if resource.hints.get(key) is not None}
    own = _by_name(resource.hints.get("columns"))
    nested = dict(resource.hints.get("nested_hints") or {})
    if resource.schema is not None:
        table = table_of(resource.schema)
        columns = column_hints(table)
        own = {**columns, **{name: {**columns.get(name, {}), **own[name]} for name in own}}
        for path, child in _children(table):
            nested.setdefault(path, {"columns": column_hints(child)})
    cursor = _cursor_column(resource, own)
    if cursor is not None:
        # the mark that dlt gives the column of an incremental of its own
        own = {**own, cursor: {"name": cursor, **own.get(cursor, {}), "incremental": True}}
    if own:
        hints["columns"] = own
    if nested:
        hints["nested_hints"] = nested
    return hints


def _cursor_column(resource: Resource, columns: Hints) -> str | None:
    """The incremental's column as `columns` spell it; None where its path is no single one."""
    incremental = resource.endpoint.incremental
    if incremental is None:
        return None
    name = extract_simple_field_name(incremental.cursor_path)
    if name is None or name in columns:
        return name
    normalized = normalize_identifier(name)
    return normalized if normalized in columns else name


def column_hints(table: Table) -> dict[str, Hints]:
    """A declared table's columns as hints, by name."""
    columns = {}
    for column in table.columns:
        hint: Hints = {"name": column.name, "data_type": column.data_type}
        if column.description:
            hint["description"] = column.description
        columns[column.name] = hint
    return columns


def _children(table: Table, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Table]]:
    found = []
    for child in table.children:
        below = (*path, child.name)
        found += [(below, child), *_children(child, below)]
    return found


def _by_name(columns: Any) -> dict[str, Hints]:
    """`columns` as dlt allows it: a mapping by name, or a list of mappings with a name."""
    if not columns:
        return {}
    if isinstance(columns, Mapping):
        return {name: {"name": name, **hint} for name, hint in columns.items()}
    return {hint["name"]: dict(hint) for hint in columns}
