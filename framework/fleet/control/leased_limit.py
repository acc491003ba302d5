"""The unit's side of one budget: leased tokens, counted without a word to the coordinator.

Requests change numbers under a lock; a thread of the control client sends them on as reports, and
passes what the coordinator replies to `receive`. Tokens are asked for before they are needed.
"""

from __future__ import annotations

import hmac
import time
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from math import inf
from threading import Lock, get_ident

import orjson

from framework.fleet.control.control_messages import LARGEST, Message
from framework.fleet.control.token_budget import LEASE
from framework.http.limits.rate_limit import LimitTerms, WaitTooLong

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
    name = f"{terms.connector}:{terms.budget}" if terms.budget else terms.connector
    if terms.scope == "api":
        return name
    secrets = orjson.dumps(dict(terms.secrets), option=orjson.OPT_SORT_KEYS)
    return f"{name}/{hmac.new(salt, secrets, sha256).hexdigest()[:16]}"


class LeasedLimit:
    """A `SharedLimit` of tokens that the coordinator leases. Thread-safe.

    `wake` has `report` called now instead of within a tenth of a second; `heard` returns when the
    coordinator was last known to listen. Waits longer than `longest` seconds are not begun. If
    requests in flight are limited, too, one `needs_place` beside a token.
    """

    def __init__(
        self,
        key: str,
        wake: Callable[[], None],
        heard: Callable[[], float],
        *,
        longest: float = 300.0,
        needs_place: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.key = key
        self._wake = wake
        self._heard = heard
        self._longest = longest
        self._clock = clock
        self._lock = Lock()
        self._idle = self._free = 0
        """Tokens and places that are not used."""
        self._in_flight = 0
        self._is_closed = False
        self._fewest = [0, 0]
        """The fewest of both since the last return."""
        self._returned_at = clock()
        self._share: float = 1
        self._asked = self._places_asked = 0
        self._needs_place = needs_place
        self._places_are_scarce = False
        self._waiting: dict[int, int] = {}
        """What the waiting request of each thread costs."""
        self._used = self._used_before = 0
        """Tokens used in this half second, and in the one before."""
        self._used_since = clock()
        self._paused_until = self._expected_at = 0.0
        self._paused_by: tuple[str, str | None] = ("", None)
        self._waits_for: tuple[str, str | None] = ("", None)
        self._to_report: Counter[str] = Counter()
        """Counts of the next report, by their names in it."""
        self._ended: list[float] = []
        self._is_refused = False
        self._pause: tuple[float, str] | None = None
        self._learned: tuple[int | None, int | None, float | None] = (None, None, None)

    @property
    def is_refused(self) -> bool:
        """Whether the budget had nothing left for longer than a unit waits."""
        return self._is_refused

    def try_acquire(self, cost: int = 1, longest: float | None = None) -> tuple[float, str]:
        """Return (0, "") and count a request as in flight, or the seconds until a retry and why.

        A request takes as many tokens as it costs. Raise WaitTooLong if the budget has nothing left
        for longer than `longest` seconds.
        """
        now, thread = self._clock(), get_ident()
        longest = self._longest if longest is None else longest
        with self._lock:
            if self._is_closed:
                return QUIET, "the unit ends"
            if now < self._paused_until:
                why, used_up = self._paused_by
                if used_up is None:
                    used_up = f"the API's limit ({why})"
                return self._refuse(self._paused_until - now, why, used_up, longest)
            if now - self._heard() >= QUIET:
                return QUIET, "the coordinator does not respond"
            has_place = self._free > 0 or not self._needs_place
            if self._idle >= cost and has_place:
                self._take(thread, cost)
                return 0.0, ""
            self._waiting[thread] = cost
            if not has_place:
                self._ask_places(len(self._waiting))
                return self._poll(), ""
            self._ask(self._wanted + self._target())
            if now < self._expected_at:
                return self._refuse(self._expected_at - now, *self._waits_for, longest)
            return self._poll(), ""

    def release(self, cost: int = 1) -> None:
        """Count a request that has ended."""
        with self._lock:
            self._in_flight -= cost
            self._ended.extend([self._clock()] * cost)
            if not self._needs_place:
                return
            if not self._places_are_scarce:
                self._free += 1
                return
            self._to_report["places_returned"] += 1
        self._wake()

    def pause(self, seconds: float, why: str) -> None:
        """Let no unit of the budget send a request for that long."""
        with self._lock:
            until = self._clock() + seconds
            if until <= self._paused_until:
                return
            self._paused_until, self._paused_by = until, (why, None)
            self._pause = (until, why)
            self._is_refused |= seconds > self._longest
        self._wake()

    def learn(self, allowed: int | None, remaining: int | None, reset: float | None) -> None:
        """Adopt what response headers report; of one report's, the lowest numbers are sent.

        Headers of unlimited APIs have -1 or any large number.
        """
        allowed = None if allowed is None or allowed <= 0 else min(allowed, LARGEST)
        remaining = None if remaining is None else min(max(remaining, 0), LARGEST)
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
        """Ask for a first token and place, before there is a request."""
        with self._lock:
            self._ask(1)
            if self._needs_place:
                self._ask_places(1)

    def receive(self, message: Message) -> None:
        """Adopt a message of the coordinator about this budget."""
        now, kind = self._clock(), message["type"]
        with self._lock:
            if kind == "grant":
                share = message["share"]
                self._share = inf if share is None else share
                self._idle += message["count"]
                self._asked = max(self._asked - message["count"], 0)
                self._expected_at = 0.0
            elif kind == "places":
                self._free += message["count"]
                self._places_asked -= message["count"]
                self._places_are_scarce = message["is_scarce"]
                if self._places_are_scarce:
                    self._return_places(self._free - len(self._waiting))
            elif kind == "recall":
                self._return_tokens(self._idle)
            else:
                until = now + message["seconds"]
                reason = message["why"], message["used_up"]
                if kind == "wait":
                    self._expected_at, self._waits_for = until, reason
                elif until > self._paused_until:
                    self._paused_until, self._paused_by = until, reason
        if self._to_report:
            self._wake()

    def report(self, closes: bool = False) -> Message | None:
        """Return what the coordinator has to know, as a message, or None.

        With `closes` the unused tokens are returned, and no request is sent any more. Ages are in
        whole milliseconds, rounded down.
        """
        with self._lock:
            now = self._clock()
            self._pass_time(now, closes)
            if closes:
                self._is_closed = True
                for name in ("wanted", "least", "places_wanted"):
                    del self._to_report[name]
            message: Message = {}
            if self._ended:
                ended, self._ended = self._ended[:MOST_ENDED], self._ended[MOST_ENDED:]
                message["ended"] = [int((now - at) * 1000) for at in ended]
            message.update(self._to_report)
            self._to_report.clear()
            if self._learned != (None, None, None):
                allowed, remaining, reset = self._learned
                left = None if reset is None else max(reset - now, 0.0)
                message["learned"] = [allowed, remaining, left]
                self._learned = (None, None, None)
            if self._pause is not None:
                message["pause"] = [max(self._pause[0] - now, 0.0), self._pause[1]]
                self._pause = None
            return {"type": "report", "key": self.key, **message} if message else None

    @property
    def unreported(self) -> int:
        """The tokens of requests that have begun, and whose end was not reported."""
        with self._lock:
            return self._in_flight + len(self._ended)

    def _refuse(
        self, seconds: float, why: str, used_up: str | None, longest: float
    ) -> tuple[float, str]:
        if used_up is not None and seconds > longest:
            self._waiting.pop(get_ident(), None)
            self._is_refused = True
            raise WaitTooLong(seconds, longest, used_up)
        return seconds, why

    @property
    def _wanted(self) -> int:
        """The tokens that waiting requests want."""
        return sum(self._waiting.values())

    def _take(self, thread: int, cost: int) -> None:
        """Use tokens, and ask for more if there is less than a quarter of a second's worth."""
        self._waiting.pop(thread, None)
        self._idle -= cost
        self._in_flight += cost
        self._fewest[0] = min(self._fewest[0], self._idle)
        if self._needs_place:
            self._free -= 1
            self._fewest[1] = min(self._fewest[1], self._free)
        self._used += cost
        target, wanted = self._target(), self._wanted
        if 2 * (self._idle + self._asked - wanted) <= target:
            self._ask(wanted + target)

    def _poll(self) -> float:
        return min(POLL * len(self._waiting), LONGEST_POLL)

    def _target(self) -> int:
        """Return how many tokens to have before they are needed: half a second's worth."""
        return int(min(max(self._used, self._used_before), self._share))

    def _ask(self, tokens: int) -> None:
        """Ask for what is missing to so many tokens; at once if there is none left."""
        missing = tokens - self._idle - self._asked
        if missing > 0:
            self._asked += missing
            self._to_report["wanted"] += missing
            least = max(self._waiting.values(), default=1)
            if least > 1:  # fewer tokens at once would be of no use
                self._to_report["least"] = least
            if not self._idle or least > self._idle:
                self._wake()

    def _ask_places(self, places: int) -> None:
        missing = places - self._free - self._places_asked
        if missing > 0:
            self._places_asked += missing
            self._to_report["places_wanted"] += missing
            self._wake()

    def _return_tokens(self, tokens: int) -> None:
        if tokens > 0:
            self._to_report["returned"] += tokens
            self._idle -= tokens
            self._fewest[0] = min(self._fewest[0], self._idle)

    def _return_places(self, places: int) -> None:
        if places > 0:
            self._to_report["places_returned"] += places
            self._free -= places
            self._fewest[1] = min(self._fewest[1], self._free)

    def _pass_time(self, now: float, closes: bool) -> None:
        """Return what was not needed for a while, or all of it."""
        if now - self._used_since >= LEASE:
            self._used, self._used_before, self._used_since = 0, self._used, now
        if closes or now - self._returned_at >= UNUSED:
            self._return_tokens(self._idle if closes else self._fewest[0])
            self._return_places(self._free if closes else self._fewest[1])
            self._fewest, self._returned_at = [self._idle, self._free], now
