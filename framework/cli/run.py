"""`framework run`: extract, normalize and load, from the API or from a cassette."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.shared_options import (
    format_option,
    limit_option,
    mock_option,
    name_argument,
    open_connector,
    request_options,
    verbosity_options,
)
from framework.cli.terminal import write_error, write_json
from framework.errors import FrameworkError, Interrupted, UsageError

if TYPE_CHECKING:
    from datetime import timedelta

    from framework.cli.log_view import JsonLog
    from framework.cli.progress_view import Progress
    from framework.events import Event, EventHandler
    from framework.load.report import Report
    from framework.load.run_options import CommitEvery, RunOptions
    from framework.notify.failure_notice import FailureNotice

TIME_FORMATS = ("iso", "epoch_seconds")


def _parse_seconds(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> float | None:
    """Return the seconds of an ISO 8601 duration."""
    from framework.definition.values.durations import DurationError, parse_duration

    try:
        return None if value is None else parse_duration(value).total_seconds()
    except DurationError as error:
        raise click.BadParameter(str(error), context, parameter) from None


def _parse_period(context: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    """Return an ISO 8601 duration."""
    from datetime import timedelta

    return timedelta(seconds=_parse_seconds(context, parameter, value) or 0)


def _parse_commits(
    context: click.Context, parameter: click.Parameter, value: str
) -> CommitEvery | None:
    """Return after what time or how many records a run loads what it has read."""
    if value == "never" or context.resilient_parsing:  # a shell that completes does not wait
        return None
    from framework.load.run_options import CommitEvery

    if value.isdigit():
        if int(value):
            return CommitEvery(records=int(value))
        raise click.BadParameter("found 0, expected at least 1 record", context, parameter)
    try:
        return CommitEvery(seconds=_parse_seconds(context, parameter, value))
    except click.BadParameter:
        raise click.BadParameter(
            f"found {value!r}, expected a duration such as PT5M, a number of records, or never",
            context,
            parameter,
        ) from None


def _check_time(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> str | None:
    """Return the text, which must be an ISO time, or a number for numeric cursors."""
    from framework.definition.values.datetimes import TimeError, read_time

    if value is not None:
        try:
            read_time(value, TIME_FORMATS)
        except TimeError:
            raise click.BadParameter(
                f"found {value!r}, expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z",
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
  framework run scheduling --commit-every 100000 --resume-within P3D
  framework run ./connectors/mine.yaml --limit 50 --dataset trial
  framework run scheduling --mock http://127.0.0.1:8080
""",
)
@name_argument
@request_options
@limit_option
@click.option(
    "--max-time",
    callback=_parse_seconds,
    metavar="DURATION",
    help="Stop if reading takes longer, for example PT2H; the next run goes on after the last "
    "commit.",
)
@click.option(
    "--destination",
    metavar="NAME",
    help="duckdb (default), postgres, filesystem (Parquet files) or any other dlt destination, "
    "configured as dlt documents it.",
)
@click.option("--dataset", metavar="NAME", help="The dataset; default NAME_data.")
@click.option(
    "--commit-every",
    callback=_parse_commits,
    default="PT5M",
    show_default=True,
    metavar="DURATION|N|never",
    help="While reading, load what was read whenever so much time has passed, or N records were "
    "read; never: all at the end.",
)
@click.option(
    "--resume-within",
    callback=_parse_period,
    default="P1D",
    show_default=True,
    metavar="DURATION",
    help="Go on where a run that did not end has left off, if it began no longer ago.",
)
@click.option("--no-resume", is_flag=True, help="Read from the start, not where a run left off.")
@click.option("--refresh", is_flag=True, help="Drop the selected tables and load them again.")
@click.option(
    "--since",
    callback=_check_time,
    metavar="TIME",
    help="Read again from this time on; watermarks do not move.",
)
@click.option(
    "--until",
    callback=_check_time,
    metavar="TIME",
    help="Read again up to this time (exclusive).",
)
@click.option(
    "--replay",
    is_flag=False,
    flag_value="",
    default=None,
    metavar="[CASSETTE]",
    help="Read from a recording, without network; default cassettes/NAME.yaml.",
)
@mock_option
@format_option("text", "json")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    help="json: on stderr, one object per line for each request, page, wait, skip and step.",
)
@click.option(
    "--notify",
    "notify_urls",
    multiple=True,
    metavar="URL",
    help="Tell an address of apprise if the run fails; repeatable. Better as NOTIFY__URLS: it is "
    "a secret.",
)
@verbosity_options
def command(
    name: str,
    connectors: Path | None,
    max_time: float | None,
    replay: str | None,
    mock: str | None,
    form: str,
    log_format: str,
    verbose: bool,
    quiet: bool,
    no_resume: bool,
    notify_urls: tuple[str, ...],
    **selection: Any,
) -> int:
    """Load the data of connector NAME (or of a FILE) into a database.

    By default into DuckDB: file NAME.duckdb in this folder, dataset NAME_data, one table per
    resource. Exit code 0 if every resource was loaded, or skipped as the file says; 1 if a
    resource failed, in which case the other resources are loaded.
    """
    from framework.load.dlt_defaults import set_defaults

    set_defaults(verbose=verbose)
    from framework.ledger.ledger_writer import LedgerWriter
    from framework.load.report import Report
    from framework.load.run_options import RunOptions
    from framework.load.runner import run
    from framework.runtime.environment import Environment
    from framework.runtime.signals import stop_after, stop_on_signals

    if mock is not None and replay is not None:
        raise UsageError("--replay and --mock exclude each other; give one of them")
    options = RunOptions(**selection)
    if no_resume or replay is not None:
        options = dataclasses.replace(options, resume_within=None)
    _check_range(options, replay is not None)
    environment = Environment()
    report = Report(name, destination=options.destination, dataset=options.dataset)
    output = _RunOutput(report, as_json=form == "json", json_log=log_format == "json")
    notice = None
    try:
        if replay is None and mock is None:
            notice = _failure_notice(notify_urls)
        with (
            stop_on_signals(environment.stop, output.end),
            stop_after(environment.stop, max_time),
            output.progress(quiet=quiet, verbose=verbose) as shown,
            _telemetry(report, shown) as on_event,
        ):
            connector = open_connector(name, connectors, verbose=verbose)
            report.connector = connector.name
            ledger = LedgerWriter(connector.path)
            if mock is not None:
                from framework.mock.mock_run import mocked_environment, mocked_options

                environment = mocked_environment(connector, mock, environment)
                options = mocked_options(connector, options)
            if replay is None:
                run(connector, options, environment, on_event, report, ledger)
            else:
                from framework.authoring.cassettes.replayer import replay_environment

                with replay_environment(
                    connector, replay or None, options, environment.stop
                ) as cassette:
                    environment = cassette.environment
                    run(connector, cassette.options, environment, on_event, report, ledger)
    except FrameworkError as error:
        output.end(error)
        if not isinstance(error, UsageError):
            _send(notice, report)
        return error.exit_code
    output.end()
    _send(notice, report)
    return report.exit_code


