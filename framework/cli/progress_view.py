"""Show a run's progress on stderr: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from framework.cli.terminal import print_plain, visible
from framework.events import (
    Committed,
    Event,
    PageRead,
    PathChosen,
    RequestSent,
    ResourceEnded,
    ResourceStarted,
    StepStarted,
    Waiting,
    WarningRaised,
)
from framework.text import count_noun

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

PLAIN_LINE_INTERVAL = 5.0
"""Seconds between two plain lines about the same resource."""
MIN_PLAIN_WAIT = 1.0
"""Seconds from which a wait has a plain line of its own."""


@dataclass
class _ResourceProgress:
    status: str = "waiting"
    pages: int = 0
    rows: int = 0
    requests: int = 0
    retries: int = 0
    wait: str = ""

    def counts(self) -> str:
        counts = [(self.pages, "page"), (self.rows, "record"), (self.requests, "request")]
        text = ", ".join(count_noun(count, noun) for count, noun in counts)
        if self.retries:
            text += f", {self.retries:,} {'retry' if self.retries == 1 else 'retries'}"
        return text


class Progress:
    """An event handler that shows progress. Thread-safe.

    `quiet` shows warnings only, `verbose` also how records become rows; `live=False` writes plain
    lines on a terminal too.
    """

    def __init__(
        self, console: Console, *, quiet: bool = False, verbose: bool = False, live: bool = True
    ) -> None:
        self._console = console
        self._quiet = quiet
        self._verbose = verbose
        self._resources: dict[str, _ResourceProgress] = {}
        self._lock = threading.RLock()
        self._step = ""
        self._last_line: dict[str, float] = {}
        self._live: Live | None = None
        if live and console.is_terminal and not quiet:
            from rich.live import Live

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
        """Count the event, and show it if it matters."""
        if self._quiet and not isinstance(event, WarningRaised):
            return
        with self._lock:
            if isinstance(event, StepStarted):
                self._step = event.step
                self._print(event.step)
            elif isinstance(event, Committed):
                names = ", ".join(event.resources)
                what = count_noun(event.rows, "row") if event.rows else "where to go on"
                self._print(f"committed {what} of {names}")
            elif isinstance(event, WarningRaised):
                where = f"{event.resource}: " if event.resource else ""
                text = f"warning: {where}{event.message} [{event.code}]"
                print_plain(self._console, text, style="yellow")
            elif isinstance(event, PathChosen):
                if self._verbose:
                    print_plain(self._console, f"{event.resource}: path: {event.path}")
            elif isinstance(
                event, (RequestSent, PageRead, Waiting, ResourceStarted, ResourceEnded)
            ):
                progress = self._resources.setdefault(event.resource, _ResourceProgress())
                self._update(progress, event)

    def _update(
        self,
        progress: _ResourceProgress,
        event: RequestSent | PageRead | Waiting | ResourceStarted | ResourceEnded,
    ) -> None:
        name = event.resource
        match event:
            case RequestSent():
                progress.requests += 1
                progress.retries += event.attempt > 1
                progress.wait = ""
            case PageRead():
                progress.pages += 1
                progress.rows += event.records
                now = time.monotonic()
                if now - self._last_line.get(name, now) >= PLAIN_LINE_INTERVAL:
                    self._last_line[name] = now
                    self._print(f"{name}: {progress.counts()}")
            case Waiting():
                progress.wait = f"waiting {event.seconds:.0f} s ({event.why})"
                if event.seconds >= MIN_PLAIN_WAIT:
                    self._print(f"{name}: {progress.wait}")
            case ResourceStarted():
                progress.status = "reading"
                self._last_line[name] = time.monotonic()
            case ResourceEnded():
                progress.status, progress.wait = event.status, ""
                self._print(f"{name}: {event.status}, {progress.counts()}")

    def _print(self, text: str) -> None:
        if self._live is None and not self._quiet:
            print_plain(self._console, text)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        with self._lock:
            table = Table.grid(padding=(0, 2))
            for name, progress in self._resources.items():
                wait = Text(visible(progress.wait))
                table.add_row(name, progress.status, progress.counts(), wait)
            table.add_row(f"{self._step} …" if self._step else "")
            return table
