"""`framework state`: what the destination remembers of a connector's runs, shown and mended."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from framework.cli.findings_view import visible
from framework.cli.option_types import alias_option, connectors_option
from framework.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def _place_options(command: F) -> F:
    """Where the state is, said as `run` says it."""
    for option in (
        click.option("--dataset", metavar="NAME", help="The dataset; NAME_data by default."),
        click.option(
            "--destination", metavar="NAME", help="Any dlt destination; duckdb by default."
        ),
        alias_option,
        connectors_option,
    ):
        command = option(command)
    return command


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
    """See the watermarks that a destination holds, and take them back.

    The state is the destination's: say --destination, --dataset and --as as for `run`.
    """


@command.command(
    "show",
    short_help="The watermark of each resource.",
    epilog="""\b
Examples:
  framework state show scheduling
  framework state show scheduling scheduled_events --format json
""",
)
@click.argument("name")
@click.argument("resource", required=False)
@_place_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def show(name: str, resource: str | None, form: str, **place: Any) -> int:
    """Show what is remembered of connector NAME (or a FILE), or of one RESOURCE of it.

    `loaded` says whether a whole run or one with --limit loaded the table. A watermark is what
    the next run reads from, before the lag.
    """
    import json

    connector, options = _opened(name, **place)
    from framework.load.destination_state import known_state, state_location

    found = known_state(connector, options, resource)
    if form == "json":
        shown = {one.resource: {"loaded": one.loaded, "state": one.state} for one in found}
        sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=2, default=str) + "\n")
        return 0
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from framework.cli.report_view import print_whole

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("resource", "loaded", "cursor", "watermark"):
        table.add_column(column, no_wrap=True, overflow="fold")
    for one in found:
        marks = _marks(one.state) or [("", "")]
        for number, (cursor, watermark) in enumerate(marks):
            first = (one.resource, one.loaded or "no") if number == 0 else ("", "")
            table.add_row(*first, Text(visible(cursor)), Text(visible(watermark)))
    console = Console()
    print_whole(table, console)
    console.print(
        f"state of {state_location(connector, options)}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    return 0


@command.command(
    "reset",
    short_help="Have a resource read from the beginning.",
    epilog="""\b
Examples:
  framework state reset scheduling scheduled_events
  framework state reset scheduling --destination postgres --dataset calendar --yes
""",
)
@click.argument("name")
@click.argument("resource", required=False)
@_place_options
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(name: str, resource: str | None, yes: bool, **place: Any) -> int:
    """Forget the watermark of RESOURCE, or of all resources of connector NAME (or a FILE).

    The next run reads it from the beginning and merges. No row is deleted; what the API no longer
    has stays, which `run --refresh` would drop.
    """
    from rich.console import Console

    connector, options = _opened(name, **place)
    from framework.cli.progress_view import Progress
    from framework.cli.signals import signals_handled
    from framework.load.destination_state import forget, state_location
    from framework.load.preflight import select_resources
    from framework.runtime.environment import StopSignal

    if resource is not None:
        select_resources(connector, [resource])  # nobody is asked about what there is not
    place_named = state_location(connector, options)
    what = f"the watermark of {resource}" if resource else "every watermark"
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(f"forget {what} in {place_named}? Say so with --yes")
        click.confirm(f"Forget {what} in {place_named}?", abort=True, err=True)
    stop = StopSignal()
    with signals_handled(stop), Progress(Console(stderr=True), quiet=True) as progress:
        gone = forget(connector, options, resource, progress, stop)
    if gone:
        sys.stdout.write(
            f"forgotten in {place_named}: {', '.join(gone)}. The next run reads from the "
            "beginning.\n"
        )
    else:
        sys.stdout.write(f"nothing to forget in {place_named}\n")
    return 0


def _opened(
    name: str,
    *,
    connectors: Path | None,
    alias: str | None,
    destination: str | None,
    dataset: str | None,
) -> tuple[Any, Any]:
    """The connector, and the options of a run that name the same place."""
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from framework.api import valid_connector
    from framework.definition.finder import find_connector
    from framework.load.run_options import RunOptions

    connector = valid_connector(find_connector(name, connectors))
    return connector, RunOptions(None, destination, dataset, alias=alias)


def _marks(state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Cursor and watermark of everything in a resource's state."""
    from framework.extract.incremental.state_codec import ONLY_CHANGED, unpack_fingerprints

    found = []
    for kind, entries in state.items():
        for cursor, entry in entries.items() if isinstance(entries, Mapping) else ():
            name = cursor if kind == "incremental" else f"{kind}: {cursor}"
            if cursor.startswith(ONLY_CHANGED) and isinstance(entry, str):
                seen = len(unpack_fingerprints(entry))
                found.append((cursor, f"{seen:,} {'list' if seen == 1 else 'lists'} seen"))
                continue
            found.append((name, _mark(entry)))
    return found


def _mark(entry: Any) -> str:
    if not isinstance(entry, Mapping):
        return str(entry)
    if "lists" in entry:
        from framework.extract.incremental.state_codec import unpack_watermarks

        values = [
            value for value in unpack_watermarks(entry["lists"]).values() if value is not None
        ]
        span = f", from {min(values)} to {max(values)}" if values else ""
        return f"{len(values):,} lists{span}"
    if "last_value" in entry:
        return str(entry["last_value"])
    return f"{len(entry):,} {'entry' if len(entry) == 1 else 'entries'}"
