"""One budget over several processes, as a real server sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from framework.fleet.control import control_server
from framework.fleet.control.budgets import Budgets
from framework.fleet.control.control_client import ControlClient
from framework.fleet.control.control_server import ControlServer
from framework.runtime.environment import StopSignal
from tests.support.processes import FORKS, LONGEST
from tests.support.servers.web import Answer, Asked, Web
from tests.support.unit_processes import (
    GONE,
    KEY,
    SALT,
    STOPPED,
    load_on,
    processes,
    run_coordinator,
    run_unit,
    terms,
)


class Api:
    """A server that notes when requests arrive, and from which unit."""

    def __init__(self, web: Web, latency: float = 0.0) -> None:
        self.port = web.port
        self.arrived: list[tuple[float, str]] = []
        self.refusal: Answer | None = None
        """The response to the next request."""
        self._latency = latency
        self._changed = threading.Condition()
        web.on("/{unit}", self._answer)

    def _answer(self, asked: Asked) -> Any:
        with self._changed:
            self.arrived.append((time.monotonic(), asked.parts["unit"]))
            self._changed.notify_all()
            refusal, self.refusal = self.refusal, None
        if refusal is not None:
            return refusal
        time.sleep(self._latency)
        return {}

    def wait_for(self, requests: int) -> None:
        """Wait until so many requests have arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.arrived) >= requests, LONGEST)

    def wait_for_units(self, units: int) -> None:
        """Wait until requests of so many units have arrived."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: len({unit for _, unit in self.arrived}) >= units, LONGEST
            )

    def most_in_a_window(self, per: float) -> int:
        """The most requests that arrived within less than so many seconds."""
        times = sorted(at for at, _ in self.arrived)
        return max(sum(at <= other < at + per for other in times) for at in times)


class Lines:
    """The log lines of all units."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._changed = threading.Condition()

    def add(self, unit: str, attempt: int, fields: dict[str, Any]) -> None:
        with self._changed:
            self._seen.add((unit, fields["waits_for"]))
            self._changed.notify_all()

    def wait_for(self, why: str, units: set[str]) -> None:
        """Wait until each of the units has logged that it waits for that reason."""
        with self._changed:
            expected = {(unit, why) for unit in units}
            assert self._changed.wait_for(lambda: expected <= self._seen, LONGEST), self._seen


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def coordinator(lines: Lines) -> Iterator[ControlServer]:
    budgets = Budgets()
    with ControlServer(budgets, "127.0.0.1", 0, KEY, salt=SALT, on_line=lines.add) as server:
        yield server


def exit_codes(started: list[Any]) -> list[int]:
    for process in started:
        process.join(LONGEST)
    return [process.exitcode for process in started]


def test_eight_processes_share_one_budget(
    coordinator: ControlServer, lines: Lines, web: Web
) -> None:
    api, limit = Api(web), terms(24, 1.0)
    units = [(run_unit, (coordinator.address, number, web.port, limit)) for number in range(8)]
    with processes(*units) as started:
        api.wait_for_units(8)
        api.wait_for(30)
        started[0].kill()
        api.wait_for(60)
        # the units send nothing more after a 429 in one of them
        api.refusal = Answer(429, {}, {"Retry-After": "290"})
        lines.wait_for("a 429", {f"unit {number}" for number in range(1, 8)})
        before = len(api.arrived)
        (use,) = coordinator.budget_uses()
        assert use.paused > 200
        coordinator.close()
        assert exit_codes(started) == [-9] + 7 * [GONE]
        assert len(api.arrived) == before
    assert api.most_in_a_window(1.0) <= 24
    assert {unit for _, unit in api.arrived} == {str(number) for number in range(8)}


def test_units_end_when_their_coordinator_is_killed(web: Web) -> None:
    api = Api(web)
    hears, told = FORKS.Pipe(duplex=False)
    with processes((run_coordinator, (told,))) as (coordinator,):
        assert hears.poll(LONGEST)
        address = hears.recv()
        units = [(run_unit, (address, number, web.port, terms(6, 1.0))) for number in range(3)]
        with processes(*units) as started:
            api.wait_for_units(3)
            coordinator.kill()
            assert exit_codes(started) == 3 * [GONE]
    assert api.most_in_a_window(1.0) <= 6


def test_an_older_attempt_loads_nothing_once_a_newer_one_has_the_turn(
    coordinator: ControlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_server, "STOP_GRACE", 0.1)
    loaded = FORKS.Value("d", 0.0, lock=False)
    with processes((load_on, (coordinator.address, "a dataset", loaded))) as (older,):
        deadline = time.monotonic() + LONGEST
        while not loaded.value and time.monotonic() < deadline:
            time.sleep(0.01)
        newer = ControlClient(coordinator.address, KEY, "a", 2, stop=StopSignal())
        with newer, newer.destination_turn("a dataset"):
            began = time.monotonic()
            older.join(LONGEST)
        assert older.exitcode == 1
        assert 0.0 < loaded.value < began


def test_units_end_when_they_are_stopped(coordinator: ControlServer, web: Web) -> None:
    api = Api(web)
    units = [
        (run_unit, (coordinator.address, number, web.port, terms(20, 1.0))) for number in range(3)
    ]
    with processes(*units) as started:
        api.wait_for_units(3)
        coordinator.stop("enough", "unit 1")
        assert exit_codes(started[1:2]) == [STOPPED]
        assert {one.unit for one in coordinator.units()} == {"unit 0", "unit 2"}
        coordinator.stop("the end")
        assert exit_codes(started) == 3 * [STOPPED]


@pytest.mark.slow
def test_nine_tenths_of_a_budget_per_minute_are_used(coordinator: ControlServer, web: Web) -> None:
    requests = 600
    api, limit = Api(web, latency=0.1), terms(requests, 60.0)
    units = [(run_unit, (coordinator.address, number, web.port, limit)) for number in range(8)]
    with processes(*units) as started:
        api.wait_for(1)
        began = api.arrived[0][0]
        while time.monotonic() < began + 190:
            time.sleep(1)
        coordinator.stop("enough")
        assert exit_codes(started) == 8 * [STOPPED]
    steady = [at for at, _ in api.arrived if began + 65 <= at < began + 185]
    assert len(steady) >= 0.9 * 2 * requests
    assert api.most_in_a_window(60.0) <= requests
