"""Child tables for rows that come as Arrow tables: declared to dlt as variants of the resource.

dlt nests only what its own normalizer splits. So the tables are added to the schema as nested,
with all key columns, while dlt extracts. Rows then go to them by name, as table variants of the
resource. `undo_variants` removes what a variant has and a nested table must not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dlt.common.schema import Schema
from dlt.common.schema.utils import has_column_with_prop, new_table
from dlt.extract import DltResource

from framework.definition.schema.record_schema import Table
from framework.definition.values.naming import SEPARATOR
from framework.load.declared_tables import child_columns, child_tables
from framework.runtime.dlt_internals import NestedTable, remove_variant_hints


def carries_root_keys(schema: Schema | None, root: str, *, merges: bool) -> bool:
    """Return whether rows of child tables carry the root's key.

    A merge needs it, and if one child table has it, all must.
    """
    if merges or schema is None or root not in schema.tables:
        return merges
    below = (t for name, t in schema.tables.items() if name.startswith(f"{root}{SEPARATOR}"))
    return any(has_column_with_prop(table, "root_key") for table in below)


NestedHints = tuple[str, str, list[Any]]
"""Name, parent's name and dlt's columns of a child table."""


def nested_hints(root: str, table: Table, *, has_root_key: bool) -> list[NestedHints]:
    """Return the hints of the child tables of a declared table, parents first."""
    return [
        (name, parent, child_columns(child, has_root_key=has_root_key))
        for name, parent, child in child_tables(root, table)
    ]


def declare_variants(resource: DltResource, tables: Iterable[NestedHints]) -> None:
    """Declare to dlt's resource that rows for the child tables' names belong to nested tables."""
    for name, parent, columns in tables:
        # a variant starts with all hints of the resource, and none of them is the child table's
        resource.apply_hints(
            table_name=name,
            parent_table_name=parent,
            columns=[],
            primary_key=[],
            merge_key=[],
            nested_hints={},
            create_table_variant=True,
        )
        resource.apply_hints(table_name=name, columns=columns, create_table_variant=True)


def add_child_tables(schema: Schema, resource: str, tables: Iterable[NestedHints]) -> None:
    """Add the child tables to the schema that dlt extracts with; it must contain their root."""
    for name, parent, columns in tables:
        schema.update_table(new_table(name, parent_table_name=parent, columns=columns))
        schema.tables[name] = NestedTable(schema.tables[name], resource)  # type: ignore[assignment]


def add_variant_columns(
    schema: Schema, root: str, variants: Mapping[str, Mapping[str, str]]
) -> None:
    """Add variant columns to tables of the schema that dlt extracts with.

    `variants` has the data type of each column, by the suffix of its table.
    """
    for suffix, columns in variants.items():
        name = f"{root}{SEPARATOR}{suffix}" if suffix else root
        if name in schema.tables:
            table = schema.tables[name]
            new: list[Any] = [
                {"name": column, "data_type": data_type, "nullable": True, "variant": True}
                for column, data_type in columns.items()
                if "data_type" not in table["columns"].get(column, {})
            ]
            partial: Any = {"name": name, "columns": {column["name"]: column for column in new}}
            if table.get("parent"):  # without it dlt would make the table a root
                partial["parent"] = table["parent"]
            schema.update_table(partial)


def undo_variants(pipeline: Any) -> None:
    """Make table variants plain nested tables before dlt normalizes. May run twice."""
    if not pipeline.default_schema_name:
        return
    schema: Schema = pipeline.default_schema
    if remove_variant_hints(schema):
        pipeline.schemas.save_schema(schema)
