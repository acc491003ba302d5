"""Each hostile server met by a run: the rows or the error of the table, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.build.world import World
from tests.hostile import page
from tests.hostile.servers import SERVERS, Hostile
from tests.run.running import NOW, connector_of, load, plain, tables
from tests.servers.raw import Raw

STAND_IN = "http://api.example.com"


def connector_body(server: Hostile, url: str) -> dict[str, Any]:
    endpoint: dict[str, Any] = {"path": "/items", "paginator": "single_page"}
    return {
        "client": {
            "base_url": url,
            "retry": {"max_retries": 1, "backoff_factor": 0},
            **server.client,
        },
        "resources": [
            {
                "name": "items",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {**endpoint, **server.endpoint},
            }
        ],
    }


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.does)
def test_a_hostile_server_gives_the_rows_or_the_error_of_the_table(
    server: Hostile, project: Path
) -> None:
    with Raw(server.play) as raw:
        report = load(
            connector_of(project, connector_body(server, raw.url)), project, world=World(now=NOW)
        )
        part = report.resources["items"]
        error = None if part.error is None else part.error.replace(raw.url, STAND_IN)
        assert error == server.error
        assert tuple(warned.code for warned in part.warnings) == server.warnings
        if server.asked is not None:
            assert len(raw.asked) == server.asked
    assert part.status == ("ok" if server.error is None else "failed")
    with tables(project) as found:
        rows = plain(found.rows("items")) if "items" in found.names() else []
    assert rows == list(server.rows)


def test_the_page_shows_the_table() -> None:
    assert page.main(check=True) == 0, "run python -m tests.hostile.page"
