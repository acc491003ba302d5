"""How many requests may go out: what the file declares, what answers tell, what a 429 means.

One budget for one host and credential, shared by everything in flight. A request takes its place
for `per` seconds from the moment its answer is there, so that however long answers take, a server
never counts more than it allows in any window of that length.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import requests

from framework.definition.model import RateLimit
from framework.http.wait_headers import reset_of
from framework.runtime.environment import StopSignal

SLICE = 0.25
"""Seconds after which a waiting request looks again: another one's answer may have told more."""


class RateLimiter:
    """Take a place before a request, give it back with the answer. Thread-safe.

    `slots` bounds how many requests are in flight; `limit` is what the file declares, or None.
    `longest` bounds in seconds how long a reset header can hold everything back.
    """

    def __init__(
        self, slots: int, limit: RateLimit | None, stop: StopSignal, longest: float = 300.0
    ) -> None:
        self._slots = threading.BoundedSemaphore(slots)
        self._limit = limit
        self._stop = stop
        self._longest = longest
        self._lock = threading.Lock()
        self._per = limit.per.total_seconds() if limit else 0.0
        self._allowed = int(limit.requests) if limit and limit.requests else None
        self._flying = 0
        self._ended: deque[float] = deque()
        self._left: int | None = None
        self._left_until = 0.0
        self._closed_until = 0.0
        self._why = ""

    def take(self, tell: Callable[[float, str], None]) -> None:
        """Wait for a place; `tell` hears how many seconds and why, once for each reason."""
        self._slots.acquire()
        told = ""
        try:
            while True:
                seconds, why = self._try()
                if not seconds:
                    return
                if why != told:
                    tell(seconds, why)
                    told = why
                self._stop.wait(min(seconds, SLICE))
        except BaseException:
            self._slots.release()
            raise

    def give_back(self, response: requests.Response | None) -> None:
        """The request is answered, or has failed (None)."""
        now = time.monotonic()
        with self._lock:
            self._flying -= 1
            if self._allowed is not None:
                self._ended.append(now)
            if response is not None:
                self._learn(response, now)
        self._slots.release()

    def close_for(self, seconds: float, why: str) -> None:
        """Hold everything back that long: a 429 is meant for all, not for the request it met."""
        with self._lock:
            until = time.monotonic() + seconds
            if until > self._closed_until:
                self._closed_until, self._why = until, why

    def _try(self) -> tuple[float, str]:
        """Take a place if there is one; else the seconds until one may be free, and why not."""
        now = time.monotonic()
        with self._lock:
            if now < self._closed_until:
                return self._closed_until - now, self._why
            if self._left is not None and now >= self._left_until:
                self._left = None
            if self._left is not None and self._left <= 0:
                return self._left_until - now, "rate limit told by the API"
            while self._ended and self._ended[0] <= now - self._per:
                self._ended.popleft()
            if self._allowed is not None and self._flying + len(self._ended) >= self._allowed:
                first = self._ended[0] + self._per - now if self._ended else SLICE
                return max(first, 0.001), f"rate limit of {self._allowed} per {self._per:g} s"
            self._flying += 1
            if self._left is not None:
                self._left -= 1
            return 0.0, ""

    def _learn(self, response: requests.Response, now: float) -> None:
        """Believe the headers that the file names where they say less."""
        limit = self._limit
        if limit is None:
            return
        told = _number(response, limit.limit_header)
        if told is not None and told > 0 and (self._allowed is None or told < self._allowed):
            self._allowed = told
            self._per = self._per or 60.0
        left = _number(response, limit.remaining_header)
        reset = reset_of(response, limit)
        if left is None or reset is None:
            return
        # those in flight may not be counted in yet
        left -= self._flying
        until = now + min(reset, self._longest)
        if self._left is None or now >= self._left_until:
            self._left, self._left_until = left, until
        elif left < self._left:
            self._left, self._left_until = left, max(until, self._left_until)


def _number(response: requests.Response, header: str | None) -> int | None:
    try:
        return int(response.headers[header]) if header else None
    except (KeyError, ValueError):
        return None
