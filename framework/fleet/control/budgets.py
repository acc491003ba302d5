"""Central budgets: how many requests each unit may send, as pure logic over a clock.

Units ask for leases and are served in turn. What they are to be told comes out of `due()` as
messages; sending them is the task of the caller, as is locking.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf

from framework.fleet.control.control_messages import Message
from framework.fleet.control.token_budget import (
    HOUR,
    IN_TRANSIT,
    MINUTE,
    QUOTA_HOURS,
    BudgetUse,
    Refusal,
    TokenBudget,
    lowest,
)

EVERY_BUDGET = ""
"""The key of what `cooling` says of budgets that were not used since a process was killed."""
KEPT = 70.0
"""Seconds after which a budget is forgotten that no unit has, if nothing of it counts any more."""


class Budgets:
    """The budgets of all connectors and credentials. Not thread-safe.

    `clock` counts seconds from any moment, `wall` from the epoch.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._budgets: dict[str, TokenBudget] = {}
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
            found[budget.key] = budget.cooling_steps(now)
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
        budget.per_day = lowest(budget.per_day, per_day)
        budget.places.most = lowest(budget.places.most, max_in_flight)
        if requests is not None:
            self._tighten(budget, requests, per)
        now = self._clock()
        if now < budget.paused_until:
            self._tell_pause(budget, [unit], now)

    def ask(self, key: str, unit: str, tokens: int, least: int = 1) -> None:
        """Queue a unit for so many tokens more; one that is queued already keeps its turn.

        It gets `least` at once: what its next request costs.
        """
        budget = self._budget(key)
        if tokens > 0 and unit in budget.units:
            budget.wanted[unit] = budget.wanted.get(unit, 0) + tokens
            budget.least[unit] = least
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
        now = self._clock()
        self._budget(key).end(unit, [now - age for age in ages], now, self._hour())

    def give_back(self, key: str, unit: str, tokens: int) -> None:
        """Free tokens that a unit has not used."""
        budget = self._budget(key)
        freed = budget.let_go(unit, tokens)
        if budget.remaining is not None:
            budget.remaining += freed

    def pause(self, key: str, seconds: float, why: str) -> None:
        """Grant nothing for so long, and tell every unit of the budget: the API sent a 429."""
        self._pause(self._budget(key), Refusal(seconds, why))

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
            self._pause(budget, Refusal(reset, "rate limit reported by the API", ""))

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
            budget.drop(unit, now, hour)
            if not budget.units:
                self._without_unit.pop(budget.key, None)
                self._without_unit[budget.key] = now

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
            self._budgets[key].pass_time(now, hour)
            uses.append(self._budgets[key].use(now))
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

    def _budget(self, key: str) -> TokenBudget:
        self._changed.add(key)
        if key not in self._budgets:
            self._budgets[key] = TokenBudget(key)
        return self._budgets[key]

    def _hour(self) -> int:
        return int(self._wall() // HOUR)

    def _tighten(self, budget: TokenBudget, requests: int, per: float) -> bool:
        """Adopt a rate if it is lower: fewer requests and the longer time hold."""
        now, is_new = self._clock(), budget.requests is None
        budget.pass_time(now, self._hour())
        if not budget.tighten(requests, per):
            return False
        if is_new:
            used = self._left.pop(budget.key, [])
            if (until := self._used_until + budget.per) > now:
                used += [until] * requests
            budget.cool(used, now)
        self._recall_excess(budget, now)
        return True

    def _recall_excess(self, budget: TokenBudget, now: float) -> None:
        """Have units return what they do not use if there are more leases than allowed now."""
        if budget.free(now) < 0:
            for unit, held in budget.units.items():
                if held:
                    self._messages.append((unit, {"type": "recall", "key": budget.key}))

    def _pause(self, budget: TokenBudget, pause: Refusal) -> None:
        now = self._clock()
        if now + pause.seconds > budget.paused_until:
            budget.paused_until, budget.pause = now + pause.seconds, pause
            self._tell_pause(budget, budget.units, now)

    def _tell_pause(self, budget: TokenBudget, units: Iterable[str], now: float) -> None:
        message = {
            "type": "pause",
            "key": budget.key,
            "seconds": budget.paused_until - now,
            "why": budget.pause.why,
            "used_up": budget.pause.used_up,
        }
        self._messages.extend((unit, message) for unit in units)

    def _settle(self, budget: TokenBudget, now: float) -> None:
        """Grant what is free, in turns, and tell the others how long they wait."""
        self._messages += budget.places.due(budget.key)
        budget.pass_time(now, self._hour())
        share = budget.share
        for unit, count in budget.grant(now).items():
            self._tell_grant(budget, unit, count, share)
        wall = self._wall()
        ahead = 0
        for unit, wanted in budget.wanted.items():
            least = budget.least_of(unit)
            self._tell_wait(budget, unit, budget.refusal(ahead + least - 1, now, wall), now)
            ahead += wanted
        if budget.wanted:
            self._due[budget.key] = budget.next_change(now, wall)
        else:
            self._due.pop(budget.key, None)

    def _tell_grant(self, budget: TokenBudget, unit: str, count: int, share: float) -> None:
        message = {
            "type": "grant",
            "key": budget.key,
            "count": count,
            "share": None if share == inf else int(share),
        }
        self._messages.append((unit, message))

    def _tell_wait(self, budget: TokenBudget, unit: str, refusal: Refusal, now: float) -> None:
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
