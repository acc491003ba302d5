"""Show how a fleet gets on: a live table, plain lines, or JSON lines; and the closing report."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.cli.terminal import is_utf_8, new_table, print_plain, print_table, visible
from framework.fleet.budgets import BudgetUse
from framework.fleet.coordinator import (
    FleetEvent,
    FleetReport,
    UnitEnded,
    UnitLog,
    UnitStarted,
)
from framework.fleet.unit_tables import AttemptRecord, LedgerSummary, State
from framework.runtime.redacted_output import process_redactor
from framework.text import count_noun, shorten

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from framework.fleet.control_server import ControlServer
    from framework.fleet.units import Unit

PLAIN_LINE_INTERVAL = 5.0
"""Seconds between two plain lines about all units."""
LONGEST_ERROR = 300
"""Characters of an error on the screen."""
MOST_FAILURES = 20
"""Failed units that the closing report names."""
STATES: tuple[State, ...] = ("planned", "running", "done", "failed")
COLOURS = {"done": "green", "failed": "red", "running": "cyan"}


class FleetProgress:
    """An event handler that shows a live table on a terminal, and plain lines elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)
        self._quiet = quiet
        self._units = 0
        self._began = time.monotonic()
        self._last_line = self._began
        self._running: dict[str, UnitStarted] = {}
        self._ended: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server: ControlServer | None = None
        self._live: Live | None = None
        if self._console.is_terminal and not quiet:
            from rich.live import Live

            self._live = Live(
                get_renderable=self._table,
                console=self._console,
                transient=True,
                refresh_per_second=4,
            )

    def __enter__(self) -> FleetProgress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def watch(self, planned: int, server: ControlServer) -> None:
        """Show the budgets of this server, in a round with so many units left."""
        self._units, self._server = planned, server
        self._print(f"{count_noun(planned, 'unit')} to run")

    def __call__(self, event: FleetEvent) -> None:
        """Count the event, and show it if it matters."""
        with self._lock:
            if isinstance(event, UnitStarted):
                self._running[event.unit.id] = event
            elif isinstance(event, UnitEnded):
                self._running.pop(event.unit.id, None)
                self._ended[event.state] += 1
                if event.error is not None:
                    again = "; it is tried again" if event.state == "planned" else ""
                    text = f"{_name(event.unit)}: {_brief(event.error)}{again}"
                    print_plain(self._console, text, style="yellow" if again else "red")
                now = time.monotonic()
                if now - self._last_line >= PLAIN_LINE_INTERVAL:
                    self._last_line = now
                    self._print(self._counts())
            elif isinstance(event, UnitLog) and event.fields.get("event") == "warning":
                text = f"{event.unit}: warning: {event.fields.get('message')}"
                print_plain(self._console, text, style="yellow")

    def _counts(self) -> str:
        done, failed = self._ended["done"], self._ended["failed"]
        text = f"{done:,} of {self._units:,} done, {len(self._running):,} running"
        if failed:
            text += f", {failed:,} failed"
        left = self._units - done - failed
        seconds = time.monotonic() - self._began
        if done and left > 0:
            text += f", about {_duration(seconds / (done + failed) * left)} left"
        return text

    def _print(self, text: str) -> None:
        if self._live is None and not self._quiet:
            print_plain(self._console, text)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            table = Table.grid(padding=(0, 2))
            table.add_row(Text(self._counts()))
            for use in self._server.budget_uses() if self._server is not None else ():
                table.add_row(Text(visible(_use(use))))
            for started in list(self._running.values())[:10]:
                table.add_row(Text(visible(f"  {_name(started.unit)}, attempt {started.attempt}")))
            return table


