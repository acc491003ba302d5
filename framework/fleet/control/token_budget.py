"""The tokens of one budget: which are free, which cool, and why a unit has to wait.

A token of a budget is free, held by a unit (leased or in flight), or cooling. It cools for `per`
seconds from the end of its response, so no window of that length holds more requests than there
are tokens.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, inf

from framework.fleet.control.request_places import RequestPlaces
from framework.text import count_noun

IN_TRANSIT = 5.0
"""Seconds in which the request of a unit that died can still reach the API."""
LEASE = 0.5
"""Seconds whose tokens may lie unused at units, all of them together."""
COOLING_STEPS = 100
"""Parts of a budget's time by which its cooling tokens are stored."""
MINUTE = 60
HOUR = 3600
QUOTA_HOURS = 25
"""Hours in which a request counts for its day: the one that it was sent in, and 24 more."""


@dataclass(frozen=True)
class BudgetUse:
    """How much of a budget is used; `last_minute` against `per_minute` is its rate.

    `held` tokens are leased or in flight, `waiting` units wait for some, `paused` seconds are left
    of a pause, `day` requests count for the daily quota `per_day`. None: there is no such limit.
    """

    key: str
    last_minute: int
    per_minute: float | None
    held: int
    waiting: int
    paused: float
    day: int
    per_day: int | None


@dataclass(frozen=True)
class Refusal:
    """Why no token is free, and for how many seconds.

    A wait with `used_up` that is too long for a unit is not begun: what is used up, or "" if the
    API has reported it. None: every unit waits.
    """

    seconds: float
    why: str
    used_up: str | None = None


