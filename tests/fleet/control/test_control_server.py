"""The coordinator's side of the control channel: what it admits, refuses and survives."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from framework import __version__
from framework.errors import FrameworkError
from framework.fleet.control import control_server
from framework.fleet.control.budgets import Budgets
from framework.fleet.control.control_channel import (
    MAX_MESSAGE,
    ChannelClosed,
    ControlChannel,
    connect,
)
from framework.fleet.control.control_client import ControlClient, CoordinatorGone, UnitStopped
from framework.fleet.control.control_server import ControlServer
from framework.runtime.environment import StopSignal
from tests.support.processes import LONGEST
from tests.support.unit_processes import KEY, SALT, terms

Join = Callable[..., ControlClient]


@pytest.fixture
def lines() -> list[tuple[str, int, dict[str, Any]]]:
    return []


@pytest.fixture
def server(lines: list[Any]) -> Iterator[ControlServer]:
    def add(*line: Any) -> None:
        lines.append(line)

    with ControlServer(Budgets(), "127.0.0.1", 0, KEY, salt=SALT, on_line=add) as running:
        yield running


@pytest.fixture
def join(server: ControlServer) -> Iterator[Join]:
    with ExitStack() as clients:

        def joined(
            unit: str = "a", attempt: int = 1, stop: StopSignal | None = None, **options: Any
        ) -> ControlClient:
            client = ControlClient(
                server.address, KEY, unit, attempt, stop=stop or StopSignal(), **options
            )
            clients.callback(client.close)
            return client

        yield joined


class Waiting(StopSignal):
    """A stop signal whose stop can be awaited."""

    def __init__(self) -> None:
        super().__init__()
        self.is_set = threading.Event()

    def set(self, error: Exception | None = None) -> None:
        super().set(error)
        self.is_set.set()

    def awaited(self) -> Exception | None:
        assert self.is_set.wait(LONGEST)
        return self.error


def raw(server: ControlServer, **hello: Any) -> ControlChannel:
    """An authenticated connection that has said hello."""
    channel = connect(*server.address, KEY, LONGEST)
    words = {"unit": "raw", "attempt": 1, "pid": 1, "host": "here", "version": __version__}
    channel.send({"type": "hello", **words, **hello})
    return channel


def has_ended(channel: ControlChannel) -> bool:
    """Whether the server has ended the connection; what it had sent before is skipped."""
    try:
        while True:
            channel.receive()
    except ChannelClosed:
        channel.close()
        return True


def works(join: Join) -> bool:
    """Whether the server still serves a unit."""
    client = join("proof")
    seconds, _ = client.shared_limit(terms()).try_acquire()
    while seconds:
        threading.Event().wait(seconds)
        seconds, _ = client.shared_limit(terms()).try_acquire()
    return True


def test_a_unit_is_listed_while_it_is_connected(server: ControlServer, join: Join) -> None:
    client = join("shop/eu", 3)
    (unit,) = server.units()
    assert (unit.unit, unit.attempt, unit.pid) == ("shop/eu", 3, os.getpid())
    assert unit.host == socket.gethostname()
    client.close()
    assert server.units() == []


@pytest.mark.parametrize(
    ("requests", "used"), [({"shop": 0}, 1), ({}, 1), ({"shop": 2}, 3), (None, 4)]
)
def test_a_unit_that_ends_by_itself_uses_no_grant_that_it_has_not_received(
    server: ControlServer, requests: dict[str, int] | None, used: int
) -> None:
    channel = raw(server)
    limit = {"key": "shop", "requests": None, "per": 60.0, "per_day": 10, "max_in_flight": None}
    channel.send({"type": "limit", **limit})
    channel.send({"type": "report", "key": "shop", "wanted": 4})
    while channel.receive()["type"] != "grant":
        pass
    channel.send({"type": "report", "key": "shop", "ended": [0]})
    channel.send({"type": "bye"} if requests is None else {"type": "bye", "requests": requests})
    assert has_ended(channel)
    assert sum(count for _, _, count in server.budget_rows()) == used


def test_another_key_is_refused(server: ControlServer, join: Join) -> None:
    with pytest.raises(FrameworkError, match="another key"):
        ControlClient(server.address, b"other", "a", 1, stop=StopSignal())
    assert server.units() == []
    assert works(join)


def test_another_version_of_the_framework_is_refused_and_both_are_named(
    server: ControlServer, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framework.fleet.control.control_client.__version__", "99.1")
    with pytest.raises(FrameworkError, match=rf"99\.1.*{__version__}"):
        join()
    monkeypatch.undo()
    assert works(join)


def test_a_coordinator_that_does_not_listen_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with pytest.raises(FrameworkError, match="does not respond"):
        ControlClient(address, KEY, "a", 1, stop=StopSignal())


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
        b"\xff" * 64,
        b"\x00\x00\x00\x00" * 16,
        b"\x7f\xff\xff\xff" + b"x" * 1000,
        b"\x00\x00\x00\x10#CHALLENGE#12345",
    ],
    ids=["nothing", "HTTP", "0xff", "empty messages", "a long message", "half a challenge"],
)
def test_a_client_that_speaks_another_protocol_is_dropped(
    server: ControlServer, join: Join, sent: bytes
) -> None:
    client = socket.create_connection(server.address, LONGEST)
    with suppress(OSError):  # the server may not read it to its end
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
    with client, suppress(ConnectionError):
        while client.recv(1000):
            pass
    assert works(join)


def test_a_client_that_says_nothing_keeps_nobody_waiting(
    server: ControlServer, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = [socket.create_connection(server.address) for _ in range(20)]
    assert works(join)
    monkeypatch.setattr(control_server, "UNIT_SILENCE", 0.0)
    for client in silent:
        client.settimeout(LONGEST)
        while client.recv(1000):
            pass
        client.close()


GARBAGE: list[Any] = [
    b"not JSON",
    b"[" * 100_000,
    b"[1]",
    b'{"type": 1}',
    b"\xff\xfe",
    {"type": "unheard of"},
    {"type": "report"},
    {"type": "report", "key": "k", "ended": [-1]},
    {"type": "report", "key": "k", "ended": ["now"]},
    {"type": "report", "key": "k", "ended": 3},
    {"type": "report", "key": "k", "wanted": -5},
    {"type": "report", "key": "k", "wanted": True},
    {"type": "report", "key": "k", "returned": 1.5},
    {"type": "report", "key": "k", "pause": [1]},
    {"type": "report", "key": "k", "pause": [1e300, "why"]},
    {"type": "report", "key": "k", "learned": [1, 2, "x"]},
    {"type": "limit", "key": "k", "per": 0},
    {"type": "limit", "key": {}, "per": 1},
    {"type": "limit", "key": "k", "per": 1, "requests": "many"},
    {"type": "turn", "key": 3, "number": 1},
    {"type": "turn", "key": "k"},
    {"type": "turn_end"},
    {"type": "log", "fields": []},
]


@pytest.mark.parametrize("message", GARBAGE, ids=lambda message: str(message)[:60])
def test_a_unit_that_sends_what_is_not_a_message_is_dropped(
    server: ControlServer, join: Join, message: Any
) -> None:
    channel = raw(server)
    assert channel.receive()["type"] == "welcome"
    channel.send(message)
    assert has_ended(channel)
    assert works(join)


@pytest.mark.parametrize("hello", [{"unit": 3}, {"attempt": "1"}, {"pid": None}, {"host": []}])
def test_a_hello_that_lacks_something_is_dropped(
    server: ControlServer, join: Join, hello: dict[str, Any]
) -> None:
    assert has_ended(raw(server, **hello))
    assert works(join)


def test_a_message_that_is_too_long_is_dropped(
    server: ControlServer, join: Join, lines: list[Any]
) -> None:
    channel = raw(server)
    channel.receive()
    channel.send({"type": "log", "fields": {"text": "x" * (MAX_MESSAGE - 1000)}})
    with suppress(ChannelClosed):  # the server may not read it to its end
        channel.send({"type": "log", "fields": {"text": "x" * MAX_MESSAGE}})
    assert has_ended(channel)
    assert [len(fields["text"]) for _, _, fields in lines] == [MAX_MESSAGE - 1000]
    assert works(join)


def test_a_unit_that_is_silent_counts_as_gone(
    server: ControlServer, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = raw(server)
    channel.receive()
    channel.send({"type": "limit", "key": "k", "per": 60, "requests": 3})
    channel.send({"type": "report", "key": "k", "wanted": 3})
    assert channel.receive()["count"] == 3
    monkeypatch.setattr(control_server, "UNIT_SILENCE", 0.0)
    assert has_ended(channel)
    monkeypatch.undo()
    client = join()
    limit = client.shared_limit(terms(3, 60.0))
    assert server.units()[0].unit == "a"
    assert limit.key != "k"


def test_an_older_attempt_is_stopped_first(server: ControlServer, join: Join) -> None:
    stop = Waiting()
    older = join("a", 1, stop)

    def end_when_stopped() -> None:
        stop.awaited()
        assert [one.attempt for one in server.units()] == [1]
        older.close()

    ending = threading.Thread(target=end_when_stopped)
    ending.start()
    join("a", 2)
    ending.join(LONGEST)
    assert isinstance(stop.error, UnitStopped)
    assert "attempt 2" in str(stop.error)
    assert [one.attempt for one in server.units()] == [2]


def test_an_older_attempt_that_does_not_end_is_disconnected(
    server: ControlServer, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_server, "STOP_GRACE", 0.1)
    gone = threading.Event()
    join("a", 1, on_gone=lambda _: gone.set())
    join("a", 1)
    assert gone.wait(LONGEST)
    assert len(server.units()) == 1


def test_an_attempt_is_refused_while_a_later_one_is_connected(
    server: ControlServer, join: Join
) -> None:
    join("a", 2)
    with pytest.raises(FrameworkError, match="attempt 2"):
        join("a", 1)
    assert [one.attempt for one in server.units()] == [2]


def test_closing_ends_all_units(server: ControlServer, join: Join) -> None:
    stops = [Waiting() for _ in range(3)]
    for number, stop in enumerate(stops):
        join(f"unit {number}", 1, stop)
    server.close()
    assert {type(stop.awaited()) for stop in stops} == {CoordinatorGone}
    with pytest.raises(FrameworkError):
        join("late")


def test_log_lines_arrive_in_order_and_before_the_end(
    server: ControlServer, join: Join, lines: list[Any]
) -> None:
    client = join("a", 2)
    for number in range(100):
        client.log({"number": number})
    client.log({"text": "x" * MAX_MESSAGE})
    client.close()
    assert [fields.get("number") for _, _, fields in lines] == [*range(100), None]
    left_out = lines[-1][2]
    assert left_out["event"] == "warning"
    assert left_out["message"] == "a log line of 1,048,611 bytes is left out"
    assert {line[:2] for line in lines} == {("a", 2)}


def test_many_units_come_and_go(server: ControlServer, join: Join) -> None:
    clients = [join(f"unit {number}") for number in range(100)]
    limits = [client.shared_limit(terms(50, 3600.0)) for client in clients]
    got = 0
    while got < 50:
        got += sum(limit.try_acquire() == (0.0, "") for limit in limits)
    assert len(server.units()) == 100
    (use,) = server.budget_uses()
    assert use.held == 50
    for client in clients:
        client.close()
    assert server.units() == []
    assert server.budget_uses() == []
    assert server.budget_rows() == []
