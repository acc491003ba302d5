"""The unit's side of one budget: leased tokens, counted without a word to the coordinator.

Requests change numbers under a lock; a thread of the control client sends them on as reports, and
passes what the coordinator replies to `receive`. Tokens are asked for before they are needed.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable
from hashlib import sha256

import orjson

from framework.fleet.budgets import LEASE, Message
from framework.http.rate_limit import LimitTerms, WaitTooLong

UNUSED = 1.0
"""Seconds in which a token was not needed, after which it is returned: at most twice as old."""
QUIET = 5.0
"""Seconds without a word from the coordinator after which no request is sent."""
POLL, LONGEST_POLL = 0.005, 0.05
"""Seconds after which a request looks for a lease that is on its way: more if several look."""
MOST_ENDED = 10_000
"""Ended requests of one report."""


def budget_key(terms: LimitTerms, salt: bytes) -> str:
    """Return which budget a connector's requests count for; its secrets cannot be derived."""
    if terms.scope == "api":
        return terms.connector
    secrets = orjson.dumps(dict(terms.secrets), option=orjson.OPT_SORT_KEYS)
    return f"{terms.connector}/{hmac.new(salt, secrets, sha256).hexdigest()[:16]}"


class LeasedLimit:
    """A `SharedLimit` of tokens that the coordinator leases. Thread-safe.

    `wake` has `report` called soon instead of within a tenth of a second; `heard` returns when the
    coordinator was last known to listen. Waits longer than `longest` seconds are not begun.
    """

    def __init__(
        self,
        key: str,
        wake: Callable[[], None],
        heard: Callable[[], float],
        longest: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key = key
        self._wake = wake
        self._heard = heard
        self._longest = longest
        self._clock = clock
        self._lock = threading.Lock()
        self._idle = 0
        self._lowest = 0
        """The fewest idle tokens since the last return."""
        self._returned_at = clock()
        self._share: float = 1
        self._asked = 0
        self._waiting: set[int] = set()
        """Threads whose request waits for a token."""
        self._used = self._used_before = 0
        """Tokens used in this half second, and in the one before."""
        self._used_since = clock()
        self._paused_until = self._expected_at = 0.0
        self._paused_by: tuple[str, str | None] = ("", None)
        self._waits_for: tuple[str, str | None] = ("", None)
        self._to_ask = self._to_return = 0
        self._ended: list[float] = []
        self._pause: tuple[float, str] | None = None
        self._learned: tuple[int | None, int | None, float | None] = (None, None, None)

    def try_acquire(self) -> tuple[float, str]:
        """Return (0, "") and count a request as in flight, or the seconds until a retry and why.

        Raise WaitTooLong if the budget has nothing left for too long.
        """
        now, thread = self._clock(), threading.get_ident()
        with self._lock:
            if now < self._paused_until:
                return self._refuse(self._paused_until - now, *self._paused_by)
            if now - self._heard() >= QUIET:
                return QUIET, "the coordinator does not respond"
            if self._idle:
                self._idle -= 1
                self._lowest = min(self._lowest, self._idle)
                self._used += 1
                self._waiting.discard(thread)
                self._ask_ahead()
                return 0.0, ""
            self._waiting.add(thread)
            self._ask(len(self._waiting) + self._target())
            if now < self._expected_at:
                return self._refuse(self._expected_at - now, *self._waits_for)
            return min(POLL * len(self._waiting), LONGEST_POLL), ""

    def release(self) -> None:
        """Count a request that has ended."""
        with self._lock:
            self._ended.append(self._clock())
            is_awaited = not self._share
        if is_awaited:
            self._wake()

    def pause(self, seconds: float, why: str) -> None:
        """Let no unit of the budget send a request for that long."""
        with self._lock:
            until = self._clock() + seconds
            if until <= self._paused_until:
                return
            self._paused_until, self._paused_by = until, (why, None)
            self._pause = (until, why)
        self._wake()

    def learn(self, allowed: int | None, remaining: int | None, reset: float | None) -> None:
        """Adopt what response headers report; of one report's, the lowest numbers are sent."""
        with self._lock:
            before = self._learned
            if before[0] is not None and (allowed is None or before[0] < allowed):
                allowed = before[0]
            if before[1] is not None and (remaining is None or before[1] < remaining):
                remaining, reset = before[1], before[2]
            elif reset is not None:
                reset += self._clock()
            self._learned = (allowed, remaining, reset)
        if remaining is not None and remaining <= 0:
            self._wake()

    def prepare(self) -> None:
        """Ask for a first token, before there is a request."""
        with self._lock:
            self._ask(1)

    def receive(self, message: Message) -> None:
        """Adopt a message of the coordinator about this budget."""
        now = self._clock()
        with self._lock:
            if message["type"] == "grant":
                share = message["share"]
                self._share = float("inf") if share is None else share
                self._idle += message["count"]
                self._asked -= message["count"]
                self._expected_at = 0.0
            elif message["type"] == "recall":
                self._to_return += self._idle
                self._idle = self._lowest = 0
                self._wake()
            else:
                until = now + (message["seconds"] or 0.0)
                reason = message["why"], message["used_up"]
                if message["type"] == "wait":
                    self._expected_at, self._waits_for = until, reason
                elif until > self._paused_until:
                    self._paused_until, self._paused_by = until, reason

    def report(self, closes: bool = False) -> Message | None:
        """Return what the coordinator has to know, as a message, or None.

        With `closes` the unused tokens are returned. Ages are in whole milliseconds, rounded down.
        """
        with self._lock:
            now = self._clock()
            self._pass_time(now, closes)
            message: Message = {}
            if self._ended:
                ended, self._ended = self._ended[:MOST_ENDED], self._ended[MOST_ENDED:]
                message["ended"] = [int((now - at) * 1000) for at in ended]
            if self._to_return:
                message["returned"], self._to_return = self._to_return, 0
            if self._learned != (None, None, None):
                allowed, remaining, reset = self._learned
                left = None if reset is None else max(reset - now, 0.0)
                message["learned"] = [allowed, remaining, left]
                self._learned = (None, None, None)
            if self._pause is not None:
                message["pause"] = [max(self._pause[0] - now, 0.0), self._pause[1]]
                self._pause = None
            if self._to_ask:
                message["wanted"], self._to_ask = self._to_ask, 0
            return {"type": "report", "key": self.key, **message} if message else None

    def _refuse(self, seconds: float, why: str, used_up: str | None) -> tuple[float, str]:
        if used_up is not None and seconds > self._longest:
            self._waiting.discard(threading.get_ident())
            raise WaitTooLong(seconds, self._longest, used_up)
        return seconds, why

    def _target(self) -> int:
        """Return how many tokens to have before they are needed."""
        return int(min(max(self._used, self._used_before), self._share))

    def _ask_ahead(self) -> None:
        target = self._target()
        if 2 * (self._idle + self._asked - len(self._waiting)) <= target:
            self._ask(len(self._waiting) + target)

    def _ask(self, tokens: int) -> None:
        """Ask for what is missing to so many tokens; the next report says so, and is due now."""
        missing = tokens - self._idle - self._asked
        if missing > 0:
            self._asked += missing
            self._to_ask += missing
            self._wake()

    def _pass_time(self, now: float, closes: bool) -> None:
        if now - self._used_since >= LEASE:
            self._used, self._used_before, self._used_since = 0, self._used, now
        if closes or now - self._returned_at >= UNUSED:
            unused = self._idle if closes else self._lowest
            self._to_return += unused
            self._idle -= unused
            self._lowest, self._returned_at = self._idle, now
