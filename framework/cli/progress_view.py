"""A run shown while it runs, on stderr: live lines on a terminal, plain ones elsewhere."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from framework.cli.findings_view import visible, visible_lines
from framework.events import (
    Event,
    PageRead,
    RequestAnswered,
    RequestSent,
    ResourceEnded,
    ResourceStarted,
    StepEnded,
    StepStarted,
    Waiting,
    WarningRaised,
)
from framework.text import count_noun

EVERY = 5.0
"""Seconds between two plain lines about the same resource."""
WORTH_TELLING = 1.0
"""Seconds from which a wait is told on a plain line."""


@dataclass
class Line:
    """What is known of one resource by now."""

    status: str = "waiting"
    pages: int = 0
    rows: int = 0
    requests: int = 0
    retries: int = 0
    wait: str = ""


class Progress:
    """Call it with each event, from any thread. `quiet` shows nothing but warnings; not `live`
    are plain lines on a terminal, too."""

    def __init__(self, console: Console, *, quiet: bool = False, live: bool = True) -> None:
        self._console = console
        self._quiet = quiet
        self._lines: dict[str, Line] = {}
        self._lock = threading.RLock()
        self._step = ""
        self._told: dict[str, float] = {}
        self._live: Live | None = None
        if live and console.is_terminal and not quiet:
            self._live = Live(
                get_renderable=self._table, console=console, transient=True, refresh_per_second=8
            )

    def __enter__(self) -> Progress:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Take in one event and show what is worth it."""
        with self._lock:
            self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, StepStarted):
            self._step = event.step
            self._say(event.step)
            return
        if isinstance(event, (StepEnded, RequestAnswered)):
            return
        line = self._lines.setdefault(event.resource, Line())
        if isinstance(event, RequestSent):
            line.requests += 1
            line.retries += event.attempt > 1
            line.wait = ""
        elif isinstance(event, PageRead):
            line.pages += 1
            line.rows += event.records
            self._now_and_then(event.resource, line)
        elif isinstance(event, Waiting):
            line.wait = f"waits {event.seconds:.0f} s ({event.why})"
            if event.seconds >= WORTH_TELLING:
                self._say(f"{event.resource}: {line.wait}")
        elif isinstance(event, ResourceStarted):
            line.status = "reading"
            self._told[event.resource] = time.monotonic()
        elif isinstance(event, ResourceEnded):
            line.status, line.wait = event.status, ""
            self._say(f"{event.resource}: {event.status}, {_counts(line)}")
        elif isinstance(event, WarningRaised):
            self._warn(event)

    def _now_and_then(self, name: str, line: Line) -> None:
        now = time.monotonic()
        if now - self._told.get(name, now) >= EVERY:
            self._told[name] = now
            self._say(f"{name}: {_counts(line)}")

    def _say(self, text: str) -> None:
        if self._live is None and not self._quiet:
            self._console.print(
                visible_lines(text), highlight=False, markup=False, emoji=False, soft_wrap=True
            )

    def _warn(self, event: WarningRaised) -> None:
        text = f"warning: {event.resource}: {event.message} [{event.code}]"
        self._console.print(
            visible_lines(text),
            style="yellow",
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=True,
        )

    def _table(self) -> Table:
        with self._lock:
            table = Table.grid(padding=(0, 2))
            for name, line in self._lines.items():
                table.add_row(name, line.status, _counts(line), Text(visible(line.wait)))
            table.add_row(f"{self._step} …" if self._step else "")
            return table


def _counts(line: Line) -> str:
    counts = [(line.pages, "page"), (line.rows, "record"), (line.requests, "request")]
    text = ", ".join(count_noun(count, word) for count, word in counts)
    if line.retries:
        text += f", {line.retries:,} {'retry' if line.retries == 1 else 'retries'}"
    return text
