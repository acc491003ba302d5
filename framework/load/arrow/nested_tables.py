"""Child tables as dlt's own path makes them, for rows that come as Arrow tables of their own.

dlt nests only what its normalizer splits. The tables are put into the schema nested, with all
their key columns, while dlt extracts; rows then go to them by name, as variants of the resource's
table. What a variant has and a nested table has not is taken off before dlt normalizes: `settle`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dlt.common.schema import Schema
from dlt.common.schema.utils import has_column_with_prop, new_table
from dlt.extract import DltResource

from framework.definition.naming import SEPARATOR
from framework.definition.record_schema import Table
from framework.extract.dlt_source import column_hints

VARIANT_ONLY = ("write_disposition", "variant_name")


class _Nested(dict[str, Any]):
    """A nested table that knows its resource. A nested table has no such key, and yet dlt's
    metrics of an extract ask every table with rows for it."""

    def __init__(self, table: Any, resource: str) -> None:
        super().__init__(table)
        self._resource = resource

    def __missing__(self, key: str) -> str:
        if key == "resource":
            return self._resource
        raise KeyError(key)


def carries_roots(schema: Schema | None, root: str, *, merges: bool) -> bool:
    """Whether rows of child tables carry the root's key: merge needs it, and where one has it
    all do."""
    if merges or schema is None or root not in schema.tables:
        return merges
    below = (t for name, t in schema.tables.items() if name.startswith(f"{root}{SEPARATOR}"))
    return any(has_column_with_prop(table, "root_key") for table in below)


def declare_variants(resource: DltResource, root: str, table: Table, *, roots: bool) -> None:
    """Tell dlt's resource that rows under the children's names belong to nested tables."""
    for name, parent, child in nested_tables(root, table):
        # a variant begins with all of the resource's hints: none of them is a child's
        resource.apply_hints(
            table_name=name,
            parent_table_name=parent,
            columns=[],
            primary_key=[],
            merge_key=[],
            nested_hints={},
            create_table_variant=True,
        )
        columns = nested_columns(child, roots=roots)
        resource.apply_hints(table_name=name, columns=columns, create_table_variant=True)


def add_nested(schema: Schema, resource: str, root: str, table: Table, *, roots: bool) -> None:
    """Put the child tables into the schema that is being extracted; `root` is there already."""
    for name, parent, child in nested_tables(root, table):
        added = new_table(
            name, parent_table_name=parent, columns=nested_columns(child, roots=roots)
        )
        schema.update_table(added)
        schema.tables[name] = _Nested(schema.tables[name], resource)  # type: ignore[assignment]


def add_variants(schema: Schema, root: str, variants: Mapping[str, Mapping[str, str]]) -> None:
    """Put variant columns, by table's suffix, into tables of the schema that is being
    extracted."""
    for suffix, columns in variants.items():
        name = f"{root}{SEPARATOR}{suffix}" if suffix else root
        if name in schema.tables:
            table = schema.tables[name]
            new: list[Any] = [
                {"name": column, "data_type": kind, "nullable": True, "variant": True}
                for column, kind in columns.items()
                if "data_type" not in table["columns"].get(column, {})
            ]
            partial: Any = {"name": name, "columns": {column["name"]: column for column in new}}
            if table.get("parent"):  # or dlt takes the table for one without
                partial["parent"] = table["parent"]
            schema.update_table(partial)


def settle(pipeline: Any) -> None:
    """Take off what nested tables had as variants. Does nothing a second time."""
    if not pipeline.default_schema_name:
        return
    schema: Schema = pipeline.default_schema
    found = [t for t in schema.tables.values() if t.get("parent") and "variant_name" in t]
    for table in found:
        for key in VARIANT_ONLY:
            table.pop(key, None)  # type: ignore[misc]
    if found:
        pipeline.schemas.save_schema(schema)


def nested_tables(root: str, table: Table) -> Iterator[tuple[str, str, Table]]:
    """Name, parent's name and declaration of every child table, parents first."""
    for child in table.children:
        name = f"{root}{SEPARATOR}{child.name}"
        yield name, root, child
        yield from nested_tables(name, child)


def nested_columns(table: Table, *, roots: bool) -> list[Any]:
    """The columns of a child table, with the keys that dlt gives it."""
    columns: list[Any] = list(column_hints(table).values())
    if roots:
        columns.append(_key("_dlt_root_id", "root_key"))
    return [
        *columns,
        _key("_dlt_parent_id", "parent_key"),
        {"name": "_dlt_list_idx", "data_type": "bigint", "nullable": False},
        {**_key("_dlt_id", "row_key"), "unique": True},
    ]


def root_keys() -> dict[str, Any]:
    """The columns that dlt gives a resource's own table."""
    return {
        "_dlt_load_id": {"name": "_dlt_load_id", "data_type": "text", "nullable": False},
        "_dlt_id": {**_key("_dlt_id", "row_key"), "unique": True},
    }


def _key(name: str, hint: str) -> dict[str, Any]:
    return {"name": name, "data_type": "text", "nullable": False, hint: True}
