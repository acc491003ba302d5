"""Write the rows of a run into its dataset, whatever the destination; never end the run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dlt.common.destination.client import WithStateSync
from dlt.common.schema import Schema
from dlt.destinations.exceptions import DatabaseException

from framework.events import WarningRaised
from framework.ledger.ledger_tables import LEDGER_SCHEMA, LEDGER_TABLES, DataType, Row, ledger_rows
from framework.load.destinations.target import Target
from framework.load.pipeline import build_pipeline, destination_errors
from framework.load.report import EndedRun
from framework.text import sentences

Rows = Mapping[str, list[Row]]

SQL_TYPES: dict[DataType, str] = {
    "text": "text",
    "bigint": "bigint",
    "double": "double precision",
    "timestamp": "timestamp with time zone",
}
"""Types as DuckDB and PostgreSQL have them; they are those that dlt uses there."""
ROWS_PER_STATEMENT = 200


class LedgerWriter:
    """Records runs of one connector file, which is read now."""

    def __init__(self, file: Path) -> None:
        self._hash = hashlib.sha256(file.read_bytes()).hexdigest()

    def __call__(self, ended: EndedRun) -> None:
        """Write the run into its dataset; warn if that is not possible.

        A run that never opened its destination is written if the tables exist. If not, its own
        error says enough.
        """
        target = ended.target
        try:
            with destination_errors("cannot write", target, quotes_rows=True):
                rows = ledger_rows(ended, self._hash)
                if ended.pipeline is not None:
                    _write(ended.pipeline, target, rows)
                elif target.profile.inserts_rows and (target.file is None or target.file.exists()):
                    with TemporaryDirectory() as folder:
                        pipeline = build_pipeline(target, Path(folder))
                        with pipeline.destination_client() as client:
                            _insert(client.sql_client, rows)
        except Exception as error:
            if ended.pipeline is not None:
                tables = " and ".join(LEDGER_TABLES)
                message = sentences(
                    f"the run is not recorded: {error}",
                    f"Allow this login to create and write the tables {tables}",
                )
                ended.on_event(WarningRaised("", "ledger-not-written", message))


def _write(pipeline: Any, target: Target, rows: Rows) -> None:
    with pipeline.destination_client() as client:
        if target.profile.inserts_rows:
            _insert_or_create(client.sql_client, rows)
            return
        if not isinstance(client, WithStateSync):
            return  # it has no tables
    _load(target, rows)
    pipeline.activate()


def _insert_or_create(sql: Any, rows: Rows) -> None:
    """Insert the rows. If that fails, complete the tables and try again.

    Raise the error of the tables if they cannot be completed.
    """
    insert = partial(_insert, sql, rows)
    error = _refusal(insert)
    if error is not None and (statements := _missing(sql)):
        refused = _refusal(partial(sql.execute_many, statements))
        error = _refusal(insert)  # also if refused: another run may have created the tables
        if error is not None:
            error = refused or error
    if error is not None:
        raise error


def _refusal(action: Callable[[], object]) -> DatabaseException | None:
    """Return the error of the database, so that it is not the cause of a later one."""
    try:
        action()
    except DatabaseException as error:
        return error
    return None


def _insert(sql: Any, rows: Rows) -> None:
    with sql.begin_transaction():
        for table, own in rows.items():
            columns = LEDGER_TABLES[table]
            names = ", ".join(map(sql.escape_column_name, columns))
            into = f"INSERT INTO {sql.make_qualified_table_name(table)} ({names}) VALUES "
            one = f"({', '.join(['%s'] * len(columns))})"
            for start in range(0, len(own), ROWS_PER_STATEMENT):
                part = own[start : start + ROWS_PER_STATEMENT]
                values = [row[name] for row in part for name in columns]
                sql.execute_sql(into + ", ".join([one] * len(part)), *values)


def _missing(sql: Any) -> list[str]:
    """Return the statements that create what the ledger lacks: the dataset, tables, columns."""
    if not sql.has_dataset():
        sql.create_dataset()
    found = sql.execute_sql(
        "SELECT table_name, column_name FROM information_schema.columns "
        f"WHERE table_schema = %s AND table_name IN ({', '.join(['%s'] * len(LEDGER_TABLES))})",
        sql.dataset_name,
        *LEDGER_TABLES,
    )
    existing = {(table, column) for table, column in found or ()}
    statements = []
    for table, columns in LEDGER_TABLES.items():
        name = sql.make_qualified_table_name(table)
        definitions = {
            column: f"{sql.escape_column_name(column)} {SQL_TYPES[data_type]}"
            for column, data_type in columns.items()
            if (table, column) not in existing
        }
        if len(definitions) == len(columns):
            statements.append(
                f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(definitions.values())})"
            )
        else:
            statements += [f"ALTER TABLE {name} ADD COLUMN {one}" for one in definitions.values()]
    return statements


def _load(target: Target, rows: Rows) -> None:
    """Load the rows with a pipeline of their own, which has no state and leaves no folder."""
    import dlt
    import pyarrow as pa

    tables = []
    for name, columns in LEDGER_TABLES.items():
        fields = [(column, _arrow_type(data_type)) for column, data_type in columns.items()]
        table = pa.Table.from_pylist(rows[name], schema=pa.schema(fields))
        tables.append(dlt.resource([table], name=name, write_disposition="append"))
    with TemporaryDirectory() as folder:
        pipeline = dlt.pipeline(
            LEDGER_SCHEMA,
            pipelines_dir=folder,
            destination=target.destination,
            dataset_name=target.dataset,
        )
        pipeline.config.restore_from_destination = False
        file_format: Any = target.profile.file_format
        pipeline.run(tables, schema=Schema(LEDGER_SCHEMA), loader_file_format=file_format)


def _arrow_type(data_type: DataType) -> Any:
    import pyarrow as pa

    if data_type == "timestamp":
        return pa.timestamp("us", "UTC")
    return {"text": pa.string(), "bigint": pa.int64(), "double": pa.float64()}[data_type]
