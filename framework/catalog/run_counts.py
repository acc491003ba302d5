"""The requests of two runs on a recording: the first, and the next one when nothing has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framework.authoring.cassettes.cassette import Cassette, cassette_path, read_cassette
from framework.authoring.cassettes.replayer import replay_of
from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted, Terminated
from framework.events import ignore_event
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_builder import open_mock
from framework.mock.mock_run import mocked_config
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redaction import Redactor
from framework.runtime.settings import resolve_settings
from framework.text import join_words, shorten

Json = Any
UNTIL_NEXT = timedelta(days=1)
"""The time between the two runs."""


@dataclass(frozen=True)
class RunCount:
    """The requests of one resource in a run, without repeated ones, and its loaded records."""

    requests: int
    rows: int


@dataclass(frozen=True)
class RecordedRuns:
    """What the two runs took, by resource, without those that failed.

    `problem` says why a run, or a resource of it, could not be repeated.
    """

    first: Mapping[str, RunCount] = field(default_factory=dict)
    following: Mapping[str, RunCount] = field(default_factory=dict)
    problem: str = ""


def count_requests(connector: Connector, stop: StopSignal) -> RecordedRuns:
    """Replay the recording, and run twice against a mock of it; nothing is kept.

    The mock is one of the same records, since a recording has no second run.
    """
    if not cassette_path(connector).is_file():
        return RecordedRuns(problem="there is no recording")
    runs = RecordedRuns()
    try:
        cassette = read_cassette(cassette_path(connector), connector.name)
        first = _replayed(connector, cassette, stop)
        runs = RecordedRuns(_counts(first), problem=_problem(first))
        if not runs.problem:
            later = _second(connector, cassette, stop)
            runs = replace(runs, following=_counts(later), problem=_problem(later))
    except (Interrupted, Terminated):
        raise
    except FrameworkError as error:
        return replace(runs, problem=_line(str(error)))
    return runs


def _replayed(connector: Connector, cassette: Cassette, stop: StopSignal) -> Report:
    with TemporaryDirectory(prefix="framework-docs-") as name:
        folder = Path(name)
        options = RunOptions(folder=folder, pipelines=folder / "dlt", file="docs.duckdb")
        replay = replay_of(cassette, options, stop)
        return run(connector, replay.options, replay.environment, ignore_event)


def _second(connector: Connector, cassette: Cassette, stop: StopSignal) -> Report:
    mock = open_mock(connector, cassette=cassette)
    given = mocked_config(connector, cassette.config)
    settings = resolve_settings(connector, given, replay=True)
    with TemporaryDirectory(prefix="framework-docs-") as name:
        folder = Path(name)
        options = RunOptions(
            resources=cassette.resources or None,
            config={**given, **settings.config},  # none is looked up elsewhere
            folder=folder,
            file="docs.duckdb",
            dataset="docs_data",
            pipelines=folder / "dlt",
            limit=cassette.limit,
        )
        environment = Environment(
            now=cassette.clock,
            transport=lambda _: MockAdapter(mock.api),
            waits=False,
            stop=stop,
            redactor=Redactor(),
            query=cassette.query_values,
        )
        first = run(connector, options, environment, ignore_event)
        if _problem(first):
            return first
        later = replace(environment, now=cassette.clock + UNTIL_NEXT)
        return run(connector, options, later, ignore_event)


def _counts(report: Report) -> dict[str, RunCount]:
    """Return the counts of the resources that were read."""
    return {
        part.name: RunCount(part.requests - part.retries, part.rows)
        for part in report.resources.values()
        if part.status == "ok"
    }


def _problem(report: Report) -> str:
    """Return why resources of a run failed, empty if none did."""
    failed = [part for part in report.resources.values() if part.status == "failed"]
    if not failed:
        return ""
    reason = str(failed[0].error).removeprefix(f"{failed[0].name}: ")
    return _line(f"{join_words([part.name for part in failed])}: {reason}")


def _line(text: str) -> str:
    return shorten(next(iter(text.splitlines()), ""), 250).rstrip(".")
