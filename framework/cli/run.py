"""`framework run`: extract, normalize, load; live, or from a cassette."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from framework.cli.findings_view import visible_lines
from framework.cli.log_view import JsonLog
from framework.cli.option_types import asking_options, limit_option, talk_options
from framework.cli.progress_view import Progress
from framework.cli.report_view import report_json, show_report
from framework.cli.signals import ended_after, signals_handled
from framework.errors import FrameworkError, Interrupted, UsageError
from framework.load.dlt_defaults import set_defaults


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
    from framework.cli.run import run_verb

    return run_verb(name, **options)


def _is_before(since: str, until: str) -> bool:
    from framework.definition.datetimes import read_time

    begin, end = (read_time(text, ("iso", "epoch_seconds"))[0] for text in (since, until))
    return begin < end


def run_verb(
    name: str,
    *,
    connectors: Path | None,
    resources: tuple[str, ...] | None,
    config: Mapping[str, str],
    alias: str | None,
    limit: int | None,
    max_time: float | None,
    destination: str | None,
    dataset: str | None,
    refresh: bool,
    since: str | None,
    until: str | None,
    replay: str | None,
    form: str,
    log_format: str,
    verbose: bool,
    quiet: bool,
) -> int:
    """Run and show; the exit code."""
    set_defaults(verbose=verbose)
    from framework.api import valid_connector
    from framework.definition.finder import find_connector
    from framework.load.report import Report
    from framework.load.run_options import RunOptions
    from framework.load.runner import run
    from framework.runtime.environment import Environment

    talk = Console(stderr=True)
    options = RunOptions(
        resources,
        destination,
        dataset,
        config,
        alias,
        refresh,
        limit,
        since=since,
        until=until,
    )
    if replay is not None and options.again is not None:
        raise UsageError("--replay plays what was recorded: it has no --since and --until")
    if since is not None and until is not None and not _is_before(since, until):
        raise UsageError(f"--until {until} is not after --since {since}: nothing lies between")
    world = Environment()
    log = JsonLog() if log_format == "json" else None
    report = Report(name, destination=destination, dataset=dataset)
    saying = threading.Lock()

    def last_words(error: FrameworkError) -> None:
        """Tell of a run that ends before its time, once, from whichever thread comes first; the
        other one, which would end the process, waits for it."""
        with saying:
            if report.error is None:
                tell(error)

    def tell(error: FrameworkError) -> None:
        report.end(error)
        if log is not None:
            log.end(report)
        if form == "json":
            sys.stdout.write(report_json(report) + "\n")
            return
        if isinstance(error, Interrupted) and report.resources:
            show_report(report, Console(), None if log is not None else talk)
        if log is None:
            click.echo("error: " + visible_lines(str(report.error)), err=True)

    try:
        with (
            signals_handled(world.stop, last_words),
            ended_after(world.stop, max_time),
            log or Progress(talk, quiet=quiet or form == "json") as progress,
        ):
            connector = valid_connector(find_connector(name, connectors))
            report.connector = connector.name
            if replay is not None:
                from framework.authoring.cassettes.replayer import replay_environment

                with replay_environment(connector, replay or None, options, world.stop) as played:
                    run(connector, played.options, played.world, progress, report)
            else:
                run(connector, options, world, progress, report)
    except FrameworkError as error:
        last_words(error)
        return error.exit_code
    if log is not None:
        log.end(report)
    if form == "json":
        sys.stdout.write(report_json(report) + "\n")
    else:
        show_report(report, Console(), None if log is not None else talk)
    return report.exit_code