class FleetLog:
    """An event handler that writes one JSON object per line on stderr. Thread-safe."""

    def __init__(self) -> None:
        self._redactor = process_redactor()
        self._lock = threading.Lock()

    def __enter__(self) -> FleetLog:
        return self

    def __exit__(self, *_: object) -> None:
        sys.stderr.flush()

    def watch(self, planned: int, server: ControlServer) -> None:  # noqa: ARG002
        """Write how many units are left."""
        self._write(event="fleet", units=planned)

    def __call__(self, event: FleetEvent) -> None:
        """Write the event."""
        if isinstance(event, UnitStarted):
            self._write(
                event="unit", status="started", **_fields(event.unit), attempt=event.attempt
            )
        elif isinstance(event, UnitEnded):
            self._write(
                event="unit",
                status=event.state,
                **_fields(event.unit),
                attempt=event.attempt,
                seconds=round(event.seconds, 3),
                error=event.error,
                report=event.report,
            )
        else:
            self._write(unit=event.unit, **event.fields)

    def _write(self, **fields: Any) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        ascii_only = not is_utf_8(sys.stderr)
        line = json.dumps({"time": now, **fields}, ensure_ascii=ascii_only)
        if self._redactor.redact(line) != line:
            fields = self._redactor.redact_data(fields)
            line = json.dumps({"time": now, **fields}, ensure_ascii=ascii_only)
        with self._lock:
            sys.stderr.write(line + "\n")


def show_fleet_report(report: FleetReport) -> None:
    """Print the closing report."""
    from rich.console import Console

    console = Console()
    for unit, account, error in report.failures[:MOST_FAILURES]:
        who = f" ({account})" if account else ""
        print_plain(console, f"failed: {unit}{who}: {_brief(error)}")
    if len(report.failures) > MOST_FAILURES:
        print_plain(console, f"and {len(report.failures) - MOST_FAILURES:,} more failed units")
    states = ", ".join(f"{report.states[state]:,} {state}" for state in STATES)
    print_plain(console, f"units: {states}")
    print_plain(
        console,
        f"{report.status} in {_duration(report.seconds)}: {count_noun(report.attempts, 'attempt')}"
        f", {count_noun(report.requests, 'request')}, {count_noun(report.rows, 'row')}",
    )
    if report.error:
        print_plain(console, report.error)


def show_status(summary: LedgerSummary) -> None:
    """Print the state of a ledger of units."""
    from rich.console import Console

    console = Console()
    table = new_table("job")
    for state in STATES:
        table.add_column(state, justify="right", no_wrap=True, style=COLOURS.get(state))
    for job, counts in summary.units.items():
        table.add_row(visible(job), *(f"{counts.get(state, 0):,}" for state in STATES))
    print_table(console, table)
    for one in summary.running:
        since = one.started.isoformat(sep=" ", timespec="seconds")
        print_plain(console, f"running: {_attempt_name(one)} on {one.worker} since {since}")
    for one in summary.failures:
        print_plain(console, f"failed: {_attempt_name(one)}: {_brief(one.error or one.outcome)}")
    print_plain(
        console,
        f"round {summary.round}: {count_noun(summary.requests, 'request')}, "
        f"{count_noun(summary.rows, 'row')}",
    )


def _brief(error: str | None) -> str:
    """Return an error on one line; the ledger and the JSON output have all of it."""
    return shorten(error or "", LONGEST_ERROR)


def _use(use: BudgetUse) -> str:
    """Return how much of a budget is used, for one line."""
    most = "" if use.per_minute is None else f" of {use.per_minute:,.0f}"
    text = f"  budget {use.key}: {use.last_minute:,}{most} requests in the last minute"
    if use.per_day is not None:
        text += f", {use.day:,} of {use.per_day:,} in 24 hours"
    return text + (f", paused for {use.paused:.0f} s" if use.paused else "")


def _fields(unit: Unit) -> dict[str, Any]:
    return {
        "unit": unit.id,
        "job": unit.job.name,
        "account": unit.alias,
        "since": unit.since,
        "until": unit.until,
    }


def _name(unit: Unit) -> str:
    return _text(unit.id, unit.job.name, unit.alias, unit.since, unit.until)


def _attempt_name(one: AttemptRecord) -> str:
    return _text(one.unit, one.job, one.account, one.since, one.until)


def _text(unit: str, job: str, alias: str | None, since: str | None, until: str | None) -> str:
    parts = [job, alias or "", f"{since} to {until}" if since else ""]
    return f"{unit} ({', '.join(filter(None, parts))})"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
