"""A resource's declared schema as dlt's column hints, for its table and its child tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlt.common.jsonpath import extract_simple_field_name

from framework.definition.model import Resource
from framework.definition.naming import SEPARATOR, normalize_identifier, normalize_path
from framework.definition.record_schema import Table, table_of

LONGEST_PARENT = 63
"""Some destinations shorten longer names, and then we do not know what the parent is called."""

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
    nested: dict[Any, Any] = dict(resource.hints.get("nested_hints") or {})
    if resource.schema is not None:
        table = table_of(resource.schema)
        columns = column_hints(table)
        own = {**columns, **{name: {**columns.get(name, {}), **own[name]} for name in own}}
        root = resource.hints.get("table_name") or resource.name
        if isinstance(root, str):
            for path, child in _nested_hints(normalize_path(root), table):
                key = path[0] if len(path) == 1 else path
                written = nested.get(key, {})
                columns = {**child["columns"], **_by_name(written.get("columns"))}
                nested[key] = {**child, **written, "columns": columns}
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


def _nested_hints(
    root: str, table: Table, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Hints]]:
    """Normalized path and hints of each list below, outer ones first. An object has no table, so
    for a list inside one the parent is named: the table of what holds the object."""
    for child in table.children:
        path = (*above, *child.name.split(SEPARATOR))
        hints: Hints = {"columns": column_hints(child)}
        if len(path) > len(above) + 1:
            parent = SEPARATOR.join((root, *above))
            if len(parent) > LONGEST_PARENT:
                continue
            hints["parent_table_name"] = parent
        yield path, hints
        yield from _nested_hints(root, child, path)


def _by_name(columns: Any) -> dict[str, Hints]:
    """`columns` as dlt allows it: a mapping by name, or a list of mappings with a name."""
    if not columns:
        return {}
    if isinstance(columns, Mapping):
        return {name: {"name": name, **hint} for name, hint in columns.items()}
    return {hint["name"]: dict(hint) for hint in columns}
