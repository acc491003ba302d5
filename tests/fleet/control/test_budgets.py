"""Central budgets, in simulated time: never above the limit, and close to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from framework.fleet.control.budgets import KEPT, Budgets
from framework.fleet.control.token_budget import HOUR, IN_TRANSIT
from tests.support.simulated_units import KEY, Clock, SimulatedFleet

Simulated = Callable[..., SimulatedFleet]


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Simulated:
    random = Random(1)

    def simulated(**terms: Any) -> SimulatedFleet:
        return SimulatedFleet(monkeypatch, random, lambda: random.uniform(0.05, 0.5), **terms)

    return simulated


@pytest.mark.parametrize("requests", [60, 200, 600, 3000])
def test_the_steady_state_uses_nine_tenths_of_the_budget(fleet: Simulated, requests: int) -> None:
    test = fleet(requests=requests, per=60.0)
    began = test.clock.now
    for _ in range(8):
        test.add(threads=4)
    test.clock.run(began + 240)
    steady = [at for at in test.arrived if at >= began + 60]
    assert len(steady) >= 0.9 * 3 * requests
    assert test.most_in_a_window(60) <= requests


class History:
    """What happens to a fleet: drawn by Hypothesis, the same in each run."""

    def __init__(self, test: SimulatedFleet, draw: Callable[[Any], Any]) -> None:
        self.test, self.draw = test, draw

    def step(self) -> None:
        """One thing happens, then some time passes."""
        test, clock = self.test, self.test.clock
        units = list(test.units.values())
        what = self.draw(
            st.sampled_from(["nothing", "add", "die", "restart", "end", "pause", "idle"])
        )
        if what == "add" or not units:
            test.add(self.draw(st.integers(1, 5)), self.draw(st.sampled_from([3, 1 << 60])))
        elif what == "die":
            unit = self.draw(st.sampled_from(units))
            unit.die_unnoticed(self.draw(st.sampled_from([0.0, 0.3, 9.0])))
        elif what == "restart":
            test.restart()
        elif what == "end":
            test.restart(is_clean=True)
        elif what == "pause":
            self.draw(st.sampled_from(units)).limit.pause(self.draw(st.floats(0, 3)), "429")
        elif what == "idle":
            self.draw(st.sampled_from(units)).left = 0
        clock.run(clock.now + self.draw(st.floats(0, 4)))


@given(data=st.data())
@hypothesis_settings(max_examples=100)
def test_no_window_ever_has_more_requests_than_allowed(data: st.DataObject) -> None:
    play_history(data)


@pytest.mark.slow
@given(data=st.data())
@hypothesis_settings(max_examples=1000)
def test_no_window_of_many_histories_has_more_requests_than_allowed(data: st.DataObject) -> None:
    play_history(data)


def play_history(data: st.DataObject) -> None:
    random = Random(data.draw(st.integers(0, 1 << 30)))
    slowest, latest = data.draw(st.sampled_from([(0.01, 0.001), (0.5, 0.01), (8.0, 3.0)]))
    requests, per = data.draw(st.integers(1, 60)), data.draw(st.sampled_from([1.0, 2.0, 10.0]))
    with pytest.MonkeyPatch.context() as patched:
        test = SimulatedFleet(
            patched,
            random,
            lambda: random.uniform(0, slowest),
            lambda: random.uniform(0, latest),
            requests=requests,
            per=per,
        )
        for _ in range(data.draw(st.integers(1, 8))):
            test.add(data.draw(st.integers(1, 5)))
        history = History(test, data.draw)
        for _ in range(data.draw(st.integers(1, 12))):
            history.step()
        test.clock.run(test.clock.now + per)
    assert test.most_in_a_window(per) <= requests


@pytest.mark.parametrize("costs", [(5,), (1, 7), (30, 1, 1)])
def test_costs_of_requests_fit_into_the_budget_of_all(
    fleet: Simulated, costs: tuple[int, ...]
) -> None:
    test = fleet(requests=30, per=10.0)
    test.costs = costs
    units = [test.add(threads=3) for _ in range(4)]
    test.clock.run(test.clock.now + 200)
    assert test.most_in_a_window(10.0) <= 30
    assert len(test.arrived) > 300  # more than half of it is used
    assert all(unit.sent for unit in units)


def test_a_request_that_costs_more_than_all_is_sent_alone(fleet: Simulated) -> None:
    test = fleet(requests=30, per=10.0)
    test.costs = (40,)
    for _ in range(2):
        test.add(threads=1)
    test.clock.run(test.clock.now + 100)
    assert test.most_in_a_window(10.0) == 40
    assert len(test.arrived) >= 40 * 5


def test_a_lower_number_that_one_unit_learns_holds_for_all(fleet: Simulated) -> None:
    test = fleet(requests=100, per=10.0)
    units = [test.add(threads=4) for _ in range(4)]
    test.clock.run(test.clock.now + 1)
    units[0].limit.learn(20, None, None)
    # what was sent before and the report are a second old at the latest
    test.clock.run(test.clock.now + 1)
    since = test.clock.now
    test.clock.run(since + 60)
    assert test.most_in_a_window(10.0, since) <= 20
    assert len([at for at in test.arrived if at > since]) > 90


def test_a_limit_that_is_learned_counts_the_requests_before_it(fleet: Simulated) -> None:
    test = fleet()
    began = test.clock.now
    units = [test.add(threads=4) for _ in range(4)]
    test.clock.run(began + 3)
    before = len(test.arrived)
    units[0].limit.learn(before + 20, None, None)
    test.clock.run(began + 30)
    in_flight = 16
    assert before < len(test.arrived) <= before + 20 + in_flight
    test.clock.run(began + 130)
    assert test.most_in_a_window(60, began + 10) <= before + 20


def test_without_any_limit_nothing_waits(fleet: Simulated) -> None:
    test = fleet()
    test.latency = lambda: 0.1
    for _ in range(3):
        test.add(threads=5)
    test.clock.run(test.clock.now + 10)
    assert len(test.arrived) > 0.95 * 3 * 5 * 100
    assert test.units["unit 1"].whys == {""}


def test_a_pause_stops_all_units_and_new_ones(fleet: Simulated) -> None:
    test = fleet()
    first, second = test.add(threads=2), test.add(threads=2)
    test.clock.run(test.clock.now + 2)
    first.limit.pause(5.0, "429 Too Many Requests")
    paused = test.clock.now
    test.clock.run(paused + 1)
    third = test.add(threads=2)
    test.clock.run(paused + 10)
    on_its_way = 0.02
    for unit in (first, second, third):
        assert not [at for at in unit.sent if paused + on_its_way < at < paused + 5]
        assert [at for at in unit.sent if at >= paused + 5]
        assert "429 Too Many Requests" in unit.whys


def test_no_requests_remaining_stop_all_units_until_the_reset(fleet: Simulated) -> None:
    test = fleet(requests=1000, per=60.0)
    first, second = test.add(threads=2), test.add(threads=2)
    test.clock.run(test.clock.now + 2)
    first.limit.learn(None, 0, 30.0)
    reported = test.clock.now
    test.clock.run(reported + 40)
    assert not [at for at in (*first.sent, *second.sent) if reported + 0.02 < at < reported + 30]
    assert [at for at in second.sent if at > reported + 30]
    assert "rate limit reported by the API" in second.whys


def test_units_use_no_more_than_the_api_has_left(fleet: Simulated) -> None:
    test = fleet(requests=1000, per=60.0)
    units = [test.add(threads=3) for _ in range(4)]
    test.clock.run(test.clock.now + 2)
    reported = test.clock.now
    units[0].limit.learn(None, 40, 20.0)
    test.clock.run(reported + 20)
    sent = sum(at > reported for unit in units for at in unit.sent)
    # the requests in flight may or may not be counted by the API
    assert 40 - 12 - 1 <= sent <= 40
    test.clock.run(reported + 30)
    assert sum(at > reported for unit in units for at in unit.sent) > 100


def test_a_reset_that_is_too_far_away_ends_the_requests_of_all_units(fleet: Simulated) -> None:
    test = fleet(requests=1000, per=60.0)
    first, second = test.add(threads=1), test.add(threads=1)
    test.clock.run(test.clock.now + 2)
    first.limit.learn(None, 0, 3600.0)
    test.clock.run(test.clock.now + 2)
    assert [error.used_up for error in second.refusals] == [""]
    assert second.refusals[0].seconds == pytest.approx(3600, abs=5)


@pytest.mark.parametrize("most", [1, 3, 20])
def test_no_more_requests_are_in_flight_than_allowed(fleet: Simulated, most: int) -> None:
    test = fleet(max_in_flight=most)
    for _ in range(4):
        test.add(threads=10)
    test.clock.run(test.clock.now + 20)
    assert test.most_in_flight == most
    mean_latency, polls = 0.275, 0.05
    assert len(test.arrived) > 0.9 * 20 * most / (mean_latency + polls)


def test_requests_in_flight_that_nobody_waits_for_cost_no_messages(fleet: Simulated) -> None:
    test = fleet(max_in_flight=20)
    test.latency = lambda: 0.01
    units = [test.add(threads=4) for _ in range(4)]
    test.clock.run(test.clock.now + 10)
    assert len(test.arrived) > 0.95 * 4 * 4 * 1000
    assert all(unit.reports < 150 for unit in units)


def test_places_of_a_unit_that_has_ended_go_to_others(fleet: Simulated) -> None:
    test = fleet(max_in_flight=6)
    first = test.add(threads=6)
    test.clock.run(test.clock.now + 1)
    second, third = test.add(threads=6), test.add(threads=6)
    test.clock.run(test.clock.now + 10)
    sent = [len(unit.sent) for unit in (second, third)]
    assert min(sent) > 30, sent
    first.die_unnoticed(0)
    second.left = 0
    test.clock.run(test.clock.now + 1)
    before = len(third.sent)
    test.clock.run(test.clock.now + 10)
    assert len(third.sent) - before > 0.9 * 6 * 10 / 0.275


def test_units_that_wait_are_served_in_turn(fleet: Simulated) -> None:
    test = fleet(requests=100, per=10.0)
    units = [test.add(threads=4) for _ in range(3)]
    test.clock.run(test.clock.now + 5)
    units.append(test.add(threads=4))
    since = test.clock.now
    test.clock.run(since + 100)
    sent = [sum(at > since for at in unit.sent) for unit in units]
    assert sum(sent) > 900
    assert min(sent) > 0.9 * sum(sent) / 4, sent


def test_a_unit_that_wants_much_does_not_keep_others_waiting() -> None:
    clock = Clock()
    budgets = Budgets(clock.time, clock.time)
    for unit in ("a", "b", "c"):
        budgets.declare(KEY, unit, requests=60, per=60.0)
    for unit, tokens in (("a", 100), ("b", 2), ("c", 2)):
        budgets.ask(KEY, unit, tokens)
    granted = {unit: message.get("count") for unit, message in budgets.due()[:3]}
    assert granted == {"a": 56, "b": 2, "c": 2}


def test_tokens_that_a_unit_does_not_use_go_back(fleet: Simulated) -> None:
    test = fleet(requests=40, per=1000.0)
    first = test.add(threads=10, requests=20)
    test.clock.run(test.clock.now + 1)
    assert first.left == 0
    test.clock.run(test.clock.now + 3)
    assert test.budgets.use()[0].held == 0
    second = test.add(threads=10)
    test.clock.run(test.clock.now + 3)
    assert len(second.sent) == 20


def test_a_unit_that_dies_leaves_its_tokens_to_the_others_after_they_have_cooled() -> None:
    clock = Clock()
    budgets = Budgets(clock.time, clock.time)
    for unit in ("a", "b"):
        budgets.declare(KEY, unit, requests=5, per=10.0)
    budgets.ask(KEY, "a", 5)
    assert [message["count"] for _, message in budgets.due()] == [5]
    budgets.end(KEY, "a", [1.0])
    budgets.drop("a")
    budgets.ask(KEY, "b", 5)
    assert [message["type"] for _, message in budgets.due()] == ["wait"]
    clock.run(clock.now + 9)
    assert budgets.due()[0][1]["count"] == 1
    clock.run(clock.now + 1 + IN_TRANSIT)
    assert [message["count"] for _, message in budgets.due()] == [4]
    assert budgets.next_change() == float("inf")


def test_a_budget_that_no_unit_has_is_forgotten_when_nothing_of_it_counts() -> None:
    clock = Clock()
    budgets = Budgets(clock.time, clock.time)
    keys = {"plain", "slow", "daily", "learned"}
    more = {"slow": {"per": 500.0}, "daily": {"per_day": 9}}
    for key in keys:
        budgets.declare(key, f"unit of {key}", requests=5, **more.get(key, {}))
        budgets.ask(key, f"unit of {key}", 1)
        budgets.due()
        budgets.end(key, f"unit of {key}", [0.0])
    budgets.learn("learned", 3, None, None)
    clock.run(clock.now + 2 * KEPT)
    budgets.due()
    assert {use.key for use in budgets.use()} == keys
    for key in keys:
        budgets.drop(f"unit of {key}")
    clock.run(clock.now + KEPT - 1)
    budgets.due()
    assert budgets._budgets.keys() == keys
    clock.run(clock.now + 2)
    budgets.due()
    assert budgets._budgets.keys() == {"slow", "daily", "learned"}
    clock.run(clock.now + 500)
    budgets.due()
    assert budgets._budgets.keys() == {"daily", "learned"}
    assert [(key, requests) for key, _, requests in budgets.as_rows()] == [("daily", 1)]
    clock.run(clock.now + 26 * HOUR)
    budgets.due()
    assert budgets._budgets.keys() == {"learned"}


def test_used_tokens_are_passed_on_by_a_process_that_needed_none() -> None:
    clock = Clock()

    def next_process(before: Budgets) -> Budgets:
        after = Budgets(clock.time, clock.time)
        after.restore(json.loads(json.dumps(before.cooling())), 0.0)
        return after

    def may_send(budgets: Budgets) -> int:
        budgets.declare(KEY, "b", requests=5, per=10.0)
        budgets.ask(KEY, "b", 5)
        return sum(message.get("count", 0) for _, message in budgets.due())

    first = Budgets(clock.time, clock.time)
    first.declare(KEY, "a", requests=5, per=10.0)
    first.ask(KEY, "a", 5)
    first.due()
    first.end(KEY, "a", [0.0] * 5)
    assert may_send(next_process(next_process(first))) == 0
    killed = Budgets(clock.time, clock.time)
    killed.start_used()
    assert may_send(next_process(next_process(killed))) == 0
    second = next_process(first), next_process(killed)
    clock.run(clock.now + 10 + IN_TRANSIT + 0.1)
    assert [may_send(next_process(budgets)) for budgets in second] == [5, 5]


def test_a_request_of_a_dead_unit_that_arrives_late_is_counted(fleet: Simulated) -> None:
    test = fleet(requests=5, per=10.0)
    test.latency = test.transit = lambda *_: IN_TRANSIT - 0.5
    unit = test.add(threads=5)
    test.clock.run(test.clock.now + 0.2)
    assert len(unit.sent) == 5
    unit.die_unnoticed(0)
    test.latency = test.transit = lambda *_: 0.01
    test.add(threads=5)
    test.clock.run(test.clock.now + 40)
    assert test.most_in_a_window(10.0) == 5


def test_who_waits_is_told_for_how_long_and_why() -> None:
    clock = Clock()
    budgets = Budgets(clock.time, clock.time)
    for unit in ("a", "b"):
        budgets.declare(KEY, unit, requests=2, per=10.0)
    budgets.ask(KEY, "a", 2)
    budgets.due()
    budgets.end(KEY, "a", [3.0, 1.0])
    budgets.ask(KEY, "b", 2)
    budgets.ask(KEY, "a", 1)
    told = [(unit, message["seconds"], message["why"]) for unit, message in budgets.due()]
    why = "rate limit of 2 per 10 s"
    assert told == [("b", pytest.approx(7), why), ("a", pytest.approx(10), why)]
    assert budgets.due() == []
    budgets.pause(KEY, 20.0, "429")
    told = [(unit, message["type"], message["why"]) for unit, message in budgets.due()]
    assert told[:2] == [("a", "pause", "429"), ("b", "pause", "429")]


def test_the_lowest_of_all_declared_numbers_holds() -> None:
    clock = Clock()
    budgets = Budgets(clock.time, clock.time)
    budgets.declare(KEY, "a", requests=100, per=60.0, per_day=1000)
    budgets.declare(KEY, "b", requests=30, per=30.0, per_day=2000)
    budgets.declare(KEY, "c")
    (use,) = budgets.use()
    assert (use.per_minute, use.per_day) == (30, 1000)
    budgets.ask(KEY, "c", 100)
    assert budgets.due()[0][1]["count"] == 30


def test_after_a_killed_coordinator_all_tokens_are_used_up(fleet: Simulated) -> None:
    test = fleet(requests=10, per=20.0)
    for _ in range(3):
        test.add(threads=3)
    test.clock.run(test.clock.now + 2)
    test.restart()
    began = test.clock.now
    unit = test.add(threads=3)
    test.clock.run(began + 60)
    assert min(unit.sent) >= began + 20
    assert test.most_in_a_window(20.0) <= 10


def test_after_a_coordinator_that_ended_cleanly_only_used_tokens_are_used_up(
    fleet: Simulated,
) -> None:
    test = fleet(requests=10, per=20.0)
    test.add(threads=2, requests=6)
    test.clock.run(test.clock.now + 5)
    test.restart(is_clean=True)
    began = test.clock.now
    unit = test.add(threads=3)
    test.clock.run(began + 1)
    assert len(unit.sent) == 4
    test.clock.run(began + 60)
    assert test.most_in_a_window(20.0) <= 10


def test_a_daily_quota_outlives_coordinators(fleet: Simulated) -> None:
    test = fleet(per_day=50)
    began = test.clock.now
    test.add(threads=2, requests=20)
    test.clock.run(began + 60)
    test.restart()
    unit = test.add(threads=2)
    test.clock.run(began + 120)
    assert len(unit.sent) == 30
    assert {error.used_up for error in unit.refusals} == {"rate_limit.per_day (50 requests)"}
    assert 20 * HOUR < unit.refusals[0].seconds < 25 * HOUR
    unit.die_unnoticed(0)
    test.clock.run(began + 26 * HOUR)
    again = test.add(threads=2, requests=20)
    test.clock.run(test.clock.now + 60)
    assert len(again.sent) == 20
    assert test.most_in_a_window(24 * HOUR) == 50


def test_a_quota_is_not_used_up_while_units_may_return_tokens(fleet: Simulated) -> None:
    test = fleet(per_day=20)
    began = test.clock.now
    test.budgets.declare(KEY, "idle", per_day=20)
    test.budgets.ask(KEY, "idle", 15)
    unit = test.add(threads=3)
    test.clock.run(began + 5)
    assert (len(unit.sent), unit.refusals) == (5, [])
    test.budgets.give_back(KEY, "idle", 15)
    test.push()
    test.clock.run(began + 15)
    assert len(unit.sent) == 20
    assert {error.used_up for error in unit.refusals} == {"rate_limit.per_day (20 requests)"}


def test_requests_in_flight_count_for_the_day_of_a_killed_coordinator() -> None:
    clock = Clock()
    budgets = Budgets(clock.time, clock.time)
    budgets.declare(KEY, "a", per_day=100)
    budgets.ask(KEY, "a", 10)
    budgets.due()
    budgets.end(KEY, "a", [0.0] * 4)
    (row,) = budgets.as_rows()
    assert row == (KEY, int(clock.now // HOUR), 10)
    later = Budgets(clock.time, clock.time)
    later.load([row])
    later.declare(KEY, "b", per_day=100)
    assert later.use()[0].day == 10
    assert later.as_rows() == [row]


def test_the_use_of_a_budget_is_that_of_the_last_minute(fleet: Simulated) -> None:
    test = fleet(requests=100, per=30.0)
    unit = test.add(threads=1, requests=40)
    test.latency = lambda: 0.1
    test.clock.run(test.clock.now + 20)
    (use,) = test.budgets.use()
    assert (use.last_minute, use.per_minute, use.held, use.waiting) == (40, 200, 0, 0)
    unit.limit.pause(7.0, "429")
    test.clock.run(test.clock.now + 1)
    assert test.budgets.use()[0].paused == pytest.approx(6, abs=0.1)
    test.clock.run(test.clock.now + 60)
    assert test.budgets.use()[0].last_minute == 0


def test_a_silent_coordinator_means_no_requests(fleet: Simulated) -> None:
    test = fleet()
    unit = test.add(threads=1)
    test.clock.run(test.clock.now + 1)
    unit.limit._heard = lambda: test.clock.now - 5.0
    sent = len(unit.sent)
    test.clock.run(test.clock.now + 5)
    assert len(unit.sent) == sent
    assert "the coordinator does not respond" in unit.whys
