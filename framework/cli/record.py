"""`framework record`: a live run saved as a cassette."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from framework.cli.shared_options import (
    limit_option,
    name_argument,
    open_connector,
    query_options,
    request_options,
    verbosity_options,
)
from framework.cli.terminal import write_line
from framework.text import count_noun


@click.command(
    "record",
    short_help="Record a live run as a scrubbed cassette.",
    epilog="""\b
Examples:
  framework record scheduling --limit 20
  framework record scheduling --resources api_user,groups
""",
)
@name_argument
@request_options
@query_options
@limit_option
@verbosity_options
def command(
    name: str,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    destination: str | None,
    dataset: str | None,
    limit: int | None,
    verbose: bool,
    quiet: bool,
) -> int:
    """Run connector NAME live and write cassettes/NAME.yaml.

    Secrets and personal data are replaced by fake values. The recording is replayed once before
    it is written; data is loaded only into a temporary database. Then run:
    framework test NAME --update
    """
    connector = open_connector(name, connectors, verbose=verbose)
    from rich.console import Console

    from framework.authoring.cassettes.recorder import record
    from framework.cli.progress_view import Progress
    from framework.load.partition_queries import query_of
    from framework.load.run_options import RunOptions
    from framework.runtime.environment import Environment
    from framework.runtime.signals import stop_on_signals

    place = RunOptions(destination=destination, dataset=dataset, alias=alias)
    environment = Environment(query=query_of(connector, place))
    with (
        stop_on_signals(environment.stop),
        Progress(Console(stderr=True), quiet=quiet, verbose=verbose) as progress,
    ):
        recording = record(
            connector,
            resources=resources,
            config=config,
            alias=alias,
            limit=limit,
            environment=environment,
            on_event=progress,
        )
    rows = sum(part.rows for part in recording.report.resources.values())
    counts = f"{count_noun(recording.interactions, 'request')}, {count_noun(rows, 'row')}"
    write_line(f"{_relative(recording.path)}: {counts}")
    write_line(f"next: framework test {name} --update")
    return 0


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
