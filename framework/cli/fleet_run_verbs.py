"""`framework fleet run`, `retry`, `status` and `run-unit`: the units of a fleet."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framework.cli.fleet_plan_verbs import ledger_option, ledger_place, open_fleet
from framework.cli.shared_options import connectors_option, format_option, option_group
from framework.cli.terminal import write_error, write_json
from framework.errors import FrameworkError, UsageError
from framework.text import count_noun

if TYPE_CHECKING:
    from framework.cli.fleet_progress import FleetLog, FleetProgress
    from framework.fleet.coordinator import FleetReport
    from framework.fleet.fleet_run import FleetRun

MOST_FAILURES = {"text": 20, "json": 1_000}
"""Failed units that `status` shows, by format."""

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
    from framework.cli.fleet_view import show_status, status_json
    from framework.fleet.unit_state.unit_ledger import open_ledger

    with open_ledger(ledger_place(file, ledger), create=False) as opened:
        summary, place = opened.summary(MOST_FAILURES[form]), opened.place
    if form == "json":
        write_json(status_json(summary, place))
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
  framework fleet run-unit fleet.yaml 3f9c2ab4d1e07756 --alone
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
@click.option(
    "--alone",
    is_flag=True,
    help="No other unit of its dataset runs meanwhile: for destinations without turns.",
)
@connectors_option
@format_option("text", "json")
def run_unit(
    file: Path, unit: str | None, index: int | None, alone: bool, connectors: Path | None, form: str
) -> int:
    """Run the unit ID of fleet FILE in this process; `fleet plan --format json` lists the ids.

    Nothing is written to the ledger of units: the scheduler that calls this keeps its own. Each
    unit keeps to the connector's rate limit by itself. Units of one dataset take turns to load in
    PostgreSQL and DuckDB. Other databases have no turns: there, units that share a dataset are
    refused without --alone. Exit code 0 if all resources were loaded.
    """
    from framework.fleet.workers.unit_fork import prepare

    if (unit is None) == (index is None):
        raise UsageError("give either the ID of a unit or --index N")
    from framework.fleet.jobs.units import units_of

    units = units_of(open_fleet(file, connectors))
    if index is not None and index >= len(units):
        raise UsageError(
            f"--index: found {index}, expected at most {len(units) - 1}: {file} has "
            f"{count_noun(len(units), 'unit')}, counted from 0"
        )
    found = units[index : index + 1] if index is not None else [o for o in units if o.id == unit]
    if not found:
        raise UsageError(
            f"{file} has no unit {unit}; `framework fleet plan {file} --format json` lists them. "
            "If the connector, its schemas or the account changes, so does the id"
        )
    (one,) = found
    prepare()
    from framework.fleet.workers.local_turn import has_turns
    from framework.fleet.workers.unit_run import run_unit as run_here

    if not (alone or has_turns(one.destination)) and any(map(one.shares_dataset, units)):
        raise UsageError(
            f"{one.id} loads into the dataset {one.dataset}, as other units of {file} do. If two "
            f"of them load into {one.destination} at once, rows are lost. Run them one by one, and "
            "say so with --alone; or use `framework fleet run`"
        )
    outcome = run_here({**one.spec(), "attempt": 1})
    if form == "json":
        write_json({"unit": one.id, **outcome})
    elif outcome["status"] == "done":
        click.echo(f"{one.id}: done")
    else:
        write_error(f"{one.id}: {outcome['error'] or outcome['status']}")
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
    from framework.cli.fleet_progress import FleetLog, FleetProgress
    from framework.fleet.coordinator import FleetReport
    from framework.fleet.fleet_run import FleetRun
    from framework.runtime.environment import StopSignal
    from framework.runtime.signals import stop_on_signals

    is_json = form == "json"
    view = FleetLog() if log_format == "json" else FleetProgress(quiet=quiet or is_json)
    report, stop = FleetReport(), StopSignal()
    output = _FleetOutput(report, view, as_json=is_json)
    try:
        with view, stop_on_signals(stop, output.end_by_force):
            output.job = FleetRun(
                open_fleet(file, connectors),
                ledger_place(file, ledger),
                on=on,
                listen=listen,
                folder=str(Path.cwd()),
                log_requests=verbose,
                stop=stop,
                on_event=view,
                report=report,
            )
            output.job.run(only_failed=only_failed, on_start=view.watch)
    except FrameworkError as error:
        output.end(error)
        return error.exit_code
    output.end()
    return stop.error.exit_code if isinstance(stop.error, FrameworkError) else report.exit_code


class _FleetOutput:
    """Write the end of `fleet run` once: as text or as JSON, and to the JSON log."""

    def __init__(
        self, report: FleetReport, view: FleetLog | FleetProgress, *, as_json: bool
    ) -> None:
        self.job: FleetRun | None = None
        self._report = report
        self._view = view
        self._as_json = as_json
        self._lock = threading.Lock()
        self._has_ended = False

    def end_by_force(self, error: FrameworkError) -> None:
        """End the processes of units, when this process is about to be ended."""
        if self.job is not None:
            self.job.end_by_force()
        self.end(error)

    def end(self, error: FrameworkError | None = None) -> None:
        """Write the end, once: what ends this process by force calls this from its own thread."""
        from framework.cli.fleet_progress import FleetLog
        from framework.cli.fleet_view import show_fleet_report

        with self._lock:
            if self._has_ended:
                return
            self._has_ended = True
            if error is not None and self._report.error is None:
                self._report.end(error)
            if isinstance(self._view, FleetLog):
                self._view.end(self._report)
            if self._as_json:
                write_json(self._report.as_dict())
            elif error is None:
                show_fleet_report(self._report)
            elif not isinstance(self._view, FleetLog):
                write_error(str(self._report.error))
