"""A network that breaks: the tables equal the truth at the end, or the run says what is missing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from framework.load.report import Report
from tests.support.kills import LOADED, Account
from tests.support.run_verbs import NOW, everything, load, scheduling, statuses
from tests.support.servers.faults import KINDS, Faults
from tests.support.simulator import TABLES, Simulator, small_world
from tests.support.simulator_truth import assert_tables_are

pytestmark = pytest.mark.slow
DEFAULT = TABLES[:6]
MOST_RUNS = 40


def read(proxy: Faults, folder: Path, *resources: str, hours: float = 0) -> Report:
    config = {"base_url": proxy.url, "api_key": "secret"}
    return load(scheduling(), folder, *resources, config=config, now=NOW + timedelta(hours=hours))


@pytest.mark.parametrize(("rate", "seed"), [(0.05, 1), (0.15, 2), (0.3, 3), (0.3, 4), (0.3, 5)])
def test_through_faults_every_table_is_the_truth_or_named_as_missing(
    project: Path, rate: float, seed: int
) -> None:
    print(f"seed {seed}")
    account = Account(project, seed)
    world, failed = account.world, 0
    with Simulator(world) as api, Faults(api.base_url, rate=rate, seed=seed) as proxy:
        for number in range(MOST_RUNS):
            before = everything(project, name="scheduling") if number else {}
            report = read(proxy, project, *LOADED, hours=number / 60)
            became = statuses(report)
            assert report.exit_code == int("failed" in became.values())
            whole = [name for name, status in became.items() if status == "ok"]
            assert_tables_are(project, {name: world.table(name) for name in whole})
            after = everything(project, name="scheduling")
            for name in became.keys() - set(whole):
                assert report.resources[name].error
                assert after.get(name) == before.get(name)
            failed += len(whole) < len(became)
            if len(whole) == len(became) and number >= 2:
                break
            account.something_happens()
        else:
            raise AssertionError(f"never whole: {became}")
    print({"runs": number + 1, "with failures": failed, **proxy.seen})
    assert sum(proxy.seen[kind] for kind in KINDS) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_is_retried_and_leaves_no_trace(project: Path, kind: str) -> None:
    with (
        Simulator(small_world()) as api,
        Faults(api.base_url, rate=0.1, seed=11, kinds=(kind,)) as proxy,
    ):
        for number in range(MOST_RUNS):
            report = read(proxy, project, hours=number / 60)
            if report.status == "ok":
                break
        assert proxy.seen[kind] > 0
        broken = proxy.seen[kind] if kind != "delay" else 0
        assert number or sum(p.retries for p in report.resources.values()) == broken
        assert_tables_are(project, {name: api.table(name) for name in DEFAULT})
