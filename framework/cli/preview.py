"""`framework preview`: some records of a resource, as a table."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.completers import complete_resource
from framework.cli.shared_options import (
    format_option,
    mock_option,
    name_argument,
    open_connector,
    query_options,
    sample_options,
)
from framework.cli.terminal import visible, visible_lines, write_json, write_line
from framework.errors import UsageError
from framework.runtime.redacted_output import process_redactor

if TYPE_CHECKING:
    from framework.authoring.diagnose.raw_response import RawResponse

MAX_CELL_WIDTH = 40
"""Characters of a value that the table shows."""
COLUMN_GAP = 2


@click.command(
    "preview",
    short_help="Show some records; load nothing.",
    epilog="""\b
Examples:
  framework preview scheduling event_types
  framework preview scheduling scheduled_events --limit 3 --format json
  framework preview scheduling event_types --raw
""",
)
@name_argument
@click.argument("resource", shell_complete=complete_resource)
@sample_options(limit=10)
@query_options
@mock_option
@format_option("text", "json")
@click.option(
    "--raw",
    is_flag=True,
    help="The first response as received: its body on stdout, status and headers on stderr.",
)
def command(
    name: str,
    resource: str,
    config: Mapping[str, str],
    alias: str | None,
    connectors: Path | None,
    destination: str | None,
    dataset: str | None,
    limit: int,
    mock: str | None,
    form: str,
    raw: bool,
) -> int:
    """Show the first records of RESOURCE of connector NAME. Nothing is loaded.

    The records of a child resource are those of its parent's first records.
    """
    if raw and form == "json":
        raise UsageError(
            "--raw and --format json exclude each other: --raw writes the body as it was received"
        )
    connector = open_connector(name, connectors)
    from rich.console import Console

    from framework.authoring.diagnose.probe import first_records
    from framework.cli.progress_view import Progress
    from framework.errors import FrameworkError
    from framework.load.partition_queries import query_of
    from framework.load.preflight import select_resources
    from framework.load.run_options import RunOptions
    from framework.runtime.environment import Environment
    from framework.runtime.signals import stop_on_signals

    selected = select_resources(connector, (resource,))
    place = RunOptions(destination=destination, dataset=dataset, alias=alias)
    environment = Environment(query=query_of(connector, place))
    if mock is not None:
        from framework.mock.mock_run import mocked_config, mocked_environment

        environment = mocked_environment(connector, mock, environment)
        config = mocked_config(connector, config)
    with stop_on_signals(environment.stop):
        on_event = Progress(Console(stderr=True), live=False)
        if raw:
            from framework.authoring.diagnose.raw_response import first_response

            response, error = first_response(
                connector, selected[0], config, alias, environment, on_event
            )
            if response is not None:
                _write_raw(response)
            if error is not None:
                raise error
            return 0
        ((_, records),) = first_records(
            connector, selected, limit, config, alias, environment, on_event
        )
    if isinstance(records, FrameworkError):
        raise records
    if form == "json":
        write_json(records)
    elif records:
        console = Console()
        table, hidden = _table(records, console.width)
        console.print(table)
        if hidden:
            write_line(f"not shown: {', '.join(hidden)} (--format json shows all)")
    else:
        write_line(f"{resource}: no records")
    return 0


def _write_raw(response: RawResponse) -> None:
    """Write the body to stdout, byte for byte unless that is a terminal, and the rest to stderr."""
    head = [
        f"{response.method} {response.url}",
        f"{response.status} {response.reason}".rstrip()
        + f"  ({len(response.body):,} bytes in {response.seconds:.2f} s)",
        *(f"{name}: {value}" for name, value in response.headers),
    ]
    click.echo("\n".join([*map(visible, head), ""]), err=True)
    if not sys.stdout.isatty():
        sys.stdout.flush()
        sys.stdout.buffer.write(response.body)
        sys.stdout.flush()
        return
    try:
        write_line(visible_lines(response.body.decode(response.charset or "utf-8")))
    except UnicodeError:
        write_line("the body is not text; write it to a file: framework preview ... --raw > FILE")


def _table(records: list[dict[str, Any]], width: int) -> tuple[Any, list[str]]:
    """Return a table of the columns that fit, and the names of the columns that do not."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, COLUMN_GAP, 0, 0))
    rows = [{name: _cell(value) for name, value in record.items()} for record in records]
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: list[str] = []
    used = 0
    for name in names:
        widest = max(cell_len(text) for text in (name, *(row.get(name, "") for row in rows)))
        used += min(widest, MAX_CELL_WIDTH) + COLUMN_GAP
        if columns and used > width:
            break
        columns.append(name)
        table.add_column(
            Text(visible(name)), overflow="ellipsis", no_wrap=True, max_width=MAX_CELL_WIDTH
        )
    for row in rows:
        table.add_row(*(Text(row.get(name, "")) for name in columns))
    return table, names[len(columns) :]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # before a long value is cut: half a secret would not be recognized
    return visible(" ".join(process_redactor().redact(text).split()))
