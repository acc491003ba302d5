"""The bundled connector in dlt's own loop: its RESTAPIConfig is taken as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.sources.rest_api import rest_api_source

import framework
from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.support.simulator import Simulator, small_world


def rows(file: Path, dataset: str) -> dict[str, list[Any]]:
    """Every table's columns, types and sorted rows, without dlt's own."""
    found: dict[str, list[Any]] = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        columns = connection.execute(
            "select table_name, column_name, data_type from information_schema.columns "
            f"where table_schema = '{dataset}' and not starts_with(table_name, '_dlt') "
            "and not starts_with(column_name, '_dlt') order by 1, 2"
        ).fetchall()
        for table in dict.fromkeys(column[0] for column in columns):
            own = [(name, kind) for of, name, kind in columns if of == table]
            names = ", ".join(f'"{name}"' for name, _ in own)
            data = connection.execute(f'select {names} from {dataset}."{table}"').fetchall()
            found[table] = [own, sorted(data, key=repr)]
    return found


@pytest.mark.slow
def test_dlt_runs_it_alone_to_the_same_tables(tmp_path: Path) -> None:
    with Simulator(small_world(), tokens=("a-token",)) as simulator:
        given = {"base_url": simulator.base_url, "api_key": "a-token"}
        pipeline = dlt.pipeline(
            "alone",
            pipelines_dir=str(tmp_path / "alone"),
            destination=dlt.destinations.duckdb(str(tmp_path / "alone.duckdb")),
            dataset_name="data",
        )
        pipeline.run(rest_api_source(framework.rest_api_config("scheduling", **given)))
        simulator.clear()
        options = RunOptions(
            config=given, folder=tmp_path, pipelines=tmp_path / "ours", dataset="data"
        )
        report = run(valid_connector(find_connector("scheduling")), options, Environment())
    assert report.status == "ok"
    ours = rows(tmp_path / "scheduling.duckdb", "data")
    assert rows(tmp_path / "alone.duckdb", "data") == ours
    assert len(ours["event_invitees"][1]) == 150
