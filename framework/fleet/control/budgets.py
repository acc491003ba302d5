"""Central budgets: how many requests each unit may send, as pure logic over a clock.

A token of a budget is free, held by a unit (leased or in flight), or cooling. It cools for `per`
seconds from the end of its response, so no window of that length holds more requests than there
are tokens. Units ask for leases and are served in turn. What they are to be told comes out of
`due()` as messages; sending them is the task of the caller, as is locking.
"""

from __future__ import annotations

import time
from bisect import bisect_right, insort
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, inf

from framework.fleet.control.control_messages import Message
from framework.fleet.control.request_places import RequestPlaces
from framework.text import count_noun

IN_TRANSIT = 5.0
"""Seconds in which the request of a unit that died can still reach the API."""
LEASE = 0.5
"""Seconds whose tokens may lie unused at units, all of them together."""
MINUTE = 60
HOUR = 3600
EVERY_BUDGET = ""
"""The key of what `cooling` says of budgets that were not used since a process was killed."""
COOLING_STEPS = 100
"""Parts of a budget's time by which its cooling tokens are stored."""
KEPT = 70.0
"""Seconds after which a budget is forgotten that no unit has, if nothing of it counts any more."""
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
class _Refusal:
    """Why no token is free, and for how many seconds.

    A wait with `used_up` that is too long for a unit is not begun: what is used up, or "" if the
    API has reported it. None: every unit waits.
    """

    seconds: float
    why: str
    used_up: str | None = None


