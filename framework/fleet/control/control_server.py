"""The coordinator's side of the control channel: budgets, destination turns, log lines, stop.

Each connection has a thread that receives; one more tells units what the budgets allow as time
passes, and ends connections that are silent. All of them share one lock, and send without it.
"""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import Any

from framework import __version__
from framework.fleet.control.budgets import Budgets
from framework.fleet.control.control_channel import SILENCE, ChannelClosed, ControlChannel
from framework.fleet.control.control_messages import (
    InvalidMessage,
    Message,
    integer_of,
    list_of,
    number_of,
    object_of,
    optional_count_of,
    text_of,
)
from framework.fleet.control.destination_turns import DestinationTurns
from framework.fleet.control.token_budget import BudgetUse

STOP_GRACE = 5.0
"""Seconds that an older attempt has to end by itself, before it is disconnected."""
UNIT_SILENCE = SILENCE + 2.0
"""Seconds without a message after which a unit counts as gone. It has ended itself before."""
BACKLOG = 128
"""Connections that wait to be accepted."""


@dataclass(frozen=True)
class ConnectedUnit:
    """A unit whose attempt is connected, on `host` as process `pid`, for so many seconds."""

    unit: str
    attempt: int
    host: str
    pid: int
    seconds: float


class _Peer:
    """One connection, and what is to be sent through it."""

    def __init__(self, channel: ControlChannel, now: float) -> None:
        self.channel = channel
        self.unit = ""
        self.attempt = 0
        self.host = ""
        self.pid = 0
        self.since = self.heard = now
        self.outbox: deque[Message] = deque()
        self._sending = threading.Lock()
        self._is_ended = False

    def send_outbox(self) -> None:
        """Send what is queued, in order; another thread that does so already sends it all."""
        while self.outbox and self._sending.acquire(blocking=False):
            try:
                while self.outbox:
                    message = self.outbox.popleft()
                    if not self._is_ended:
                        self.channel.send(message)
            except ChannelClosed:
                self.outbox.clear()
            finally:
                self._sending.release()

    def end(self) -> None:
        """Have the unit end at once: the connection ends with its process."""
        with self._sending:
            self._is_ended = True
            self.channel.end_sending()


