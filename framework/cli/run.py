"""`framework run`: extract, normalize, load; live, or from a cassette."""

from __future__ import annotations

from typing import Any

import click

from framework.cli.option_types import asking_options, limit_option, talk_options


def _duration(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> float | None:
    """Seconds of an ISO 8601 duration."""
    from framework.definition.durations import DurationError, parse_duration

    try:
        return None if value is None else parse_duration(value).total_seconds()
    except DurationError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def _time(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """An ISO time, or a number for cursors that are numbers."""
    from framework.definition.datetimes import TimeError, read_time

    if value is not None:
        try:
            read_time(value, ("iso", "epoch_seconds"))
        except TimeError:
            raise click.BadParameter(
                f"{value!r} is no time such as 2026-01-31 or 2026-01-31T12:00:00Z",
                context,
                parameter,
            ) from None
    return value


@click.command(
    "run",
    short_help="Load a connector's data.",
    epilog="""\b
Examples:
  framework run scheduling --replay
  framework run scheduling --set scope=user --resources scheduled_events,event_invitees
  framework run scheduling --destination postgres --dataset calendar
  framework run scheduling --since 2026-01-01 --until 2026-02-01
  framework run ./connectors/mine.yaml --limit 50 --dataset trial
""",
)
@click.argument("name")
@asking_options
@limit_option
@click.option(
    "--max-time",
    callback=_duration,
    metavar="DURATION",
    help="End the run, with nothing loaded, when reading takes longer: PT2H.",
)
@click.option(
    "--destination",
    metavar="NAME",
    help="duckdb (the default), postgres, filesystem (Parquet files) or any other of dlt's, with "
    "dlt's own configuration.",
)
@click.option("--dataset", metavar="NAME", help="The dataset; NAME_data by default.")
@click.option("--refresh", is_flag=True, help="Drop what is selected and load it again.")
@click.option(
    "--since",
    callback=_time,
    metavar="TIME",
    help="Read again from here on; watermarks stay where they are.",
)
@click.option(
    "--until",
    callback=_time,
    metavar="TIME",
    help="Read again up to here, this not included.",
)
@click.option(
    "--replay",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[CASSETTE]",
    help="From the recording, without network; cassettes/NAME.yaml by default.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: one object a line on stderr for each request, page, wait, skip and step.",
)
@talk_options
def command(name: str, **options: Any) -> int:
    """Load the data of connector NAME (or of a FILE) into a database.

    With no options into DuckDB: file NAME.duckdb in this folder, dataset NAME_data, a table for
    each resource. Exit code 0 when everything loaded or was skipped by the file's own word, 1
    when a resource failed; what the others gave is loaded then.
    """
    from framework.cli.run_verb import run_verb

    return run_verb(name, **options)
