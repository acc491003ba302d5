"""What is special about the connector `intercom`: days in searches, parts, scrolls, plans."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb
import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from tests.connectors import intercom_api
from tests.connectors.intercom_data import COMPANIES, CONTACTS, CONVERSATIONS, DAY, TODAY
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Answer, each

pytestmark = pytest.mark.usefixtures("project")
Json = Any


def load(server: VendorServer, *resources: str, days: int = 0) -> Report:
    server.web.asked.clear()
    options = RunOptions(resources=resources, config=server.settings)
    environment = server.environment(NOW + timedelta(days=days))
    return run(valid_connector(find_connector("intercom")), options, environment, lambda _: None)


def rows(sql: str) -> list[tuple[Json, ...]]:
    with duckdb.connect("intercom.duckdb", read_only=True) as connection:
        return connection.sql(sql).fetchall()


def error(status: int, code: str) -> Answer:
    return Answer(status, {"type": "error.list", "errors": [{"code": code, "message": "No."}]})


def test_a_contact_is_found_that_changed_later_on_the_day_of_the_watermark(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = {**CONTACTS[1], "name": "Bo Ek", "updated_at": TODAY + 7200}
    with vendor_server("intercom") as server:
        load(server, "contacts")
        monkeypatch.setattr(intercom_api, "CONTACTS", [CONTACTS[0], later, CONTACTS[2]])
        load(server, "contacts", days=1)
        [asked] = server.web.asked
    assert asked.json() == {
        "query": {"field": "updated_at", "operator": ">", "value": TODAY + 3600 - 2 * DAY},
        "sort": {"field": "updated_at", "order": "ascending"},
        "pagination": {"per_page": 150},
    }
    assert rows("select name from intercom_data.contacts where id = 'contact-2'") == [("Bo Ek",)]


def test_a_contact_that_was_merged_away_is_marked_by_the_weekly_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with vendor_server("intercom") as server:
        load(server, "contacts")
        monkeypatch.setattr(intercom_api, "CONTACTS", CONTACTS[:2])
        load(server, "contacts", days=8)
    gone = rows("select id from intercom_data.contacts where _deleted_at is not null")
    assert gone == [("contact-3",)]


def test_parts_are_requested_of_conversations_that_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with vendor_server("intercom") as server:
        load(server, "conversations", "conversation_parts")
        changed = {**CONVERSATIONS[1], "updated_at": TODAY + 60}
        monkeypatch.setattr(intercom_api, "CONVERSATIONS", [changed, CONVERSATIONS[2]])
        load(server, "conversations", "conversation_parts", days=1)
        asked = server.web.paths()
    # 503 is within the lag, and is as it was
    assert asked == ["/conversations/search", "/conversations/502"]
    parts = "select conversation_id, count(*) from intercom_data.conversation_parts group by all"
    assert sorted(rows(parts)) == [("501", 3), ("502", 1)]


def test_teammates_may_be_called_admins(monkeypatch: pytest.MonkeyPatch) -> None:
    older = {"type": "admin.list", "admins": [{"type": "admin", "id": "814861"}]}
    monkeypatch.setitem(CONVERSATIONS[0], "teammates", older)
    with vendor_server("intercom") as server:
        load(server, "conversations")
    assert ("814861",) in rows("select value from intercom_data.conversations__teammate_ids")


def test_a_scroll_that_breaks_off_begins_anew_and_one_of_others_is_waited_for() -> None:
    pages = [
        {"type": "list", "data": COMPANIES[:2], "scroll_param": "scroll-2"},
        error(500, "server_error"),
        error(400, "scroll_exists"),
        {"type": "list", "data": COMPANIES[:2], "scroll_param": "scroll-2"},
        {"type": "list", "data": COMPANIES[2:], "scroll_param": "scroll-3"},
        {"type": "list", "data": [], "scroll_param": "scroll-3"},
    ]
    with vendor_server("intercom") as server:
        server.web.on("/companies/scroll", each(*pages))
        report = load(server, "companies")
        params = [asked.param("scroll_param") for asked in server.web.asked]
    assert report.resources["companies"].rows == 3
    assert params == [None, "scroll-2", None, None, "scroll-2", "scroll-3"]


def test_a_scroll_that_expired_begins_anew() -> None:
    pages = [
        {"type": "list", "data": COMPANIES[:2], "scroll_param": "scroll-2"},
        error(404, "not_found"),
        {"type": "list", "data": COMPANIES, "scroll_param": "scroll-3"},
        {"type": "list", "data": [], "scroll_param": "scroll-3"},
    ]
    with vendor_server("intercom") as server:
        server.web.on("/companies/scroll", each(*pages))
        report = load(server, "companies")
    assert report.resources["companies"].status == "ok"
    assert rows("select count(*) from intercom_data.companies") == [(3,)]


def test_what_is_not_in_the_plan_is_skipped() -> None:
    with vendor_server("intercom") as server:
        server.web.on("/tickets/search", error(403, "api_plan_restricted"))
        report = load(server, "tickets", "ticket_types")
    assert report.resources["tickets"].status == "skipped"
    assert report.resources["ticket_types"].status == "ok"
