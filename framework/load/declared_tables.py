"""The tables of a resource in dlt's schema, and the child tables that its own schema declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from dlt.common.destination.client import JobClientBase
from dlt.common.normalizers.json.helpers import requires_root_key
from dlt.common.normalizers.naming import NamingConvention
from dlt.common.schema import Schema
from dlt.common.schema.typing import TTableSchema
from dlt.common.schema.utils import get_root_table, has_table_seen_data, new_table
from dlt.destinations.sql_client import SqlClientBase

from framework.definition.model import Connector, Resource
from framework.definition.schema.record_schema import Table, table_of
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.extract.compilation.dlt_source import column_hints


def table_name(resource: Resource) -> str:
    """Return the resource's own table, as the connector file names it."""
    name = resource.hints.get("table_name")
    return name if isinstance(name, str) else resource.name


def root_table(resource: Resource) -> str:
    """Return the normalized name of the resource's own table."""
    return normalize_path(table_name(resource))


def shares_table(connector: Connector, resource: Resource) -> bool:
    """Return whether another resource may fill the resource's own table or one of its lists."""
    own = root_table(resource)
    for other in connector.resources:
        table = root_table(other)
        if other.name != resource.name and (
            f"{table}{SEPARATOR}".startswith(f"{own}{SEPARATOR}")
            or f"{own}{SEPARATOR}".startswith(f"{table}{SEPARATOR}")
        ):
            return True
    return False


def loaded_table(schema: Schema | None, resource: Resource) -> TTableSchema:
    """Return the resource's own table in dlt's schema, empty if there is none."""
    return {} if schema is None else schema.tables.get(root_table(resource), {})


def listed_tables(schema: Schema, resource: Resource) -> list[str]:
    """Return the tables that a resource with one table per list ever filled."""
    return [name for name, table in schema.tables.items() if table.get("resource") == resource.name]


def tables_of_resource(schema: Schema, resource: Resource) -> Iterator[tuple[str, Any]]:
    """Yield suffix and dlt table of all tables of the resource; its own has the suffix ""."""
    root = schema.naming.normalize_table_identifier(table_name(resource))
    roots = tuple(listed_tables(schema, resource)) if resource.tables is not None else (root,)
    prefixes = tuple(f"{name}{SEPARATOR}" for name in roots)
    for name, table in schema.tables.items():
        if name in roots or name.startswith(prefixes):
            yield name[len(root) + len(SEPARATOR) :], table


def has_table(schema: Schema | None, resource: Resource, table: str | None) -> bool:
    """Return whether a table is one that the resource's rows go to."""
    if table is None:
        return False
    roots = {root_table(resource)}
    if schema is not None:
        roots.add(schema.naming.normalize_table_identifier(table_name(resource)))
        roots.update(listed_tables(schema, resource))
        if table in schema.tables:
            return str(get_root_table(schema.tables, table)["name"]) in roots
    return table in roots or table.startswith(tuple(f"{root}{SEPARATOR}" for root in roots))


def column_path(suffix: str, column: str) -> str:
    """Return a column as messages name it, with the list that it is in."""
    return f"{suffix}{SEPARATOR}{column}" if suffix else column


def child_tables(
    root: str, table: Table, naming: NamingConvention | None = None
) -> Iterator[tuple[str, str, Table]]:
    """Yield name, parent's name and declaration of every child table, parents first.

    `naming` shortens the names for the destination.
    """
    for child in table.children:
        name = f"{root}{SEPARATOR}{child.name}"
        if naming is not None:
            name = naming.shorten_fragments(root, child.name)
        yield name, root, child
        yield from child_tables(name, child, naming)


def child_columns(table: Table, *, has_root_key: bool) -> list[Any]:
    """Return dlt's columns of a child table, with the keys that dlt adds."""
    columns: list[Any] = [{**hint, "nullable": True} for hint in column_hints(table).values()]
    if has_root_key:
        columns.append(_key("_dlt_root_id", "root_key"))
    return [
        *columns,
        _key("_dlt_parent_id", "parent_key"),
        {"name": "_dlt_list_idx", "data_type": "bigint", "nullable": False},
        {**_key("_dlt_id", "row_key"), "unique": True},
    ]


def root_key_columns() -> dict[str, Any]:
    """Return the columns that dlt adds to a resource's own table."""
    return {
        "_dlt_load_id": {"name": "_dlt_load_id", "data_type": "text", "nullable": False},
        "_dlt_id": {**_key("_dlt_id", "row_key"), "unique": True},
    }


def _key(name: str, hint: str) -> dict[str, Any]:
    return {"name": name, "data_type": "text", "nullable": False, hint: True}


def create_declared_tables(pipeline: Any, resources: Iterable[Resource]) -> None:
    """Create the declared child tables that had no row yet, in schema and destination.

    dlt creates a child table with its first row only.
    """
    schema: Schema = pipeline.default_schema
    created: list[str] = []
    for resource in resources:
        if resource.schema is None:
            continue
        root = schema.naming.normalize_table_identifier(table_name(resource))
        if root not in schema.tables:
            continue
        has_root_key = requires_root_key(schema, schema.tables[root], None)
        for name, parent, child in child_tables(root, table_of(resource.schema), schema.naming):
            existing = schema.tables.get(name)
            if existing is None or not has_table_seen_data(existing):
                columns = child_columns(child, has_root_key=has_root_key)
                table = new_table(name, parent_table_name=parent, columns=columns)
                table["x-normalizer"] = {"seen-data": True}
                schema.update_table(table)
                created.append(name)
    if not created:
        return
    pipeline.schemas.save_schema(schema)
    client: JobClientBase
    with pipeline.destination_client() as client:
        if isinstance(getattr(client, "sql_client", None), SqlClientBase):
            client.update_stored_schema(only_tables=created)
