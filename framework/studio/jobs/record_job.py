"""The jobs `record` and `test`: a run saved as a cassette, and the cassette replayed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from framework.authoring.cassettes.connector_test import outcome_lines, test_location
from framework.authoring.cassettes.recorder import record_through
from framework.load.dlt_defaults import set_defaults
from framework.load.run_options import RunOptions
from framework.studio.jobs.job_progress import ProgressLines
from framework.studio.jobs.job_request import count_up_to, flag, resource_names
from framework.studio.jobs.job_source import LIVE, job_connector, open_source
from framework.studio.studio_job import JobContext

Json = Any
MOST_RECORDS = 1_000_000


def record(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
    """Run the connector live and write its scrubbed cassette; load nothing that stays.

    `request`: `resources`, null for those that the file selects, and `limit` of each of them.
    """
    connector = job_connector(context)
    source = open_source(context, connector, LIVE)
    options = RunOptions(
        resources=resource_names(request),
        config=source.config,
        limit=count_up_to(request, "limit", None, MOST_RECORDS),
    )
    progress = ProgressLines(context.say)
    recording = record_through(connector, source.transport, options, source.environment, progress)
    return {
        "path": recording.path.relative_to(context.location.root).as_posix(),
        "requests": recording.interactions,
        "rows": sum(part.rows for part in recording.report.resources.values()),
    }


def test(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
    """Replay the cassette and compare its tables with the expected ones.

    `request`: `update` writes them instead.
    """
    set_defaults()
    update = flag(request, "update")
    outcome = test_location(context.location, update=update, is_named=True, stop=context.stop)
    root = f"{context.location.root}{os.sep}"
    lines = [line.replace(root, "") for line in outcome_lines(outcome, updated=update)]
    return {"ok": not outcome.has_failed, "lines": lines}


test.__test__ = False  # type: ignore[attr-defined]  # not a pytest test
