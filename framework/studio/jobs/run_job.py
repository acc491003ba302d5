"""The job `run`: what `framework run NAME` does in the project's folder, with its ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from framework.authoring.cassettes.replayer import replay_environment
from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted, SettingsError, UsageError
from framework.ledger.ledger_writer import LedgerWriter
from framework.load.destinations.target import target_of
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run as run_connector
from framework.mock.mock_run import mocked_options
from framework.runtime.environment import Environment
from framework.studio.jobs.job_progress import ProgressLines
from framework.studio.jobs.job_request import choice, count_up_to, resource_names
from framework.studio.jobs.job_source import LIVE, MOCKED, RECORDED, job_connector, open_source
from framework.studio.jobs.look_tables import table_counts
from framework.studio.studio_job import JobContext

Json = Any
MOST_RECORDS = 1_000_000_000


def run(context: JobContext, request: Mapping[str, Json]) -> Mapping[str, Json]:
    """Load the connector's data; return the run's report with the tables of its dataset.

    `request`: `source` (live, cassette or mock), `resources`, null for those that the file selects,
    and `limit` of each. A recording and a mock load into DuckDB files of their own. A run that
    failed is a report too; a wrong request and a missing secret are errors.
    """
    connector = job_connector(context)
    kind = choice(request, "source", LIVE, RECORDED, MOCKED)
    options = RunOptions(
        resources=resource_names(request),
        limit=count_up_to(request, "limit", None, MOST_RECORDS),
        folder=context.root,
    )
    report = Report(connector.name)
    progress = ProgressLines(context.say)
    try:
        with _opened(context, connector, kind, options) as (options, environment):
            ledger = LedgerWriter(connector.path)
            run_connector(connector, options, environment, progress, report, ledger)
    except (UsageError, SettingsError):
        raise
    except FrameworkError as error:
        if report.error is None:
            report.end(error)
        if isinstance(error, Interrupted):
            raise Interrupted(str(report.error)) from error
        if not report.resources:
            raise
    return {**report.as_dict(), **_loaded(context.root, connector, options)}


@contextmanager
def _opened(
    context: JobContext, connector: Connector, kind: str, options: RunOptions
) -> Iterator[tuple[RunOptions, Environment]]:
    """Provide the options and the environment of a run from this source."""
    if kind == RECORDED:
        fresh = replace(options, resume_within=None)
        with replay_environment(connector, None, fresh, context.stop) as replay:
            yield replay.options, replay.environment
        return
    source = open_source(context, connector, kind)
    options = replace(options, config=source.config)
    environment = replace(source.environment, query=None, reads_in_order=False)
    if kind == MOCKED:
        options = mocked_options(connector, options)
        environment = replace(environment, query=source.environment.query)
    yield options, environment


def _loaded(root: Path, connector: Connector, options: RunOptions) -> dict[str, Json]:
    """Return the database below the folder and the rows of its tables, null for one elsewhere."""
    target = target_of(connector, options)
    if target.file is None:
        return {"database": None, "tables": []}
    is_inside = target.file.is_relative_to(root.resolve())
    name = target.file.relative_to(root.resolve()).as_posix() if is_inside else target.file.name
    return {"database": name, "tables": table_counts(target.file, target.dataset)}