def _failure_notice(given: tuple[str, ...]) -> FailureNotice | None:
    """Return what tells people of a failure, None if nobody is to be told."""
    from framework.notify.failure_notice import FailureNotice, configured_urls

    urls = configured_urls(given)
    return FailureNotice(urls) if urls else None


def _send(notice: FailureNotice | None, report: Report) -> None:
    if notice is not None and report.status == "failed" and not notice.send(report):
        write_error("the run failed, and not everybody could be notified of it")


@contextmanager
def _telemetry(report: Report, shown: EventHandler) -> Iterator[EventHandler]:
    """Yield the handler of the run's events, which also exports them if OTEL_ variables say so.

    They may be there for all programs of a machine, so what cannot be done of them is a warning.
    """
    from framework.events import WarningRaised
    from framework.otel.exporters import open_providers, wanted_signals

    try:
        signals = wanted_signals(os.environ)
        providers = open_providers(signals) if signals else None
    except FrameworkError as error:
        shown(WarningRaised("", "telemetry-off", f"no telemetry of this run: {error}"))
        providers = None
    if providers is None:
        yield shown
        return
    from framework.otel.run_telemetry import RunTelemetry

    telemetry = RunTelemetry(report.connector, providers.tracers, providers.meters)

    def on_event(event: Event) -> None:
        telemetry(event)
        shown(event)

    try:
        yield on_event
    except FrameworkError as error:
        if report.error is None:
            report.end(error)
        raise
    finally:
        telemetry.end(report)
        providers.close()


def _check_range(options: RunOptions, replay: bool) -> None:
    """Raise UsageError if --since and --until cannot be used."""
    from framework.definition.values.datetimes import read_time

    if replay and options.again is not None:
        raise UsageError("--replay reads a recording, so --since and --until must not be given")
    if options.since is None or options.until is None:
        return
    begin, end = (read_time(text, TIME_FORMATS)[0] for text in (options.since, options.until))
    if begin >= end:
        raise UsageError(
            f"found --until {options.until}, which is not after --since {options.since}; give a "
            "later --until"
        )


class _RunOutput:
    """Write a run's progress, and once its end: as a table or as JSON, and to the JSON log."""

    def __init__(self, report: Report, *, as_json: bool, json_log: bool) -> None:
        from rich.console import Console

        from framework.cli.log_view import JsonLog

        self._report = report
        self._as_json = as_json
        self._log = JsonLog() if json_log else None
        self._stdout, self._stderr = Console(), Console(stderr=True)
        self._lock = threading.Lock()
        self._has_ended = False

    def progress(self, *, quiet: bool, verbose: bool) -> JsonLog | Progress:
        """Return the event handler of the run, a context manager."""
        from framework.cli.progress_view import Progress

        return self._log or Progress(self._stderr, quiet=quiet or self._as_json, verbose=verbose)

    def end(self, error: FrameworkError | None = None) -> None:
        """Write the end of the run, once: an error that follows another one is not written.

        A forced exit calls this from its own thread; the thread that would then end the process
        waits for the lock.
        """
        from framework.cli.report_view import show_report

        with self._lock:
            if self._has_ended:
                return
            self._has_ended = True
            if error is not None and self._report.error is None:
                self._report.end(error)
            if self._log is not None:
                self._log.end(self._report)
            if self._as_json:
                write_json(self._report.as_dict())
                return
            if error is None or (isinstance(error, Interrupted) and self._report.resources):
                show_report(self._report, self._stdout, None if self._log else self._stderr)
            if error is not None and self._log is None:
                write_error(str(self._report.error))
