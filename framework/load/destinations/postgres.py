"""dlt's PostgreSQL destination, whose COPY distinguishes an empty text from null.

Arrow tables go to PostgreSQL as CSV, in a third of the time of INSERT statements. Arrow quotes an
empty text but not a null; dlt's COPY reads both as null.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import pyarrow as pa
from dlt.common.data_writers.escape import escape_postgres_literal
from dlt.common.destination.client import HasFollowupJobs, LoadJob, RunnableLoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.storages.file_storage import FileStorage
from dlt.destinations.impl.postgres.factory import postgres
from dlt.destinations.impl.postgres.postgres import PostgresClient
from pyarrow import csv

END_MARK = b"\n\\."
"""PostgreSQL before 18 may take a line that starts with this for the end, even inside quotes."""
DEFAULT_FORMAT = (",", True, "utf-8")
"""Delimiter, header line, encoding."""
CHUNK = 1 << 18
LONGEST_ROW = 64 << 20
"""Bytes."""


class PostgresDestination(postgres):
    """dlt's PostgreSQL destination with a client of our own."""

    @property
    def destination_type(self) -> str:
        """Return dlt's own name, so that any dlt can continue from the pipeline's state."""
        return "dlt.destinations.postgres"

    def capabilities(self, config: Any = None, naming: Any = None) -> Any:
        """Return PostgreSQL's capabilities, with literals for numbers that are not finite."""
        capabilities = super().capabilities(config, naming)
        capabilities.escape_literal = _literal
        return capabilities

    @property
    def client_class(self) -> type[PostgresClient]:
        """Return the client that reads CSV as Arrow writes it."""
        return PostgresCopyClient


def _literal(value: Any) -> Any:
    """Return a value as SQL; dlt writes `nan` and `inf`, which PostgreSQL takes for columns."""
    if isinstance(value, float) and not isfinite(value):
        return f"'{value}'::float8"
    return escape_postgres_literal(value)


class PostgresCopyClient(PostgresClient):
    """A client with its own job for Arrow's CSV files."""

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """Return our job for CSV files in dlt's default format, and dlt's job for others."""
        form = self.config.csv_format
        is_default = (
            form is None or (form.delimiter, form.include_header, form.encoding) == DEFAULT_FORMAT
        )
        if file_path.endswith((".csv", ".csv.gz")) and is_default:
            return _Copy(file_path)
        return super().create_load_job(table, file_path, load_id, restore)


class _Copy(RunnableLoadJob, HasFollowupJobs):
    """Copy one CSV file, with a header line and in UTF-8, into its table."""

    _job_client: PostgresCopyClient

    def run(self) -> None:
        """Copy in one transaction, or insert if COPY could stop before the end of the file."""
        sql = self._job_client.sql_client
        with FileStorage.open_zipsafe_ro(self._file_path, "rb") as file:
            names = [name.strip('"') for name in file.readline().decode().strip().split(",")]
            start = file.tell()
            copies = not _has_end_mark(file)
            file.seek(start if copies else 0)
            columns = ", ".join(map(sql.escape_column_name, names))
            into = f"{sql.make_qualified_table_name(self.load_table_name)} ({columns})"
            with sql.begin_transaction(), sql.native_connection.cursor() as cursor:
                if copies:
                    form = "(FORMAT CSV, NULL '', ENCODING 'utf-8')"
                    cursor.copy_expert(f"COPY {into} FROM STDIN WITH {form}", file, size=CHUNK)
                else:
                    _insert(cursor, into, file, names)


def _has_end_mark(file: Any) -> bool:
    last = b"\n"
    while chunk := file.read(CHUNK):
        if END_MARK in last + chunk:
            return True
        last = chunk[-2:]
    return False


def _insert(cursor: Any, into: str, file: Any, names: list[str]) -> None:
    from psycopg2.extras import execute_values  # type: ignore[import-untyped]

    batches = csv.open_csv(
        file,
        read_options=csv.ReadOptions(block_size=LONGEST_ROW, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    for batch in batches:
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        execute_values(cursor, f"INSERT INTO {into} VALUES %s", rows)