@dataclass
class _Budget:
    """The tokens of one budget. Times are the clock's."""

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
    told: dict[str, tuple[str, float]] = field(default_factory=dict)
    """The reason that each waiting unit was told, and until when."""
    cooling: list[float] = field(default_factory=list)
    """When each cooling token is free, in order."""
    paused_until: float = 0.0
    pause: _Refusal = field(default_factory=lambda: _Refusal(0.0, ""))
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

    def refusal(self, ahead: int, now: float, wall: float) -> _Refusal:
        """Return why a unit waits that has `ahead` tokens wanted before its own."""
        if now < self.paused_until:
            return _Refusal(self.paused_until - now, self.pause.why, self.pause.used_up)
        if self.remaining is not None and self.remaining <= ahead:
            return _Refusal(self.remaining_until - now, "rate limit reported by the API", "")
        if self.per_day is not None and self.day + ahead >= self.per_day:
            quota = f"rate_limit.per_day ({count_noun(self.per_day, 'request')})"
            if self.day - self.held < self.per_day:  # what is held may be returned
                return _Refusal(1.0, quota)
            first = min(self.hours, default=wall // HOUR)
            return _Refusal((first + QUOTA_HOURS) * HOUR - wall, quota, quota)
        if self.requests is not None:
            place = ahead - (self.requests - self.held - len(self.cooling))
            if place >= 0:
                why = f"rate limit of {self.requests} per {self.per:g} s"
                # a token in flight has yet to cool
                at = self.cooling[place] if place < len(self.cooling) else now + self.per
                return _Refusal(at - now, why)
        return _Refusal(0.0, "")

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


class Budgets:
    """The budgets of all connectors and credentials. Not thread-safe.

    `clock` counts seconds from any moment, `wall` from the epoch.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._budgets: dict[str, _Budget] = {}
        self._of_unit: dict[str, set[str]] = {}
        """The budgets of each connected unit."""
        self._without_unit: dict[str, float] = {}
        """Since when budgets have had no unit, in the order of these times."""
        self._changed: set[str] = set()
        self._due: dict[str, float] = {}
        """When to look again at the budgets that units wait for."""
        self._messages: list[tuple[str, Message]] = []
        self._used_until = -inf
        self._left: dict[str, list[float]] = {}
        """When the tokens that cooled at the end of an earlier process are free, by budget."""

    def start_used(self, seconds: float = 0.0) -> None:
        """Count every token as used until so many seconds ago.

        Units of a coordinator that was killed may have sent requests until then.
        """
        self._used_until = self._clock() - seconds + IN_TRANSIT

    def cooling(self) -> dict[str, list[tuple[float, int]]]:
        """Return how many tokens of each budget cool for how many seconds yet, rounded up.

        Those that units hold count as used now.
        """
        now = self._clock()
        found: dict[str, list[tuple[float, int]]] = {}
        for budget in self._budgets.values():
            if not budget.per:
                continue
            step = budget.per / COOLING_STEPS
            used = [*budget.cooling, *[now + IN_TRANSIT + budget.per] * budget.held]
            left = Counter(ceil((at - now) / step) for at in used if at > now)
            found[budget.key] = [(steps * step, tokens) for steps, tokens in sorted(left.items())]
        for key, times in self._left.items():  # no unit of this process has used the budget
            found[key] = sorted(Counter(at - now for at in times if at > now).items())
        if self._used_until > now - QUOTA_HOURS * HOUR:
            found[EVERY_BUDGET] = [(self._used_until - now, 0)]
        return {key: left for key, left in found.items() if left}

    def restore(self, cooling: Mapping[str, Sequence[tuple[float, int]]], elapsed: float) -> None:
        """Adopt what `cooling` returned in an earlier process, so many seconds ago."""
        now = self._clock() - elapsed
        for key, left in cooling.items():
            if key == EVERY_BUDGET:
                self._used_until = now + left[0][0]
                continue
            self._left[key] = [now + seconds for seconds, tokens in left for _ in range(tokens)]

    def load(self, rows: Iterable[tuple[str, int, int]]) -> None:
        """Adopt the daily counts that `as_rows` returned in an earlier process."""
        for key, hour, requests in rows:
            self._budget(key).hours[hour] = requests

    def as_rows(self) -> list[tuple[str, int, int]]:
        """Return the daily counts: key, hour since the epoch, requests.

        Requests in flight are counted: who reads this later cannot know whether they were sent.
        """
        rows = []
        now, hour = self._clock(), self._hour()
        for budget in self._budgets.values():
            if budget.per_day is None and not budget.hours:
                continue
            budget.pass_time(now, hour)
            hours = dict(budget.hours)
            if budget.per_day is not None and budget.held:
                hours[hour] = hours.get(hour, 0) + budget.held
            rows += [(budget.key, at, requests) for at, requests in sorted(hours.items())]
        return rows

    def declare(
        self,
        key: str,
        unit: str,
        *,
        requests: int | None = None,
        per: float = 60.0,
        per_day: int | None = None,
        max_in_flight: int | None = None,
    ) -> None:
        """Add a unit to a budget; of all that units declare the lowest numbers hold."""
        budget = self._budget(key)
        budget.units.setdefault(unit, 0)
        self._of_unit.setdefault(unit, set()).add(key)
        budget.per_day = _lowest(budget.per_day, per_day)
        budget.places.most = _lowest(budget.places.most, max_in_flight)
        if requests is not None:
            self._tighten(budget, requests, per)
        now = self._clock()
        if now < budget.paused_until:
            self._tell_pause(budget, [unit], now)

    def ask(self, key: str, unit: str, tokens: int) -> None:
        """Queue a unit for so many tokens more; one that is queued already keeps its turn."""
        budget = self._budget(key)
        if tokens > 0 and unit in budget.units:
            budget.wanted[unit] = budget.wanted.get(unit, 0) + tokens
            budget.told.pop(unit, None)

    def ask_places(self, key: str, unit: str, places: int) -> None:
        """Queue a unit for so many requests in flight more."""
        budget = self._budget(key)
        if unit in budget.units:
            budget.places.ask(unit, places)

    def give_back_places(self, key: str, unit: str, places: int) -> None:
        """Free places for requests in flight."""
        self._budget(key).places.give_back(unit, places)

    def end(self, key: str, unit: str, ages: Sequence[float]) -> None:
        """Cool the tokens of requests that have ended, each so many seconds ago."""
        budget, now = self._budget(key), self._clock()
        budget.let_go(unit, len(ages))
        budget.count(len(ages), now, self._hour())
        if budget.requests is not None:
            for age in ages:
                insort(budget.cooling, now - age + budget.per)

    def give_back(self, key: str, unit: str, tokens: int) -> None:
        """Free tokens that a unit has not used."""
        budget = self._budget(key)
        freed = budget.let_go(unit, tokens)
        if budget.remaining is not None:
            budget.remaining += freed

    def pause(self, key: str, seconds: float, why: str) -> None:
        """Grant nothing for so long, and tell every unit of the budget: the API sent a 429."""
        self._pause(self._budget(key), _Refusal(seconds, why))

    def learn(
        self, key: str, allowed: int | None, remaining: int | None, reset: float | None
    ) -> None:
        """Adopt what response headers report if it is less; `reset` is in seconds."""
        budget, now = self._budget(key), self._clock()
        if allowed is not None and allowed > 0:
            budget.has_learned |= self._tighten(budget, allowed, budget.per or float(MINUTE))
        if remaining is None or reset is None:
            return
        budget.pass_time(now, self._hour())
        # the API may not have counted the requests in flight
        left = remaining - budget.held
        if budget.remaining is None or left < budget.remaining:
            budget.remaining_until = max(now + reset, budget.remaining_until)
            budget.remaining = left
            self._recall_excess(budget, now)
        if remaining <= 0:
            self._pause(budget, _Refusal(reset, "rate limit reported by the API", ""))

    def leave(self, unit: str, requests: Mapping[str, int]) -> None:
        """Free the tokens of a unit that sends no request any more.

        So many `requests` of each budget have no report of their end; `drop` follows.
        """
        for key, budget in self._budgets.items():
            unused = budget.units.get(unit, 0) - requests.get(key, 0)
            if unused > 0:
                self.give_back(key, unit, unused)

    def drop(self, unit: str) -> None:
        """Forget a unit whose connection has ended; the tokens that it held count as used now."""
        now, hour = self._clock(), self._hour()
        for budget in map(self._budget, self._of_unit.pop(unit, ())):
            lost = budget.let_go(unit, budget.units[unit])
            del budget.units[unit]
            budget.wanted.pop(unit, None)
            budget.told.pop(unit, None)
            budget.places.drop(unit)
            if not budget.units:
                self._without_unit.pop(budget.key, None)
                self._without_unit[budget.key] = now
            if lost:
                budget.count(lost, now, hour)
                if budget.requests is not None:
                    for _ in range(lost):
                        insort(budget.cooling, now + IN_TRANSIT + budget.per)

    def due(self) -> list[tuple[str, Message]]:
        """Return what units are to be told now: unit and message, in order."""
        now = self._clock()
        self._changed.update(key for key, at in self._due.items() if at <= now)
        for key in sorted(self._changed):
            self._settle(self._budgets[key], now)
        self._changed.clear()
        self._forget_unused(now)
        messages, self._messages = self._messages, []
        return messages

    def next_change(self) -> float:
        """Return when `due` has more to say with no message from any unit, or inf."""
        return min(self._due.values(), default=inf)

    def use(self) -> list[BudgetUse]:
        """Return how much of each budget is used, of those that connected units have."""
        now, hour = self._clock(), self._hour()
        uses = []
        for key in sorted(set().union(*self._of_unit.values())):
            budget = self._budgets[key]
            budget.pass_time(now, hour)
            rate = None if budget.requests is None else budget.requests * MINUTE / budget.per
            uses.append(
                BudgetUse(
                    budget.key,
                    sum(ended for _, ended in budget.recent),
                    rate,
                    budget.held,
                    len(budget.wanted),
                    max(budget.paused_until - now, 0.0),
                    budget.day,
                    budget.per_day,
                )
            )
        return uses

    def _forget_unused(self, now: float) -> None:
        """Forget budgets that had no unit for a while: each account may have one."""
        while self._without_unit:
            key, since = next(iter(self._without_unit.items()))
            if now - since < KEPT:
                return
            del self._without_unit[key]
            budget = self._budgets[key]
            budget.pass_time(now, self._hour())
            if budget.is_unused(now):
                del self._budgets[key]
            elif not budget.units:
                self._without_unit[key] = now

    def _budget(self, key: str) -> _Budget:
        self._changed.add(key)
        if key not in self._budgets:
            self._budgets[key] = _Budget(key)
        return self._budgets[key]

    def _hour(self) -> int:
        return int(self._wall() // HOUR)

    def _tighten(self, budget: _Budget, requests: int, per: float) -> bool:
        """Adopt a rate if it is lower: fewer requests and the longer time hold."""
        before, now = budget.requests, self._clock()
        longer = max(per - budget.per, 0.0)
        if before is not None and before <= requests and not longer:
            return False
        budget.pass_time(now, self._hour())
        budget.requests = _lowest(before, requests)
        budget.per += longer
        if before is None:
            used = [
                second + 1 + budget.per for second, ended in budget.recent for _ in range(ended)
            ]
            used += self._left.pop(budget.key, [])
            if (until := self._used_until + budget.per) > now:
                used += [until] * requests
            budget.cooling = sorted(at for at in used if at > now)
        elif longer:
            budget.cooling = [at + longer for at in budget.cooling]
        self._recall_excess(budget, now)
        return True

    def _recall_excess(self, budget: _Budget, now: float) -> None:
        """Have units return what they do not use if there are more leases than allowed now."""
        if budget.free(now) < 0:
            for unit, held in budget.units.items():
                if held:
                    self._messages.append((unit, {"type": "recall", "key": budget.key}))

    def _pause(self, budget: _Budget, pause: _Refusal) -> None:
        now = self._clock()
        if now + pause.seconds > budget.paused_until:
            budget.paused_until, budget.pause = now + pause.seconds, pause
            self._tell_pause(budget, budget.units, now)

    def _tell_pause(self, budget: _Budget, units: Iterable[str], now: float) -> None:
        message = {
            "type": "pause",
            "key": budget.key,
            "seconds": budget.paused_until - now,
            "why": budget.pause.why,
            "used_up": budget.pause.used_up,
        }
        self._messages.extend((unit, message) for unit in units)

    def _settle(self, budget: _Budget, now: float) -> None:
        """Grant what is free, in turns, and tell the others how long they wait."""
        self._messages += budget.places.due(budget.key)
        budget.pass_time(now, self._hour())
        free, share = budget.free(now), budget.share
        granted: dict[str, int] = {}
        while budget.wanted and free >= 1:
            unit, wanted = next(iter(budget.wanted.items()))
            count = int(min(wanted, free, max(share, 1)))
            del budget.wanted[unit]
            if wanted > count:  # the rest has its turn after the others
                budget.wanted[unit] = wanted - count
            granted[unit] = granted.get(unit, 0) + count
            free -= count
        for unit, count in granted.items():
            self._grant(budget, unit, count, share)
        wall = self._wall()
        ahead = 0
        for unit, wanted in budget.wanted.items():
            self._tell_wait(budget, unit, budget.refusal(ahead, now, wall), now)
            ahead += wanted
        if budget.wanted:
            self._due[budget.key] = budget.next_change(now, wall)
        else:
            self._due.pop(budget.key, None)

    def _grant(self, budget: _Budget, unit: str, count: int, share: float) -> None:
        budget.units[unit] += count
        budget.held += count
        budget.told.pop(unit, None)
        if budget.remaining is not None:
            budget.remaining -= count
        message = {
            "type": "grant",
            "key": budget.key,
            "count": count,
            "share": None if share == inf else int(share),
        }
        self._messages.append((unit, message))

    def _tell_wait(self, budget: _Budget, unit: str, refusal: _Refusal, now: float) -> None:
        why, until = budget.told.get(unit, (None, 0.0))
        if why == refusal.why and now < until:
            return
        budget.told[unit] = (refusal.why, now + refusal.seconds)
        message = {
            "type": "wait",
            "key": budget.key,
            "seconds": refusal.seconds,
            "why": refusal.why,
            "used_up": refusal.used_up,
        }
        self._messages.append((unit, message))


def _lowest(one: int | None, other: int | None) -> int | None:
    return other if one is None or (other is not None and other < one) else one
