"""External dependencies of a run: transport, clock, waiting, stop signal, redactor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from framework.errors import Interrupted
from framework.runtime.destination_turn import TakeTurn
from framework.runtime.redacted_output import process_redactor
from framework.runtime.redaction import Redactor

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from framework.http.limits.rate_limit import LimitTerms, SharedLimit


class StopSignal:
    """A request to stop, which ends every wait.

    It is set from a signal handler or another thread. Thread-safe.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._error: Exception | None = None

    def set(self, error: Exception | None = None) -> None:
        """Request the stop; `wait` and `check` raise `error`, by default Interrupted."""
        self._error = self._error or error or Interrupted("interrupted")
        self._event.set()

    @property
    def error(self) -> Exception | None:
        """The error that the run is to stop with, or None."""
        return self._error

    def check(self) -> None:
        """Raise the error if a stop was requested."""
        if self._error is not None:
            raise self._error

    def wait(self, seconds: float) -> None:
        """Wait, or raise the error as soon as a stop is requested."""
        self._event.wait(seconds)
        self.check()


class ServerClock:
    """How far the clocks of the servers are behind ours, by their `Date` headers. Thread-safe."""

    LARGEST = timedelta(days=366)
    """A clock that differs more is not set at all."""

    def __init__(self) -> None:
        self.behind = timedelta(0)

    def compare(self, sent: datetime | None, requested: datetime) -> None:
        """Compare when a response was sent, by the server's clock, with its request, by ours."""
        if sent is None:
            return
        # dates of HTTP have no fraction
        behind = requested.replace(microsecond=0) - sent
        if self.behind < behind < self.LARGEST:
            self.behind = behind


QueryValues = Callable[[str, str], Sequence[Any]]
"""Returns the JSON values that a partition's SQL query gives; takes `RESOURCE.PARTITION` and SQL.

It raises a FrameworkError if there are none to be had.
"""


@dataclass(frozen=True)
class Environment:
    """The external dependencies of one run.

    `transport` returns the adapter that sends requests, given the connections per host; None means
    the network. `now` is the start of the run, in UTC. A replay does not wait and needs no
    secrets. `redactor` learns every secret of the run: the one in front of the output, if any.
    `server_clock` learns the clocks of its servers. `shared_limit` returns a limit that counts the
    requests of several processes; it may be called again for the same terms. `destination_turn`
    waits until this process may connect to a destination that several write to. `query` reads the
    values of partitions from the destination; None if there is none, and a run takes its own.
    `reads_in_order` says whether resources are read one after the other; None means that they are
    if there is a transport, which may be a recording.
    """

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    transport: Callable[[int], BaseAdapter] | None = None
    waits: bool = True
    replay: bool = False
    stop: StopSignal = field(default_factory=StopSignal)
    redactor: Redactor = field(default_factory=process_redactor)
    server_clock: ServerClock = field(default_factory=ServerClock)
    shared_limit: Callable[[LimitTerms], SharedLimit] | None = None
    destination_turn: TakeTurn | None = None
    query: QueryValues | None = None
    reads_in_order: bool | None = None

    @property
    def is_in_order(self) -> bool:
        """Whether resources are read one after the other, so that a recording repeats them."""
        return self.transport is not None if self.reads_in_order is None else self.reads_in_order
