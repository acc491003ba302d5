"""`framework state`: show and reset the state that a destination holds for a connector."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.completers import complete_resource
from framework.cli.shared_options import (
    destination_options,
    format_option,
    name_argument,
    open_connector,
)
from framework.cli.terminal import (
    new_table,
    print_plain,
    print_table,
    visible,
    write_json,
    write_line,
)
from framework.errors import UsageError
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.definition.model import Connector
    from framework.load.run_options import RunOptions


@click.group(
    "state",
    short_help="Show or reset watermarks.",
    epilog="""\b
Examples:
  framework state show scheduling
  framework state reset scheduling scheduled_events
""",
)
def command() -> None:
    """Show or reset the watermarks that a destination holds.

    The state belongs to a destination: give --destination, --dataset and --as as for `run`.
    """


@command.command(
    "show",
    short_help="Show the watermark of each resource.",
    epilog="""\b
Examples:
  framework state show scheduling
  framework state show scheduling scheduled_events --format json
""",
)
@name_argument
@click.argument("resource", required=False, shell_complete=complete_resource)
@destination_options
@format_option("text", "json")
def show(name: str, resource: str | None, form: str, **location: Any) -> int:
    """Show the state of connector NAME (or a FILE), or of one RESOURCE of it.

    `loaded` says whether the table was loaded by a full run or by one with --limit. The next run
    reads from the watermark, minus the lag.
    """
    connector, options = _open(name, **location)
    from rich.console import Console
    from rich.text import Text

    from framework.load.persistence.destination_state import known_state, state_location

    states = known_state(connector, options, resource)
    if form == "json":
        write_json(
            {one.resource: {"loaded": one.loaded, "state": one.state} for one in states},
            default=str,
        )
        return 0
    table = new_table("resource", "loaded", "cursor", "watermark")
    for one in states:
        for number, (cursor, watermark) in enumerate(_watermarks(one.state) or [("", "")]):
            first = (one.resource, one.loaded or "no") if number == 0 else ("", "")
            table.add_row(*first, Text(visible(cursor)), Text(visible(watermark)))
    console = Console()
    print_table(console, table)
    print_plain(console, f"state of {state_location(connector, options)}")
    return 0


@command.command(
    "reset",
    short_help="Read a resource from the beginning again.",
    epilog="""\b
Examples:
  framework state reset scheduling scheduled_events
  framework state reset scheduling --destination postgres --dataset calendar --yes
""",
)
@name_argument
@click.argument("resource", required=False, shell_complete=complete_resource)
@destination_options
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def reset(name: str, resource: str | None, yes: bool, **location: Any) -> int:
    """Remove the watermark of RESOURCE, or of all resources of connector NAME (or a FILE).

    The next run reads from the beginning and merges. No row is deleted: rows that the API no
    longer has stay; to drop them, use `run --refresh`.
    """
    connector, options = _open(name, **location)
    from rich.console import Console

    from framework.cli.progress_view import Progress
    from framework.load.persistence.destination_state import forget, state_location
    from framework.load.preflight import select_resources
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    if resource is not None:
        select_resources(connector, [resource])  # an unknown resource fails before the question
    place = state_location(connector, options)
    what = f"the watermark of {resource}" if resource else "every watermark"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"reset {what} in {place}? Confirm with --yes")
        click.confirm(f"Reset {what} in {place}?", abort=True, err=True)
    stop = StopSignal()
    with stop_on_signals(stop), Progress(Console(stderr=True), quiet=True) as progress:
        names = forget(connector, options, resource, progress, stop)
    if names:
        write_line(f"reset in {place}: {', '.join(names)}. The next run starts from the beginning.")
    else:
        write_line(f"nothing to reset in {place}")
    return 0


def _open(
    name: str,
    *,
    connectors: Path | None,
    alias: str | None,
    destination: str | None,
    dataset: str | None,
) -> tuple[Connector, RunOptions]:
    """Return the connector and the options of a run into the same place."""
    connector = open_connector(name, connectors)
    from framework.load.run_options import RunOptions

    return connector, RunOptions(None, destination, dataset, alias=alias)


def _watermarks(state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return cursor and watermark of every entry in a resource's state."""
    from framework.extract.incremental.state_codec import (
        ONLY_CHANGED,
        ONLY_NEW,
        unpack_fingerprints,
    )
    from framework.load.persistence.destination_state import described_watermark

    rows = []
    for kind, entries in state.items():
        for cursor, entry in entries.items() if isinstance(entries, Mapping) else ():
            if cursor.startswith((ONLY_CHANGED, ONLY_NEW)) and isinstance(entry, str):
                count = len(unpack_fingerprints(entry))
                rows.append((cursor, f"{count_noun(count, 'list')} seen"))
            else:
                name = cursor if kind == "incremental" else f"{kind}: {cursor}"
                rows.append((name, described_watermark(entry)))
    return rows
