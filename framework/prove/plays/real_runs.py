"""Real runs of a connector against the mock, into a DuckDB file that is thrown away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from framework.definition.model import Connector
from framework.definition.values.datetimes import is_time
from framework.definition.values.naming import normalize_identifier
from framework.errors import RequestError
from framework.events import ignore_event
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.prove.history.record_fields import leaves
from framework.prove.plays.quick_runs import ClockedAdapter, environment_at
from framework.runtime.environment import StopSignal

Json = Any
FILE, DATASET = "prove.duckdb", "prove_data"
LONGEST_TEXT = 500
RETIRED = "_dlt_valid_to"
"""The column that `scd2` fills if a row is no longer valid."""


class RealRuns:
    """Runs of some resources into a DuckDB file in a folder, one after the other."""

    def __init__(
        self,
        connector: Connector,
        names: Sequence[str],
        config: Mapping[str, Json],
        adapter: ClockedAdapter,
        stop: StopSignal,
        folder: Path,
    ) -> None:
        # without the other resources, whose absence from a run would keep watermarks in place
        kept = tuple(one for one in connector.resources if one.name in names)
        self._connector = replace(connector, resources=kept)
        self._adapter = adapter
        self._stop = stop
        self._folder = folder
        self._options = RunOptions(
            resources=tuple(names),
            folder=folder,
            file=FILE,
            dataset=DATASET,
            pipelines=folder / "dlt",
            config=config,
            commit_every=None,
        )

    def run(self, now: datetime, skew: timedelta) -> None:
        """Run once. Raise RequestError if a resource fails."""
        environment = environment_at(now, self._adapter, skew, self._stop)
        report = run(self._connector, self._options, environment, ignore_event)
        for part in report.resources.values():
            if part.error:
                raise RequestError(str(part.error))

    def rows(self, name: str) -> list[dict[str, Json]]:
        """Return the rows of a resource's table, none if there is no table."""
        resource = self._connector.resource(name)
        table = normalize_identifier(str(resource.hints.get("table_name") or name))
        with duckdb.connect(str(self._folder / FILE), read_only=True) as connection:
            if resource.tables is not None:
                table = self._table_of_list(connection) or table
            try:
                found = connection.execute(f'select * from "{DATASET}"."{table}"')
            except duckdb.CatalogException:
                return []
            columns = [one[0] for one in found.description or ()]
            rows = [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
        return [row for row in rows if row.get(RETIRED) is None]

    def _table_of_list(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        """Return the table of the one list that was read, None if there is none."""
        found = connection.execute(
            "select table_name from duckdb_tables() where schema_name = ?", [DATASET]
        )
        others = {
            normalize_identifier(str(one.hints.get("table_name") or one.name))
            for one in self._connector.resources
        }
        names = [str(row[0]) for row in found.fetchall()]
        own = [one for one in names if "__" not in one and not one.startswith("_dlt")]
        return next((one for one in own if one not in others), None)


def row_comparison(
    rows: Iterable[Mapping[str, Json]], records: Iterable[Json]
) -> Callable[[Json], str]:
    """Return what to compare rows of a table and records of a run by: their texts and integers.

    Columns of times and fractions are left out, since a table has them in another form.
    """
    known: set[str] = set()
    for record in records:
        for leaf, value in leaves(record):
            is_plain = isinstance(value, str) and len(value) < LONGEST_TEXT and not is_time(value)
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            if is_plain or is_whole:
                known.add(_column(leaf))
    loaded = list(rows)
    columns = sorted(
        name
        for name in known
        if all(isinstance(row.get(name, ""), (str, int)) for row in loaded)
        and any(row.get(name) is not None for row in loaded)
    )

    def text(record: Json) -> str:
        flat = {_column(leaf): value for leaf, value in leaves(record)} | dict(record)
        return repr([str(flat.get(name)) for name in columns])

    return text


def _column(leaf: Sequence[str]) -> str:
    return "__".join(normalize_identifier(part) for part in leaf)
