"""The unit's side of the control channel: destination turns, stop, a coordinator that is gone."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from framework.errors import Interrupted
from framework.fleet.control import control_client
from framework.fleet.control.budgets import Budgets
from framework.fleet.control.control_channel import ChannelClosed, ControlChannel
from framework.fleet.control.control_client import ControlClient, CoordinatorGone
from framework.fleet.control.control_server import ControlServer
from framework.fleet.control.leased_limit import budget_key
from framework.http.limits.rate_limit import RateLimiter, WaitTooLong
from framework.runtime.environment import StopSignal
from tests.support.processes import LONGEST
from tests.support.unit_processes import KEY, SALT, terms

Join = Callable[..., ControlClient]


@pytest.fixture
def join() -> Iterator[Join]:
    with ExitStack() as opened:
        server = opened.enter_context(ControlServer(Budgets(), "127.0.0.1", 0, KEY, salt=SALT))

        def joined(unit: str = "a", stop: StopSignal | None = None) -> ControlClient:
            client = ControlClient(server.address, KEY, unit, 1, stop=stop or StopSignal())
            opened.callback(client.close)
            return client

        yield joined


@pytest.fixture(autouse=True)
def _frequent_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients hear from the coordinator more often."""
    monkeypatch.setattr(control_client, "HEARTBEAT", 0.0)


class Visitor:
    """A thread that takes a destination's turn, and leaves when it is told to."""

    def __init__(self, client: ControlClient, key: str, visited: list[ControlClient]) -> None:
        self._client, self._key, self._visited = client, key, visited
        self.has_entered, self.may_leave = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._visit, daemon=True)
        self.thread.start()

    def _visit(self) -> None:
        try:
            with self._client.destination_turn(self._key):
                self._visited.append(self._client)
                self.has_entered.set()
                self.may_leave.wait(LONGEST)
        except Interrupted as error:
            self.error = error

    def leave(self) -> None:
        assert self.has_entered.wait(LONGEST)
        self.may_leave.set()
        self.thread.join(LONGEST)


def test_a_destination_has_one_unit_at_a_time_in_the_order_of_requests(join: Join) -> None:
    clients = [join(f"unit {number}") for number in range(4)]
    visited: list[ControlClient] = []
    visitors = []
    for client in clients:
        visitors.append(Visitor(client, "shop.duckdb", visited))
        if len(visitors) == 1:
            assert visitors[0].has_entered.wait(LONGEST)
        # a word that is sent after the request has arrived after it
        roundtrip(client)
    assert visited == clients[:1]
    for number, visitor in enumerate(visitors, 1):
        visitor.leave()
        if number < 4:
            assert visitors[number].has_entered.wait(LONGEST)
        assert visited == clients[: number + 1]


def roundtrip(client: ControlClient) -> None:
    """Wait until the coordinator has replied to something that was sent from now on."""
    now = time.monotonic()
    deadline = now + LONGEST
    while client._heard < now:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_turns_of_several_destinations_are_independent(join: Join) -> None:
    one, other = join("one"), join("other")
    with one.destination_turn("a.duckdb"), other.destination_turn("b.duckdb"):
        pass


def test_a_process_that_has_the_turn_may_enter_again(join: Join) -> None:
    client, other = join(), join("other")
    visited: list[ControlClient] = []
    with client.destination_turn("k"):
        with client.destination_turn("k"):
            pass
        second_thread = Visitor(client, "k", visited)
        assert second_thread.has_entered.wait(LONGEST)
        waiting = Visitor(other, "k", visited)
    # the other thread still has it
    roundtrip(other)
    assert visited == [client]
    second_thread.leave()
    waiting.leave()
    assert visited == [client, other]


def test_a_turn_ends_with_its_connection(join: Join) -> None:
    client, other = join(), join("other")
    visited: list[ControlClient] = []
    holder = Visitor(client, "k", visited)
    assert holder.has_entered.wait(LONGEST)
    waiting = Visitor(other, "k", visited)
    client._channel.shut_down()  # as if it were killed
    waiting.leave()
    assert visited == [client, other]
    holder.leave()


