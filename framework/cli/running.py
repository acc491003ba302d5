"""What `run` does once its options are read."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from framework.cli.log import JsonLog
from framework.cli.progress import Progress
from framework.cli.reports import report_json, show_report
from framework.cli.signals import ended_after, heard
from framework.errors import FrameworkError, UsageError
from framework.run.quiet import set_defaults


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
    from framework.build.door import judged
    from framework.build.world import World
    from framework.run.loop import run
    from framework.run.options import RunOptions
    from framework.run.report import Report
    from framework.spec.locate import locate

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
    world = World()
    log = JsonLog() if log_format == "json" else None
    try:
        with (
            heard(world.stop),
            ended_after(world.stop, max_time),
            log or Progress(talk, quiet=quiet or form == "json") as progress,
        ):
            connector = judged(locate(name, connectors))
            if replay is not None:
                from framework.author.replays import replaying

                with replaying(connector, replay or None, options, world.stop) as played:
                    report = run(connector, played.options, played.world, progress)
            else:
                report = run(connector, options, world, progress)
    except FrameworkError as error:
        if log is not None:
            log.end(Report(name, error=str(error)), None)
        if form != "json":
            if log is not None:
                return error.exit_code
            raise
        report = Report(name, error=str(error), destination=destination, dataset=dataset)
        sys.stdout.write(report_json(report) + "\n")
        return error.exit_code
    if log is not None:
        log.end(report, round(report.seconds, 3))
    if form == "json":
        sys.stdout.write(report_json(report) + "\n")
    else:
        show_report(report, Console(), None if log is not None else talk)
    return report.exit_code
