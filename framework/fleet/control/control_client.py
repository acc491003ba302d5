"""The unit's side of the control channel: shared limits, destination turns, log lines, stop.

One thread sends, another receives. Requests wait for neither of them while there are leased tokens.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import Any

import orjson

from framework import __version__
from framework.errors import FrameworkError, Interrupted
from framework.fleet.control.control_channel import (
    HEARTBEAT,
    MAX_MESSAGE,
    SILENCE,
    ChannelClosed,
    ControlChannel,
    KeyRefused,
    connect,
)
from framework.fleet.control.control_messages import Message
from framework.fleet.control.leased_limit import LeasedLimit, budget_key
from framework.http.limits.rate_limit import LimitTerms
from framework.runtime.environment import StopSignal

TICK = 0.1
"""Seconds after which a report is sent at the latest."""
LONGEST_HANDSHAKE = 30.0
"""Seconds in which the coordinator admits a unit; it may have to end an older attempt first."""
LONGEST_CLOSE = 5.0
"""Seconds in which the last messages are sent."""


class UnitStopped(Interrupted):
    """The coordinator stops the unit. What was loaded stays."""

    exit_code = 1
    signal = None


class CoordinatorGone(UnitStopped):
    """The connection to the coordinator has ended, or is silent."""


@dataclass
class _Turn:
    """This process's turn at a destination, or its wait for it; `number` tells it from others."""

    number: int
    holders: int = 0
    has_begun: threading.Event = field(default_factory=threading.Event)


