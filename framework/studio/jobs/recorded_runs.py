"""The endpoint `runs`: the runs in the ledger of the default DuckDB file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.ledger.ledger_reader import read_runs
from framework.load.run_options import RunOptions
from framework.studio.jobs.job_source import job_connector
from framework.studio.studio_job import JobContext

Json = Any
MOST_RUNS = 200


def runs(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:  # noqa: ARG001
    """Return the latest runs of the connector, newest first."""
    connector = job_connector(context)
    options = RunOptions(folder=context.root)
    found = read_runs(connector, options, failed=False, limit=MOST_RUNS)
    return {"runs": [_run(one) for one in found]}


def _run(run: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "id": run["id"],
        "started": run["started"],
        "seconds": run["seconds"],
        "status": run["status"],
        "rows": run["rows_loaded"],
        "error": run["error"],
        "resources": [
            {
                "name": part["resource"],
                "rows": part["rows_loaded"],
                "seconds": part["seconds"],
                "requests": part["requests"],
                "status": part["status"],
                "error": part["error"],
            }
            for part in run["resources"]
        ],
    }
