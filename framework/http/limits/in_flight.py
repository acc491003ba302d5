"""How many requests in flight a host bears.

With `max_in_flight: auto` the number is found as TCP finds its window: one more after each round in
which the host kept up, less if it refuses requests or responds late.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from framework.http.limits.rate_limit import RequestSlots

START = 5
"""Requests at once before anything is known of a host."""
ROUND = 10
"""The fewest responses after which a level is judged."""
REFUSED, SLOW = 0.5, 0.7
"""What a level is multiplied with after a refusal, and after a round of late responses."""
PATIENCE, MOST_PATIENCE = 10, 80
"""Rounds before a level is tried again that was too high; doubled if it still is."""
LATE_FACTOR, LATE_SECONDS = 2.0, 0.05
"""A latency is late if it is so many times the lowest one, and so many seconds more."""
MOST_HOSTS = 20
"""Hosts whose levels are kept."""


class FlightLevel:
    """The number of requests that one host gets at once, between 1 and `most`. Thread-safe."""

    def __init__(self, level: int, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.level = self.begun_at = max(min(level, most), 1)
        self.slots = RequestSlots(self.level)
        self.refused = self.late = 0
        """How often the level was lowered, by what lowered it."""
        self.rounds = 0
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._lowered_at = float("-inf")
        self._ceiling: int | None = None
        """The level below the last one that was too high, until that is tried again."""
        self._too_high: int | None = None
        self._patience = PATIENCE
        self._rounds_at_ceiling = 0
        self._seconds: dict[str, list[float]] = {}
        """The latencies of this round, by the kind of request."""
        self._lowest: dict[str, float] = {}
        """The lowest latency of a round."""

    def observe(self, kind: str, seconds: float, *, is_refused: bool) -> None:
        """Count a response that took so long, or none; requests of one `kind` are alike.

        One that was sent before the level was lowered says nothing about the lower level.
        """
        now = self._clock()
        with self._lock:
            if now - seconds <= self._lowered_at:
                return
            if is_refused:
                self.refused += self._lower(REFUSED, now)
                return
            self._seconds.setdefault(kind, []).append(seconds)
            if sum(map(len, self._seconds.values())) >= max(self.level, ROUND):
                self._judge(now)

    def _judge(self, now: float) -> None:
        """End a round: raise the level by one, or lower it if most responses were late.

        One request at a time is not late because of others: its latency is what there is now.
        """
        late = total = 0
        if self.level == 1:
            self._lowest.clear()
        for kind, seconds in self._seconds.items():
            typical, lowest = _typical(seconds), self._lowest.get(kind)
            total += len(seconds)
            if lowest is not None and typical > max(LATE_FACTOR * lowest, lowest + LATE_SECONDS):
                late += len(seconds)
            self._lowest[kind] = typical if lowest is None else min(typical, lowest)
        if 2 * late > total:
            self.late += self._lower(SLOW, now)
            return
        is_used = self.slots.take_peak() >= self.level  # or more would be of no use
        self._begin_round(self.level + 1 if is_used and self._may_rise() else self.level)

    def _may_rise(self) -> bool:
        """Return whether to try one request more."""
        if self._ceiling is not None and self.level >= self._ceiling:
            self._rounds_at_ceiling += 1
            if self._rounds_at_ceiling < self._patience:
                return False
            self._ceiling = None
        return self.level < self._most

    def _lower(self, factor: float, now: float) -> bool:
        """Lower the level and return whether it was more than 1."""
        before, self._lowered_at = self.level, now
        is_known = before == self._too_high
        self._patience = min(2 * self._patience, MOST_PATIENCE) if is_known else PATIENCE
        self._too_high, self._ceiling = before, before - 1 or None
        self._rounds_at_ceiling = 0
        self._begin_round(max(int(self.level * factor), 1))
        return self.level < before

    def _begin_round(self, level: int) -> None:
        self.rounds += 1
        self._seconds.clear()
        self.slots.take_peak()
        if level != self.level:
            self.level = level
            self.slots.resize(level)


class HostLevels:
    """The levels of all hosts of a connector. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._learnt: dict[str, int] = {}
        self._levels: dict[str, FlightLevel] = {}
        self._uses: Counter[str] = Counter()
        self._lock = threading.Lock()

    def begin(self, learnt: Mapping[str, int]) -> None:
        """Adopt what earlier runs have learnt; call it before the first request."""
        self._learnt = dict(learnt)

    def of(self, url: str) -> FlightLevel:
        """Return the level of a URL's host."""
        host = urlsplit(url).netloc.rpartition("@")[2].lower()
        with self._lock:
            self._uses[host] += 1
            if host not in self._levels:
                self._levels[host] = FlightLevel(self._learnt.get(host, START), self._most)
            return self._levels[host]

    def learnt(self) -> dict[str, int]:
        """Return the levels of the hosts that are used most, those of earlier runs included."""
        own = {host: level.level for host, level in self._judged()}
        return dict(list({**own, **self._learnt, **own}.items())[:MOST_HOSTS])

    def notes(self) -> list[str]:
        """Return a sentence for each host that this run has learnt about."""
        return [
            f"max_in_flight: auto, {host}: {one.level} at once at the end, {one.begun_at} at the "
            f"beginning{_lowered(one)}"
            for host, one in self._judged()[:MOST_HOSTS]
        ]

    def _judged(self) -> list[tuple[str, FlightLevel]]:
        with self._lock:
            hosts = [host for host, _ in self._uses.most_common()]
            return [(host, self._levels[host]) for host in hosts if self._levels[host].rounds]


def _typical(seconds: list[float]) -> float:
    """Return the mean latency without the slowest fifth, which may be slow for its own reasons."""
    usual = sorted(seconds)[: len(seconds) - len(seconds) // 5]
    return sum(usual) / len(usual)


def _lowered(level: FlightLevel) -> str:
    """Return in words how often a level was lowered."""
    by = {"refused requests": level.refused, "late responses": level.late}
    causes = [f"{number} x for {cause}" for cause, number in by.items() if number]
    return f"; lowered {' and '.join(causes)}" if causes else ""
