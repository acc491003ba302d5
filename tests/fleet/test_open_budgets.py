"""What a coordinator takes over of the budgets of the one before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from framework.fleet.fleet_run import open_budgets
from framework.fleet.unit_state.unit_ledger import open_ledger


def waits(folder: Path, cooling: Mapping[str, Sequence[tuple[float, int]]] | None) -> float:
    """How long the next one waits, in seconds, if the last moment is an hour ahead of its clock."""
    now = datetime.now(UTC)
    later = now + timedelta(hours=1)
    with open_ledger(folder / "ledger.sqlite") as ledger:
        with ledger.hold(later) as hold:
            if cooling is not None:
                hold.end(later, cooling)
        with ledger.hold(now) as hold:
            budgets = open_budgets(ledger, hold)
    budgets.declare("k", "unit", requests=5, per=60.0)
    budgets.ask("k", "unit", 1)
    ((_, message),) = budgets.due()
    return float(message["seconds"])


@pytest.mark.parametrize("cooling", [None, {"k": [(30.0, 5)]}])
def test_a_clock_that_was_put_back_makes_nobody_wait_for_it(
    tmp_path: Path, cooling: Mapping[str, Sequence[tuple[float, int]]] | None
) -> None:
    assert 0 < waits(tmp_path, cooling) < 70
