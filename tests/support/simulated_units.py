"""Units that share a budget, a coordinator and an API, all in simulated time.

The coordinator's budgets and the units' leased limits are the real ones; messages between them take
their time, requests have a latency, units die.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

import pytest

from framework.fleet.control import leased_limit
from framework.fleet.control.budgets import Budgets, Message
from framework.fleet.control.control_server import apply_report
from framework.fleet.control.leased_limit import LeasedLimit
from framework.fleet.control.token_budget import IN_TRANSIT
from framework.http.limits.rate_limit import RECHECK, WaitTooLong

KEY = "shop"
TICK = 0.1
Action = Callable[[], None]


class Clock:
    """Simulated time: actions happen in order, and none takes any."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self._actions: list[tuple[float, int, Action]] = []
        self._numbers = count()

    def time(self) -> float:
        return self.now

    def at(self, when: float, action: Action) -> None:
        heappush(self._actions, (max(when, self.now), next(self._numbers), action))

    def run(self, until: float) -> None:
        while self._actions and self._actions[0][0] <= until:
            self.now, _, action = heappop(self._actions)
            action()
        self.now = until


class Link:
    """One direction of a connection: messages arrive in order, each after some delay."""

    def __init__(self, clock: Clock, delay: Callable[[], float], receive: Callable[[Any], None]):
        self._clock, self._delay, self._receive = clock, delay, receive
        self._last = 0.0
        self.is_cut = False

    def send(self, message: Message) -> None:
        self._last = max(self._clock.now + self._delay(), self._last)
        self._clock.at(self._last, lambda: self._arrive(message))

    def _arrive(self, message: Message) -> None:
        if not self.is_cut:
            self._receive(message)


class SimulatedFleet:
    """A coordinator, its units, and the times at which their requests arrive at the API.

    `latency` and `delay` return seconds: of a request, and of a message.
    """

    def __init__(
        self,
        patched: pytest.MonkeyPatch,
        random: Random,
        latency: Callable[[], float],
        delay: Callable[[], float] | None = None,
        **terms: Any,
    ) -> None:
        self.clock = Clock()
        self.random = random
        self.latency = latency
        self.delay = delay or (lambda: random.uniform(0.0002, 0.005))
        self.transit = lambda latency: random.random() * min(latency, IN_TRANSIT)
        """Seconds until a request of that latency arrives at the API."""
        self.terms = terms
        self.costs = (1,)
        """What requests cost, by thread."""
        self.arrived: list[float] = []
        self.in_flight = self.most_in_flight = 0
        self.units: dict[str, SimulatedUnit] = {}
        self.thread = 0
        self._numbers = count(1)
        self._wakes_at = 0.0
        patched.setattr(leased_limit, "get_ident", lambda: self.thread)
        self.budgets = Budgets(self.clock.time, self.clock.time)

    def add(self, threads: int, requests: int = 1 << 60) -> SimulatedUnit:
        """A further unit, which sends so many requests on so many threads."""
        unit = SimulatedUnit(self, f"unit {next(self._numbers)}", threads, requests)
        self.units[unit.name] = unit
        self.budgets.declare(KEY, unit.name, **self.terms)
        self.push()
        unit.begin()
        return unit

    def push(self) -> None:
        """Send what the budgets have to say, and wake up when they have more."""
        for name, message in self.budgets.due():
            if name in self.units:
                self.units[name].from_coordinator.send(message)
        due = self.budgets.next_change()
        if due < self._wakes_at or self._wakes_at <= self.clock.now:
            self._wakes_at = due
            if due < float("inf"):
                self.clock.at(due, self.push)

    def receive(self, name: str, message: Message) -> None:
        apply_report(self.budgets, name, message)
        self.push()

    def restart(self, *, is_clean: bool = False) -> None:
        """The coordinator is killed; its units end, and another one starts at once.

        One that ends cleanly tells the next one which tokens are used.
        """
        rows, cooling = self.budgets.as_rows(), self.budgets.cooling()
        for unit in list(self.units.values()):
            unit.die()
        self.units.clear()
        self.budgets = Budgets(self.clock.time, self.clock.time)
        self.budgets.load(rows)
        if is_clean:
            self.budgets.restore(cooling, 0.0)
        else:
            self.budgets.start_used()

    def most_in_a_window(self, per: float, since: float = 0.0) -> int:
        """The most requests that arrived within less than so many seconds."""
        times = sorted(at for at in self.arrived if at >= since)
        most = first = 0
        for last, at in enumerate(times):
            while at - times[first] >= per - 1e-6:
                first += 1
            most = max(most, last - first + 1)
        return most


