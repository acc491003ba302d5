"""Read the recorded runs of a connector, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dlt.common.destination.exceptions import DestinationUndefinedEntity

from framework.definition.model import Connector
from framework.ledger.ledger_tables import LEDGER_SCHEMA, LEDGER_TABLES, RESOURCES, RUNS, Row
from framework.load.destinations.target import Target, target_of
from framework.load.pipeline import build_pipeline, destination_errors
from framework.load.run_options import RunOptions

FAILED = ("failed", "interrupted")
"""Statuses of runs that loaded less than they should have."""


def read_runs(
    connector: Connector, options: RunOptions, *, failed: bool, limit: int
) -> list[dict[str, Any]]:
    """Return at most `limit` recorded runs, newest first; only those in FAILED if `failed`.

    Each has the columns of its row, times as ISO text in UTC, `warnings` as a mapping, and
    `resources`, a list of the same. A column that an older ledger lacks is None. The list is
    empty if nothing was ever recorded. Raise DestinationError if the destination cannot be read.
    """
    target = target_of(connector, options)
    if target.file is not None and not target.file.exists():
        return []
    with destination_errors("cannot read the runs in", target), _sql_client(target) as sql:
        try:
            return _runs(sql, connector.name, options.alias, failed, limit)
        except DestinationUndefinedEntity:
            return []


@contextmanager
def _sql_client(target: Target) -> Iterator[Any]:
    """Connect to the dataset without a trace of a pipeline."""
    import dlt

    if target.profile.inserts_rows:
        with TemporaryDirectory() as folder:
            pipeline = build_pipeline(target, Path(folder))
            with pipeline.destination_client() as client:
                yield client.sql_client
        return
    with dlt.dataset(target.destination, target.dataset, LEDGER_SCHEMA) as dataset:
        yield dataset.sql_client


def _runs(
    sql: Any, connector: str, alias: str | None, failed: bool, limit: int
) -> list[dict[str, Any]]:
    name, table = sql.escape_column_name, sql.make_qualified_table_name
    where, values = f"{name('connector')} = %s", [connector]
    if alias is not None:
        where, values = f"{where} AND {name('alias')} = %s", [*values, alias]
    started, run_id = name("started"), name("run_id")
    status, in_status = ("", ()) if not failed else (f" AND {name('status')} IN (%s, %s)", FAILED)
    query = f"SELECT * FROM {table(RUNS)} WHERE {where}{status} ORDER BY {started} DESC"
    runs = _rows(sql, RUNS, query, [*values, *in_status], limit)
    if not runs:
        return []
    parts: dict[str, list[Row]] = {run["id"]: [] for run in runs}
    query = (
        f"SELECT * FROM {table(RESOURCES)} WHERE {run_id} IN (SELECT {name('id')} "
        f"FROM {table(RUNS)} WHERE {where} AND {started} >= %s) ORDER BY {name('position')}"
    )
    for row in _rows(sql, RESOURCES, query, [*values, runs[-1]["started"]]):
        own = parts.get(row.pop("run_id"))
        if own is not None:
            own.append(row)
    return [{**run, "resources": parts[run["id"]]} for run in runs]


def _rows(
    sql: Any, table: str, query: str, values: list[Any], limit: int | None = None
) -> list[Row]:
    with sql.execute_query(query, *values) as cursor:
        names = [column.lower() for column in cursor.columns_schema]
        found = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
    rows = (dict(zip(names, row, strict=True)) for row in found)
    return [
        {column: _plain(column, row.get(column)) for column in LEDGER_TABLES[table]} for row in rows
    ]


def _plain(column: str, value: Any) -> Any:
    """Return a value as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if column == "warnings":
        return json.loads(value or "{}")
    return value
