"""A limit that several processes share takes the place of a run's own count."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from framework.definition.model import RateLimit
from framework.errors import RequestError
from framework.http.limits.rate_limit import LimitTerms, RateLimiter, WaitTooLong
from framework.runtime.environment import StopSignal
from tests.support.open_resource import NoWait, one_list, opened, run_threads
from tests.support.servers.web import Answer, Web, each

Json = Any


class LoggedLimit:
    """A shared limit with so many requests left, which writes down what it is told."""

    def __init__(
        self, left: int = 1_000, refusal: Exception | None = None, at_once: int = 1_000
    ) -> None:
        self.log: list[tuple[Any, ...]] = []
        self.terms: list[LimitTerms] = []
        self.in_flight = self.most = 0
        self._left = left
        self._refusal = refusal
        self._at_once = at_once
        self._lock = threading.Lock()

    def __call__(self, terms: LimitTerms) -> LoggedLimit:
        self.terms.append(terms)
        return self

    def try_acquire(self, cost: int = 1, longest: float | None = None) -> tuple[float, str]:
        with self._lock:
            if self.in_flight >= self._at_once:
                return 0.01, ""
            if self._left <= 0:
                if self._refusal is not None:
                    raise self._refusal
                self.log.append(("refuse",))
                self._left = 1  # at the next try
                return 5.0, "the limit of all"
            self._left -= cost
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            self.log.append(("acquire",))
            return 0.0, ""

    def release(self, cost: int = 1) -> None:
        with self._lock:
            self.in_flight -= 1
            self.log.append(("release",))

    def pause(self, seconds: float, why: str) -> None:
        self.log.append(("pause", seconds, why))

    def learn(self, allowed: int | None, remaining: int | None, reset: float | None) -> None:
        self.log.append(("learn", allowed, remaining, reset))


def untold(seconds: float, why: str) -> None:
    """Ignore a wait."""


def answered(**headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = 200
    response.headers.update(headers)
    return response


def limit(requests_: int | None = None) -> RateLimit:
    headers = {"limit_header": "L", "remaining_header": "R", "reset_header": "S"}
    return RateLimit(requests_, timedelta(seconds=60), **headers)  # type: ignore[arg-type]


def test_the_shared_limit_counts_in_place_of_the_own() -> None:
    shared = LoggedLimit()
    limiter = RateLimiter(4, limit(1), StopSignal(), shared=shared)
    limiter.acquire(untold)
    limiter.acquire(untold)
    limiter.release(answered(R="0", S="3600"))
    limiter.acquire(untold)
    assert shared.in_flight == 2


def test_a_refused_request_waits_and_says_why() -> None:
    stop, told = NoWait(), list[str]()
    shared = LoggedLimit(left=0)
    limiter = RateLimiter(1, None, stop, shared=shared)
    limiter.acquire(lambda seconds, why: told.append(f"{seconds:g} s: {why}"))
    assert told == ["5 s: the limit of all"]
    assert shared.log == [("refuse",), ("acquire",)]
    assert len(stop.waited) == 1


def test_headers_are_told_before_the_request_counts_as_ended() -> None:
    shared = LoggedLimit()
    limiter = RateLimiter(1, limit(), StopSignal(), shared=shared)
    for response in (answered(L="60", R="7", S="30"), answered(), None):
        limiter.acquire(untold)
        limiter.release(response)
    assert shared.log == [
        ("acquire",),
        ("learn", 60, 7, 30.0),
        ("release",),
        ("acquire",),
        ("release",),
        ("acquire",),
        ("release",),
    ]


def test_a_429_pauses_all_processes() -> None:
    stop, shared = NoWait(), LoggedLimit()
    limiter = RateLimiter(1, None, stop, shared=shared)
    limiter.pause(30, "429 Too Many Requests")
    assert shared.log == [("pause", 30, "429 Too Many Requests")]
    limiter.acquire(untold)
    assert sum(stop.waited) == pytest.approx(30, abs=1)


def test_a_used_up_limit_gives_the_place_back() -> None:
    shared = LoggedLimit(left=0, refusal=WaitTooLong(3600, 300, "rate_limit.per_day (9 requests)"))
    limiter = RateLimiter(1, None, StopSignal(), shared=shared)
    for _ in range(2):
        with pytest.raises(WaitTooLong):
            limiter.acquire(untold)
    assert shared.in_flight == 0


def test_a_child_does_not_ask_while_a_parent_waits() -> None:
    """A parent waits, then a child: the limit is asked once more by the parent first."""
    shared, order = LoggedLimit(left=0), list[int]()
    asked, go_on = threading.Event(), threading.Event()

    class Held(StopSignal):
        """Holds the parent's wait until the child has come."""

        def wait(self, seconds: float) -> None:
            if not asked.is_set():
                asked.set()
                go_on.wait(60)

    limiter = RateLimiter(2, None, Held(), shared=shared)

    def send(level: int) -> None:
        limiter.acquire(untold, level)
        order.append(level)

    parent = threading.Thread(target=send, args=[0])
    parent.start()
    asked.wait(60)
    assert limiter._try_acquire(1, 1, 300.0) == (0.01, "")
    assert shared.log == [("refuse",)]
    go_on.set()
    parent.join(60)
    send(1)
    assert order == [0, 1]


