"""Whether a resource's records can go to dlt as Arrow tables: a positive list, asked in one place.

What is not on the list takes dlt's own path, which loads the same tables, more slowly.
"""

from __future__ import annotations

from collections.abc import Mapping

from framework.definition.model import Resource
from framework.definition.naming import normalize_path
from framework.definition.record_schema import Table, table_of
from framework.load.destinations.target import Target

DESTINATIONS = ("duckdb", "motherduck", "postgres", "filesystem")
"""Where both paths were held against each other (motherduck is duckdb elsewhere)."""

HINTS = frozenset(
    {"name", "table_name", "write_disposition", "primary_key", "columns", "schema_contract"}
    | {"selected", "parallelized", "processing_steps", "endpoint", "schema", "description"}
)
"""Keys of a resource that this path does as dlt would."""

COLUMN_HINTS = frozenset({"name", "data_type", "description"})
TYPES = frozenset({"text", "timestamp", "date", "time", "decimal", "bigint", "double", "bool"})
LONGEST_NAME = 55
"""Longer names are shortened by some destinations, by rules of their own."""


def is_arrow_eligible(resource: Resource, target: Target) -> bool:
    """Whether this resource takes the columnar path to this target."""
    if resource.schema is None or target.kind not in DESTINATIONS or resource.include_from_parent:
        return False
    asked = {key for key, value in resource.hints.items() if value is not None}
    if not asked <= HINTS or not _plain_disposition(resource):
        return False
    root = table_of(resource.schema)
    names = {column.name for column in root.columns}
    return (
        _plain_tables(root, str(resource.hints.get("table_name") or resource.name))
        and _plain_columns(resource, root)
        and all(normalize_path(key) in names for key in resource.primary_key)
    )


def _plain_disposition(resource: Resource) -> bool:
    written = resource.hints.get("write_disposition") or "append"
    if isinstance(written, Mapping):
        strategy = written.get("strategy", "delete-insert")
        if not written.keys() <= {"disposition", "strategy"} or strategy != "delete-insert":
            return False
    if resource.write_disposition == "merge":
        return bool(resource.primary_key)
    return resource.write_disposition in ("append", "replace")


def _plain_tables(root: Table, name: str) -> bool:
    """Whether every name is its own, and every column of a type that we write."""
    if not root.columns or root.columns[0].path == ("value",):
        return False
    suffixes = [suffix for suffix, _ in root.tables()]
    if len(set(suffixes)) < len(suffixes):
        return False
    longest = max(len(suffix) for suffix in suffixes)
    return len(name) + 2 + longest <= LONGEST_NAME and all(_plain(t) for _, t in root.tables())


def _plain(table: Table) -> bool:
    names = [column.name for column in table.columns]
    lists = {child.name for child in table.children}
    if len(set(names) | lists) < len(names) + len(lists):
        return False
    types = TYPES if table.scalars else TYPES | {"json"}
    return all(
        column.data_type in types
        and len(column.name) <= LONGEST_NAME
        and not column.name.startswith("_dlt")
        for column in table.columns
    )


def _plain_columns(resource: Resource, root: Table) -> bool:
    """Whether the resource's own `columns` say no more than its schema does."""
    for name, hint in resource.columns.items():
        column = root.column(normalize_path(name))
        if column is None or not hint.keys() <= COLUMN_HINTS:
            return False
        if hint.get("data_type", column.data_type) != column.data_type:
            return False
    return True