class ControlServer:
    """The control channel of a coordinator, for units that know the key.

    `on_line(unit, attempt, fields)` gets the log lines of units, on several threads. Units need
    `salt` to hash credentials; it stays the same as long as daily counts are kept.
    """

    def __init__(
        self,
        budgets: Budgets,
        host: str,
        port: int,
        key: bytes,
        *,
        salt: bytes,
        on_line: Callable[[str, int, dict[str, Any]], None] | None = None,
    ) -> None:
        self._budgets = budgets
        self._turns = DestinationTurns()
        self._key = key
        self._salt = salt
        self._on_line = on_line
        self._changed = threading.Condition()
        """The lock of everything here and in `budgets`; notified if units or times change."""
        self._peers: dict[str, _Peer] = {}
        self._connections: set[_Peer] = set()
        self._is_closed = False
        self._wakes_at = 0.0
        self._numbers = count(1)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        # a blocked `accept` is not woken on every system when its socket is closed
        self._listener.settimeout(1.0)
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        """Host and port that units connect to."""

    def __enter__(self) -> ControlServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Accept connections from now on."""
        self._accepting = _thread("control-accept", self._accept)
        _thread("control-clock", self._pass_time)

    def close(self) -> None:
        """End all connections, which ends their units."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            connections = list(self._connections)
        for peer in connections:
            peer.channel.shut_down()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join(STOP_GRACE)
        self._listener.close()

    def stop(self, why: str, unit: str | None = None) -> None:
        """Tell one unit, or all, to stop."""
        with self._changed:
            peers = [peer for peer in self._peers.values() if unit in (None, peer.unit)]
            for peer in peers:
                peer.outbox.append({"type": "stop", "why": why})
        _send_outboxes(peers)

    def units(self) -> list[ConnectedUnit]:
        """Return the units that are connected, in the order in which they came."""
        now = time.monotonic()
        with self._changed:
            return [
                ConnectedUnit(peer.unit, peer.attempt, peer.host, peer.pid, now - peer.since)
                for peer in self._peers.values()
            ]

    def budget_uses(self) -> list[BudgetUse]:
        """Return how much of each budget is used."""
        with self._changed:
            return self._budgets.use()

    def budget_rows(self) -> list[tuple[str, int, int]]:
        """Return the daily counts, which a later coordinator loads."""
        with self._changed:
            return self._budgets.as_rows()

    def cooling(self) -> dict[str, list[tuple[float, int]]]:
        """Return the tokens that cool, which a later coordinator restores."""
        with self._changed:
            return self._budgets.cooling()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                connected, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # too many open files, or a client that is gone already
                with self._changed:
                    self._changed.wait_for(lambda: self._is_closed, 0.1)
                continue
            try:
                peer = _Peer(ControlChannel(connected), time.monotonic())
            except OSError:
                connected.close()
                continue
            with self._changed:
                self._connections.add(peer)
            _thread(f"control-{next(self._numbers)}", self._serve, peer)

    def _serve(self, peer: _Peer) -> None:
        """Receive from one connection until it ends; what is not a message ends it."""
        try:
            peer.channel.authenticate(self._key, listens=True)
            hello = peer.channel.receive()
            peer.heard = time.monotonic()
            self._admit(peer, hello)
            while peer.unit and not self._is_closed:
                message = peer.channel.receive()
                peer.heard = time.monotonic()
                if message["type"] == "bye":
                    self._leave(peer, message)
                    break
                if message["type"] == "log":
                    fields = object_of(message, "fields")
                    if self._on_line is not None:
                        self._on_line(peer.unit, peer.attempt, fields)
                else:
                    self._handle(peer, message)
        except (ChannelClosed, InvalidMessage):
            pass
        finally:
            self._drop(peer)

    def _handle(self, peer: _Peer, message: Message) -> None:
        with self._changed:
            if self._peers.get(peer.unit) is not peer:
                return
            kind = message["type"]
            if kind == "ping":
                peer.outbox.append({"type": "pong", "at": message.get("at")})
            elif kind == "report":
                apply_report(self._budgets, peer.unit, message)
            elif kind == "limit":
                declare_limit(self._budgets, peer.unit, message)
            elif kind == "turn":
                number = integer_of(message, "number")
                self._turns.ask(text_of(message, "key"), peer.unit, number)
            elif kind == "turn_end":
                self._turns.end(text_of(message, "key"), peer.unit)
            else:
                raise InvalidMessage(f"type {kind}")
            peers = {peer, *self._queue_due()}
        _send_outboxes(peers)

    def _leave(self, peer: _Peer, bye: Message) -> None:
        """Free what a unit holds that ends by itself, but for requests without a report.

        A grant that it has not received will not be used.
        """
        counts = object_of(bye, "requests")
        requests = {key: integer_of(counts, key) for key in counts}
        with self._changed:
            if self._peers.get(peer.unit) is peer:
                self._budgets.leave(peer.unit, requests)

    def _admit(self, peer: _Peer, hello: Message) -> None:
        """Register a unit; an older attempt of it is stopped first, and its end awaited."""
        version = text_of(hello, "version")
        peer.attempt = integer_of(hello, "attempt")
        peer.host, peer.pid = text_of(hello, "host"), integer_of(hello, "pid")
        unit = text_of(hello, "unit")
        if version != __version__:
            why = (
                f"the worker has version {version} of the framework, the coordinator "
                f"{__version__}; install the same version on both"
            )
            peer.channel.send({"type": "refused", "why": why})
            return
        peer.heard = inf  # it says nothing while it waits
        while (older := self._register(peer, unit)) is not None:
            if older.attempt > peer.attempt:
                why = f"attempt {older.attempt} of the unit is connected, found {peer.attempt}"
                peer.channel.send({"type": "refused", "why": why})
                return
            self._end(older, f"attempt {peer.attempt} of the unit has begun")
        peer.send_outbox()

    def _register(self, peer: _Peer, unit: str) -> _Peer | None:
        """Register a unit, or return the attempt of it that is connected."""
        with self._changed:
            if unit in self._peers:
                return self._peers[unit]
            self._peers[unit] = peer
            peer.unit = unit
            peer.heard = peer.since = time.monotonic()
            peer.outbox.append({"type": "welcome", "salt": self._salt.hex()})
            return None

    def _end(self, peer: _Peer, why: str) -> None:
        """Stop a unit and await the end of its process, unless it is silent."""
        with self._changed:
            peer.outbox.append({"type": "stop", "why": why})
        peer.send_outbox()
        with self._changed:
            if self._changed.wait_for(lambda: self._is_gone(peer), STOP_GRACE):
                return
        peer.end()
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_gone(peer), UNIT_SILENCE):
                peer.channel.shut_down()
                self._changed.wait_for(lambda: self._is_gone(peer), STOP_GRACE)

    def _is_gone(self, peer: _Peer) -> bool:
        return self._is_closed or self._peers.get(peer.unit) is not peer

    def _drop(self, peer: _Peer) -> None:
        with self._changed:
            self._connections.discard(peer)
            if self._peers.get(peer.unit) is peer:
                del self._peers[peer.unit]
                self._budgets.drop(peer.unit)
                self._turns.drop(peer.unit)
            peers = self._queue_due()
            self._changed.notify_all()
        # whose end is awaited by its client is known to have ended
        peer.channel.close()
        _send_outboxes(peers)

    def _queue_due(self) -> set[_Peer]:
        """Queue what budgets and turns have for units, and return to whom it is to be sent."""
        peers = set()
        for unit, message in (*self._budgets.due(), *self._turns.due()):
            if unit in self._peers:
                self._peers[unit].outbox.append(message)
                peers.add(self._peers[unit])
        if self._budgets.next_change() < self._wakes_at:
            self._changed.notify_all()
        return peers

    def _pass_time(self) -> None:
        """Send what becomes due as time passes; end connections that have been silent."""
        while not self._is_closed:
            with self._changed:
                now = time.monotonic()
                peers = self._queue_due()
                silent = [one for one in self._connections if now - one.heard >= UNIT_SILENCE]
                self._wakes_at = min(self._budgets.next_change(), now + 1.0)
            _send_outboxes(peers)
            for peer in silent:
                peer.channel.shut_down()
            with self._changed:
                # what has changed meanwhile is seen by the next round
                if not self._is_closed and self._budgets.next_change() >= self._wakes_at:
                    self._changed.wait(max(self._wakes_at - time.monotonic(), 0.0))


