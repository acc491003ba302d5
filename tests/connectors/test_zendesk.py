"""What is special about Zendesk: exports go on where the last run ended."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import zendesk_data as account
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Answer, Asked


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """The API, with tickets and events that a test may change."""
    for name in ("TICKETS", "EVENTS"):
        monkeypatch.setattr(account, name, deepcopy(getattr(account, name)))
    with vendor_server("zendesk") as running:
        yield running


def load(server: VendorServer, *resources: str, hours: int = 0) -> Report:
    """Run some resources, some hours after the first run."""
    options = RunOptions(resources=resources, config=server.settings)
    environment = server.environment(NOW + timedelta(hours=hours))
    return run(valid_connector(find_connector("zendesk")), options, environment, lambda _: None)


def rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect("zendesk.duckdb", read_only=True) as database:
        return database.execute(query).fetchall()


def exports(server: VendorServer) -> list[Asked]:
    """Return the requests of exports."""
    return [one for one in server.web.asked if "/incremental/" in one.path]


@pytest.mark.usefixtures("project")
def test_the_next_run_begins_at_the_cursor_where_the_last_one_ended(server: VendorServer) -> None:
    load(server, "tickets")
    _, first, last = exports(server)  # the first of all gets a 429
    assert first.param("start_time") == "1420070400"
    assert first.param("cursor") is None
    assert last.param("start_time") is None
    del server.web.asked[:]
    changed = {"status": "closed", "generated_timestamp": account.epoch("2026-11-20T12:30:00Z")}
    account.TICKETS[0].update(changed)
    assert load(server, "tickets", hours=1).resources["tickets"].rows == 1
    (asked,) = exports(server)
    assert asked.param("start_time") is None
    assert asked.param("cursor") is not None
    found = rows("SELECT id, status FROM zendesk_data.tickets ORDER BY id")
    assert found == [(101, "closed"), (102, "solved"), (103, "deleted")]


@pytest.mark.usefixtures("project")
def test_comments_come_from_the_events_by_time(server: VendorServer) -> None:
    resources = ("ticket_events", "ticket_comments")
    load(server, *resources)
    assert [one.param("start_time") for one in server.web.asked] == [
        "1420070400",
        str(account.epoch("2026-11-03T10:00:00Z")),
    ]
    del server.web.asked[:]
    late = deepcopy(account.EVENTS[1])
    at = "2026-11-20T12:30:00Z"
    late.update(id=20031, timestamp=account.epoch(at), created_at=at)
    late["child_events"] = [account.comment(20032, account.KIM, "It is hot now.")]
    account.EVENTS.append(late)
    load(server, *resources, hours=1)
    (asked,) = server.web.asked
    assert asked.param("start_time") == str(account.epoch("2026-11-03T10:00:00Z"))
    found = rows(
        "SELECT id, ticket_id, author_id, public FROM zendesk_data.ticket_comments ORDER BY 1"
    )
    assert found == [
        (20003, 101, account.KIM, True),
        (20012, 101, account.BO, True),
        (20014, 101, account.BO, False),
        (20032, 101, account.KIM, True),
    ]


@pytest.mark.usefixtures("project")
def test_urls_that_open_attachments_to_everybody_are_not_loaded(server: VendorServer) -> None:
    load(server, "tickets", "ticket_events", "ticket_comments", "ticket_audits")
    for table, column in (("ticket_events", "child_events"), ("ticket_audits", "events")):
        (texts,) = rows(f"SELECT string_agg({column}::text) FROM zendesk_data.{table}")
        assert "printer.png" in texts[0]
        assert "made-up-token" not in texts[0]
    table = "zendesk_data.ticket_comments__attachments"
    assert rows(f"SELECT id, file_name FROM {table}") == [(30001, "printer.png")]
    assert "content_url" not in str(rows(f"DESCRIBE {table}"))


@pytest.mark.usefixtures("project")
def test_calls_are_comments_too(server: VendorServer) -> None:
    call = {**account.comment(20041, account.KIM, "Call from Kim"), "type": "VoiceComment"}
    call |= {"event_type": "VoiceComment", "data": {"from": "+15550100"}}
    account.EVENTS[2]["child_events"].append(call)
    load(server, "ticket_events", "ticket_comments")
    assert (20041,) in rows("SELECT id FROM zendesk_data.ticket_comments")


@pytest.mark.usefixtures("project")
def test_custom_fields_and_metrics_are_columns_of_a_ticket(server: VendorServer) -> None:
    load(server, "tickets")
    found = rows(
        "SELECT id, custom_field_7001, custom_field_7002, metric_set__replies"
        " FROM zendesk_data.tickets WHERE status != 'deleted' ORDER BY id"
    )
    assert found == [(101, "printer", 745, 1), (102, None, None, 2)]


@pytest.mark.usefixtures("project")
def test_what_is_not_in_the_plan_is_skipped(server: VendorServer) -> None:
    refused = {"error": {"title": "Forbidden", "message": "You do not have access to this page."}}
    server.web.on("/api/v2/slas/policies.json", Answer(403, refused))
    report = load(server, "sla_policies", "groups")
    assert report.resources["sla_policies"].status == "skipped"
    assert report.resources["groups"].rows == 2
