"""`framework preview`: some records of a resource, as a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from framework.cli.findings_view import visible
from framework.cli.option_types import looking_options

WIDEST = 40
"""Characters of a value that a table shows."""
GAP = 2
"""Blanks between columns."""


@click.command(
    "preview",
    short_help="Some records as a table, nothing loaded.",
    epilog="""\b
Examples:
  framework preview scheduling event_types
  framework preview scheduling scheduled_events --limit 3 --format json
""",
)
@click.argument("name")
@click.argument("resource")
@looking_options(limit=10)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    name: str,
    resource: str,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    limit: int,
    form: str,
) -> int:
    """Show the first records of RESOURCE of connector NAME; nothing is loaded.

    A child's records are those of the first records of its parent.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults()
    from rich.console import Console

    from framework.api import valid_connector
    from framework.authoring.diagnose.probe import first_records
    from framework.cli.progress_view import Progress
    from framework.cli.signals import signals_handled
    from framework.definition.finder import find_connector
    from framework.errors import FrameworkError
    from framework.load.preflight import select_resources
    from framework.runtime.environment import Environment

    connector = valid_connector(find_connector(name, connectors))
    chosen = select_resources(connector, (resource,))
    environment = Environment()
    with signals_handled(environment.stop):
        on_event = Progress(Console(stderr=True), live=False)
        ((_, records),) = first_records(
            connector, chosen, limit, config, alias, environment, on_event
        )
    if isinstance(records, FrameworkError):
        raise records
    if form == "json":
        sys.stdout.write(json.dumps(records, ensure_ascii=False, indent=2) + "\n")
    elif records:
        console = Console()
        table, left = _table(records, console.width)
        console.print(table)
        if left:
            sys.stdout.write(f"not shown: {', '.join(left)} (--format json shows all)\n")
    else:
        sys.stdout.write(f"{resource}: no records\n")
    return 0


def _table(records: list[dict[str, Any]], width: int) -> tuple[Any, list[str]]:
    """A table of the columns that fit, and the names of those that do not."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, GAP, 0, 0))
    rows = [{name: _cell(value) for name, value in record.items()} for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown: list[str] = []
    used = 0
    for name in names:
        widest = max(cell_len(text) for text in (name, *(row.get(name, "") for row in rows)))
        used += min(widest, WIDEST) + GAP
        if shown and used > width:
            break
        shown.append(name)
        table.add_column(Text(visible(name)), overflow="ellipsis", no_wrap=True, max_width=WIDEST)
    for row in rows:
        table.add_row(*(Text(row.get(name, "")) for name in shown))
    return table, names[len(shown) :]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(" ".join(text.split()))
