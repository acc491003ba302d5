"""The queries for alerts of docs/running.md report what they say, in DuckDB and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pytest

from framework.ledger.ledger_tables import LEDGER_TABLES, RESOURCES, RUNS
from framework.ledger.ledger_writer import SQL_TYPES
from tests.support.docs_blocks import blocks

QUERIES = {
    block.marks["query"]: block.text
    for block in blocks("docs/running.md")
    if block.language == "sql"
}
DATASET = "scheduling_data"


class Ledger:
    """The tables in a database, and the queries of the page on them."""

    def __init__(self, cursor: Any, dataset: str, mark: str) -> None:
        self._cursor, self._dataset, self._mark = cursor, dataset, mark
        self._ids = count()
        cursor.execute(f"CREATE SCHEMA {dataset}")
        for table, columns in LEDGER_TABLES.items():
            types = ", ".join(f"{name} {SQL_TYPES[kind]}" for name, kind in columns.items())
            cursor.execute(f"CREATE TABLE {dataset}.{table} ({types})")

    def add(self, hours_ago: float, status: str, rows: dict[str, int], **more: Any) -> None:
        """Add a run that started so long ago, with these rows of each resource."""
        started = datetime.now(UTC) - timedelta(hours=hours_ago)
        run = {"id": f"run{next(self._ids)}", "started": started, "status": status, **more}
        self._insert(RUNS, {"connector": "shop", "warnings": "{}", **run})
        for resource, number in rows.items():
            part = {"run_id": run["id"], "resource": resource, "status": "ok"}
            self._insert(RESOURCES, {**part, "rows_loaded": number})

    def query(self, name: str) -> list[tuple[Any, ...]]:
        """Return what a query of the page gives."""
        self._cursor.execute(QUERIES[name].replace(DATASET, self._dataset))
        return list(self._cursor.fetchall())

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        marks = ", ".join([self._mark] * len(row))
        statement = f"INSERT INTO {self._dataset}.{table} ({', '.join(row)}) VALUES ({marks})"
        self._cursor.execute(statement, list(row.values()))


@pytest.fixture
def in_duckdb() -> Iterator[Ledger]:
    with duckdb.connect() as connection:
        yield Ledger(connection.cursor(), DATASET, "?")


@pytest.fixture
def in_postgres(postgres: str) -> Iterator[Ledger]:
    import psycopg2

    connection = psycopg2.connect(host=postgres, user="postgres", dbname="postgres")
    yield Ledger(connection.cursor(), f"runs_{uuid4().hex[:8]}", "%s")
    connection.rollback()
    connection.close()


@pytest.fixture(params=["in_duckdb", "in_postgres"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    found: Ledger = request.getfixturevalue(request.param)
    return found


def test_every_query_is_tested() -> None:
    assert set(QUERIES) == {"failed", "silent", "dropped", "warnings", "warnings in postgres"}
    for name, query in QUERIES.items():
        assert f'"{name}"' in Path(__file__).read_text(encoding="utf-8")
        assert query.count(f"{DATASET}.{RUNS}") >= 1


def test_failed_runs_of_the_last_day(ledger: Ledger) -> None:
    ledger.add(1, "ok", {})
    ledger.add(2, "partial", {})
    assert ledger.query("failed") == []
    ledger.add(3, "failed", {}, error="orders: 503")
    ledger.add(5, "interrupted", {})
    ledger.add(30, "failed", {})
    found = [(connector, status, error) for connector, _, status, error in ledger.query("failed")]
    assert found == [("shop", "failed", "orders: 503"), ("shop", "interrupted", None)]


def test_connectors_without_a_successful_run(ledger: Ledger) -> None:
    ledger.add(1, "ok", {})
    ledger.add(30, "failed", {})
    ledger.add(2, "partial", {}, alias="europe")
    assert ledger.query("silent") == []
    ledger.add(40, "ok", {}, connector="quiet")
    ledger.add(1, "failed", {}, connector="broken")
    found = {connector: last for connector, _, last in ledger.query("silent")}
    assert found.keys() == {"quiet", "broken"}
    assert found["broken"] is None
    assert found["quiet"] < datetime.now(UTC) - timedelta(hours=39)


def test_resources_with_fewer_rows_than_before(ledger: Ledger) -> None:
    ledger.add(50, "ok", {"orders": 1000, "customers": 5})
    ledger.add(49, "ok", {"orders": 3, "customers": 5})
    ledger.add(3, "ok", {"orders": 10, "customers": 5})
    ledger.add(2, "ok", {"orders": 5, "customers": 5}, alias="europe")
    ledger.add(1, "ok", {"orders": 5, "customers": 5})
    assert ledger.query("dropped") == []
    ledger.add(0.5, "ok", {"orders": 2, "customers": 0})
    found = {(resource, rows, before) for _, _, resource, rows, before in ledger.query("dropped")}
    assert found == {("orders", 2, 5), ("customers", 0, 5)}


@pytest.mark.parametrize(
    ("database", "query"),
    [("in_duckdb", "warnings"), ("in_postgres", "warnings in postgres")],
)
def test_warnings_by_code(request: pytest.FixtureRequest, database: str, query: str) -> None:
    ledger: Ledger = request.getfixturevalue(database)
    assert ledger.query(query) == []
    ledger.add(1, "ok", {}, warnings='{"no-records": 2, "total-differs": 1}')
    ledger.add(2, "ok", {}, warnings='{"no-records": 40}')
    ledger.add(24 * 9, "ok", {}, warnings='{"no-records": 500}')
    assert [(code, int(number)) for code, number in ledger.query(query)] == [
        ("no-records", 42),
        ("total-differs", 1),
    ]
