"""Runs killed with SIGKILL at random moments: nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kills import soak

SEEDS = (1, 2, 3, 4, 5)
KILLS = 10


@pytest.mark.parametrize("seed", SEEDS)
def test_after_kills_at_random_moments_every_table_equals_the_truth(
    project: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    counts = soak(project, seed, KILLS, monkeypatch)
    print(dict(counts))
    assert counts["killed"] >= KILLS
