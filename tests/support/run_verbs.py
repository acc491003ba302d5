"""Runs as tests make them, and the tables that they leave, read without dlt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.events import Event, StepStarted, WarningRaised
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment

Json = Any
Row = dict[str, Any]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OURS = ("_dlt", "_framework")
"""Prefixes of tables that hold no data of the API."""


@dataclass
class Heard:
    """A watch that remembers what it was told."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def steps(self) -> list[str]:
        """The steps that began."""
        return [event.step for event in self.events if isinstance(event, StepStarted)]


def scheduling() -> Connector:
    """The connector that comes with us."""
    return valid_connector(find_connector("scheduling"))


def write_connector(folder: Path, body: Mapping[str, Json] | str, name: str = "shop") -> Path:
    """The file of a connector with this body (data, or YAML text)."""
    data = yaml.safe_load(body) if isinstance(body, str) else body
    path = folder / "connectors" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    whole = {"version": 1, "name": name, **data}
    path.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    return path


def connector_of(folder: Path, body: Mapping[str, Json] | str, name: str = "shop") -> Connector:
    """The judged connector with this body."""
    outcome = validate(find_connector(str(write_connector(folder, body, name))))
    assert outcome.connector is not None, outcome.findings
    return outcome.connector


def load(
    connector: Connector,
    folder: Path,
    *resources: str,
    now: datetime = NOW,
    environment: Environment | None = None,
    on_event: Any = None,
    config: Mapping[str, Json] | None = None,
    report: Report | None = None,
    **options: Any,
) -> Report:
    """One run into the folder's DuckDB file, without waits; dlt's own place for pipelines."""
    chosen = RunOptions(
        resources=resources or None, folder=folder, config=dict(config or {}), **options
    )
    return run(
        connector,
        chosen,
        environment or Environment(now=now, waits=False),
        on_event or Heard(),
        report,
    )


def statuses(report: Report) -> dict[str, str]:
    """Each resource's status."""
    return {name: part.status for name, part in report.resources.items()}


def loaded(report: Report) -> dict[str, int]:
    """Each resource's rows."""
    return {name: part.rows for name, part in report.resources.items()}


def codes(report: Report) -> list[tuple[str, str]]:
    """The warnings: resource and code."""
    return [
        (name, warned.code) for name, part in report.resources.items() for warned in part.warnings
    ]


def warnings_of(report: Report, resource: str) -> list[WarningRaised]:
    """One resource's warnings."""
    return report.resources[resource].warnings


class Tables:
    """The tables of a dataset in a DuckDB file."""

    def __init__(self, file: Path, dataset: str) -> None:
        self._connection = duckdb.connect(str(file), read_only=True)
        self._connection.execute("SET TimeZone = 'UTC'")
        self._dataset = dataset

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        return self._connection.execute(query).fetchall()

    def names(self) -> set[str]:
        """The data tables' names."""
        found = self._connection.execute(
            "select table_name from information_schema.tables where table_schema = ?",
            [self._dataset],
        ).fetchall()
        return {name for (name,) in found if not name.startswith(OURS)}

    def columns(self, table: str) -> dict[str, str]:
        """The table's columns with DuckDB's types, dlt's own left out."""
        # information_schema reads every table of the file, which can have thousands
        found = self._connection.execute(f'describe "{self._dataset}"."{table}"').fetchall()
        return {name: kind for name, kind, *_ in found if not name.startswith("_dlt")}

    def rows(self, table: str, *, order: str = "1") -> list[Row]:
        """All rows with all columns; values of JSON columns parsed."""
        cursor = self._connection.execute(
            f'select * from "{self._dataset}"."{table}" order by {order}'
        )
        names = [column[0] for column in cursor.description]
        found = cursor.fetchall()  # before the connection is asked for anything else
        parsed = {name for name, kind in self.columns(table).items() if kind == "JSON"}
        return [
            {
                name: json.loads(value) if name in parsed and value is not None else value
                for name, value in zip(names, row, strict=True)
            }
            for row in found
        ]


def tables(folder: Path, name: str = "shop", dataset: str | None = None) -> Tables:
    """The tables in the default file of a connector."""
    return Tables(folder / f"{name}.duckdb", dataset or f"{name}_data")


def values(folder: Path, table: str, column: str = "id", **where: Any) -> list[Any]:
    """One column of a table, sorted."""
    with tables(folder, **where) as found:
        return sorted(row[column] for row in found.rows(table))


def plain(rows: Iterable[Row]) -> list[Row]:
    """Rows without dlt's own columns."""
    return [{k: v for k, v in row.items() if not k.startswith("_dlt")} for row in rows]


def everything(folder: Path, **where: Any) -> dict[str, list[str]]:
    """All data tables' rows without dlt's columns, each as text, sorted: to compare two moments."""
    with tables(folder, **where) as found:
        return {
            name: sorted(str(row) for row in plain(found.rows(name)))
            for name in sorted(found.names())
        }


def later(hours: float = 24) -> datetime:
    """A moment after NOW."""
    return NOW + timedelta(hours=hours)
