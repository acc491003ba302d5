"""A run that is recorded: made live, scrubbed, played once to prove it, then written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from framework.authoring.cassettes.cassette import Cassette, write_cassette
from framework.authoring.cassettes.recorder import Recorder, RecordingAdapter, named_headers
from framework.authoring.cassettes.replayer import load_cassette, played
from framework.authoring.scaffold.file_writer import refuse_bundled
from framework.authoring.scrub.anonymizer import scrub
from framework.definition.model import Connector
from framework.errors import CassetteError
from framework.events import EventHandler, ignore_event
from framework.http.transport import LiveAdapter
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings


@dataclass(frozen=True)
class Recording:
    """The written cassette, and the report of the run that it holds."""

    path: Path
    interactions: int
    report: Report


def record(
    connector: Connector,
    *,
    resources: tuple[str, ...] | None,
    config: Mapping[str, Any],
    alias: str | None,
    limit: int | None,
    environment: Environment,
    on_event: EventHandler,
) -> Recording:
    """Record a run of the connector into its cassette.

    Nothing is loaded but into a database that is thrown away. CassetteError where the run failed,
    the recording does not play, or a secret would be in it; then nothing is written.
    """
    refuse_bundled(connector.root, connector.name)
    recorder = Recorder(named_headers(connector))
    client = connector.client
    live = replace(
        environment, transport=lambda n: RecordingAdapter(LiveAdapter.of(client, n), recorder)
    )
    settings = resolve_settings(connector, config, section=alias)
    options = RunOptions(resources=resources, config=config, alias=alias, limit=limit)
    report = _thrown_away(connector, options, live, on_event)
    if report.status == "failed":
        errors = [part.error for part in report.resources.values() if part.status == "failed"]
        raise CassetteError("nothing was recorded, the run failed:\n" + "\n".join(map(str, errors)))
    if recorder.failures:
        raise CassetteError(
            "nothing was recorded: some requests got no answer, which a cassette cannot hold: "
            + "; ".join(recorder.failures[:5])
        )
    scrubbed = scrub(recorder.exchanges, connector, settings.config, environment.redactor.values())
    cassette = Cassette(
        connector=connector.name,
        clock=environment.now,
        interactions=scrubbed.interactions,
        config=scrubbed.config,
        resources=resources or (),
        limit=limit,
    )
    _prove(connector, cassette, report, environment)
    path = load_cassette(connector)
    write_cassette(path, cassette, scrubbed.secrets)
    return Recording(path, len(cassette.interactions), report)


def _prove(
    connector: Connector, cassette: Cassette, report: Report, environment: Environment
) -> None:
    """Play the scrubbed recording; it has to load as many rows as the run did."""
    playing = played(cassette, RunOptions(), environment.stop)
    again = _thrown_away(connector, playing.options, playing.environment, ignore_event)
    for name, part in report.resources.items():
        other = again.resources[name]
        if (part.status, part.rows) != (other.status, other.rows):
            raise CassetteError(
                f"nothing was recorded: with stand-ins for personal data the recording does not "
                f"play as it ran: {name} was {part.status} with {part.rows} rows, and is "
                f"{other.status} with {other.rows}"
                + (f": {other.error}" if other.error else "")
                + ". Let the fields that requests are made of stay: `x-keep: true` in the schema."
            )


def _thrown_away(
    connector: Connector, options: RunOptions, environment: Environment, on_event: EventHandler
) -> Report:
    with TemporaryDirectory(prefix="framework-") as folder:
        here = Path(folder)
        inside = replace(options, folder=here, pipelines=here / "dlt", file="recorded.duckdb")
        return run(connector, inside, environment, on_event)
