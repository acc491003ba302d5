"""A fleet on Dask whose workers, coordinator and scheduler are killed: every table is the truth."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.fleet_soak import Soak, run_soak


@pytest.mark.slow
def test_a_fleet_survives_kills_of_all_its_parts(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    plan = Soak(3, 1, 1, random.Random(11))
    report = run_soak(16, 2, plan, project, monkeypatch)
    assert report["status"] == "ok"
    assert plan.counts["worker killed"] == 3
    assert plan.counts["coordinator killed"] == 1
    assert plan.counts["scheduler restarted"] == 1