@dataclass
class TokenBudget:
    """The tokens of one budget. Times are the clock's, `wall` is seconds from the epoch."""

    key: str
    requests: int | None = None
    per: float = 0.0
    per_day: int | None = None
    places: RequestPlaces = field(default_factory=RequestPlaces)
    units: dict[str, int] = field(default_factory=dict)
    """The tokens that each connected unit holds."""
    held: int = 0
    wanted: dict[str, int] = field(default_factory=dict)
    """The tokens that each waiting unit wants, in the order of their turns."""
    least: dict[str, int] = field(default_factory=dict)
    """The tokens that the next request of each unit costs."""
    told: dict[str, tuple[str, float]] = field(default_factory=dict)
    """The reason that each waiting unit was told, and until when."""
    cooling: list[float] = field(default_factory=list)
    """When each cooling token is free, in order."""
    paused_until: float = 0.0
    pause: Refusal = field(default_factory=lambda: Refusal(0.0, ""))
    remaining: int | None = None
    """The requests that the API allows until `remaining_until`, by its headers."""
    remaining_until: float = 0.0
    recent: deque[list[int]] = field(default_factory=deque)
    """The last minute's seconds, and the requests that ended in each."""
    hours: dict[int, int] = field(default_factory=dict)
    """Requests by hour since the epoch, for the daily quota."""
    has_learned: bool = False
    """Whether response headers have reported a lower rate than units declare."""

    def pass_time(self, now: float, hour: int) -> None:
        """Free the tokens that have cooled, and forget what has expired."""
        del self.cooling[: bisect_right(self.cooling, now)]
        if now >= self.remaining_until:
            self.remaining = None
        while self.recent and self.recent[0][0] <= now - MINUTE:
            self.recent.popleft()
        for old in [one for one in self.hours if one <= hour - QUOTA_HOURS]:
            del self.hours[old]

    def free(self, now: float) -> float:
        """Return how many tokens may be leased, inf without any limit; less than 0 after a cut."""
        if now < self.paused_until:
            return 0
        free: list[float] = [inf]
        if self.requests is not None:
            free.append(self.requests - self.held - len(self.cooling))
        if self.per_day is not None:
            free.append(self.per_day - self.day)
        if self.remaining is not None:
            free.append(self.remaining)
        return min(free)

    @property
    def day(self) -> int:
        """Return the requests that count for the daily quota; one that is held may be sent."""
        return sum(self.hours.values()) + self.held

    @property
    def share(self) -> float:
        """Return how many tokens may lie unused at each unit."""
        if self.requests is None:
            return inf
        active = sum(1 for unit, held in self.units.items() if held or unit in self.wanted)
        return self.requests / self.per * LEASE // max(active, 1)

    def refusal(self, ahead: int, now: float, wall: float) -> Refusal:
        """Return why a unit waits that has `ahead` tokens wanted before its own."""
        if now < self.paused_until:
            return Refusal(self.paused_until - now, self.pause.why, self.pause.used_up)
        if self.remaining is not None and self.remaining <= ahead:
            return Refusal(self.remaining_until - now, "rate limit reported by the API", "")
        if self.per_day is not None and self.day + ahead >= self.per_day:
            quota = f"rate_limit.per_day ({count_noun(self.per_day, 'request')})"
            if self.day - self.held < self.per_day:  # what is held may be returned
                return Refusal(1.0, quota)
            first = min(self.hours, default=wall // HOUR)
            return Refusal((first + QUOTA_HOURS) * HOUR - wall, quota, quota)
        if self.requests is not None:
            place = ahead - (self.requests - self.held - len(self.cooling))
            if place >= 0:
                why = f"rate limit of {self.requests} per {self.per:g} s"
                # a token in flight has yet to cool
                at = self.cooling[place] if place < len(self.cooling) else now + self.per
                return Refusal(at - now, why)
        return Refusal(0.0, "")

    def next_change(self, now: float, wall: float) -> float:
        """Return when tokens may become free with no message from any unit, or inf."""
        times = [self.paused_until, *self.cooling[:1]]
        if self.remaining is not None:
            times.append(self.remaining_until)
        if self.per_day is not None and self.hours:
            times.append(now + (min(self.hours) + QUOTA_HOURS) * HOUR - wall)
        return min((at for at in times if at > now), default=inf)

    def count(self, ended: int, now: float, hour: int) -> None:
        """Count requests that have ended, for the rate and the daily quota."""
        second = int(now)
        if self.recent and self.recent[-1][0] == second:
            self.recent[-1][1] += ended
        else:
            self.recent.append([second, ended])
        if self.per_day is not None:
            self.hours[hour] = self.hours.get(hour, 0) + ended

    def is_unused(self, now: float) -> bool:
        """Return whether a new budget in its place would allow the same."""
        counts = self.units or self.cooling or self.recent or self.hours or self.has_learned
        return not counts and self.remaining is None and now >= self.paused_until

    def let_go(self, unit: str, tokens: int) -> int:
        """Take tokens from a unit, at most those that it holds, and return how many."""
        tokens = min(tokens, self.units.get(unit, 0))
        if tokens:
            self.units[unit] -= tokens
            self.held -= tokens
        return tokens

    def end(self, unit: str, times: Sequence[float], now: float, hour: int) -> None:
        """Cool the tokens of requests that ended at these times."""
        self.let_go(unit, len(times))
        self.count(len(times), now, hour)
        if self.requests is not None:
            for at in times:
                insort(self.cooling, at + self.per)

    def drop(self, unit: str, now: float, hour: int) -> None:
        """Forget a unit; its requests may reach the API yet."""
        if lost := self.units[unit]:
            self.end(unit, [now + IN_TRANSIT] * lost, now, hour)
        del self.units[unit]
        self.wanted.pop(unit, None)
        self.least.pop(unit, None)
        self.told.pop(unit, None)
        self.places.drop(unit)

    def least_of(self, unit: str) -> int:
        """Return the tokens that must be free for a unit: at most all that there are."""
        least = self.least.get(unit, 1)
        return least if self.requests is None else max(min(least, self.requests), 1)

    def grant(self, now: float) -> dict[str, int]:
        """Lease what is free to those who want it, in turns; return how many each unit got."""
        free, share = self.free(now), self.share
        granted: dict[str, int] = {}
        while self.wanted:
            unit, wanted = next(iter(self.wanted.items()))
            if free < self.least_of(unit):  # the others wait too, or it would never get enough
                break
            count = int(max(min(wanted, free, max(share, 1)), self.least.get(unit, 1)))
            del self.wanted[unit]
            if wanted > count:  # the rest has its turn after the others
                self.wanted[unit] = wanted - count
            granted[unit] = granted.get(unit, 0) + count
            free -= count
        for unit, count in granted.items():
            self.units[unit] += count
            self.held += count
            self.told.pop(unit, None)
            if self.remaining is not None:
                self.remaining -= count
        return granted

    def tighten(self, requests: int, per: float) -> bool:
        """Adopt a rate if it is lower, fewer requests or the longer time; return whether it is.

        With the first rate, the requests of the last minute count.
        """
        before, longer = self.requests, max(per - self.per, 0.0)
        if before is not None and before <= requests and not longer:
            return False
        self.requests = lowest(before, requests)
        self.per += longer
        if before is None:
            self.cooling = [
                second + 1 + self.per for second, ended in self.recent for _ in range(ended)
            ]
        elif longer:
            self.cooling = [at + longer for at in self.cooling]
        return True

    def cool(self, times: Sequence[float], now: float) -> None:
        """Cool tokens that were used before this process, until these times."""
        self.cooling = sorted(at for at in [*self.cooling, *times] if at > now)

    def cooling_steps(self, now: float) -> list[tuple[float, int]]:
        """Return seconds, and how many tokens cool for so long yet, rounded up.

        Those that units hold count as used now.
        """
        if not self.per:
            return []
        step = self.per / COOLING_STEPS
        used = [*self.cooling, *[now + IN_TRANSIT + self.per] * self.held]
        left = Counter(ceil((at - now) / step) for at in used if at > now)
        return [(steps * step, tokens) for steps, tokens in sorted(left.items())]

    def use(self, now: float) -> BudgetUse:
        """Return how much of the budget is used."""
        return BudgetUse(
            self.key,
            sum(ended for _, ended in self.recent),
            None if self.requests is None else self.requests * MINUTE / self.per,
            self.held,
            len(self.wanted),
            max(self.paused_until - now, 0.0),
            self.day,
            self.per_day,
        )


def lowest(one: int | None, other: int | None) -> int | None:
    """Return the lower one of two limits, None if there is none."""
    return other if one is None or (other is not None and other < one) else one
