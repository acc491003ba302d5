"""When a run loads what it has read so far, while it goes on reading."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from framework.definition.model import Resource
from framework.extract.resume.resume_point import ResumePoint
from framework.load.run_options import CommitEvery
from framework.load.sink import Sink
from framework.runtime.environment import StopSignal

PATIENCE = 2.0
"""Seconds in which resources that are being read can join a package that is due."""


@dataclass(frozen=True)
class Part:
    """Rows of one resource for one package: those of whole pages, up to the point.

    A resource that waits for an export job has a point and no sink.
    """

    resource: Resource
    sink: Sink | None
    point: ResumePoint


class CommitQueue:
    """Hands what readers have read to the thread that loads it. Thread-safe.

    Whenever a package is due a new round begins. A reader asks after each page whether it `is_due`
    in this round, and then gives what it has by `put`.
    """

    def __init__(self, every: CommitEvery | None, stop: StopSignal) -> None:
        self._every = every or CommitEvery()
        self._stop = stop
        self._changed = threading.Condition()
        self._parts: dict[str, Part] = {}
        self._joined: dict[str, int] = {}
        self._round = self._loaded_round = 0
        self._records = 0
        self._since = time.monotonic()
        self._ended = False
        self._error: BaseException | None = None

    def begin(self, name: str) -> None:
        """Say that a resource is being read that can join packages."""
        with self._changed:
            self._joined[name] = self._round

    def leave(self, name: str) -> None:
        """Say that it was read to its end, or failed."""
        with self._changed:
            self._joined.pop(name, None)
            self._changed.notify_all()

    def on_page(self, records: int) -> None:
        """Count the records of a page."""
        with self._changed:
            self._records += records
            self._begin_round()

    def is_due(self, name: str) -> bool:
        """Return whether a resource should give what it has."""
        return self._joined.get(name, self._round) < self._round and name not in self._parts

    def put(self, part: Part) -> None:
        """Give the rows of a resource."""
        with self._changed:
            self._parts[part.resource.name] = part
            self._joined[part.resource.name] = self._round
            self._changed.notify_all()

    def take(self) -> list[Part]:
        """Return what was given and not loaded, which the queue no longer has."""
        with self._changed:
            parts = [*self._parts.values()]
            self._parts.clear()
            return parts

    def end(self, error: BaseException | None = None) -> None:
        """Say that nothing more will come."""
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def packages(self) -> Iterator[list[Part]]:
        """Yield the parts of each package when it is due, until all was read; raise its error.

        A package may be empty: then resources that were read to their end may go.
        """
        while True:
            with self._changed:
                self._await(self._is_any_due)
                self._await(self._has_all, PATIENCE)
                if self._error is not None:
                    self._stop.check()
                    raise self._error
                parts, self._loaded_round = self.take(), self._round
                is_last = self._ended
            if parts or not is_last:
                yield parts
            if is_last:
                return

    def _begin_round(self) -> None:
        every = self._every
        is_time = every.seconds is not None and time.monotonic() - self._since >= every.seconds
        if is_time or (every.records is not None and self._records >= every.records):
            self._round += 1
            self._records, self._since = 0, time.monotonic()
            self._changed.notify_all()

    def _is_any_due(self) -> bool:
        self._begin_round()
        return self._ended or bool(self._parts) or self._round > self._loaded_round

    def _has_all(self) -> bool:
        is_each = all(number == self._round for number in self._joined.values())
        return self._ended or is_each

    def _await(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        end = None if seconds is None else time.monotonic() + seconds
        while not condition():
            self._stop.check()
            if end is not None and time.monotonic() >= end:
                return
            self._changed.wait(0.2)
