"""A unit in a process of its own: what comes back from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.fleet.control.budgets import Budgets
from framework.fleet.control.control_server import ControlServer
from framework.fleet.jobs.units import units_of
from framework.fleet.workers.unit_process import UnitProcesses
from tests.support.fleets import fleet_of
from tests.support.processes import ROOT
from tests.support.servers.web import Web
from tests.support.unit_processes import KEY, SALT

SECRET = "not-to-be-sent-0123456789"
CONNECTOR = """\
version: 1
name: library
secrets: {token: {}}
client: {base_url: "%s", auth: {type: bearer, token: "{secrets.token}"}}
resources:
  - name: books
    primary_key: id
    write_disposition: merge
    endpoint: {paginator: single_page, data_selector: items}
"""
FLEET = """\
version: 1
jobs: [{connector: library, accounts: [{alias: north, secrets: {token: NORTH_TOKEN}}]}]
"""


@pytest.mark.usefixtures("project")
def test_log_lines_leave_the_process_without_secrets(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API has the token in two keys, which a warning quotes."""
    web.on("/books", lambda _: {"items": [{"id": 1, f"a {SECRET}": 1, f"a_{SECRET}": 2}]})
    files = {"connectors/library.yaml": CONNECTOR % web.url}
    (unit,) = units_of(fleet_of(FLEET, files))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("NORTH_TOKEN", SECRET)
    processes, lines = UnitProcesses(), list[dict[str, Any]]()
    with ControlServer(
        Budgets(), "127.0.0.1", 0, KEY, salt=SALT, on_line=lambda *line: lines.append(line[2])
    ) as server:
        found = processes.run(
            {
                **unit.spec(),
                "attempt": 1,
                "once": "a token",
                "folder": str(Path.cwd()),
                "address": list(server.address),
                "key": KEY.hex(),
                "log_requests": True,
            }
        )
    processes.kill()
    assert (found["status"], found["error"]) == ("done", None)
    assert "keys-meet" in {line.get("code") for line in lines}
    assert SECRET not in json.dumps([lines, found])