def body(url: str, **client: Json) -> dict[str, Json]:
    data = one_list(url, **client)
    data["client"]["auth"] = {"type": "bearer", "token": "{secrets.key}"}
    data["secrets"] = {"key": {}, "other": {"optional": True}}
    return data


def test_the_terms_are_the_files_with_config_filled_in(tmp_path: Path, web: Web) -> None:
    shared = LoggedLimit()
    data = body(
        web.url,
        rate_limit={
            "requests": "{config.per_second}",
            "per": "PT2S",
            "per_day": "{config.per_day}",
            "scope": "api",
        },
        max_in_flight=3,
        retry={"max_wait": "PT1M"},
    )
    data["config"] = {
        "per_second": {"type": "integer", "default": 7},
        "per_day": {"type": "integer", "default": 900},
    }
    opened(tmp_path, data, {"key": "s3cret"}, shared_limit=shared)
    plain = body(web.url)
    opened(tmp_path, plain, {"key": "s3cret"}, shared_limit=shared)
    declared, undeclared = shared.terms
    assert declared.connector == "shop"
    assert declared.secrets == {"key": "s3cret"}
    assert (declared.requests, declared.per, declared.max_in_flight) == (7, 2.0, 3)
    assert (declared.max_wait, declared.per_day, declared.scope) == (60, 900, "api")
    assert (undeclared.per_day, undeclared.scope) == (None, "credential")
    assert (undeclared.requests, undeclared.per, undeclared.max_in_flight) == (None, 60.0, None)
    assert "s3cret" not in repr(declared)


def test_two_runs_send_no_more_at_once_than_their_limit_allows(tmp_path: Path, web: Web) -> None:
    shared = LoggedLimit(at_once=1)
    web.on("/items", [{"id": 1}])
    both = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        one = opened(
            tmp_path / name, body(web.url), {"key": "k"}, shared_limit=shared, stop=StopSignal()
        )
        both.append(one)
    assert run_threads(2, lambda: both.pop().read("items")) == [[{"id": 1}], [{"id": 1}]]
    assert shared.most == 1
    assert len(web.asked) == 2


def test_a_used_up_limit_ends_the_resource_and_says_what_is_used_up(
    tmp_path: Path, web: Web
) -> None:
    used_up = "rate_limit.per_day (9 requests)"
    shared = LoggedLimit(left=0, refusal=WaitTooLong(3600, 300, used_up))
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body(web.url), {"key": "k"}, shared_limit=shared).read("items")
    assert f"is not sent: {used_up} is used up until 20" in str(caught.value)
    assert web.asked == []


def test_a_429_of_one_run_pauses_the_limit_of_all(tmp_path: Path, web: Web) -> None:
    web.on("/items", each(Answer(429, headers={"Retry-After": "17"}), [{"id": 1}]))
    shared = LoggedLimit()
    data = body(web.url, retry={"max_retries": 1})
    shop = opened(tmp_path, data, {"key": "k"}, shared_limit=shared)
    assert shop.read("items") == [{"id": 1}]
    assert shared.log[2] == ("pause", 17.0, "429 Too Many Requests, Retry-After")


def test_a_replay_asks_no_shared_limit(tmp_path: Path, web: Web) -> None:
    shared = LoggedLimit()
    opened(tmp_path, body(web.url), {"key": "k"}, shared_limit=shared, waits=False)
    assert shared.terms == []
