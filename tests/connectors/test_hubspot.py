"""What is special about the connector `hubspot`: searches by id, associations, scopes."""

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
from tests.connectors import hubspot_data
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.servers.web import Answer

pytestmark = pytest.mark.usefixtures("project")
SEARCH = "/crm/v3/objects/{kind}/search"
Json = Any


def load(server: VendorServer, *resources: str, days: int = 0, **config: Json) -> Report:
    server.web.asked.clear()
    options = RunOptions(resources=resources, config={**server.settings, **config})
    environment = server.environment(NOW + timedelta(days=days))
    return run(valid_connector(find_connector("hubspot")), options, environment, lambda _: None)


def bodies(server: VendorServer, path: str) -> list[Json]:
    return [asked.json() for asked in server.web.asked if asked.path == path]


def rows(sql: str) -> list[tuple[Json, ...]]:
    with duckdb.connect("hubspot.duckdb", read_only=True) as connection:
        return connection.sql(sql).fetchall()


def filters(body: Json) -> dict[str, Json]:
    (group,) = body["filterGroups"]
    return {one["propertyName"]: one["value"] for one in group["filters"]}


def test_each_page_is_a_search_after_the_last_id() -> None:
    with vendor_server("hubspot") as server:
        load(server, "contacts")
        searches = bodies(server, SEARCH.format(kind="contacts"))
    after = [filters(body)["hs_object_id"] for body in searches]
    assert list(dict.fromkeys(after)) == ["0", "1002"]  # one was over the limit, and repeated
    assert all("after" not in body for body in searches)


def test_a_second_run_asks_for_what_changed_and_a_weekly_one_for_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with vendor_server("hubspot") as server:
        load(server, "companies")
        load(server, "companies", days=1)
        [second] = bodies(server, SEARCH.format(kind="companies"))
        monkeypatch.setitem(
            hubspot_data.OBJECTS, "companies", hubspot_data.OBJECTS["companies"][1:]
        )
        load(server, "companies", days=8)
        [weekly] = bodies(server, SEARCH.format(kind="companies"))
    hour_before = int((NOW - timedelta(hours=1)).timestamp() * 1000)
    assert filters(second)["hs_lastmodifieddate"] == str(hour_before)
    assert filters(weekly)["hs_lastmodifieddate"] == "1136073600000"  # start_date
    assert rows("select id from hubspot_data.companies where _deleted_at is not null") == [
        ("5001",)
    ]


def test_properties_have_the_types_that_hubspot_says(monkeypatch: pytest.MonkeyPatch) -> None:
    contact = hubspot_data.OBJECTS["contacts"][0]
    height = {**contact, "properties": {**contact["properties"], "height": "1.75"}}
    monkeypatch.setitem(hubspot_data.OBJECTS, "contacts", [height])
    with vendor_server("hubspot") as server:
        load(server, "contacts", contact_properties=["height", "hs_email_optout", "firstname"])
    assert rows("select height, hs_email_optout from hubspot_data.contacts") == [(1.75, False)]


def test_associations_have_pages_of_their_own_and_go_when_they_are_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = "/crm/v4/associations/deals/contacts/batch/read"
    pairs = "select deal_id, to_id from hubspot_data.deal_associations order by all"
    with vendor_server("hubspot") as server:
        load(server, "deals", "deal_associations", deal_association_types=["contacts"])
        asked = bodies(server, path)
        load(server, "deals", "deal_associations", days=1, deal_association_types=["contacts"])
        before = rows(pairs)  # nothing changed, and nothing was asked for
        kept = {"7002": hubspot_data.ASSOCIATIONS["deals", "contacts"]["7002"]}
        monkeypatch.setitem(hubspot_data.ASSOCIATIONS, ("deals", "contacts"), kept)
        load(server, "deals", "deal_associations", days=8, deal_association_types=["contacts"])
    assert asked[0] == {"inputs": [{"id": "7001"}, {"id": "7002"}, {"id": "7003"}]}
    assert asked[1:] == [{"inputs": [{"id": "7001", "after": "2"}]}]
    assert before == [("7001", "10003"), ("7001", "1002"), ("7001", "951"), ("7002", "1002")]
    assert rows(pairs) == [("7002", "1002")]


def test_a_missing_scope_skips_what_is_optional_and_fails_the_rest() -> None:
    refused = Answer(
        403, {"category": "MISSING_SCOPES", "message": "The scope tickets is missing."}
    )
    with vendor_server("hubspot") as server:
        for kind in ("tickets", "deals"):
            server.web.on(SEARCH.format(kind=kind), refused)
        report = load(server, "tickets", "deals")
    assert report.resources["tickets"].status == "skipped"
    assert report.resources["deals"].status == "failed"
    assert "The scope tickets is missing." in (report.resources["deals"].error or "")


def test_a_missing_scope_skips_tickets_if_already_their_properties_are_refused() -> None:
    refused = Answer(403, {"category": "MISSING_SCOPES", "message": "The scope is missing."})
    with vendor_server("hubspot") as server:
        server.web.on("/crm/v3/properties/tickets", refused)
        server.web.on(SEARCH.format(kind="tickets"), refused)
        report = load(server, "tickets")
    assert report.resources["tickets"].status == "skipped"


def test_forms_of_all_types_are_loaded() -> None:
    with vendor_server("hubspot") as server:
        load(server, "forms")
    assert rows("select form_type from hubspot_data.forms order by 1") == [("flow",), ("hubspot",)]
