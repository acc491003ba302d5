"""Each hostile server met by a run: the rows or the error of the table, and nothing else."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from framework.runtime.environment import Environment
from tests.support import hostile_page as page
from tests.support.hostile_servers import PAGES, SERVERS, Hostile, numbered
from tests.support.run_verbs import NOW, connector_of, load, plain, tables, write_connector
from tests.support.servers.raw import Raw
from tests.support.slow_params import quick_first

STAND_IN = "http://api.example.com"


SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}}}


def connector_body(server: Hostile, url: str, *, declared: bool) -> dict[str, Any]:
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
                **({"schema": SCHEMA} if declared else {}),
            }
        ],
    }


@pytest.mark.parametrize("declared", quick_first(True, False), ids=["columnar", "dlt's own path"])
@pytest.mark.parametrize("server", quick_first(*SERVERS, quick=40), ids=lambda server: server.does)
def test_a_hostile_server_gives_the_rows_or_the_error_of_the_table(
    server: Hostile, project: Path, declared: bool
) -> None:
    with Raw(server.play) as raw:
        body = connector_body(server, raw.url, declared=declared)
        report = load(connector_of(project, body), project, environment=Environment(now=NOW))
        part = report.resources["items"]
        error = None if part.error is None else part.error.replace(raw.url, STAND_IN)
        if error is not None:  # what a file is packed to is not the same everywhere
            error = re.sub(r"(application/g?zip), [\d,]+ bytes", r"\1, N bytes", error)
            error = re.sub(r"until \S+ \S+ UTC \([\d,]+ s", "until TIME UTC (N s", error)
        assert error == server.error
        codes = (warned.code for warned in part.warnings)
        assert tuple(code for code in codes if code != "undeclared-fields") == server.warnings
    if server.asked is not None:
        assert len(raw.asked) == server.asked
    assert part.status == ("ok" if server.error is None else "failed")
    with tables(project) as found:
        rows = plain(found.rows("items")) if "items" in found.names() else []
    assert rows == list(server.rows)


def test_the_page_shows_the_table() -> None:
    assert page.main(check=True) == 0, "run python -m tests.support.hostile_page"


def test_a_run_has_an_end(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that goes on for ever, each page of it in good time. The time is over with page 5."""
    timers: list[threading.Timer] = []
    monkeypatch.setattr(threading.Timer, "start", lambda timer: timers.append(timer))

    def answer(number: int) -> Any:
        if number == 5:
            [timer] = timers
            assert timer.interval == 7200
            timer.function(*timer.args)
        return {"items": [{"id": number}]}

    with Raw(numbered(answer)) as raw:
        endpoint = {"path": "/items", "data_selector": "items", **PAGES}
        body = {
            "client": {"base_url": raw.url},
            "resources": [{"name": "items", "write_disposition": "replace", "endpoint": endpoint}],
        }
        write_connector(project, body)
        assert main(["run", "shop", "--format", "json", "--max-time", "PT2H"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["status"], report["signal"]) == ("interrupted", None)
    assert "still reading after 7200 s (--max-time)" in report["error"]
    assert "Nothing of this run is loaded" in report["error"]
    assert report["resources"][0]["status"] == "not_loaded"
    assert report["resources"][0]["requests"] == len(raw.asked) == 5
    with tables(project) as found:
        assert "items" not in found.names()