class SimulatedUnit:
    """A process that sends requests on several threads."""

    def __init__(self, fleet: SimulatedFleet, name: str, threads: int, requests: int) -> None:
        self.fleet, self.clock, self.name = fleet, fleet.clock, name
        self.left = requests
        self.threads = threads
        self.is_dead = self._is_due = False
        self.limit = LeasedLimit(
            KEY,
            self.wake,
            fleet.clock.time,
            needs_place=fleet.terms.get("max_in_flight") is not None,
            clock=fleet.clock.time,
        )
        self.to_coordinator = Link(
            fleet.clock, fleet.delay, lambda message: fleet.receive(name, message)
        )
        self.from_coordinator = Link(fleet.clock, fleet.delay, self.limit.receive)
        self.whys: set[str] = set()
        self.refusals: list[WaitTooLong] = []
        self.sent: list[float] = []
        self.reports = 0

    def begin(self) -> None:
        self.limit.prepare()
        for thread in range(self.threads):
            self.clock.at(self.clock.now, lambda thread=thread: self.send(thread))  # type: ignore[misc]
        self.tick()

    def wake(self) -> None:
        if not self._is_due:
            self._is_due = True
            self.clock.at(self.clock.now, self.report)

    def tick(self) -> None:
        if not self.is_dead:
            self.report()
            self.clock.at(self.clock.now + TICK, self.tick)

    def report(self) -> None:
        self._is_due = False
        if not self.is_dead and (message := self.limit.report()) is not None:
            self.reports += 1
            self.to_coordinator.send(message)

    def send(self, thread: int) -> None:
        if self.is_dead or self.left <= 0:
            return
        self.fleet.thread = hash((self.name, thread))
        try:
            seconds, why = self.limit.try_acquire(self.cost(thread))
        except WaitTooLong as error:
            self.refusals.append(error)
            self.left = 0
            return
        self.whys.add(why)
        if seconds:
            self.clock.at(self.clock.now + min(seconds, RECHECK), lambda: self.send(thread))
            return
        self.left -= 1
        self.sent.append(self.clock.now)
        latency = self.fleet.latency()
        self.fleet.in_flight += 1
        self.fleet.most_in_flight = max(self.fleet.most_in_flight, self.fleet.in_flight)
        self.clock.at(self.clock.now + self.fleet.transit(latency), lambda: self.arrive(thread))
        self.clock.at(self.clock.now + latency, lambda: self.answered(thread))

    def cost(self, thread: int) -> int:
        return self.fleet.costs[thread % len(self.fleet.costs)]

    def arrive(self, thread: int) -> None:
        self.fleet.arrived.extend([self.clock.now] * self.cost(thread))

    def answered(self, thread: int) -> None:
        self.fleet.in_flight -= 1
        if not self.is_dead:
            self.limit.release(self.cost(thread))
            self.send(thread)

    def die(self) -> None:
        """Killed: the coordinator learns it from the connection; what was sent still arrives."""
        self.is_dead = True
        self.from_coordinator.is_cut = True

    def die_unnoticed(self, seconds: float) -> None:
        """Killed; the coordinator notices it later. Messages that are on their way get lost."""
        self.die()
        self.to_coordinator.is_cut = self.fleet.random.random() < 0.5
        self.clock.at(self.clock.now + seconds, self.noticed)

    def noticed(self) -> None:
        self.to_coordinator.is_cut = True
        if self.fleet.units.pop(self.name, None) is not None:
            self.fleet.budgets.drop(self.name)
            self.fleet.push()
