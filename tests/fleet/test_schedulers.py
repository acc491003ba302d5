"""The examples for other schedulers, run by these schedulers, in environments of their own.

`.ci/run` makes the environments and names their Pythons; elsewhere these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.servers.accounts import AccountServer
from tests.support.simulator import big_world

EXAMPLES = Path(__file__).parents[2] / "docs" / "schedulers"
PYTHONS = {
    name: os.environ.get(f"FRAMEWORK_{name.upper()}_PYTHON")
    for name in ("airflow", "dagster", "prefect")
}
FLEET = """\
version: 1
jobs:
  - connector: scheduling
    config: {base_url: "%s"}
    resources: [scheduled_events]
    accounts:
      - {alias: north, secrets: {api_key: NORTH_TOKEN}}
      - {alias: south, secrets: {api_key: SOUTH_TOKEN}}
"""
DAGSTER = """\
from dagster import DagsterInstance, build_sensor_context, materialize
import dagster_fleet as example

with DagsterInstance.ephemeral() as instance:
    with build_sensor_context(instance=instance) as context:
        result = example.fleet_plan(context)
    for request in result.dynamic_partitions_requests:
        instance.add_dynamic_partitions(example.units.name, request.partition_keys)
    for request in result.run_requests:
        key = request.partition_key
        assert materialize([example.fleet_unit], partition_key=key, instance=instance).success
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a fleet of two accounts, which a server has."""
    worlds = {"n": big_world(7), "s": big_world(5, number_from=1000)}
    with AccountServer(worlds) as api:
        (tmp_path / "fleet.yaml").write_text(FLEET % api.base_url, encoding="utf-8")
        yield tmp_path


def environment(folder: Path) -> dict[str, str]:
    """The variables of a scheduler: where the command is, and the secrets."""
    scripts = folder / "bin"
    scripts.mkdir()
    command = scripts / "framework"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m framework "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{scripts}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "DLT_DATA_DIR": str(folder / "dlt"),
        "NORTH_TOKEN": "n",
        "SOUTH_TOKEN": "s",
        "FLEET": str(folder / "fleet.yaml"),
    }


def run(folder: Path, *command: str, **more: str) -> None:
    """Run a command of a scheduler; its output is part of the failure."""
    variables = {**environment(folder), **more}
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def assert_loaded(folder: Path) -> None:
    """Both accounts' events are in their datasets."""
    import duckdb

    with duckdb.connect(str(folder / "scheduling.duckdb"), read_only=True) as opened:
        counts = {
            name: opened.sql(f"select count(*) from {name}_data.scheduled_events").fetchall()
            for name in ("north", "south")
        }
    assert counts == {"north": [(7,)], "south": [(5,)]}


def python_of(scheduler: str) -> str:
    """The Python of the scheduler's environment; skip if there is none."""
    found = PYTHONS[scheduler]
    if found is None:
        pytest.skip(f"{scheduler} is not installed")
    return found


@pytest.mark.slow
def test_airflow_runs_the_units(folder: Path) -> None:
    python = python_of("airflow")
    (folder / "dags").mkdir()
    shutil.copy(EXAMPLES / "airflow_fleet.py", folder / "dags")
    home = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    run(folder, python, "-m", "airflow", "db", "migrate", **home)
    shutil.rmtree(folder / "bin")
    run(folder, python, "-m", "airflow", "dags", "test", "fleet", **home)
    assert_loaded(folder)


@pytest.mark.slow
def test_dagster_runs_the_units(folder: Path) -> None:
    python = python_of("dagster")
    shutil.copy(EXAMPLES / "dagster_fleet.py", folder)
    run(folder, python, "-c", DAGSTER, DAGSTER_DISABLE_TELEMETRY="1")
    assert_loaded(folder)


@pytest.mark.slow
def test_prefect_runs_the_units(folder: Path) -> None:
    python = python_of("prefect")
    home = {"PREFECT_HOME": str(folder / "prefect"), "DO_NOT_TRACK": "1"}
    home["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    # its 20 s are few on a busy machine
    home["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "300"
    run(folder, python, str(EXAMPLES / "prefect_fleet.py"), **home)
    assert_loaded(folder)


@pytest.mark.slow
def test_the_pods_of_kubernetes_run_a_unit_each(folder: Path) -> None:
    job = yaml.safe_load((EXAMPLES / "kubernetes.yaml").read_text(encoding="utf-8"))
    (container,) = job["spec"]["template"]["spec"]["containers"]
    for index in range(2):
        run(folder, *container["command"], JOB_COMPLETION_INDEX=str(index))
        shutil.rmtree(folder / "bin")
    assert_loaded(folder)
