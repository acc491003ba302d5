"""What a coordinator takes over of the budgets of the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from framework.fleet.fleet_run import open_budgets
from framework.fleet.unit_state.unit_ledger import open_ledger

Cooling = Mapping[str, Sequence[tuple[float, int]]]


def waits(folder: Path, cooling: Cooling | None, *, ended: timedelta, host: str = "") -> float:
    """How long the next one waits, in seconds, if the last moment of the one before is so far off.

    That one ended cleanly if `cooling` is given, and ran on `host`, or on this one.
    """
    now = datetime.now(UTC)
    before = now + ended
    with open_ledger(folder / "ledger.sqlite") as ledger:
        with ledger.hold(before) as hold:
            if cooling is not None:
                hold.end(before, cooling)
        if host:
            with closing(sqlite3.connect(folder / "ledger.sqlite")) as sql, sql:
                sql.execute("UPDATE fleet_sessions SET host = ?", [host])
        with ledger.hold(now) as hold:
            budgets = open_budgets(ledger, hold)
    budgets.declare("k", "unit", requests=5, per=60.0)
    budgets.ask("k", "unit", 1)
    ((_, message),) = budgets.due()
    return float(message.get("seconds", 0.0))


CLEANLY: Cooling = {"k": [(30.0, 5)]}


@pytest.mark.parametrize("cooling", [None, CLEANLY])
def test_a_clock_that_was_put_back_makes_nobody_wait_for_it(
    tmp_path: Path, cooling: Cooling | None
) -> None:
    assert 0 < waits(tmp_path, cooling, ended=timedelta(hours=1)) < 70


@pytest.mark.parametrize(("cooling", "rest"), [(None, 65.0), (CLEANLY, 30.0)])
def test_time_that_has_passed_counts_on_the_same_host_only(
    tmp_path: Path, cooling: Cooling | None, rest: float
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    ended = -timedelta(seconds=20)
    assert waits(here, cooling, ended=ended) == pytest.approx(rest - 20, abs=5)
    assert waits(there, cooling, ended=ended, host="elsewhere") == pytest.approx(rest, abs=5)


@pytest.mark.parametrize("cooling", [None, CLEANLY])
def test_a_coordinator_that_ended_long_ago_on_the_same_host_leaves_no_wait(
    tmp_path: Path, cooling: Cooling | None
) -> None:
    assert waits(tmp_path, cooling, ended=-timedelta(minutes=2)) == 0
