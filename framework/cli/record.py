"""`framework record`: a run kept as a cassette."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from framework.cli.option_types import asking_options, limit_option, talk_options


@click.command(
    "record",
    short_help="Write a cassette of a live run, scrubbed.",
    epilog="""\b
Examples:
  framework record scheduling --limit 20
  framework record scheduling --resources api_user,groups
""",
)
@click.argument("name")
@asking_options
@limit_option
@talk_options
def command(
    name: str,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    limit: int | None,
    verbose: bool,
    quiet: bool,
) -> int:
    """Run connector NAME live and write cassettes/NAME.yaml, with stand-ins for secrets and
    personal data.

    The recording is played once before it is written; nothing is loaded but into a database that
    is thrown away. Then: framework test NAME --update
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults(verbose=verbose)
    from rich.console import Console

    from framework.api import valid_connector
    from framework.authoring.cassettes.recorder import record
    from framework.cli.progress_view import Progress
    from framework.cli.signals import signals_handled
    from framework.definition.finder import find_connector
    from framework.runtime.environment import Environment

    connector = valid_connector(find_connector(name, connectors))
    environment = Environment()
    with signals_handled(environment.stop), Progress(Console(stderr=True), quiet=quiet) as progress:
        recorded = record(
            connector,
            resources=resources,
            config=config,
            alias=alias,
            limit=limit,
            environment=environment,
            on_event=progress,
        )
    rows = sum(part.rows for part in recorded.report.resources.values())
    sys.stdout.write(
        f"{_shown(recorded.path)}: {recorded.interactions} requests, {rows} rows\n"
        f"next: framework test {name} --update\n"
    )
    return 0


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
