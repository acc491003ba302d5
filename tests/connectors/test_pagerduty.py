"""What is special about PagerDuty: incidents of any age, alerts of those that changed."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.definition.model import Connector
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import pagerduty_api, pagerduty_data
from tests.connectors.pagerduty_data import incident
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server

INCIDENTS = ("incidents", "open_incidents", "resolved_incidents", "alerts")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """The API, with incidents and log entries that a test may change."""
    monkeypatch.setattr(pagerduty_data, "INCIDENTS", deepcopy(pagerduty_data.INCIDENTS))
    monkeypatch.setattr(pagerduty_data, "RANGES", deepcopy(pagerduty_data.RANGES))
    with vendor_server("pagerduty") as running:
        yield running


@pytest.fixture
def pagerduty() -> Connector:
    return valid_connector(find_connector("pagerduty"))


def load(
    connector: Connector, server: VendorServer, *resources: str, now: datetime = NOW
) -> dict[str, str]:
    """Run some resources; return the status of each."""
    options = RunOptions(resources=resources, config=server.settings)
    report = run(connector, options, server.environment(now), lambda _: None)
    return {name: part.status for name, part in report.resources.items()}


def rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect("pagerduty.duckdb", read_only=True) as database:
        return database.execute(query).fetchall()


@pytest.mark.usefixtures("project")
def test_an_old_incident_that_is_resolved_is_found_and_alerts_are_read_if_it_changed(
    pagerduty: Connector, server: VendorServer
) -> None:
    load(pagerduty, server, *INCIDENTS)
    assert rows("SELECT status FROM pagerduty_data.incidents WHERE id = 'QINC100'") == [
        ("acknowledged",)
    ]
    del server.web.asked[:]
    changed = incident(103, "2026-11-20T02:00:00Z", "resolved", "2026-11-20T12:20:00Z")
    old = incident(100, "2026-05-02T08:00:00Z", "resolved", "2026-11-20T12:30:00Z")
    pagerduty_data.INCIDENTS[0], pagerduty_data.INCIDENTS[3] = old, changed
    load(pagerduty, server, *INCIDENTS, now=NOW + timedelta(hours=1))
    found = rows("SELECT id, resolved_at::date::text FROM pagerduty_data.incidents ORDER BY id")
    assert found == [
        ("QINC100", "2026-11-20"),
        ("QINC101", "2026-10-02"),
        ("QINC102", None),
        ("QINC103", "2026-11-20"),
    ]
    alerts = [path for path in server.web.paths() if path.endswith("/alerts")]
    assert alerts == ["/incidents/QINC103/alerts"]


@pytest.mark.usefixtures("project")
def test_a_month_with_too_many_log_entries_is_read_in_halves(
    pagerduty: Connector, server: VendorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pagerduty_api, "MOST", 100)
    _, entries = pagerduty_data.RANGES["log_entries"]
    first = entries[0]
    for number in range(150):
        at = f"2026-10-{1 + number // 6:02}T{number % 6:02}:30:00Z"
        entries.append({**first, "id": f"RMANY{number:03}", "created_at": at})
    assert load(pagerduty, server, "log_entries") == {"log_entries": "ok"}
    assert rows("SELECT count(*) FROM pagerduty_data.log_entries") == [(153,)]
    asked = [(one.param("since"), one.param("offset")) for one in server.web.asked]
    assert asked[:3] == [
        ("2026-10-01T00:00:00Z", "0"),
        ("2026-10-01T00:00:00Z", "100"),
        ("2026-10-01T00:00:00Z", "0"),
    ]


@pytest.mark.usefixtures("project")
def test_who_is_always_on_call_has_no_times(pagerduty: Connector, server: VendorServer) -> None:
    load(pagerduty, server, "oncalls")
    query = 'SELECT user__id, "end"::date::text FROM pagerduty_data.oncalls ORDER BY 1'
    assert rows(query) == [("PUSR001", "2026-11-23"), ("PUSR002", None)]
