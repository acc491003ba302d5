"""Compare loaded tables with what the connector declares now: what cannot share a table.

This runs before any request; dlt would fail in the load.
"""

from __future__ import annotations

from collections.abc import Iterator

from dlt.common.schema import Schema
from dlt.common.schema.typing import TTableSchema
from dlt.common.schema.utils import has_column_with_prop, has_table_seen_data

from framework.definition.model import Resource
from framework.definition.schema.record_schema import Table, table_of
from framework.definition.values.naming import normalize_path
from framework.errors import FrameworkError, RecordError
from framework.extract.compilation.dlt_source import resource_hints
from framework.load.contract import modes_of
from framework.load.declared_tables import child_tables, loaded_table, root_table


def refuse_other_tables(schema: Schema, resource: Resource, remedy: str) -> None:
    """Raise FrameworkError if the resource's loaded tables do not fit what it declares now.

    `remedy` is the command that reloads it.
    """
    for table, problem in _problems(schema, resource):
        raise FrameworkError(
            f"{resource.name}: the loaded table {table} has {problem}. Revert the change, or "
            f"reload: {remedy}"
        )


def refuse_frozen_table(schema: Schema | None, resource: Resource) -> None:
    """Raise RecordError if the resource's own table is new and its contract freezes tables."""
    if resource.schema is not None or modes_of(resource)["tables"] != "freeze":
        return  # what is declared is not new
    loaded = loaded_table(schema, resource)
    if not has_table_seen_data(loaded) and resource.tables is None:
        raise RecordError(
            f"{resource.name}: its table is new, and schema_contract freezes tables. Declare a "
            "`schema`, or allow the table and freeze its columns: schema_contract: "
            "{tables: evolve, columns: freeze, data_type: freeze}."
        )


def _problems(schema: Schema, resource: Resource) -> Iterator[tuple[str, str]]:
    root = root_table(resource)
    loaded = schema.tables.get(root)
    if loaded is None or not has_table_seen_data(loaded):
        return
    for name in map(normalize_path, resource.primary_key):
        if not loaded["columns"].get(name, {}).get("data_type"):  # a hint alone makes no column
            # existing rows would have null there, which no database accepts
            yield root, f"no column `{name}`, which is now the primary key"
    if resource.schema is None:
        return
    if loaded.get("parent"):
        yield root, f"the rows of a list in {loaded['parent']}"
    declared = table_of(resource.schema)
    hints = resource_hints(resource).get("columns", {}).values()
    own = {normalize_path(hint["name"]): hint.get("data_type") for hint in hints}
    yield from _columns(root, loaded, own)
    for name, parent, table in child_tables(root, declared):
        below = schema.tables.get(name)
        if below is None or not has_table_seen_data(below):
            continue
        if below.get("parent") != parent:
            yield name, f"rows that do not belong to a list of {parent}"
        if _finds_by_root(resource) and not has_column_with_prop(below, "root_key"):
            yield name, "rows without the key of their root, which a merge needs"
        yield from _columns(name, below, _types(table))


def _finds_by_root(resource: Resource) -> bool:
    """Return whether a load finds child rows by their root; scd2 changes the root's row only."""
    return resource.write_disposition == "merge" and resource.merge_strategy != "scd2"


def _types(table: Table) -> dict[str, str | None]:
    return {column.name: column.data_type for column in table.columns}


def _columns(
    name: str, loaded: TTableSchema, declared: dict[str, str | None]
) -> Iterator[tuple[str, str]]:
    for column, data_type in declared.items():
        loaded_type = loaded["columns"].get(column, {}).get("data_type")
        if loaded_type and data_type and loaded_type != data_type:
            yield name, f"`{column}` as {loaded_type}, which the schema declares as {data_type}"
