"""The budget of requests, counted where they arrive."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from framework.definition.model import RateLimit
from framework.errors import Interrupted, RequestError
from framework.extract.compilation.render import render_config
from framework.http.limits import rate_limit as budget
from framework.http.limits.rate_limit import DAY, RateLimiter, WaitTooLong
from framework.runtime.environment import StopSignal
from tests.support.open_resource import NoWait, opened
from tests.support.servers.web import Answer, Web


def limit(requests_: int | None = None, seconds: float = 0.2, **headers: str) -> RateLimit:
    return RateLimit(requests_, timedelta(seconds=seconds), **headers)


def answered(headers: Mapping[str, str]) -> requests.Response:
    response = requests.Response()
    response.status_code = 200
    response.headers.update(headers)
    return response


def test_no_window_ever_holds_more_than_declared() -> None:
    places = RateLimiter(8, limit(5, 0.2), StopSignal())
    arrived: list[float] = []

    def send() -> None:
        places.acquire(lambda seconds, why: None)
        arrived.append(time.monotonic())
        time.sleep(0.01)
        places.release(None)

    threads = [threading.Thread(target=send) for _ in range(17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    arrived.sort()
    assert len(arrived) == 17
    assert all(late - early >= 0.2 for early, late in zip(arrived, arrived[5:], strict=False))


def test_only_so_many_are_in_flight() -> None:
    places = RateLimiter(3, None, StopSignal())
    for _ in range(3):
        places.acquire(lambda seconds, why: None)
    fourth = threading.Thread(target=places.acquire, args=[lambda seconds, why: None], daemon=True)
    fourth.start()
    fourth.join(0.05)
    assert fourth.is_alive()
    places.release(None)
    fourth.join(60)
    assert not fourth.is_alive()


def in_turn(places: RateLimiter, levels: list[int]) -> list[int]:
    """The order in which requests of these levels get the only place, when all have arrived."""
    got: list[int] = []
    places.acquire(lambda seconds, why: None)

    def send(level: int) -> None:
        places.acquire(lambda seconds, why: None, level)
        got.append(level)
        places.release(None)

    threads = []
    for number, level in enumerate(levels):
        threads.append(threading.Thread(target=send, args=[level]))
        threads[-1].start()
        while len(places._slots._waiting) <= number:
            time.sleep(0.001)
    places.release(None)
    for thread in threads:
        thread.join(60)
    return got


def test_requests_of_parents_go_first() -> None:
    assert in_turn(RateLimiter(1, None, StopSignal()), [2, 1, 2, 0, 1]) == [0, 1, 1, 2, 2]


def test_a_parent_gets_what_the_limit_allows_before_its_children() -> None:
    places = RateLimiter(8, limit(1, 0.1), StopSignal())
    got: list[int] = []

    def send(level: int) -> None:
        places.acquire(lambda seconds, why: None, level)
        got.append(level)
        places.release(None)

    places.acquire(lambda seconds, why: None)
    threads = [threading.Thread(target=send, args=[level]) for level in (1, 1, 1, 0, 0)]
    for number, thread in enumerate(threads):
        thread.start()
        while sum(places._waiting.values()) <= number:
            time.sleep(0.001)
    places.release(None)
    for thread in threads:
        thread.join(60)
    assert got == [0, 0, 1, 1, 1]


def test_headers_that_say_less_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: NoWait.skipped))
    told: list[str] = []
    named = limit(100, 60, limit_header="L", remaining_header="R", reset_header="S")
    stop = NoWait()
    places = RateLimiter(4, named, stop)
    places.acquire(lambda seconds, why: told.append(why))
    places.release(answered({"L": "100", "R": "0", "S": "45"}))
    places.acquire(lambda seconds, why: told.append(why))
    assert sum(stop.waited) == pytest.approx(45)
    assert told == ["rate limit reported by the API"]


def test_a_429_holds_back_all(tmp_path: Path, web: Web) -> None:
    def answer(asked: Any) -> Any:
        if len(web.asked) == 1:
            return Answer(429, {"title": "Too many"}, {"X-Reset": "30"})
        return [{"id": 1}]

    web.on("/items", answer)
    data = {
        "client": {
            "base_url": web.url,
            "rate_limit": {"headers": {"reset": "X-Reset"}},
            "retry": {"status_codes": [429], "max_retries": 1, "backoff_factor": 1},
        },
        "resources": [
            {
                "name": "items",
                "write_disposition": "replace",
                "endpoint": {"path": "/items", "paginator": "single_page"},
            }
        ],
    }
    waited: list[str] = []

    class Passing(StopSignal):
        """Lets a moment pass for a long wait, and the budget's window with it."""

        def wait(self, seconds: float) -> None:
            waited.append("wait")
            if len(waited) > 3:
                self.set(Interrupted("enough"))
            self.check()

    test = opened(tmp_path, data, stop=Passing())
    with pytest.raises(Interrupted):
        test.read("items")
    whys = [event.why for event in test.heard.events if hasattr(event, "why")]
    assert len(web.asked) == 1
    assert any("X-Reset" in why for why in whys)


