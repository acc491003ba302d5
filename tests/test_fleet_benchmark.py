"""The benchmark of fleets runs on next to nothing, and its results have a page."""

from __future__ import annotations

import pytest

from benchmarks import fleet
from benchmarks.__main__ import machine


@pytest.mark.slow
def test_units_workers_and_budgets_are_measured() -> None:
    beside = fleet.overhead(2)
    assert 0 < beside["unit"] < 60
    budget = fleet.budget(2, 40)
    assert budget["requests"] == 50
    assert budget["most in a window"] <= 40
    own = {"machine": machine()}
    text = fleet.page_text({"overhead": {**beside, **own}, "budget": {**budget, **own}})
    assert f"| `framework run` | {beside['plain']:.2f} |" in text
    assert "as the server saw it | 40 |" in text


@pytest.mark.slow
def test_windows_give_the_rows_of_one_run() -> None:
    found = fleet.backfill(9)
    assert (found["windows"], found["rows"]) == (9, 9 * fleet.VISITS)
    text = fleet.page_text({"backfill": {**found, "machine": machine()}})
    assert f"| 9 windows of a day, {9 * fleet.VISITS} rows into DuckDB | |" in text
