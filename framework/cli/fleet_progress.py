"""Show how a fleet gets on: a live table, plain lines, or JSON lines."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.cli.fleet_view import brief, duration, unit_title, utc_text
from framework.cli.terminal import is_utf_8, print_plain, visible
from framework.fleet.control.token_budget import BudgetUse
from framework.fleet.coordinator import (
    ExecutorWait,
    FleetEvent,
    FleetReport,
    UnitEnded,
    UnitStarted,
)
from framework.runtime.redacted_output import process_redactor
from framework.text import count_noun, sentences

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from framework.fleet.control.control_server import ControlServer
    from framework.fleet.jobs.units import Unit

PLAIN_LINE_INTERVAL = 5.0
"""Seconds between two plain lines about all units."""


class FleetProgress:
    """An event handler that shows a live table on a terminal, and plain lines elsewhere.

    `quiet` shows warnings only.
    """

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

    def watch(self, planned: int, server: ControlServer | None) -> None:
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
                if event.error is not None and not self._quiet:
                    again = ["It is tried again"] if event.state == "planned" else []
                    text = sentences(f"{_name(event.unit)}: {brief(event.error)}", *again)
                    print_plain(self._console, text, style="yellow" if again else "red")
                now = time.monotonic()
                if now - self._last_line >= PLAIN_LINE_INTERVAL:
                    self._last_line = now
                    self._print(self._counts())
            elif isinstance(event, ExecutorWait):
                if not event.seconds:
                    print_plain(self._console, f"warning: {event.why}", style="yellow")
                elif not self._quiet:
                    text = f"{event.why}; waiting for at most {event.seconds:.0f} s"
                    print_plain(self._console, text)
            elif event.fields.get("event") == "warning":
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
            text += f", about {duration(seconds / (done + failed) * left)} left"
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

    def watch(self, planned: int, server: ControlServer | None) -> None:  # noqa: ARG002
        """Write how many units are left."""
        self._write(event="fleet", status="started", units=planned)

    def end(self, report: FleetReport) -> None:
        """Write the last line: what was done."""
        self._write(event="fleet", status=report.status, report=report.as_dict())

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
        elif isinstance(event, ExecutorWait):
            seconds = round(event.seconds, 3)
            status = "waiting" if event.seconds else "warning"
            self._write(event="fleet", status=status, why=event.why, seconds=seconds)
        else:
            self._write(**{**event.fields, "unit": event.unit})

    def _write(self, **fields: Any) -> None:
        now = utc_text(datetime.now(UTC))
        ascii_only = not is_utf_8(sys.stderr)
        line = json.dumps({"time": now, **fields}, ensure_ascii=ascii_only)
        if self._redactor.redact(line) != line:
            fields = self._redactor.redact_data(fields)
            line = json.dumps({"time": now, **fields}, ensure_ascii=ascii_only)
        with self._lock:
            sys.stderr.write(line + "\n")


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
    return unit_title(unit.id, unit.job.name, unit.alias, unit.since, unit.until)
