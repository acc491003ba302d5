"""Airflow: one mapped task for each unit of the fleet."""

import json
import os
import subprocess

from airflow.sdk import dag, task

FLEET = os.environ.get("FLEET", "fleet.yaml")


@dag(schedule=None, catchup=False)
def fleet():
    @task
    def plan() -> list[str]:
        command = ["framework", "fleet", "plan", FLEET, "--format", "json"]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        return [unit["id"] for unit in json.loads(output)["units"]]

    # where units of one dataset take no turns (docs/scale.md): --alone, and 1
    @task(retries=2, max_active_tis_per_dag=8)
    def run_unit(unit: str) -> None:
        subprocess.run(["framework", "fleet", "run-unit", FLEET, unit], check=True)

    run_unit.expand(unit=plan())


fleet()