def test_a_wait_for_a_place_ends_when_the_run_is_stopped() -> None:
    stop = StopSignal()
    places = RateLimiter(2, limit(1, 3600), stop)
    places.acquire(lambda seconds, why: None)
    places.release(None)
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(Interrupted):
        places.acquire(lambda seconds, why: None)


def test_the_declared_limit_may_come_from_config(tmp_path: Path, web: Web) -> None:
    web.on("/items", [{"id": 1}])
    data = {
        "config": {"per_second": {"type": "integer", "default": 1000}},
        "client": {
            "base_url": web.url,
            "rate_limit": {"requests": "{config.per_second}", "per": "PT1S"},
        },
        "resources": [
            {
                "name": "items",
                "write_disposition": "replace",
                "endpoint": {"path": "/items", "paginator": "single_page"},
            }
        ],
    }
    assert opened(tmp_path, data, {"per_second": "3"}).read("items") == [{"id": 1}]


class Hours:
    """The limiter's clock, in hours."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(budget, "time", SimpleNamespace(monotonic=lambda: self.now * 3600))


def sent(places: RateLimiter) -> None:
    places.acquire(lambda seconds, why: None)
    places.release(None)


def test_a_request_of_the_last_24_hours_counts_for_the_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Hours(monkeypatch)
    places = RateLimiter(4, RateLimit(per_day=3), StopSignal())
    sent(places)
    clock.now = 10
    sent(places)
    sent(places)
    clock.now = 20
    with pytest.raises(WaitTooLong) as caught:
        sent(places)
    assert caught.value.seconds == pytest.approx(4 * 3600, abs=60)
    assert caught.value.used_up == "rate_limit.per_day (3 requests)"
    clock.now = 24.02
    sent(places)
    with pytest.raises(WaitTooLong) as caught:
        sent(places)
    assert caught.value.seconds == pytest.approx(9.98 * 3600, abs=60)
    clock.now = 34.02
    sent(places)
    sent(places)
    with pytest.raises(WaitTooLong):
        sent(places)


def test_a_request_in_flight_counts_for_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    Hours(monkeypatch)
    places = RateLimiter(4, RateLimit(per_day=1), StopSignal())
    places.acquire(lambda seconds, why: None)
    with pytest.raises(WaitTooLong) as caught:
        sent(places)
    assert caught.value.seconds == DAY
    assert caught.value.used_up == "rate_limit.per_day (1 request)"


def test_the_end_of_a_day_that_is_near_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, told = Hours(monkeypatch), list[str]()

    class Passing(StopSignal):
        def wait(self, seconds: float) -> None:
            clock.now += seconds / 3600

    places = RateLimiter(1, RateLimit(per_day=1), Passing(), longest=300)
    sent(places)
    clock.now = 23.99
    places.acquire(lambda seconds, why: told.append(why))
    assert told == ["rate_limit.per_day (1 request)"]
    assert clock.now == pytest.approx(24.01, abs=0.01)


def per_day(url: str) -> dict[str, Any]:
    page = {"type": "page_number", "base_page": 1, "total_path": None}
    endpoint = {"path": "/items", "paginator": page, "data_selector": "items"}
    return {
        "config": {"daily": {"type": "integer", "default": 3}},
        "client": {"base_url": url, "rate_limit": {"per_day": "{config.daily}"}},
        "resources": [{"name": "items", "write_disposition": "replace", "endpoint": endpoint}],
    }


def test_a_run_ends_when_the_requests_of_the_day_are_used_up(tmp_path: Path, web: Web) -> None:
    web.on("/items", lambda asked: {"items": [{"id": int(asked.param("page") or 1)}]})
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, per_day(web.url), {"daily": "2"}).read("items")
    assert len(web.asked) == 2
    assert re.fullmatch(
        r"items: GET \S+/items\?page=3 is not sent: rate_limit\.per_day \(2 requests\) is used up "
        r"until \S+ \S+ UTC \(86,4\d\d s\), which is longer than retry\.max_wait \(300 s\)\. Run "
        r"again after that",
        str(caught.value),
    )


def test_a_compiled_connector_shows_the_limit_of_the_day(tmp_path: Path, web: Web) -> None:
    compiled = opened(tmp_path, per_day(web.url), {"daily": "2"}).compiled
    shown = render_config(compiled.connector, compiled.settings)["client"]["rate_limit"]
    assert shown == {"per": "PT60S", "per_day": 2, "scope": "credential"}
