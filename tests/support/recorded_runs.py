"""The ledger as it stands in a destination, read without the framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import psycopg2

Row = dict[str, Any]
TABLES = ("_framework_runs", "_framework_runs__resources")


def recorded(folder: Path, name: str = "shop", dataset: str | None = None) -> list[Row]:
    """The runs in the connector's DuckDB file, oldest first, each with its `resources`."""
    with duckdb.connect(str(folder / f"{name}.duckdb")) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return _runs(connection.cursor(), dataset or f"{name}_data")


def recorded_in_postgres(folder: str, dataset: str) -> list[Row]:
    """The same of a dataset in PostgreSQL."""
    connection = psycopg2.connect(host=folder, user="postgres", dbname="postgres")
    try:
        with connection.cursor() as cursor:
            return _runs(cursor, dataset)
    finally:
        connection.close()


def _runs(cursor: Any, dataset: str) -> list[Row]:
    def rows(table: str, order: str) -> list[Row]:
        cursor.execute(f'SELECT * FROM "{dataset}"."{table}" ORDER BY {order}')
        found = cursor.fetchall()
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    parts = rows(TABLES[1], "position")
    return [
        {**run, "resources": [part for part in parts if part["run_id"] == run["id"]]}
        for run in rows(TABLES[0], "started")
    ]
