"""`framework runs`: the runs that a destination holds a record of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

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

SHORT_ID = 8
COLOURS = {"ok": "green", "partial": "yellow", "failed": "red", "interrupted": "red"}


@click.command(
    "runs",
    short_help="Show the runs of a connector.",
    epilog="""\b
Examples:
  framework runs scheduling
  framework runs scheduling --failed --limit 1 --format json
  framework runs scheduling --destination postgres --dataset calendar
""",
)
@name_argument
@destination_options
@click.option("--failed", is_flag=True, help="Only runs that failed or were interrupted.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="At most N runs.",
)
@format_option("text", "json")
def command(
    name: str, connectors: Path | None, failed: bool, limit: int, form: str, **location: Any
) -> int:
    """Show the recorded runs of connector NAME (or a FILE), newest first.

    Each `framework run` adds a row to the table _framework_runs of its dataset. Give
    --destination, --dataset and --as as for `run`. The exit code is 0, also if runs have failed.
    """
    connector = open_connector(name, connectors)
    from framework.ledger.ledger_reader import read_runs
    from framework.load.destinations.target import target_of
    from framework.load.run_options import RunOptions

    options = RunOptions(**location)
    runs = read_runs(connector, options, failed=failed, limit=limit)
    if form == "json":
        write_json(runs)
        return 0
    place = target_of(connector, options)
    if runs:
        _show(runs)
        write_line(f"runs in {place}")
    elif failed:
        write_line(f"no failed run of {connector.name} is recorded in {place}")
    else:
        write_line(
            f"no run of {connector.name} is recorded in {place}. Each `framework run` into it "
            "adds one"
        )
    return 0


def _show(runs: list[dict[str, Any]]) -> None:
    """Print a table of the runs, then what failed and which warnings there were."""
    from rich.console import Console
    from rich.text import Text

    optional = [column for column in ("alias", "resumes") if any(run[column] for run in runs)]
    table = new_table("run", "started (UTC)", "status")
    for column in ("seconds", "rows", "requests", "retries", "warnings"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in optional:
        table.add_column(column, no_wrap=True, overflow="fold")
    for run in runs:
        status = run["status"] or ""
        table.add_row(
            Text(_short(run["id"])),
            Text(_seconds(run["started"])),
            Text(visible(status), style=COLOURS.get(status, "")),
            f"{run['seconds'] or 0:.1f}",
            *(f"{run[column] or 0:,}" for column in ("rows_loaded", "requests", "retries")),
            f"{sum(run['warnings'].values()):,}",
            *(Text(_short(run[column])) for column in optional),
        )
    console = Console()
    print_table(console, table)
    for run in runs:
        short = _short(run["id"])
        for error in _errors(run):
            print_plain(console, f"{short}: {error}")
        if run["warnings"]:
            counts = ", ".join(f"{code} {count:,}" for code, count in run["warnings"].items())
            print_plain(console, f"{short}: warnings: {counts}")


def _errors(run: dict[str, Any]) -> list[str]:
    """Return what ended the run, then what made resources fail."""
    failed = [part["error"] for part in run["resources"] if part["status"] == "failed"]
    errors = [error for error in failed if error]
    if run["error"] and not (errors and run["error"].startswith(errors[0])):
        return [run["error"], *errors]
    return errors


def _short(text: str | None) -> str:
    return visible((text or "")[:SHORT_ID])


def _seconds(time: str | None) -> str:
    return visible((time or "")[:19].replace("T", " "))
