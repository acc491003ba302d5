"""The tables that a look has loaded into its temporary DuckDB file, with types and first rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from framework.authoring.cassettes.snapshot import (
    column_type,
    primary_keys,
    quoted_name,
    row_value,
    selected_column,
)
from framework.definition.model import Connector
from framework.runtime.redaction import Redactor
from framework.studio.jobs.shown_data import RecordView

Json = Any
FIRST_ROWS = 100


def loaded_tables(
    file: Path, dataset: str, connector: Connector, redactors: Iterable[Redactor]
) -> list[dict[str, Json]]:
    """Return each table without dlt's own columns, its first rows in the order of their loading."""
    if not file.exists():
        return []
    keys = primary_keys(connector)
    redactors = tuple(redactors)
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable = 'YES' "
            "FROM information_schema.columns WHERE table_schema = ? "
            "ORDER BY table_name, ordinal_position",
            [dataset],
        ).fetchall()
        columns: dict[str, list[tuple[str, str, bool]]] = {}
        for table, column, type_, is_nullable in found:
            if not table.startswith("_dlt_"):
                own = columns.setdefault(table, [])
                if not column.startswith("_dlt_"):
                    own.append((column, type_, is_nullable))
        return [
            {
                "name": name,
                "columns": [
                    {
                        "name": column,
                        "type": column_type(type_),
                        "nullable": is_nullable,
                        "primary_key": column in keys.get(name, ()),
                    }
                    for column, type_, is_nullable in own
                ],
                "rows": _rows(connection, dataset, name, own, redactors),
                "row_count": _count(connection, dataset, name),
            }
            for name, own in columns.items()
        ]


def table_counts(file: Path, dataset: str) -> list[dict[str, Json]]:
    """Return the number of rows of each table of a dataset, without dlt's own tables."""
    if not file.exists():
        return []
    with duckdb.connect(str(file), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = ? ORDER BY table_name",
            [dataset],
        ).fetchall()
        return [
            {"name": name, "row_count": _count(connection, dataset, name)}
            for (name,) in found
            if not name.startswith(("_dlt_", "_framework_"))
        ]


def _count(connection: duckdb.DuckDBPyConnection, dataset: str, table: str) -> int:
    source = f"{quoted_name(dataset)}.{quoted_name(table)}"
    found = connection.execute(f"SELECT count(*) FROM {source}").fetchone()
    return int(found[0]) if found else 0


def _rows(
    connection: duckdb.DuckDBPyConnection,
    dataset: str,
    table: str,
    columns: list[tuple[str, str, bool]],
    redactors: tuple[Redactor, ...],
) -> list[list[Json]]:
    if not columns:
        return []
    selected = ", ".join(selected_column(name, type_) for name, type_, _ in columns)
    source = f"{quoted_name(dataset)}.{quoted_name(table)}"
    rows = connection.execute(
        f"SELECT {selected} FROM {source} ORDER BY rowid LIMIT {FIRST_ROWS}"
    ).fetchall()
    types = [type_ for _, type_, _ in columns]
    view, shown = RecordView(redactors), []
    for row in rows:
        if view.is_full:
            break
        shown.append(
            [view.show(row_value(one, type_)) for one, type_ in zip(row, types, strict=True)]
        )
    return shown
