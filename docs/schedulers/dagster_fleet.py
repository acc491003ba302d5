"""Dagster: one partition for each unit of the fleet."""

import json
import os
import subprocess

from dagster import (
    AssetExecutionContext,
    Definitions,
    DynamicPartitionsDefinition,
    RunRequest,
    SensorEvaluationContext,
    SensorResult,
    asset,
    sensor,
)

FLEET = os.environ.get("FLEET", "fleet.yaml")
units = DynamicPartitionsDefinition(name="fleet_units")


# where units of one dataset take no turns (docs/scale.md): --alone, and a concurrency limit of 1
@asset(partitions_def=units)
def fleet_unit(context: AssetExecutionContext) -> None:
    command = ["framework", "fleet", "run-unit", FLEET, context.partition_key]
    subprocess.run(command, check=True)


@sensor(target=fleet_unit, minimum_interval_seconds=86_400)
def fleet_plan(context: SensorEvaluationContext) -> SensorResult:
    command = ["framework", "fleet", "plan", FLEET, "--format", "json"]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    ids = [unit["id"] for unit in json.loads(output)["units"]]
    return SensorResult(
        run_requests=[RunRequest(partition_key=unit) for unit in ids],
        dynamic_partitions_requests=[units.build_add_request(ids)],
    )


definitions = Definitions(assets=[fleet_unit], sensors=[fleet_plan])
