"""What goes wrong on purpose: faults by chance, a rate that is enforced, and latency.

Chance is a hash of the seed, the request and how often it came: the same whatever runs beside it.
"""

from __future__ import annotations

import hashlib
import math
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

from framework.definition.model import RateLimit
from framework.definition.values.durations import DurationError, parse_duration
from framework.mock.mock_message import MockRequest, MockResponse, Pairs

CONNECTION_FAULTS = ("reset", "slow", "truncate")
"""Faults that are no status."""
SLOWNESS = 2.0
"""Seconds that a slow response takes."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, None: 1.0}
_RATE = re.compile(r"(\d+)/(\d*)(s|sec|second|min|m|minute|h|hour|d|day)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_latency(text: str) -> float:
    """Return the seconds of `200ms`, `1.5s` or an ISO 8601 duration. Raise ValueError."""
    found = _DURATION.fullmatch(text.strip())
    if found is not None:
        return float(found[1]) * _SECONDS[found[2]]
    try:
        return parse_duration(text).total_seconds()
    except DurationError:
        raise ValueError(f"found {text!r}, expected a duration such as 200ms or 1.5s") from None


def parse_faults(text: str) -> dict[str, float]:
    """Return the share of each fault in `429:0.05,reset:0.01`. Raise ValueError."""
    shares: dict[str, float] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, colon, share = part.partition(":")
        try:
            number = float(share) if colon else math.nan
        except ValueError:
            number = math.nan
        is_status = name.isdigit() and 400 <= int(name) <= 599
        if not (is_status or name in CONNECTION_FAULTS) or not 0 <= number <= 1:
            raise ValueError(
                f"found {part!r}, expected a status from 400 to 599, or one of "
                f"{', '.join(CONNECTION_FAULTS)}, and its share from 0 to 1, such as 429:0.05"
            )
        shares[name] = number
    if sum(shares.values()) > 1:
        raise ValueError(f"the shares add up to {sum(shares.values()):g}, expected at most 1")
    return shares


@dataclass(frozen=True)
class Rate:
    """So many requests in each `per` seconds."""

    requests: int
    per: float

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Return the rate of `100/min` or `5/10s`. Raise ValueError."""
        found = _RATE.fullmatch(text.strip())
        if found is None or not int(found[1]) or found[2] == "0":
            raise ValueError(f"found {text!r}, expected a rate such as 100/min or 5/s")
        return cls(int(found[1]), _UNITS[found[3][0]] * int(found[2] or 1))


def chance(seed: int, *parts: object) -> float:
    """Return a number from 0 to 1 that depends on the seed and the parts only."""
    text = "\0".join(map(str, (seed, *parts)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


@dataclass
class Faults:
    """Decides which responses fail. `shares` are by status or by kind of fault."""

    shares: Mapping[str, float]
    seed: int = 0
    limit: RateLimit | None = None
    _times: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, request: MockRequest) -> str | None:
        """Return the fault of this request, None for most."""
        if not self.shares:
            return None
        which = str(request), request.body
        with self._lock:
            self._times[which] += 1
            time_ = self._times[which]
        point = chance(self.seed, *which, time_)
        for name, share in self.shares.items():
            if point < share:
                return name
            point -= share
        return None

    def refusal(self, fault: str | None) -> MockResponse | None:
        """Return the response of a fault that is a status, None for another one."""
        if fault is None or not fault.isdigit():
            return None
        status = int(fault)
        headers: list[tuple[str, str]] = []
        if status in (429, 503):
            headers += wait_headers(1.0, self.limit)
        return MockResponse.of_json(status, {"error": _phrase(status)}, *headers)

    @staticmethod
    def spoil(fault: str | None, response: MockResponse) -> MockResponse:
        """Return a response as it is sent with this fault of the connection."""
        if fault == "reset":
            return replace(response, end="reset")
        if fault == "truncate":
            return replace(response, end="truncated")
        if fault == "slow":
            return replace(response, end="slow", delay=response.delay + SLOWNESS)
        return response


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "error"


def wait_headers(seconds: float, limit: RateLimit | None) -> list[tuple[str, str]]:
    """Return what tells the client how long to wait: Retry-After, or the file's reset header."""
    whole = max(math.ceil(seconds), 1)
    if limit is None or limit.reset_header is None:
        return [("Retry-After", str(whole))]
    moment = datetime.now(UTC) + timedelta(seconds=whole)
    text = {
        "seconds": str(whole),
        "milliseconds": str(whole * 1000),
        "epoch": str(math.ceil(moment.timestamp())),
        "date": format_datetime(moment, usegmt=True),
    }[limit.reset_as]
    return [(limit.reset_header, text)]


@dataclass
class EnforcedRate:
    """A rate over a sliding window, told in the headers that the file declares. Thread-safe."""

    rate: Rate
    limit: RateLimit | None = None
    now: Callable[[], float] = time.monotonic
    _times: deque[float] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self) -> tuple[MockResponse | None, list[tuple[str, str]]]:
        """Count a request; return its refusal if it is one too many, and headers to send."""
        with self._lock:
            now = self.now()
            while self._times and self._times[0] <= now - self.rate.per:
                self._times.popleft()
            is_over = len(self._times) >= self.rate.requests
            if not is_over:
                self._times.append(now)
            left = self.rate.requests - len(self._times)
            seconds = self._times[0] + self.rate.per - now
        headers = self._headers(left, seconds)
        if not is_over:
            return None, headers
        body = {"error": "Too Many Requests", "message": f"at most {self.rate.requests} requests"}
        return MockResponse.of_json(429, body, *wait_headers(seconds, self.limit)), headers

    def _headers(self, left: int, seconds: float) -> list[tuple[str, str]]:
        limit = self.limit
        if limit is None:
            return []
        headers = []
        if limit.limit_header:
            headers.append((limit.limit_header, str(self.rate.requests)))
        if limit.remaining_header:
            headers.append((limit.remaining_header, str(left)))
        if limit.reset_header:
            headers += wait_headers(seconds, limit)
        return headers


def with_headers(response: MockResponse, headers: Iterable[tuple[str, str]]) -> MockResponse:
    """Return the response with these headers in place of its own of the same names."""
    new: Pairs = tuple(headers)
    names = {name.lower() for name, _ in new}
    kept = tuple(pair for pair in response.headers if pair[0].lower() not in names)
    return replace(response, headers=(*kept, *new))
