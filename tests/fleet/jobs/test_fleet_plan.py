"""The plan: where estimates come from, how long it takes, and what a daily quota cannot hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from framework.definition.model import RateLimit
from framework.errors import DestinationError
from framework.fleet.jobs import fleet_plan as module
from framework.fleet.jobs.accounts import Account
from framework.fleet.jobs.fleet_file import Fleet, Job
from framework.fleet.jobs.fleet_plan import Estimate, FleetPlan, plan_fleet
from framework.fleet.jobs.units import units_of
from tests.support.fleets import SHOP, fleet_of

ACCOUNTS = "accounts: [{alias: a}, {alias: b}, {alias: c}]"
BACKFILL = "backfill: {since: 2023-01-01, until: 2023-01-11, step: P1D}"
CASSETTE = """\
interactions:
- request: {method: GET, uri: "https://api.example.com/orders", body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: "{}"}}
- request: {method: GET, uri: "https://api.example.com/customers", body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: "{}"}}
metadata: {connector: shop, format: 1, clock: "2026-01-01T00:00:00Z", config: {}, resources: []}
version: 1
"""


@dataclass(frozen=True)
class DailyLimit(RateLimit):
    """A rate limit with a daily quota."""

    per_day: int | str | None = None
    scope: str = "credential"


def one_job(keys: str, **files: str) -> Fleet:
    return fleet_of(f"version: 1\njobs: [{{connector: shop, {keys}}}]\n", files)


def limited(fleet: Fleet, limit: RateLimit) -> Fleet:
    """The fleet with a rate limit in every connector."""
    return replace(
        fleet,
        jobs=tuple(
            replace(
                job,
                connector=replace(
                    job.connector, client=replace(job.connector.client, rate_limit=limit)
                ),
            )
            for job in fleet.jobs
        ),
    )


def run_of(requests: int, seconds: float = 1.0, status: str = "ok", **parts: int) -> dict[str, Any]:
    every = parts or {"orders": requests, "lines": 0, "customers": 0}
    rows = [{"resource": name, "requests": count} for name, count in every.items()]
    return {"status": status, "seconds": seconds, "resources": rows}


def no_runs(job: Job, account: Account | None) -> Sequence[Any]:
    return []


def estimates(plan: FleetPlan) -> list[Estimate]:
    return [one.estimate for one in plan.units]


def costing(fleet: Fleet, requests: float, seconds: float = 1.0) -> dict[str, tuple[float, float]]:
    """What earlier units of each kind took."""
    return {unit.kind: (requests, seconds) for unit in units_of(fleet)}


def test_without_any_source_nothing_is_known() -> None:
    plan = plan_fleet(one_job(ACCOUNTS), recorded=no_runs)
    assert estimates(plan) == [Estimate(None, None, "unknown")] * 3
    assert (plan.jobs[0].requests, plan.jobs[0].unknown, plan.minutes) == (None, 3, None)
    assert plan.refusals == ()


def test_earlier_units_come_first() -> None:
    fleet = one_job(ACCOUNTS)
    plan = plan_fleet(fleet, earlier=costing(fleet, 7, 2.5), recorded=lambda *_: [run_of(99)])
    assert estimates(plan) == [Estimate(7, 2.5, "units")] * 3


def test_recorded_runs_come_second_and_others_get_their_mean() -> None:
    runs = {"a": [run_of(10, 4.0)], "b": [run_of(30, 8.0)], "c": []}
    plan = plan_fleet(
        one_job(ACCOUNTS), recorded=lambda _, account: runs[account.alias if account else ""]
    )
    assert estimates(plan) == [
        Estimate(10, 4.0, "runs"),
        Estimate(30, 8.0, "runs"),
        Estimate(20, 6.0, "runs"),
    ]


def test_a_run_counts_if_it_was_good_and_had_the_same_resources() -> None:
    runs = [
        run_of(1, status="failed"),
        run_of(0, orders=500),
        run_of(0, orders=2, lines=3, customers=4, totals=1000),
        run_of(0, orders=4, lines=5, customers=6),
        run_of(0, orders=6, lines=7, customers=8),
    ]
    plan = plan_fleet(one_job("name: x"), recorded=lambda *_: runs)
    assert estimates(plan) == [Estimate(15, 1.0, "runs")]
    narrow = plan_fleet(one_job("resources: [lines]"), recorded=lambda *_: runs[2:3])
    assert estimates(narrow) == [Estimate(5, 1.0, "runs")]  # with those of its parent


def test_a_window_has_its_share_of_the_largest_run() -> None:
    runs = [run_of(20, 1.0), run_of(200, 60.0)]
    plan = plan_fleet(one_job(f"resources: [orders], {BACKFILL}"), recorded=lambda *_: runs)
    assert estimates(plan) == [Estimate(20, 6.0, "runs")] * 10


def test_the_cassette_comes_third() -> None:
    fleet = one_job("name: x", **{"cassettes/shop.yaml": CASSETTE})
    assert estimates(plan_fleet(fleet, recorded=no_runs)) == [Estimate(2, None, "cassette")]


def test_a_broken_cassette_is_a_note() -> None:
    fleet = one_job("name: x", **{"cassettes/shop.yaml": CASSETTE[:100]})
    plan = plan_fleet(fleet, recorded=no_runs)
    assert estimates(plan) == [Estimate()]
    assert [note.split(":")[0] for note in plan.notes] == ["estimated without the cassette"]


def test_a_destination_that_cannot_be_read_is_asked_once_and_is_a_note() -> None:
    asked = []

    def refuse(job: Job, account: Account | None) -> Sequence[Any]:
        asked.append(account)
        raise DestinationError("cannot read the runs in postgres")

    plan = plan_fleet(one_job(ACCOUNTS), recorded=refuse)
    assert len(asked) == 1
    assert plan.notes == ("estimated without recorded runs: cannot read the runs in postgres",)


def test_only_some_accounts_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ACCOUNTS_READ", 2)
    asked = []

    def runs(job: Job, account: Account | None) -> Sequence[Any]:
        asked.append(account.alias if account else None)
        return [run_of(6)]

    plan = plan_fleet(one_job(ACCOUNTS), recorded=runs)
    assert asked == ["a", "b"]
    assert [one.requests for one in estimates(plan)] == [6, 6, 6]


def test_nothing_is_read_if_earlier_units_say_it() -> None:
    fleet = one_job(ACCOUNTS)

    def fail(job: Job, account: Account | None) -> Sequence[Any]:
        raise AssertionError

    assert plan_fleet(fleet, earlier=costing(fleet, 1), recorded=fail).jobs[0].requests == 3


@pytest.mark.parametrize(("workers", "minutes"), [(1, 30.0), (2, 15.0), (3, 10.0), (9, 10.0)])
def test_units_take_their_time_over_the_workers(workers: int, minutes: float) -> None:
    fleet = one_job(ACCOUNTS)
    plan = plan_fleet(fleet, earlier=costing(fleet, 1, 600.0), recorded=no_runs, workers=workers)
    assert plan.minutes == minutes


def test_the_rate_limit_of_a_credential_makes_its_units_wait_for_each_other() -> None:
    own = limited(one_job(ACCOUNTS), RateLimit(requests=60))
    plan = plan_fleet(own, earlier=costing(own, 600), recorded=no_runs, workers=3)
    assert plan.minutes == 10.0
    secrets = "secrets: {api_key: T, other: U}"
    named = f"accounts: [{{alias: a, {secrets}}}, {{alias: b, {secrets}}}]"
    shared = limited(one_job(named), RateLimit(requests=60))
    plan = plan_fleet(shared, earlier=costing(shared, 600), recorded=no_runs, workers=3)
    assert plan.minutes == 20.0
    assert [quota.credentials for quota in plan.quotas] == [("T", "U")]


def test_a_limit_may_be_a_config_entry_of_the_account() -> None:
    accounts = "accounts: [{alias: a, config: {page: 5}}, {alias: b}]"
    fleet = limited(one_job(accounts), RateLimit(requests="{config.page}"))
    plan = plan_fleet(fleet, earlier=costing(fleet, 50), recorded=no_runs)
    assert [quota.minutes() for quota in plan.quotas] == [pytest.approx(10), pytest.approx(5)]


def test_a_daily_quota_refuses_more_and_says_what_fits() -> None:
    fleet = one_job(f"resources: [orders], {BACKFILL}")
    for quota, refused in ((1000, False), (999, True)):
        plan = plan_fleet(
            limited(fleet, DailyLimit(per_day=quota)),
            earlier=costing(fleet, 100),
            recorded=no_runs,
        )
        assert bool(plan.refusals) is refused
    (message,) = plan.refusals
    assert "10 units need about 1,000 requests, but 999 a day are allowed" in message
    assert "About 9 of the units fit into a day" in message
    assert "2 files" in message


def test_a_quota_is_of_a_credential_unless_the_file_says_of_the_api() -> None:
    fleet = one_job(ACCOUNTS)
    for scope, refusals in (("credential", 0), ("api", 1)):
        limit = DailyLimit(per_day=250, scope=scope)
        plan = plan_fleet(limited(fleet, limit), earlier=costing(fleet, 100), recorded=no_runs)
        assert len(plan.refusals) == refusals
        assert len(plan.quotas) == (3 if scope == "credential" else 1)


def test_jobs_of_one_connector_and_credential_share_a_quota() -> None:
    fleet = fleet_of(
        "version: 1\njobs: [{connector: shop}, {connector: shop, name: b, dataset: b}]\n"
    )
    plan = plan_fleet(
        limited(fleet, DailyLimit(per_day=150)), earlier=costing(fleet, 100), recorded=no_runs
    )
    assert len(plan.refusals) == 1
    assert [job.quotas[0].requests for job in plan.jobs] == [100, 100]


def test_a_slow_limit_keeps_the_requests_of_a_day_within_the_quota() -> None:
    fleet = one_job(f"resources: [orders], {BACKFILL}")
    limit = DailyLimit(requests=1, per_day=1440)
    plan = plan_fleet(limited(fleet, limit), earlier=costing(fleet, 1000), recorded=no_runs)
    assert plan.refusals == ()
    assert plan.minutes == pytest.approx(10_000)


def test_a_unit_of_unknown_cost_sends_one_request_at_least() -> None:
    plan = plan_fleet(
        limited(one_job(f"resources: [orders], {BACKFILL}"), DailyLimit(per_day=9)),
        recorded=no_runs,
    )
    assert len(plan.refusals) == 1


def test_connectors_do_not_share_a_quota() -> None:
    other = SHOP.replace("name: shop", "name: other").replace(", schema: tagged", "")
    fleet = fleet_of(
        "version: 1\njobs: [{connector: shop}, {connector: other}]\n",
        {"connectors/other.yaml": other},
    )
    limit = DailyLimit(per_day=150, scope="api")
    plan = plan_fleet(limited(fleet, limit), earlier=costing(fleet, 100), recorded=no_runs)
    assert plan.refusals == ()
    assert Path("connectors/other.yaml").exists()
