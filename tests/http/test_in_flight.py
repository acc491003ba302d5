"""How many requests at once a host gets, against simulated servers and a real one."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from heapq import heappop, heappush
from pathlib import Path
from typing import Any

import pytest

from framework.events import RequestAnswered
from framework.http.limits.in_flight import START, FlightLevel, HostLevels
from framework.http.limits.rate_limit import RequestSlots
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.support.open_resource import connector_of, opened
from tests.support.servers.web import Answer, Web

Json = Any
Serve = Callable[[int], tuple[float, bool]]
"""Seconds of a response and whether it is a refusal, by the requests in flight."""


class Simulated:
    """A host that gets as many requests as its level allows, in simulated time."""

    def __init__(self, begins_at: int = START, most: int = 32) -> None:
        self.now = 0.0
        self.level = FlightLevel(begins_at, most, lambda: self.now)
        self._ends: list[tuple[float, float, bool, int]] = []
        self._sent = 0

    def run(self, requests: int, serve: Serve, at_once: int = 100) -> int:
        """Send so many requests on so many threads; return the level at the end."""
        for _ in range(requests):
            while len(self._ends) < min(self.level.level, at_once):
                self._send(serve)
            self._end()
        while self._ends:
            self._end()
        return self.level.level

    def _send(self, serve: Serve) -> None:
        self.level.slots.acquire(0)
        seconds, is_refused = serve(len(self._ends) + 1)
        self._sent += 1
        heappush(self._ends, (self.now + seconds, seconds, is_refused, self._sent))

    def _end(self) -> None:
        self.now, seconds, is_refused, _ = heappop(self._ends)
        self.level.slots.release()
        self.level.observe("items", seconds, is_refused=is_refused)


def test_a_host_that_keeps_up_gets_one_more_each_round() -> None:
    host = Simulated()
    levels = [host.run(host.level.level * 2, lambda _: (0.1, False)) for _ in range(12)]
    assert levels == sorted(levels)
    assert levels[0] in (START + 1, START + 2)
    assert host.run(5_000, lambda _: (0.1, False)) == 32
    assert (host.level.refused, host.level.late) == (0, 0)


def test_a_refusal_halves_the_number_once_for_all_that_were_in_flight() -> None:
    host = Simulated(16)
    host.run(16, lambda _: (0.1, host.now == 0))
    assert (host.level.level, host.level.refused) == (8, 1)


@pytest.mark.parametrize("begins_at", [1, START, 32])
def test_a_host_that_refuses_more_than_eight_gets_about_as_many(begins_at: int) -> None:
    host = Simulated(begins_at)
    host.run(2_000, lambda in_flight: (0.1, in_flight > 8))
    sent: list[int] = []

    def serve(in_flight: int) -> tuple[float, bool]:
        sent.append(in_flight)
        return 0.1, in_flight > 8

    host.run(2_000, serve)
    assert 5 <= sum(sent) / len(sent) <= 8.5
    assert max(sent) <= 10
    assert sum(one > 8 for one in sent) < 0.05 * len(sent)


def test_a_host_that_works_on_six_at_a_time_is_not_flooded() -> None:
    """More requests only wait there: each takes longer."""
    host = Simulated()
    levels = {
        host.run(100, lambda in_flight: (0.1 * max(in_flight / 6, 1), False)) for _ in range(200)
    }
    assert max(levels) <= 16
    assert min(levels) >= 5


def test_a_host_that_becomes_slow_gets_less_and_then_more_again() -> None:
    host = Simulated(20)
    host.run(200, lambda _: (0.1, False))
    before = host.level.level
    host.run(60, lambda _: (2.0, False))
    assert host.level.level < before
    assert host.level.late >= 1
    low = host.level.level
    assert host.run(2_000, lambda _: (0.1, False)) > low


def test_milliseconds_of_a_fast_host_are_no_reason() -> None:
    host = Simulated()
    slow = iter([0.001] * 50 + [0.004] * 5_000)
    host.run(400, lambda _: (next(slow), False))
    assert host.level.late == 0


def test_places_that_nobody_needs_are_not_added() -> None:
    host = Simulated()
    assert host.run(500, lambda _: (0.1, False), at_once=3) == START


def test_the_level_is_never_below_one() -> None:
    host = Simulated(2)
    host.run(50, lambda _: (0.1, True))
    assert host.level.level == 1
    assert host.run(100, lambda _: (0.1, False)) > 1


def test_fewer_places_are_those_that_are_released() -> None:
    slots = RequestSlots(3)
    for _ in range(3):
        slots.acquire(0)
    slots.resize(1)
    slots.release()
    slots.release()
    waiting = threading.Thread(target=slots.acquire, args=[0], daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()
    slots.resize(2)
    waiting.join(60)
    assert not waiting.is_alive()


def test_each_host_has_a_level_that_later_runs_begin_at() -> None:
    levels = HostLevels(32)
    levels.begin({"api.example.com": 12, "old.example.com": 7})
    assert levels.of("https://api.example.com/a").level == 12
    assert levels.of("https://u:p@API.example.com/b").level == 12
    assert levels.of("https://files.example.com:444/a").level == START
    assert levels.notes() == []
    levels.of("https://api.example.com/c").observe("c", 0.1, is_refused=True)
    assert levels.learnt() == {"api.example.com": 6, "old.example.com": 7}
    (note,) = levels.notes()
    assert note.startswith("max_in_flight: auto, api.example.com: 6 at once at the end, 12 at the")
    assert "lowered 1 x for refused requests" in note


def data(url: str) -> Json:
    pages = {"type": "page_number", "base_page": 1, "total_path": "pages", "ahead": True}
    return {
        "client": {
            "base_url": url,
            "max_in_flight": "auto",
            "retry": {"status_codes": [429], "max_retries": 50, "backoff_factor": 0},
        },
        "resources": [
            {
                "name": "items",
                "write_disposition": "replace",
                "endpoint": {"data_selector": "items", "paginator": pages},
            }
        ],
    }


class Bearing:
    """Lists of 200 pages from a server that refuses more than so many requests at once."""

    def __init__(self, web: Web, most: int) -> None:
        self._guard, self._now, self._most = threading.Lock(), 0, most
        self.refused = 0
        web.on("/items", self._serve)

    def _serve(self, asked: Any) -> Json:
        with self._guard:
            self._now += 1
            is_refused = self._now > self._most
            self.refused += is_refused
        threading.Event().wait(0.01)  # the time in which others could arrive
        with self._guard:
            self._now -= 1
        if is_refused:
            return Answer(429)
        return {"pages": 200, "items": [{"id": int(asked.param("page") or 1)}]}


def test_a_run_finds_what_a_server_bears(tmp_path: Path, web: Web) -> None:
    server = Bearing(web, 6)
    test = opened(tmp_path, data(web.url))
    assert len(test.read("items")) == 200
    levels = test.compiled.levels
    assert levels is not None
    (found,) = levels.learnt().values()
    assert 1 <= found < 32
    answered = [one for one in test.heard.events if isinstance(one, RequestAnswered)]
    assert server.refused == sum(one.status == 429 for one in answered)


def test_the_level_is_kept_in_the_state_and_told_in_the_report(project: Path, web: Web) -> None:
    Bearing(web, 1_000)
    connector = connector_of(project, data(web.url))
    notes = []
    for _ in range(2):
        report = run(connector, RunOptions(), Environment())
        assert report.status == "ok", report.as_dict()
        notes += [note for note in report.notes if "max_in_flight: auto" in note]
    first, second = (re.findall(r"(\d+) at (?:once|the)", note) for note in notes)
    assert (first[1], second[1]) == (str(START), first[0])
