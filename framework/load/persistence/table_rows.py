"""Count, change and delete rows of loaded tables with the destination's own SQL client."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.common.schema.utils import get_nested_tables, has_table_seen_data, is_nested_table
from dlt.destinations.job_client_impl import SqlJobClientBase


@dataclass(frozen=True)
class Condition:
    """A condition of SQL with `%s` for each of its values."""

    sql: str
    values: Sequence[Any] = ()

    def __and__(self, other: Condition) -> Condition:
        """Return the condition that both hold."""
        return Condition(f"{self.sql} AND {other.sql}", (*self.values, *other.values))


def in_values(client: SqlJobClientBase, column: str, values: Collection[Any]) -> Condition:
    """Return the condition that a column has one of these values; there is at least one."""
    name = client.sql_client.escape_column_name(column)
    return Condition(f"{name} IN ({', '.join(['%s'] * len(values))})", tuple(values))


def count_rows(client: SqlJobClientBase, table: str, where: Condition) -> int:
    """Return the number of rows of a table, 0 if there is no such table."""
    name = client.sql_client.make_qualified_table_name(table)
    try:
        found = client.sql_client.execute_sql(
            f"SELECT count(*) FROM {name} WHERE {where.sql}", *where.values
        )
    except DestinationUndefinedEntity:
        return 0
    return int(found[0][0]) if found else 0


def update_rows(
    client: SqlJobClientBase, table: str, column: str, value: Any, where: Condition
) -> None:
    """Set a column of the table's rows to a value."""
    sql = client.sql_client
    name = sql.make_qualified_table_name(table)
    sql.execute_sql(
        f"UPDATE {name} SET {sql.escape_column_name(column)} = %s WHERE {where.sql}",
        value,
        *where.values,
    )


def delete_rows(client: SqlJobClientBase, schema: Schema, root: str, where: Condition) -> int:
    """Delete rows of a table, and the rows of its nested tables; return the number of its own."""
    sql, column = client.sql_client, client.sql_client.escape_column_name
    deleted = 0
    for table in get_nested_tables(schema.tables, root):  # parents first
        if not has_table_seen_data(table):
            continue
        name, which = sql.make_qualified_table_name(str(table["name"])), where
        if is_nested_table(table):
            # nested rows do not know their load: delete those without a parent
            parent = sql.make_qualified_table_name(str(table["parent"]))
            which = Condition(
                f"{column('_dlt_parent_id')} NOT IN (SELECT {column('_dlt_id')} FROM {parent})"
            )
        else:
            deleted = count_rows(client, root, where)
        try:
            sql.execute_sql(f"DELETE FROM {name} WHERE {which.sql}", *which.values)
        except DestinationUndefinedEntity:
            continue
    return deleted
