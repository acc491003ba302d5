"""Whether a resource's records may go to dlt as Arrow tables: a list of what is allowed.

Everything else takes dlt's own path, which loads the same tables more slowly.
"""

from __future__ import annotations

from collections.abc import Mapping

from framework.definition.model import Resource
from framework.definition.schema.record_schema import Table, table_of
from framework.definition.values.naming import normalize_path
from framework.load.declared_tables import table_name
from framework.load.destinations.profiles import DestinationProfile

HINTS = frozenset(
    {"name", "table_name", "write_disposition", "primary_key", "columns", "schema_contract"}
    | {"selected", "parallelized", "processing_steps", "endpoint", "schema", "description"}
)
"""Keys of a resource that the Arrow path handles like dlt."""

COLUMN_HINTS = frozenset({"name", "data_type", "description"})
TYPES = frozenset({"text", "timestamp", "date", "time", "decimal", "bigint", "double", "bool"})
LONGEST_NAME = 55
"""Some destinations shorten longer names, each in its own way."""


def is_arrow_eligible(resource: Resource, profile: DestinationProfile) -> bool:
    """Return whether the resource takes the Arrow path to a destination of this kind."""
    if resource.schema is None or not profile.has_arrow_path or resource.include_from_parent:
        return False
    keys = {key for key, value in resource.hints.items() if value is not None}
    if not keys <= HINTS or not _has_plain_disposition(resource):
        return False
    root = table_of(resource.schema)
    names = {column.name for column in root.columns}
    return (
        _has_plain_tables(root, table_name(resource))
        and _repeats_schema(resource, root)
        and all(normalize_path(key) in names for key in resource.primary_key)
    )


def _has_plain_disposition(resource: Resource) -> bool:
    disposition = resource.hints.get("write_disposition") or "append"
    if isinstance(disposition, Mapping):
        strategy = disposition.get("strategy", "delete-insert")
        if not disposition.keys() <= {"disposition", "strategy"} or strategy != "delete-insert":
            return False
    if resource.write_disposition == "merge":
        return bool(resource.primary_key)
    return resource.write_disposition in ("append", "replace")


def _has_plain_tables(root: Table, name: str) -> bool:
    """Return whether all names are unique and short, and all types are ones that we write."""
    if not root.columns or root.columns[0].path == ("value",):
        return False
    suffixes = [suffix for suffix, _ in root.tables()]
    if len(set(suffixes)) < len(suffixes):
        return False
    longest = max(len(suffix) for suffix in suffixes)
    return len(name) + 2 + longest <= LONGEST_NAME and all(_is_plain(t) for _, t in root.tables())


def _is_plain(table: Table) -> bool:
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


def _repeats_schema(resource: Resource, root: Table) -> bool:
    """Return whether the resource's `columns` contain nothing that its schema does not."""
    for name, hint in resource.columns.items():
        column = root.column(normalize_path(name))
        if column is None or not hint.keys() <= COLUMN_HINTS:
            return False
        if hint.get("data_type", column.data_type) != column.data_type:
            return False
    return True