def declare_limit(budgets: Budgets, unit: str, message: Message) -> None:
    """Add a unit to a budget on the terms that it declares."""
    per = number_of(message.get("per"))
    if not per:
        raise InvalidMessage("per is 0")
    budgets.declare(
        text_of(message, "key"),
        unit,
        requests=optional_count_of(message.get("requests")),
        per=per,
        per_day=optional_count_of(message.get("per_day")),
        max_in_flight=optional_count_of(message.get("max_in_flight")),
    )


def apply_report(budgets: Budgets, unit: str, message: Message) -> None:
    """Pass what a unit reports about a budget to the budgets."""
    key = text_of(message, "key")
    if "ended" in message:
        budgets.end(key, unit, [number_of(age) / 1000 for age in list_of(message["ended"])])
    if "returned" in message:
        budgets.give_back(key, unit, integer_of(message, "returned"))
    if "places_returned" in message:
        budgets.give_back_places(key, unit, integer_of(message, "places_returned"))
    if "learned" in message:
        allowed, remaining, reset = list_of(message["learned"], 3)
        budgets.learn(
            key,
            optional_count_of(allowed),
            optional_count_of(remaining),
            None if reset is None else number_of(reset),
        )
    if "pause" in message:
        seconds, why = list_of(message["pause"], 2)
        budgets.pause(key, number_of(seconds), str(why))
    if "wanted" in message:
        least = integer_of(message, "least") if "least" in message else 1
        budgets.ask(key, unit, integer_of(message, "wanted"), least)
    if "places_wanted" in message:
        budgets.ask_places(key, unit, integer_of(message, "places_wanted"))


def _send_outboxes(peers: Iterable[_Peer]) -> None:
    for peer in peers:
        peer.send_outbox()


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    """Start a daemon thread: one that waits for a unit must not keep the coordinator alive."""
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    thread.start()
    return thread
