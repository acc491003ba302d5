"""Tables as a declared schema promises them, beside those that the rows have made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from dlt.common.destination.client import JobClientBase
from dlt.common.normalizers.json.helpers import requires_root_key
from dlt.common.schema import Schema
from dlt.common.schema.typing import TTableSchema
from dlt.common.schema.utils import has_table_seen_data, new_table
from dlt.destinations.sql_client import SqlClientBase

from framework.definition.model import Resource
from framework.definition.naming import SEPARATOR, join_path, normalize_path
from framework.definition.record_schema import Table, table_of

VARIANT = re.compile(
    "(.+)__v_(text|double|bool|timestamp|bigint|binary|json|decimal|wei|date|time)"
)
"""A column for values of another type than its field's own."""


def make_promised_tables(pipeline: Any, resources: Iterable[Resource]) -> None:
    """Create the child tables of declared schemas that are not there, in the schema and in the
    destination. dlt makes a child table with its first row only."""
    schema: Schema = pipeline.default_schema
    made: list[str] = []
    for resource in resources:
        if resource.schema is None:
            continue
        root = schema.naming.normalize_table_identifier(table_name(resource))
        if root not in schema.tables:
            continue
        made += _add(schema, root, table_of(resource.schema), merges(schema, root))
    if not made:
        return
    pipeline.schemas.save_schema(schema)
    client: JobClientBase
    with pipeline.destination_client() as client:
        if isinstance(getattr(client, "sql_client", None), SqlClientBase):
            client.update_stored_schema(only_tables=made)


def table_name(resource: Resource) -> str:
    """The resource's own table, as the file names it."""
    name = resource.hints.get("table_name")
    return name if isinstance(name, str) else resource.name


def root_table(resource: Resource) -> str:
    """Return the normalized name of the resource's own table."""
    return normalize_path(table_name(resource))


def loaded_table(schema: Schema | None, resource: Resource) -> TTableSchema:
    """The resource's own table as dlt's schema has it; empty where it has none."""
    return {} if schema is None else schema.tables.get(root_table(resource), {})


def listed_tables(schema: Schema, resource: Resource) -> list[str]:
    """The tables that a resource with a table for each list has filled, in this run or before."""
    return [name for name, table in schema.tables.items() if table.get("resource") == resource.name]


def merges(schema: Schema, root: str) -> bool:
    """Whether rows of child tables carry the root's key, by dlt's rules."""
    return requires_root_key(schema, schema.tables[root], None)


def undeclared_fields(schema: Schema, resource: Resource) -> list[str]:
    """Columns and lists that arrived in the resource's tables and neither its schema declares nor
    a step of its own sets."""
    if resource.schema is None:
        return []
    allowed = set(resource.columns)
    allowed.update(f"_{resource.parent}_{name}" for name in resource.include_from_parent)
    declared = dict(table_of(resource.schema).tables())
    written = [join_path(*path.split(".")) for path in set_by_steps(resource)]
    found = []
    for suffix, table in tables_of_resource(schema, resource):
        if suffix not in declared and _among(suffix, written):
            continue
        if suffix not in declared:
            found.append(f"{suffix} (a list)")
            continue
        known = {column.name for column in declared[suffix].columns} | allowed
        found += [
            path
            for column, hint in table["columns"].items()
            if hint.get("data_type")
            and column not in known
            and not column.startswith("_dlt")
            and base_of(column) not in known
            and not _among(path := column_path(suffix, column), written)
        ]
    return found


def _among(name: str, written: Iterable[str]) -> bool:
    return any(name == one or name.startswith(f"{one}__") for one in written)


def set_by_steps(resource: Resource) -> list[str]:
    """The dotted names of fields that the resource's own steps write."""
    found = []
    for step in resource.steps:
        if step.kind == "set":
            found += list(step.argument)
        elif step.kind == "rename":
            found += list(step.argument.values())
    return found


def tables_of_resource(schema: Schema, resource: Resource) -> Iterator[tuple[str, Any]]:
    """The resource's tables, those of its lists too, by what their names add to its own."""
    root = schema.naming.normalize_table_identifier(table_name(resource))
    listed = tuple(listed_tables(schema, resource)) if resource.tables is not None else (root,)
    below = tuple(f"{name}{SEPARATOR}" for name in listed)
    for name, table in schema.tables.items():
        if name in listed or name.startswith(below):
            yield name[len(root) + len(SEPARATOR) :], table


def column_path(suffix: str, column: str) -> str:
    """A column as messages name it, with the list that it is in."""
    return f"{suffix}{SEPARATOR}{column}" if suffix else column


def base_of(column: str) -> str | None:
    """The column of the field that a variant column belongs to, or None."""
    found = VARIANT.fullmatch(column)
    return None if found is None else found[1]


def _add(schema: Schema, parent: str, table: Table, with_root_key: bool) -> list[str]:
    made = []
    for child in table.children:
        name = schema.naming.shorten_fragments(parent, child.name)
        known = schema.tables.get(name)
        if known is None or not has_table_seen_data(known):
            columns: list[Any] = [
                {"name": c.name, "data_type": c.data_type, "nullable": True} for c in child.columns
            ]
            if with_root_key:
                columns.append(_key("_dlt_root_id", "root_key"))
            columns += [
                _key("_dlt_parent_id", "parent_key"),
                {"name": "_dlt_list_idx", "data_type": "bigint", "nullable": False},
                {**_key("_dlt_id", "row_key"), "unique": True},
            ]
            added = new_table(name, parent_table_name=parent, columns=columns)
            added["x-normalizer"] = {"seen-data": True}
            schema.update_table(added)
            made.append(name)
        made += _add(schema, name, child, with_root_key)
    return made


def _key(name: str, hint: str) -> dict[str, Any]:
    return {"name": name, "data_type": "text", "nullable": False, hint: True}
