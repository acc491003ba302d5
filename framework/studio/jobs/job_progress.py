"""Lines of progress that a job shows, made of the events of its run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from framework.events import (
    Committed,
    Event,
    PageRead,
    ResourceEnded,
    ResourceStarted,
    StepStarted,
    Waiting,
    WarningRaised,
)
from framework.text import count_noun

MIN_WAIT = 1.0
"""Seconds from which a wait has a line."""
EVERY_PAGE, EVERY_TENTH = 10, 100
"""Pages of a resource up to which each has a line, and up to which each tenth has one."""


class ProgressLines:
    """An event handler that says what happens, in lines that do not grow without bound."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._pages: Counter[str] = Counter()
        self._records: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Say the event if it matters."""
        line = self._line(event)
        if line:
            self._say(line)

    def _line(self, event: Event) -> str:
        match event:
            case ResourceStarted():
                return f"{event.resource}: reading"
            case PageRead():
                return self._page(event)
            case Waiting() if event.seconds >= MIN_WAIT:
                return f"{event.resource}: waiting {event.seconds:.0f} s ({event.why})"
            case WarningRaised():
                where = f"{event.resource}: " if event.resource else ""
                return f"warning: {where}{event.message} [{event.code}]"
            case ResourceEnded():
                reason = f": {event.reason}" if event.reason else ""
                return f"{event.resource}: {event.status}, {self._counts(event.resource)}{reason}"
            case StepStarted():
                return event.step
            case Committed():
                names = ", ".join(event.resources)
                return f"committed {count_noun(event.rows, 'row')} of {names}"
        return ""

    def _page(self, event: PageRead) -> str:
        with self._lock:
            self._pages[event.resource] += 1
            self._records[event.resource] += event.records
            pages = self._pages[event.resource]
        every = 1 if pages <= EVERY_PAGE else 10 if pages <= EVERY_TENTH else 100
        return f"{event.resource}: {self._counts(event.resource)}" if pages % every == 0 else ""

    def _counts(self, name: str) -> str:
        pages, records = self._pages[name], self._records[name]
        return f"{count_noun(pages, 'page')}, {count_noun(records, 'record')}"