def test_a_stop_ends_the_wait_for_a_turn_and_gives_up_the_place(join: Join) -> None:
    stop = StopSignal()
    holder, stopped, last = join("holder"), join("stopped", stop), join("last")
    visited: list[ControlClient] = []
    with holder.destination_turn("k"):
        waiting = Visitor(stopped, "k", visited)
        roundtrip(stopped)
        following = Visitor(last, "k", visited)
        stop.set()
        waiting.thread.join(LONGEST)
        assert isinstance(waiting.error, Interrupted)
    following.leave()
    assert visited == [last]


class SilentCoordinator:
    """A coordinator that admits one unit, and says nothing any more."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.received: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connected, _ = self._listener.accept()
        self.channel = ControlChannel(connected)
        self.channel.authenticate(KEY, listens=True)
        self.channel.receive()
        self.channel.send({"type": "welcome", "salt": SALT.hex()})
        with suppress(ChannelClosed):
            while (message := self.channel.receive())["type"] != "bye":
                self.received.append(message)
        self.channel.close()

    def close(self) -> None:
        self._thread.join(LONGEST)
        self._listener.close()


@pytest.fixture
def silent() -> Iterator[SilentCoordinator]:
    coordinator = SilentCoordinator()
    yield coordinator
    coordinator.close()


def test_a_coordinator_that_is_silent_counts_as_gone(
    silent: SilentCoordinator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_client, "SILENCE", 0.2)
    stop, gone = StopSignal(), threading.Event()
    client = ControlClient(silent.address, KEY, "a", 1, stop=stop, on_gone=lambda _: gone.set())
    limit = client.shared_limit(terms())
    assert gone.wait(LONGEST)
    assert isinstance(stop.error, CoordinatorGone)
    assert "silent" in str(stop.error)
    assert limit.try_acquire()[1] == "the coordinator does not respond"
    client.close()


def test_secrets_never_leave_the_process(silent: SilentCoordinator) -> None:
    limit = terms(5, 60.0)
    client = ControlClient(silent.address, KEY, "a", 1, stop=StopSignal())
    client.shared_limit(limit).pause(1.0, "a 429")
    client.close()
    silent.close()
    sent = json.dumps(silent.received)
    assert "a 429" in sent
    assert budget_key(limit, SALT) in sent
    assert limit.secrets["key"] not in sent
    assert KEY.decode() not in sent


def test_a_budget_is_that_of_a_credential_or_of_the_api() -> None:
    def key(salt: bytes = SALT, **more: Any) -> str:
        return budget_key(terms(**more), salt)

    assert key() == key(requests=3, per=1.0)
    assert key() != key(salt=b"of another ledger")
    assert key().startswith("shop/")
    assert len(key()) == len("shop/") + 16
    first, second = {"user": "a", "token": "b"}, {"token": "b", "user": "a"}
    assert key(secrets=first) == key(secrets=second)
    assert key(secrets=first) != key(secrets={"user": "b", "token": "a"})
    assert key(scope="api", secrets=first) == key(scope="api") == "shop"


@pytest.mark.parametrize("remaining", [-1, 2**63 - 1, 2**70])
@pytest.mark.parametrize("allowed", [-1, 0, 2**70])
def test_headers_of_an_unlimited_api_do_not_end_the_connection(
    join: Join, allowed: int, remaining: int
) -> None:
    stop = StopSignal()
    client = join("a", stop)
    client.shared_limit(terms(5, 60.0)).learn(allowed, remaining, 1.0)
    roundtrip(client)
    roundtrip(client)
    assert stop.error is None


def test_a_used_up_quota_is_too_long_to_wait_for(join: Join) -> None:
    limiter = RateLimiter(1, None, StopSignal(), shared=join().shared_limit(terms(per_day=3)))
    for _ in range(3):
        limiter.acquire(lambda seconds, why: None)
        limiter.release(None)
    with pytest.raises(WaitTooLong) as refused:
        limiter.acquire(lambda seconds, why: None)
    assert refused.value.used_up == "rate_limit.per_day (3 requests)"
