"""The requests of two runs on a recording: the first, and the next one when nothing has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from framework.load.report import ResourceReport
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_builder import open_mock
from framework.mock.mock_run import mocked_config
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.redaction import Redactor
from framework.runtime.settings import resolve_settings
from framework.text import shorten

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
    """What the two runs took, by resource; None and a reason for one that cannot be repeated."""

    first: Mapping[str, RunCount] | None = None
    following: Mapping[str, RunCount] | None = None
    problem: str = ""
    config: Mapping[str, Json] = field(default_factory=dict)


def count_requests(connector: Connector, stop: StopSignal) -> RecordedRuns:
    """Replay the recording, and run twice against a mock of it; nothing is kept.

    The mock is one of the same records, since a recording has no second run.
    """
    if not cassette_path(connector).is_file():
        return RecordedRuns(problem="there is no recording")
    try:
        cassette = read_cassette(cassette_path(connector), connector.name)
        first = _replayed(connector, cassette, stop)
    except (Interrupted, Terminated):
        raise
    except FrameworkError as error:
        return RecordedRuns(problem=_line(error))
    try:
        following = _second(connector, cassette, stop)
    except (Interrupted, Terminated):
        raise
    except FrameworkError as error:
        return RecordedRuns(first, problem=_line(error), config=cassette.config)
    return RecordedRuns(first, following, config=cassette.config)


def _replayed(connector: Connector, cassette: Cassette, stop: StopSignal) -> dict[str, RunCount]:
    with TemporaryDirectory(prefix="framework-docs-") as name:
        folder = Path(name)
        options = RunOptions(folder=folder, pipelines=folder / "dlt", file="docs.duckdb")
        replay = replay_of(cassette, options, stop)
        report = run(connector, replay.options, replay.environment, ignore_event)
    return _counts(report.resources.values())


def _second(connector: Connector, cassette: Cassette, stop: StopSignal) -> dict[str, RunCount]:
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
        _counts(run(connector, options, environment, ignore_event).resources.values())
        later = replace(environment, now=cassette.clock + UNTIL_NEXT)
        report = run(connector, options, later, ignore_event)
    return _counts(report.resources.values())


def _counts(parts: Iterable[ResourceReport]) -> dict[str, RunCount]:
    """Return the counts of a run. Raise FrameworkError if a resource of it failed."""
    counts = {}
    for part in parts:
        if part.status == "failed":
            error = str(part.error).removeprefix(f"{part.name}: ")
            raise FrameworkError(f"{part.name}: {error}")
        counts[part.name] = RunCount(part.requests - part.retries, part.rows)
    return counts


def _line(error: FrameworkError) -> str:
    return shorten(str(error).splitlines()[0], 250).rstrip(".")
