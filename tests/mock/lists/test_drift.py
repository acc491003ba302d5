"""Records change, appear and vanish between pages, the same for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.mocks import invented, reading, shop

Json = Any
CURSOR = {"paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}}
NUMBERED = {"paginator": {"type": "page_number", "total_path": None}}


def drifted(folder: Path, endpoint: dict[str, Json], seed: int) -> tuple[list[Json], list[Json]]:
    """What a run reads while records drift, and the changes."""
    body = shop(endpoint, write_disposition="append")
    mock = invented(folder, body, rows=30, page_size=2, drift=True, seed=seed)
    changes: list[Json] = []
    drift = mock.api.behaviour.drift
    assert drift is not None
    drift.on_change = lambda _, change, data: changes.append((change, data["id"], data["name"]))
    return reading(folder, body, mock).read("items"), changes


@pytest.mark.parametrize("endpoint", [CURSOR, NUMBERED], ids=["cursor", "numbered"])
def test_the_same_seed_repeats_a_drift(tmp_path: Path, endpoint: dict[str, Json]) -> None:
    first = drifted(tmp_path, endpoint, 4)
    assert drifted(tmp_path, endpoint, 4) == first
    assert drifted(tmp_path, endpoint, 5)[1] != first[1]
    assert {change for change, *_ in first[1]} == {"changed", "appeared", "vanished"}


def test_a_cursor_loses_no_record_that_stays(tmp_path: Path) -> None:
    records, changes = drifted(tmp_path, CURSOR, 4)
    ids = [record["id"] for record in records]
    vanished = {number for change, number, _ in changes if change == "vanished"}
    appeared = {number for change, number, _ in changes if change == "appeared"}
    assert len(ids) == len(set(ids))
    assert set(range(1, 31)) - vanished <= set(ids) <= set(range(1, 31)) | appeared


def test_a_changed_record_has_a_later_cursor(tmp_path: Path) -> None:
    endpoint = {
        **CURSOR,
        "incremental": {"cursor_path": "updated_at", "initial_value": "2026-01-01T00:00:00Z"},
    }
    body = shop(endpoint)
    mock = invented(tmp_path, body, rows=10, page_size=1, drift=True, seed=4)
    drift = mock.api.behaviour.drift
    assert drift is not None
    newest = "2026-11-23T12:00:00Z"
    moved: list[str] = []
    drift.on_change = lambda _, change, data: (
        moved.append(data["updated_at"]) if change == "changed" else None
    )
    reading(tmp_path, body, mock).read("items")
    assert moved
    assert min(moved) > "2026-11-23T11:00:00Z"
    assert newest[:4] == moved[0][:4]


def test_without_drift_nothing_changes(tmp_path: Path) -> None:
    body = shop(CURSOR)
    mock = invented(tmp_path, body, rows=5)
    reading(tmp_path, body, mock).read("items")
    version = mock.world.version
    reading(tmp_path, body, mock).read("items")
    assert mock.world.version == version
