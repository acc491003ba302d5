"""Prefect: one task run for each unit of the fleet."""

import json
import os
import subprocess

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

FLEET = os.environ.get("FLEET", "fleet.yaml")


@task
def plan() -> list[str]:
    command = ["framework", "fleet", "plan", FLEET, "--format", "json"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return [unit["id"] for unit in json.loads(output)["units"]]


@task(retries=2, retry_delay_seconds=30)
def run_unit(unit: str) -> None:
    subprocess.run(["framework", "fleet", "run-unit", FLEET, unit], check=True)


# where units of one dataset take no turns (docs/scale.md): --alone, and one worker
@flow(task_runner=ThreadPoolTaskRunner(max_workers=8))
def fleet() -> None:
    run_unit.map(plan()).result()


if __name__ == "__main__":
    fleet()
