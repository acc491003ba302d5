"""`framework fleet run`, `retry`, `status` and `run-unit`: the units of a fleet."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.fleet_plan_verbs import ledger_option, ledger_place, open_fleet
from framework.cli.shared_options import connectors_option, format_option, option_group
from framework.cli.terminal import write_error, write_json
from framework.errors import FrameworkError, UsageError

if TYPE_CHECKING:
    from framework.cli.fleet_progress import FleetLog, FleetProgress

run_options = option_group(
    click.argument("file", type=click.Path(path_type=Path)),
    click.option(
        "--on",
        default="processes",
        show_default=True,
        metavar="WHERE",
        help="processes or processes:N (default: one for each core), dask or dask:N (a local "
        "cluster), or dask://HOST:PORT.",
    ),
    click.option(
        "--listen",
        metavar="HOST[:PORT]",
        help="Where units reach this process; by default this machine's address, as the "
        "scheduler sees it, and any free port.",
    ),
    ledger_option,
    connectors_option,
    format_option("text", "json"),
    click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        help="json: on stderr, one object per line for each unit and for what its run logs.",
    ),
    click.option("-v", "--verbose", is_flag=True, help="Log each request and page of each unit."),
    click.option("-q", "--quiet", is_flag=True, help="Print the result, without progress."),
)


@click.command(
    "run",
    short_help="Run all units of a fleet.",
    epilog="""\b
Examples:
  framework fleet run fleet.yaml
  framework fleet run fleet.yaml --on processes:8
  framework fleet run fleet.yaml --on dask://scheduler.internal:8786 --ledger postgresql://...
""",
)
@run_options
def run(file: Path, **options: Any) -> int:
    """Run the units of fleet FILE that are not done: all accounts, all windows.

    The same command after a crash or Ctrl-C goes on with what is left. After all is done, a new
    round reads every account again; windows of a backfill are read once. Exit code 1 if a unit
    failed in all its attempts; the others are loaded.
    """
    return _run(file, only_failed=False, **options)


@click.command(
    "retry",
    short_help="Run the failed units of a fleet again.",
    epilog="""\b
Examples:
  framework fleet retry fleet.yaml
""",
)
@run_options
def retry(file: Path, **options: Any) -> int:
    """Run only those units of fleet FILE that failed in the last round."""
    return _run(file, only_failed=True, **options)


@click.command(
    "status",
    short_help="Show the state of a fleet's units.",
    epilog="""\b
Examples:
  framework fleet status fleet.yaml
  framework fleet status fleet.yaml --format json
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@ledger_option
@format_option("text", "json")
def status(file: Path, ledger: str | None, form: str) -> int:
    """Show the units of fleet FILE by state, those that run, and why others failed.

    It reads the ledger only, at any moment, also while `fleet run` is at work.
    """
    from framework.cli.fleet_progress import show_status
    from framework.fleet.unit_ledger import open_ledger

    with open_ledger(ledger_place(file, ledger), create=False) as opened:
        summary = opened.summary()
    if form == "json":
        write_json(asdict(summary), lambda moment: moment.isoformat())
    else:
        show_status(summary)
    return 0


@click.command(
    "run-unit",
    short_help="Run one unit, for another scheduler.",
    epilog="""\b
Examples:
  framework fleet run-unit fleet.yaml 3f9c2ab4d1e07756
  framework fleet run-unit fleet.yaml --index "$JOB_COMPLETION_INDEX" --format json
""",
)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("unit", metavar="[ID]", required=False)
@click.option(
    "--index",
    type=click.IntRange(min=0),
    metavar="N",
    help="In place of ID: the N-th unit of the plan, from 0.",
)
@connectors_option
@format_option("text", "json")
def run_unit(
    file: Path, unit: str | None, index: int | None, connectors: Path | None, form: str
) -> int:
    """Run the unit ID of fleet FILE in this process; `fleet plan --format json` lists the ids.

    Nothing is written to the ledger of units: the scheduler that calls this keeps its own. Each
    unit keeps to the connector's rate limit by itself. Exit code 0 if all resources were loaded.
    """
    from framework.fleet.unit_fork import prepare

    if (unit is None) == (index is None):
        raise UsageError("give either the ID of a unit or --index N")
    from framework.fleet.units import units_of

    units = units_of(open_fleet(file, connectors))
    found = units[index : index + 1] if index is not None else [o for o in units if o.id == unit]
    if not found:
        raise UsageError(
            f"{file} has no unit {unit or index}; `framework fleet plan {file} --format json` "
            "lists them. A change of the connector, its schemas or the account changes an id"
        )
    prepare()
    from framework.fleet.unit_run import run_unit as run_here

    outcome = run_here({**found[0].spec(), "attempt": 1})
    if form == "json":
        write_json({"unit": found[0].id, **outcome})
    elif outcome["status"] == "done":
        click.echo(f"{found[0].id}: done")
    else:
        write_error(f"{found[0].id}: {outcome['error'] or outcome['status']}")
    return 0 if outcome["status"] == "done" else 1


def _run(
    file: Path,
    *,
    only_failed: bool,
    on: str,
    listen: str | None,
    ledger: str | None,
    connectors: Path | None,
    form: str,
    log_format: str,
    verbose: bool,
    quiet: bool,
) -> int:
    from framework.cli.fleet_progress import FleetLog, FleetProgress, show_fleet_report
    from framework.fleet.fleet_run import FleetRun
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    fleet = open_fleet(file, connectors)
    stop = StopSignal()
    view: FleetLog | FleetProgress
    if log_format == "json":
        view = FleetLog()
    else:
        view = FleetProgress(quiet=quiet or form == "json")
    job = FleetRun(
        fleet,
        ledger_place(file, ledger),
        on=on,
        listen=listen,
        folder=str(Path.cwd()),
        log_requests=verbose,
        stop=stop,
        on_event=view,
    )
    with view, stop_on_signals(stop, job.end_by_force):
        report = job.run(only_failed=only_failed, on_start=view.watch)
    if form == "json":
        write_json(report.as_dict())
    else:
        show_fleet_report(report)
    return stop.error.exit_code if isinstance(stop.error, FrameworkError) else report.exit_code
