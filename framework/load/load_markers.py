"""What the destination remembers of loads: those that completed, and those that only began.

dlt writes a load into `_dlt_loads` when it is complete (status 0). A load that appends is written
there before as well (status 1): its rows can't be told from others otherwise when the process that
loaded them is gone, and with it, maybe, the folder it worked in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dlt.common.destination.client import WithStateSync
from dlt.common.destination.exceptions import DestinationUndefinedEntity
from dlt.common.schema import Schema
from dlt.common.schema.utils import get_nested_tables, has_table_seen_data, is_nested_table
from dlt.destinations.job_client_impl import SqlJobClientBase

KINDS = ("duckdb", "motherduck", "postgres")
"""Destinations where this is done; elsewhere a load goes on as dlt does it."""

COMPLETE, BEGUN = 0, 1


@dataclass(frozen=True)
class KnownLoads:
    """`state` is the load whose state a run would start from, "" where there is none. `marked`
    are loads of this connector with a mark, `complete` those among them and among the pending
    ones that completed; both by load id."""

    state: str = ""
    marked: frozenset[str] = frozenset()
    complete: frozenset[str] = frozenset()

    def with_marks(self, load_ids: Iterable[str]) -> KnownLoads:
        """The same, as if these loads had a mark too."""
        return replace(self, marked=self.marked | frozenset(load_ids))


def read_known_loads(
    pipeline: Any, connector: str, kind: str, pending: Iterable[str]
) -> KnownLoads:
    """What the destination says now; `complete` tells of the pending ones as well."""
    with pipeline.destination_client() as client:
        state = _state(client, pipeline.pipeline_name)
        if kind not in KINDS or not isinstance(client, SqlJobClientBase):
            return KnownLoads(state)
        rows = _rows(client, connector, list(pending))
    complete = {load_id for load_id, status in rows if status == COMPLETE}
    marks = {load_id for load_id, status in rows if status == BEGUN}
    return KnownLoads(state, frozenset(marks), frozenset(complete))


@contextmanager
def mark_load(pipeline: Any, connector: str, kind: str, load_ids: Iterable[str]) -> Iterator[None]:
    """While the block lasts these loads stand in the destination as begun; when it ends well, no
    more. Where they cannot be taken out then, the next run does it: they are complete by now."""
    ids = list(load_ids)
    if kind not in KINDS or not ids:
        yield
        return
    begun = False
    with suppress(DestinationUndefinedEntity):  # the dataset's first load
        _begin(pipeline, connector, ids)
        begun = True
    if not begun:
        pipeline.sync_schema()
        _begin(pipeline, connector, ids)
    yield
    with suppress(Exception), pipeline.destination_client() as client:
        _unmark(client, ids)


def take_back(pipeline: Any, connector: str, found: KnownLoads) -> int:
    """Delete what marked loads appended that never completed, and the marks; how many rows of
    resources' own tables."""
    if not found.marked:
        return 0
    ids = sorted(found.marked - found.complete)
    with pipeline.destination_client() as client:
        stored, gone = client.get_stored_schema(connector), 0
        if stored is not None and ids:
            schema = Schema.from_stored_schema(json.loads(stored.schema))
            tables = [table for table in schema.data_tables() if not is_nested_table(table)]
            for table in tables:
                if table.get("write_disposition", "append") == "append":
                    gone += _take_back(client, schema, str(table["name"]), ids)
            _take_back(client, schema, schema.state_table_name, ids)
        with suppress(DestinationUndefinedEntity):  # nothing was ever loaded there
            _unmark(client, sorted(found.marked))
    return gone


def _take_back(client: SqlJobClientBase, schema: Schema, root: str, ids: list[str]) -> int:
    sql, column = client.sql_client, client.sql_client.escape_column_name
    places = ", ".join(["%s"] * len(ids))
    gone = 0
    for table in get_nested_tables(schema.tables, root):  # parents first
        if not has_table_seen_data(table):
            continue
        name = sql.make_qualified_table_name(str(table["name"]))
        where, values = f"{column('_dlt_load_id')} IN ({places})", ids
        if is_nested_table(table):
            # rows whose parent is gone, and those that were there before it
            parent = sql.make_qualified_table_name(str(table["parent"]))
            where = f"{column('_dlt_parent_id')} NOT IN (SELECT {column('_dlt_id')} FROM {parent})"
            values = []
        try:
            if not is_nested_table(table):
                counted = sql.execute_sql(f"SELECT count(*) FROM {name} WHERE {where}", *values)
                gone += int(counted[0][0]) if counted else 0
            sql.execute_sql(f"DELETE FROM {name} WHERE {where}", *values)
        except DestinationUndefinedEntity:
            continue
    return gone


def _state(client: Any, pipeline_name: str) -> str:
    if not isinstance(client, WithStateSync):
        return ""
    try:
        found = client.get_stored_state(pipeline_name)
    except DestinationUndefinedEntity:
        return ""
    return str(found._dlt_load_id or "") if found is not None else ""


def _rows(client: SqlJobClientBase, connector: str, pending: list[str]) -> list[tuple[str, int]]:
    """Load id and status of every load that has a mark or is pending."""
    sql, column = client.sql_client, client.sql_client.escape_column_name
    name = sql.make_qualified_table_name(client.schema.loads_table_name)
    load_id, status, schema = column("load_id"), column("status"), column("schema_name")
    marks = f"SELECT {load_id} FROM {name} WHERE {status} = {BEGUN} AND {schema} = %s"
    asked = f" OR {load_id} IN ({', '.join(['%s'] * len(pending))})" if pending else ""
    query = f"SELECT {load_id}, {status} FROM {name} WHERE {load_id} IN ({marks}){asked}"
    try:
        found = sql.execute_sql(query, connector, *pending)
    except DestinationUndefinedEntity:
        return []
    return [(str(row[0]), int(row[1])) for row in found or ()]


def _begin(pipeline: Any, connector: str, ids: list[str]) -> None:
    with pipeline.destination_client() as client:
        name = client.sql_client.make_qualified_table_name(client.schema.loads_table_name)
        for load_id in ids:
            client.sql_client.execute_sql(
                f"INSERT INTO {name}({client.loads_table_schema_columns}) "
                "VALUES(%s, %s, %s, %s, %s)",
                load_id,
                connector,
                BEGUN,
                datetime.now(UTC),
                client.schema.version_hash,
            )


def _unmark(client: SqlJobClientBase, ids: list[str]) -> None:
    sql, column = client.sql_client, client.sql_client.escape_column_name
    name = sql.make_qualified_table_name(client.schema.loads_table_name)
    sql.execute_sql(
        f"DELETE FROM {name} WHERE {column('status')} = {BEGUN} "
        f"AND {column('load_id')} IN ({', '.join(['%s'] * len(ids))})",
        *ids,
    )
