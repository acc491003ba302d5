"""Run a connector and show the report: what `framework run` does once its options are read."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from framework.cli.findings_view import visible_lines
from framework.cli.log_view import JsonLog
from framework.cli.progress_view import Progress
from framework.cli.report_view import report_json, show_report
from framework.cli.signals import ended_after, signals_handled
from framework.errors import FrameworkError, Interrupted, UsageError
from framework.load.dlt_defaults import set_defaults


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
    environment = Environment()
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
            signals_handled(environment.stop, last_words),
            ended_after(environment.stop, max_time),
            log or Progress(talk, quiet=quiet or form == "json") as progress,
        ):
            connector = valid_connector(find_connector(name, connectors))
            report.connector = connector.name
            if replay is not None:
                from framework.authoring.cassettes.replayer import replay_environment

                with replay_environment(
                    connector, replay or None, options, environment.stop
                ) as played:
                    run(connector, played.options, played.environment, progress, report)
            else:
                run(connector, options, environment, progress, report)
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
