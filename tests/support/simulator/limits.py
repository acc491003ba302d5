"""A user's requests counted per window, and the three headers that tell of it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable


class Limiter:
    """`requests` per `seconds` for each user, in fixed windows from a user's first request."""

    def __init__(self, clock: Callable[[], float], requests: int, seconds: float) -> None:
        self._clock = clock
        self._requests = requests
        self._seconds = seconds
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def count(self, user: str) -> tuple[bool, dict[str, str]]:
        """Count one request: whether it is allowed, and the headers of the answer. Refused ones
        do not count. X-RateLimit-Reset is in whole seconds from now, rounded up."""
        now = self._clock()
        with self._lock:
            since, used = self._windows.get(user, (now, 0))
            if now - since >= self._seconds:
                since, used = now, 0
            allowed = used < self._requests
            used += allowed
            self._windows[user] = (since, used)
        return allowed, {
            "X-RateLimit-Limit": str(self._requests),
            "X-RateLimit-Remaining": str(self._requests - used),
            "X-RateLimit-Reset": str(math.ceil(since + self._seconds - now)),
        }
