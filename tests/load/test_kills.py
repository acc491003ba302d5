"""Runs killed with SIGKILL at random moments: nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kills import soak
from tests.support.slow_params import quick_first


@pytest.mark.parametrize(
    ("seed", "kills"), quick_first((6, 1), (1, 10), (2, 10), (3, 10), (4, 10), (5, 10))
)
def test_after_kills_at_random_moments_every_table_equals_the_truth(
    project: Path, monkeypatch: pytest.MonkeyPatch, seed: int, kills: int
) -> None:
    counts = soak(project, seed, kills, monkeypatch)
    print(dict(counts))
    assert counts["killed"] >= kills