class ControlClient:
    """The connection of one unit's attempt to its coordinator. Thread-safe.

    `stop` is set if the coordinator stops the unit, with UnitStopped, or is gone, with
    CoordinatorGone. Then `on_gone` is called, too, with whether this process has a turn: it goes to
    another one as soon as the connection has ended. Raise FrameworkError if the coordinator cannot
    be reached or refuses the unit.
    """

    def __init__(
        self,
        address: tuple[str, int],
        key: bytes,
        unit: str,
        attempt: int,
        *,
        stop: StopSignal,
        on_gone: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._stop = stop
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._limits: dict[str, LeasedLimit] = {}
        self._turns: dict[str, _Turn] = {}
        self._numbers = count(1)
        self._outbox: deque[bytes] = deque()
        self._wake = threading.Event()
        self._is_closing = self._is_gone = False
        self._place = f"the coordinator at {address[0]}:{address[1]}"
        self._channel, self._salt = self._join(address, key, unit, attempt)
        self._heard = time.monotonic()
        """When the last of our messages was sent that the coordinator has replied to."""
        self._threads = [
            threading.Thread(target=target, name=f"control-{target.__name__}", daemon=True)
            for target in (self._send_all, self._receive_all)
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_refused(self) -> bool:
        """Whether a limit had no request left for longer than the unit waits."""
        return any(limit.is_refused for limit in list(self._limits.values()))

    def shared_limit(self, terms: LimitTerms) -> LeasedLimit:
        """Return the limit that all units share whose requests count for the same budget."""
        key = budget_key(terms, self._salt)
        message = {
            "type": "limit",
            "key": key,
            "requests": terms.requests,
            "per": terms.per,
            "per_day": terms.per_day,
            "max_in_flight": terms.max_in_flight,
        }
        with self._lock:
            self._queue(message)
            if key not in self._limits:
                limit = LeasedLimit(
                    key,
                    self._wake_up,
                    self._heard_at,
                    longest=terms.max_wait,
                    needs_place=terms.max_in_flight is not None,
                )
                limit.prepare()
                self._limits[key] = limit
        self._wake_up()
        return self._limits[key]

    @contextmanager
    def destination_turn(self, key: str) -> Iterator[None]:
        """Hold the turn of a destination, for which no other unit connects to it meanwhile.

        A process that has the turn may enter again, on any thread. Raise the stop's error if it is
        set while waiting.
        """
        with self._lock:
            if key not in self._turns:
                self._turns[key] = _Turn(next(self._numbers))
                self._queue({"type": "turn", "key": key, "number": self._turns[key].number})
            turn = self._turns[key]
            turn.holders += 1
        self._wake_up()
        try:
            while not turn.has_begun.wait(TICK):
                self._stop.check()
            self._stop.check()
            yield
        finally:
            with self._lock:
                turn.holders -= 1
                if not turn.holders:
                    del self._turns[key]
                    self._queue({"type": "turn_end", "key": key})
            self._wake_up()

    def log(self, fields: Mapping[str, Any]) -> None:
        """Send a log line: plain data without secrets."""
        line = orjson.dumps({"type": "log", "fields": dict(fields)}, default=str)
        if len(line) > MAX_MESSAGE:
            note = f"a log line of {len(line):,} bytes is left out"
            left = {
                "event": "warning",
                "resource": "",
                "code": "log-line-too-long",
                "message": note,
            }
            line = orjson.dumps({"type": "log", "fields": left})
        self._outbox.append(line)

    def close(self) -> None:
        """Send what is left, return unused tokens, and end the connection."""
        self._is_closing = True
        self._wake_up()
        for thread in self._threads:
            thread.join(LONGEST_CLOSE)
        self._channel.close()

    def _join(
        self, address: tuple[str, int], key: bytes, unit: str, attempt: int
    ) -> tuple[ControlChannel, bytes]:
        """Connect and say hello; return the connection and the coordinator's salt."""
        hello = {
            "type": "hello",
            "unit": unit,
            "attempt": attempt,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "version": __version__,
        }
        try:
            channel = connect(*address, key, LONGEST_HANDSHAKE)
            try:
                channel.send(hello)
                reply = channel.receive()
            except ChannelClosed:
                channel.close()
                raise
        except KeyRefused:
            raise FrameworkError(
                f"{self._place} has another key than this unit; a coordinator starts its own units"
            ) from None
        except (OSError, ChannelClosed) as error:
            raise FrameworkError(
                f"{self._place} does not respond ({error}); check that it runs and that "
                f"{socket.gethostname()} can reach it"
            ) from None
        if reply["type"] != "welcome":
            channel.close()
            raise FrameworkError(f"{self._place} refuses the unit: {reply.get('why')}")
        channel.set_timeout(0)
        return channel, bytes.fromhex(reply["salt"])

    def _heard_at(self) -> float:
        return -inf if self._is_gone else self._heard

    def _queue(self, message: Message) -> None:
        self._outbox.append(orjson.dumps(message))

    def _wake_up(self) -> None:
        if not self._wake.is_set():
            self._wake.set()

    def _send_all(self) -> None:
        """Send reports, messages and heartbeats until the connection ends or is to be closed."""
        next_ping = 0.0
        try:
            while not self._is_gone:
                self._wake.wait(TICK)
                self._wake.clear()
                is_last = self._is_closing
                with self._lock:
                    limits = list(self._limits.values())
                self._send_outbox()  # declares these limits
                for limit in limits:
                    if (report := limit.report(is_last)) is not None:
                        self._channel.send(report)
                if is_last:
                    self._send_outbox()
                    requests = {limit.key: limit.unreported for limit in limits}
                    self._channel.send({"type": "bye", "requests": requests})
                    return
                now = time.monotonic()
                if now >= next_ping:
                    next_ping = now + HEARTBEAT
                    self._channel.send({"type": "ping", "at": now})
                if now - self._heard >= SILENCE:
                    self._lose(f"{self._place} has been silent for {SILENCE:g} s")
        except ChannelClosed:
            self._lose(f"{self._place} has ended the connection")

    def _send_outbox(self) -> None:
        while self._outbox:
            self._channel.send(self._outbox.popleft())

    def _receive_all(self) -> None:
        try:
            while True:
                self._receive(self._channel.receive())
        except ChannelClosed:
            self._lose(f"{self._place} has ended the connection")

    def _receive(self, message: Message) -> None:
        kind = message["type"]
        if kind == "pong":
            self._heard = message["at"]
        elif kind == "turn":
            with self._lock:
                turn = self._turns.get(message["key"])
                if turn is not None and turn.number == message["number"]:
                    turn.has_begun.set()
        elif kind == "stop":
            self._stop.set(UnitStopped(f"{self._place} stops the unit: {message['why']}"))
        elif message["key"] in self._limits:
            self._limits[message["key"]].receive(message)

    def _lose(self, why: str) -> None:
        """Stop the unit: without its coordinator it must not send any request."""
        with self._lock:
            if self._is_closing or self._is_gone:
                return
            self._is_gone = True
        self._stop.set(CoordinatorGone(f"{why}; the unit ends, and its next attempt goes on"))
        with self._lock:
            has_turn = any(turn.has_begun.is_set() for turn in self._turns.values())
        self._on_gone(has_turn)
        self._channel.shut_down()
