"""Runs that are killed at a random page of a long list, and gone on with."""

from __future__ import annotations

import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgres import CREDENTIALS, address, in_postgres
from tests.support.processes import command
from tests.support.run_verbs import connector_of, tables, values
from tests.support.servers.web import Asked, Web

Json = Any
PAGES, SIZE = 1000, 10
COMMIT_PAGES = 50
SEED = 20261201
KILLS = 20


class LongList:
    """A list of a thousand pages; `on_page` is called with the number of each that was answered."""

    def __init__(self, web: Web, seed: int) -> None:
        self.random = random.Random(seed)
        self.asked: list[int] = []
        self.kill_at: int | None = None
        self.reached = threading.Event()
        web.on("/items", self.answer)

    def answer(self, asked: Asked) -> Json:
        page = int(asked.param("cursor") or 0)
        self.asked.append(page)
        if page == self.kill_at:
            self.reached.set()
        rows = [
            {"id": n, "at": f"2026-01-01T00:{n // 600 % 60:02}:{n // 10 % 60:02}Z", "tags": [n, -n]}
            for n in range(page * SIZE, page * SIZE + SIZE)
        ]
        return {"items": rows, "next": str(page + 1) if page + 1 < PAGES else None}

    def next_kill(self, start: int) -> None:
        """Choose where the next run is killed, at or after this page."""
        self.asked = []
        self.reached.clear()
        self.kill_at = self.random.randrange(start, PAGES)


def connector(web: Web, disposition: str) -> Json:
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor"}
    incremental = {"cursor_path": "at", "initial_value": "2025-01-01T00:00:00Z"}
    endpoint = {"path": "/items", "data_selector": "items", "paginator": cursor}
    return {
        "client": {"base_url": web.url},
        "resources": [
            {
                "name": "items",
                "primary_key": "id",
                "write_disposition": disposition,
                "endpoint": {**endpoint, "incremental": incremental},
            }
        ],
    }


@pytest.mark.slow
@pytest.mark.parametrize("disposition", ["merge", "append"])
@pytest.mark.parametrize("place", ["duckdb", "postgres"])
def test_no_row_is_lost_or_doubled_and_no_page_before_the_last_commit_is_asked_again(
    web: Web,
    project: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    disposition: str,
) -> None:
    argv = ["run", "shop", "-q", "--commit-every", str(COMMIT_PAGES * SIZE)]
    dataset = f"kills_{disposition}"
    if place == "postgres":
        folder = request.getfixturevalue("postgres")
        monkeypatch.setenv(CREDENTIALS, address(folder))
        argv += ["--destination", "postgres", "--dataset", dataset]

    def ids() -> list[int]:
        if place == "postgres":
            return sorted(row["id"] for row in in_postgres(folder, dataset).get("items", []))
        if not (project / "shop.duckdb").exists():
            return []
        with tables(project) as found:
            return values(project, "items") if "items" in found.names() else []

    api = LongList(web, SEED + len(place) + len(disposition))
    connector_of(project, connector(web, disposition))
    start, kills = 0, 0
    while kills < KILLS // 4:
        api.next_kill(start)
        with command(project, *argv) as run:
            assert api.reached.wait(60)
            run.signal(signal.SIGKILL)
            code, _, said = run.ended()
        if code == 0:
            break  # it was faster
        assert code == -signal.SIGKILL, said
        kills += 1
        assert min(api.asked) >= start - 1
        loaded = ids()
        assert loaded == list(range(len(loaded)))
        start = len(loaded) // SIZE
    api.next_kill(PAGES - 1)
    with command(project, *argv) as run:
        code, out, said = run.ended()
    assert code == 0, out + said
    assert min(api.asked) >= start - 1
    assert ids() == list(range(PAGES * SIZE))
