"""What a run sees of the outside: the wire, the clock, whether it waits, and the wish to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from framework.errors import Interrupted
from framework.runtime.redaction import Redactor

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter


class StopSignal:
    """A wish to stop that every wait hears.

    Set from a signal handler or another thread; `wait` returns early by raising.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._error: Exception | None = None

    def set(self, error: Exception | None = None) -> None:
        """Ask everything to stop; `error` is what waits and checks raise."""
        self._error = self._error or error or Interrupted("interrupted")
        self._event.set()

    @property
    def error(self) -> Exception | None:
        """What the run was asked to stop with, or None."""
        return self._error

    def check(self) -> None:
        """Raise when a stop was asked for."""
        if self._error is not None:
            raise self._error

    def wait(self, seconds: float) -> None:
        """Wait that long, or raise as soon as a stop is asked for."""
        self._event.wait(seconds)
        self.check()


@dataclass(frozen=True)
class Environment:
    """The outside of one run. `transport` takes a pool size (connections per host) and gives the
    adapter that sends requests; None means the network. `now` is the run's start, in UTC.
    A replay waits for nothing and asks for no secrets. `redactor` comes to know every secret of
    the run."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    transport: Callable[[int], BaseAdapter] | None = None
    waits: bool = True
    replay: bool = False
    stop: StopSignal = field(default_factory=StopSignal)
    redactor: Redactor = field(default_factory=Redactor)
