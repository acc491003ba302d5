"""Rate limiting: the declared limit, what response headers report, and what a 429 means.

One limiter per connector, shared by all requests in flight. A request counts for `per` seconds
from the end of its response: however long responses take, no window of that length holds more
requests than the server allows. Requests of parents go before those of children, which would
otherwise run out of work while many of them are in the way.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Literal, Protocol

import requests

from framework.definition.model import RateLimit
from framework.http.retry_wait import reset_of
from framework.runtime.environment import StopSignal
from framework.text import count_noun

RECHECK = 0.25
"""Seconds after which a waiting request checks again: a response may have reported more."""
MOMENT = 0.01
"""Seconds after which a request checks again that leaves its turn to one of a parent."""
DAY = 86_400.0
"""Seconds of a day."""


class WaitTooLong(Exception):
    """The API has no request left for longer than the longest wait, both in seconds.

    `used_up` is a limit that is used up, "" if the API reported it by its headers.
    """

    def __init__(self, seconds: float, longest: float, used_up: str = "") -> None:
        super().__init__(seconds)
        self.seconds = seconds
        self.longest = longest
        self.used_up = used_up


@dataclass(frozen=True)
class LimitTerms:
    """What a shared limit needs to know of a connector: who is limited, and to what.

    `budget` names one of several of the connector, "" for the client's own. `secrets` are values by
    entry, in this process only: to be hashed, never to be sent. `requests` may start in each `per`
    seconds, `per_day` in each 24 hours. `max_in_flight` is None if the file does not declare it. A
    wait longer than `max_wait` seconds is not begun.
    """

    connector: str
    scope: Literal["credential", "api"]
    secrets: Mapping[str, str] = field(repr=False)
    requests: int | None
    per: float
    per_day: int | None
    max_in_flight: int | None
    max_wait: float = 300.0
    budget: str = ""


class SharedLimit(Protocol):
    """A limit that several processes share. Thread-safe."""

    def try_acquire(self, cost: int = 1, longest: float | None = None) -> tuple[float, str]:
        """Return (0, "") and count a request as in flight, or the seconds until a retry and why.

        It counts as `cost` requests. The reason is empty if there is none to report. Raise
        WaitTooLong to send no more requests; `longest` bounds the wait, None as it is declared.
        """

    def release(self, cost: int = 1) -> None:
        """Count a request that has ended, with the cost that it was acquired with."""

    def pause(self, seconds: float, why: str) -> None:
        """Let no process send a request for that long: one was refused by a 429."""

    def learn(self, allowed: int | None, remaining: int | None, reset: float | None) -> None:
        """Adopt what the headers of a response report, if it is less; `reset` is in seconds.

        The request of that response still counts as in flight: its `release` follows.
        """


class RateLimiter:
    """Rate limiter: `acquire()` before a request, `release(response)` after it. Thread-safe.

    `slots` bounds the requests in flight; `limit` is what the connector file declares, or None.
    `longest` bounds how long a reset header can pause requests, in seconds. A `shared` limit
    counts in place of this one, and is asked after parents' requests and pauses. A request may
    count as several, by its `cost`; one that costs more than the limit is sent alone. Messages have
    the `name` of a named limit.
    """

    def __init__(
        self,
        slots: int,
        limit: RateLimit | None,
        stop: StopSignal,
        longest: float = 300.0,
        shared: SharedLimit | None = None,
        name: str = "",
    ) -> None:
        self._slots = RequestSlots(slots)
        self._waiting: Counter[int] = Counter()
        """The number of requests that wait for the limit, by level."""
        self.limit = limit
        self._stop = stop
        self._longest = longest
        self._shared = shared
        self._lock = threading.Lock()
        self._per = limit.per.total_seconds() if limit else 0.0
        self._allowed = int(limit.requests) if limit and limit.requests else None
        self._in_flight = 0
        self._ended: deque[float] = deque()
        self._name = f"rate limit {name}".rstrip()
        self._day = DailyCount(int(limit.per_day), name) if limit and limit.per_day else None
        self._remaining: int | None = None
        self._remaining_until = 0.0
        self._paused_until = 0.0
        self._why = ""

    def acquire(
        self,
        on_wait: Callable[[float, str], None],
        level: int = 0,
        cost: int = 1,
        longest: float | None = None,
    ) -> None:
        """Wait until a request may be sent; those of a lower `level` go first.

        `on_wait` is called with the seconds and the reason of a wait, once per reason. Raise
        WaitTooLong at once if the API allows no request for longer than `longest` seconds.
        """
        longest = self._longest if longest is None else longest
        self._slots.acquire(level)
        try:
            seconds, why = self._try_acquire(level, cost, longest)
            if seconds:
                self._await_limit(seconds, why, on_wait, (level, cost, longest))
        except BaseException:
            self._slots.release()
            raise

    def _await_limit(
        self,
        seconds: float,
        why: str,
        on_wait: Callable[[float, str], None],
        request: tuple[int, int, float],
    ) -> None:
        reported = ""
        self._count_waiting(request[0], 1)
        try:
            while seconds:
                if why and why != reported:
                    on_wait(seconds, why)
                    reported = why
                self._stop.wait(min(seconds, RECHECK))
                seconds, why = self._try_acquire(*request)
        finally:
            self._count_waiting(request[0], -1)

    def _count_waiting(self, level: int, change: int) -> None:
        with self._lock:
            self._waiting[level] += change

    def release(self, response: requests.Response | None, cost: int = 1) -> None:
        """Count a request that has ended; `response` is None if it failed."""
        now = time.monotonic()
        try:
            if self._shared is not None:
                self._release_shared(self._shared, response, cost)
                return
            with self._lock:
                self._in_flight -= cost
                if self._allowed is not None:
                    self._ended.extend([now] * cost)
                if self._day is not None:
                    self._day.add(now, cost)
                if response is not None:
                    self._learn(response, now)
        finally:
            self._slots.release()

    def _release_shared(
        self, shared: SharedLimit, response: requests.Response | None, cost: int
    ) -> None:
        try:
            if response is not None and self.limit is not None:
                reported = _reported(response, self.limit)
                if reported != (None, None, None):
                    shared.learn(*reported)
        finally:
            shared.release(cost)

    def pause(self, seconds: float, why: str) -> None:
        """Send no request for that long: a 429 is meant for all, not for one request."""
        with self._lock:
            until = time.monotonic() + seconds
            if until > self._paused_until:
                self._paused_until, self._why = until, why
        if self._shared is not None:
            self._shared.pause(seconds, why)

    def refuse(self, seconds: float, why: str) -> None:
        """Tell other processes of a pause that no request here waits for: it is too long."""
        if self._shared is not None:
            self._shared.pause(seconds, why)

    def _try_acquire(self, level: int, cost: int, longest: float) -> tuple[float, str]:
        """Return (0, ""), or the seconds until another try is worthwhile, and why.

        The reason is empty if a request of a parent goes first.
        """
        if self._shared is not None:
            return self._try_shared(self._shared, level, cost, longest)
        now = time.monotonic()
        with self._lock:
            if now < self._paused_until:
                return self._paused_until - now, self._why
            if self._remaining is not None and now >= self._remaining_until:
                self._remaining = None
            if self._remaining is not None and self._remaining < cost:
                seconds = self._remaining_until - now
                if seconds > longest:
                    raise WaitTooLong(seconds, longest)
                return seconds, "rate limit reported by the API"
            if self._day is not None:
                seconds = self._day.wait(now, self._in_flight + cost - 1)
                if seconds > longest:
                    raise WaitTooLong(seconds, longest, str(self._day))
                if seconds:
                    return seconds, str(self._day)
            while self._ended and self._ended[0] <= now - self._per:
                self._ended.popleft()
            if self._allowed is not None:
                excess = self._in_flight + len(self._ended) + cost - max(self._allowed, cost)
                if excess > 0:
                    last = min(excess, len(self._ended))
                    seconds = self._ended[last - 1] + self._per - now if last else RECHECK
                    why = f"{self._name} of {self._allowed} per {self._per:g} s"
                    return max(seconds, 0.001), why
            if self._waiting and self._has_parents_waiting(level):
                return MOMENT, ""
            self._in_flight += cost
            if self._remaining is not None:
                self._remaining -= cost
            return 0.0, ""

    def _try_shared(
        self, shared: SharedLimit, level: int, cost: int, longest: float
    ) -> tuple[float, str]:
        now = time.monotonic()
        with self._lock:
            if now < self._paused_until:
                return self._paused_until - now, self._why
            if self._has_parents_waiting(level):
                return MOMENT, ""
        return shared.try_acquire(cost, longest)

    def _has_parents_waiting(self, level: int) -> bool:
        return any(n for other, n in self._waiting.items() if other < level)

    def _learn(self, response: requests.Response, now: float) -> None:
        """Adopt what the declared headers report if it is less."""
        limit = self.limit
        if limit is None:
            return
        allowed, remaining, reset = _reported(response, limit)
        if (
            allowed is not None
            and allowed > 0
            and (self._allowed is None or allowed < self._allowed)
        ):
            self._allowed = allowed
            self._per = self._per or 60.0
        if remaining is None or reset is None:
            return
        # the server may not have counted the requests in flight
        remaining -= self._in_flight
        until = now + reset
        if self._remaining is None or now >= self._remaining_until:
            self._remaining, self._remaining_until = remaining, until
        elif remaining < self._remaining:
            self._remaining, self._remaining_until = remaining, max(until, self._remaining_until)


class DailyCount:
    """The requests of the last 24 hours, counted by the minute in which they ended."""

    MINUTE = 60.0

    def __init__(self, allowed: int, name: str = "") -> None:
        self._allowed = allowed
        self._name = f"rate limit {name}: per_day" if name else "rate_limit.per_day"
        self._minutes: deque[tuple[float, int]] = deque()
        """The end of each minute, and its number of requests."""
        self._count = 0

    def __str__(self) -> str:
        """Return the limit as messages name it."""
        return f"{self._name} ({count_noun(self._allowed, 'request')})"

    def add(self, now: float, cost: int = 1) -> None:
        """Count a request that has ended."""
        end = (now // self.MINUTE + 1) * self.MINUTE
        number = self._minutes.pop()[1] if self._minutes and self._minutes[-1][0] == end else 0
        self._minutes.append((end, number + cost))
        self._count += cost

    def wait(self, now: float, in_flight: int) -> float:
        """Return the seconds until another request may be sent, 0 if it may now."""
        while self._minutes and self._minutes[0][0] <= now - DAY:
            self._count -= self._minutes.popleft()[1]
        if self._count + in_flight < self._allowed:
            return 0.0
        return self._minutes[0][0] + DAY - now if self._minutes else DAY


class RequestSlots:
    """Places for requests in flight. Who waits gets one by level, then in the order of arrival."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._used = self._peak = 0
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, int, threading.Event]] = []
        self._arrivals = count()

    def acquire(self, level: int) -> None:
        """Wait for a place; requests of a lower `level` go first."""
        with self._lock:
            if self._used < self._most:
                self._used += 1
                self._peak = max(self._peak, self._used)
                return
            turn = threading.Event()
            heappush(self._waiting, (level, next(self._arrivals), turn))
        turn.wait()

    def release(self) -> None:
        """Give a place back."""
        with self._lock:
            self._used -= 1
            if self._waiting:
                self._hand_out()

    def resize(self, most: int) -> None:
        """Have more or fewer places from now on; those in use are kept until they are released."""
        with self._lock:
            self._most = most
            self._hand_out()

    def take_peak(self) -> int:
        """Return the most places that were in use since the last call."""
        with self._lock:
            peak, self._peak = self._peak, self._used
            return peak

    def _hand_out(self) -> None:
        while self._waiting and self._used < self._most:
            self._used += 1
            self._peak = max(self._peak, self._used)
            heappop(self._waiting)[-1].set()


def _reported(
    response: requests.Response, limit: RateLimit
) -> tuple[int | None, int | None, float | None]:
    """Return what the declared headers report: permitted, remaining, and seconds to the reset."""
    return (
        _number(response, limit.limit_header),
        _number(response, limit.remaining_header),
        reset_of(response, limit),
    )


def _number(response: requests.Response, header: str | None) -> int | None:
    try:
        return int(response.headers[header]) if header else None
    except (KeyError, ValueError):
        return None
