"""Marks in the destination on loads that started, so that an interrupted append can be undone.

dlt writes a load into `_dlt_loads` when it is complete (status 0). A load that appends is written
there before it starts as well (status 1). Its rows could not be identified otherwise if the process
and its working folder are gone.
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
from dlt.common.schema.utils import is_nested_table
from dlt.destinations.job_client_impl import SqlJobClientBase

from framework.load.destinations.target import Target
from framework.load.persistence.table_rows import delete_rows, in_values

COMPLETE, STARTED = 0, 1
"""Values of `_dlt_loads.status`."""


@dataclass(frozen=True)
class KnownLoads:
    """Load ids that the destination knows.

    `state` is the load whose state a run would start from, "" if there is none. `marked` are this
    connector's loads with a mark. `complete` are those marked or pending loads that completed.
    """

    state: str = ""
    marked: frozenset[str] = frozenset()
    complete: frozenset[str] = frozenset()

    def with_marks(self, load_ids: Iterable[str]) -> KnownLoads:
        """Return a copy in which these loads are marked too."""
        return replace(self, marked=self.marked | frozenset(load_ids))


def read_known_loads(
    pipeline: Any, connector: str, target: Target, pending: Iterable[str]
) -> KnownLoads:
    """Return what the destination knows now; `pending` are load ids to look up besides marks."""
    with pipeline.destination_client() as client:
        state = _state(client, pipeline.pipeline_name)
        if not target.profile.marks_loads or not isinstance(client, SqlJobClientBase):
            return KnownLoads(state)
        rows = _rows(client, connector, list(pending))
    complete = {load_id for load_id, status in rows if status == COMPLETE}
    marks = {load_id for load_id, status in rows if status == STARTED}
    return KnownLoads(state, frozenset(marks), frozenset(complete))


@contextmanager
def mark_load(
    pipeline: Any, connector: str, target: Target, load_ids: Iterable[str]
) -> Iterator[None]:
    """Mark these loads as started during the block, and remove the marks if it succeeds.

    A mark that cannot be removed is left to the next run, which finds the load complete.
    """
    ids = list(load_ids)
    if not target.profile.marks_loads or not ids:
        yield
        return
    is_marked = False
    with suppress(DestinationUndefinedEntity):  # the dataset's first load
        _mark(pipeline, connector, ids)
        is_marked = True
    if not is_marked:  # not inside an except: its error would become the cause of a later one
        pipeline.sync_schema()
        _mark(pipeline, connector, ids)
    yield
    with suppress(Exception), pipeline.destination_client() as client:
        _unmark(client, ids)


def undo_appends(pipeline: Any, connector: str, known: KnownLoads) -> int:
    """Delete the rows that marked, incomplete loads appended, and all marks.

    Return the number of rows deleted from resources' own tables, child tables not counted.
    """
    if not known.marked:
        return 0
    ids = sorted(known.marked - known.complete)
    with pipeline.destination_client() as client:
        stored, deleted = client.get_stored_schema(connector), 0
        if stored is not None and ids:
            schema = Schema.from_stored_schema(json.loads(stored.schema))
            tables = [table for table in schema.data_tables() if not is_nested_table(table)]
            for table in tables:
                if table.get("write_disposition", "append") == "append":
                    deleted += _delete_loads(client, schema, str(table["name"]), ids)
            _delete_loads(client, schema, schema.state_table_name, ids)
        with suppress(DestinationUndefinedEntity):  # nothing was ever loaded there
            _unmark(client, sorted(known.marked))
    return deleted


def loaded_state(pipeline: Any) -> str:
    """Return the load whose state a run would start from now, "" if there is none."""
    with pipeline.destination_client() as client:
        return _state(client, pipeline.pipeline_name)


def take_back(pipeline: Any, connector: str, root: str, load_ids: list[str]) -> int:
    """Delete the rows that these loads appended to a table and those below; return their number."""
    with pipeline.destination_client() as client:
        stored = client.get_stored_schema(connector)
        if stored is None or not load_ids:
            return 0
        schema = Schema.from_stored_schema(json.loads(stored.schema))
        return _delete_loads(client, schema, root, load_ids) if root in schema.tables else 0


def _delete_loads(client: SqlJobClientBase, schema: Schema, root: str, ids: list[str]) -> int:
    return delete_rows(client, schema, root, in_values(client, "_dlt_load_id", ids))


def _state(client: Any, pipeline_name: str) -> str:
    if not isinstance(client, WithStateSync):
        return ""
    try:
        state = client.get_stored_state(pipeline_name)
    except DestinationUndefinedEntity:
        return ""
    return str(state._dlt_load_id or "") if state is not None else ""


def _rows(client: SqlJobClientBase, connector: str, pending: list[str]) -> list[tuple[str, int]]:
    """Return load id and status of every load that has a mark or is pending."""
    sql, column = client.sql_client, client.sql_client.escape_column_name
    name = sql.make_qualified_table_name(client.schema.loads_table_name)
    load_id, status, schema = column("load_id"), column("status"), column("schema_name")
    marks = f"SELECT {load_id} FROM {name} WHERE {status} = {STARTED} AND {schema} = %s"
    others = f" OR {load_id} IN ({', '.join(['%s'] * len(pending))})" if pending else ""
    query = f"SELECT {load_id}, {status} FROM {name} WHERE {load_id} IN ({marks}){others}"
    try:
        rows = sql.execute_sql(query, connector, *pending)
    except DestinationUndefinedEntity:
        return []
    return [(str(row[0]), int(row[1])) for row in rows or ()]


def _mark(pipeline: Any, connector: str, ids: list[str]) -> None:
    with pipeline.destination_client() as client:
        name = client.sql_client.make_qualified_table_name(client.schema.loads_table_name)
        for load_id in ids:
            client.sql_client.execute_sql(
                f"INSERT INTO {name}({client.loads_table_schema_columns}) "
                "VALUES(%s, %s, %s, %s, %s)",
                load_id,
                connector,
                STARTED,
                datetime.now(UTC),
                client.schema.version_hash,
            )


def _unmark(client: SqlJobClientBase, ids: list[str]) -> None:
    sql, column = client.sql_client, client.sql_client.escape_column_name
    name = sql.make_qualified_table_name(client.schema.loads_table_name)
    sql.execute_sql(
        f"DELETE FROM {name} WHERE {column('status')} = {STARTED} "
        f"AND {column('load_id')} IN ({', '.join(['%s'] * len(ids))})",
        *ids,
    )
