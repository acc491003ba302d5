"""What is special about Stripe: what changed is found by the event log."""

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
from tests.connectors import stripe_data
from tests.connectors.stripe_data import NOON, event
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server

CUSTOMERS = (
    "events",
    "customers",
    *(f"changed_{kind}s" for kind in ("customer", "subscription", "invoice", "charge")),
    "changed_payment_intents",
    "changed_invoice_line_items",
    "changed_long_invoice_line_items",
)
"""The log's watermark moves if all that read from it are in a run."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VendorServer]:
    """The API, with objects that a test may change."""
    objects = deepcopy(stripe_data.OBJECTS)
    for name, records in objects.items():
        monkeypatch.setitem(stripe_data.OBJECTS, name, records)
    with vendor_server("stripe") as running:
        yield running


@pytest.fixture
def stripe() -> Connector:
    return valid_connector(find_connector("stripe"))


def load(
    connector: Connector, server: VendorServer, *resources: str, now: datetime = NOW, **config: Any
) -> dict[str, str]:
    """Run some resources; return the status of each."""
    options = RunOptions(resources=resources, config={**server.settings, **config})
    report = run(connector, options, server.environment(now), lambda _: None)
    return {name: part.status for name, part in report.resources.items()}


def rows(query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect("stripe.duckdb", read_only=True) as database:
        return database.execute(query).fetchall()


@pytest.mark.usefixtures("project")
def test_customers_that_changed_or_are_deleted_are_read_again_by_their_ids(
    stripe: Connector, server: VendorServer
) -> None:
    load(stripe, server, *CUSTOMERS)
    del server.web.asked[:]
    _, old, young = customers = stripe_data.OBJECTS["customers"]
    old["name"] = "New Garage"
    # Two changes, whose events have older versions of it.
    before = {**old, "name": "Example Garage"}
    stripe_data.OBJECTS["events"] += [
        event(20, "customer.updated", -0.01, before),
        event(21, "customer.updated", -0.02, before),
        event(22, "customer.deleted", -0.03, young),
    ]
    customers[2] = {"id": young["id"], "object": "customer", "deleted": True, "created": 0}
    load(stripe, server, *CUSTOMERS, now=NOW + timedelta(hours=1))
    assert sorted(server.web.paths()) == [
        "/v1/customers",
        "/v1/customers/cus_Ex0000000002",
        "/v1/customers/cus_Ex0000000003",
        "/v1/events",
    ]
    since = {asked.path: asked.param("created[gte]") for asked in server.web.asked}
    assert since["/v1/customers"] == str(NOON - 2 * 86_400)
    assert since["/v1/events"] == str(NOON - 3_600)
    found = rows("SELECT name, deleted FROM stripe_data.customers ORDER BY id")
    assert found == [("Example Bakery", None), ("New Garage", None), (None, True)]


@pytest.mark.usefixtures("project")
def test_a_long_invoice_has_all_its_lines_and_events_no_client_secret(
    stripe: Connector, server: VendorServer
) -> None:
    load(stripe, server, "events", "invoice_line_items", "long_invoice_line_items")
    assert server.web.paths().count("/v1/invoices/in_Ex0000000002/lines") == 0
    lines = "SELECT invoice, count(*) FROM stripe_data.invoice_line_items GROUP BY 1 ORDER BY 1"
    assert rows(lines) == [("in_Ex0000000001", 12), ("in_Ex0000000002", 1)]
    for secret in ("%_secret_%", "%/p/session/%"):
        found = f"SELECT count(*) FROM stripe_data.events WHERE data::text LIKE '{secret}'"
        assert rows(found) == [(0,)]


@pytest.mark.usefixtures("project")
def test_lines_of_an_old_draft_are_read_when_it_changes(
    stripe: Connector, server: VendorServer
) -> None:
    resources = (*CUSTOMERS, "invoice_line_items")
    load(stripe, server, *resources)
    invoice = stripe_data.OBJECTS["invoices"][1]
    invoice["created"] -= 10 * 86_400  # too old for the list of new ones
    lines = invoice["lines"]["data"]
    lines[0]["description"] = "Changed"
    stripe_data.OBJECTS["events"].append(event(20, "invoice.updated", -0.01, invoice))
    load(stripe, server, *resources, now=NOW + timedelta(hours=1))
    changed = "SELECT id FROM stripe_data.invoice_line_items WHERE description = 'Changed'"
    assert rows(changed) == [(lines[0]["id"],)]


@pytest.mark.usefixtures("project")
def test_the_charge_of_a_refund_that_changes_is_read_again(
    stripe: Connector, server: VendorServer
) -> None:
    load(stripe, server, *CUSTOMERS)
    del server.web.asked[:]
    refunds = [
        {"object": "refund", "id": "re_1", "charge": charge, "created": NOON}
        for charge in (None, "ch_1")
    ]
    stripe_data.OBJECTS["events"] += [
        event(20 + number, "refund.failed", -0.01, refund) for number, refund in enumerate(refunds)
    ]
    load(stripe, server, *CUSTOMERS, now=NOW + timedelta(hours=1))
    assert [path for path in server.web.paths() if "/charges/" in path] == ["/v1/charges/ch_1"]


@pytest.mark.usefixtures("project")
def test_a_price_that_is_turned_off_is_not_marked_as_deleted(
    stripe: Connector, server: VendorServer
) -> None:
    load(stripe, server, "prices")
    stripe_data.OBJECTS["prices"][0]["active"] = False
    del stripe_data.OBJECTS["prices"][1]
    load(stripe, server, "prices", now=NOW + timedelta(hours=1))
    found = rows("SELECT active, _deleted_at IS NULL FROM stripe_data.prices ORDER BY id")
    assert found == [(False, True), (True, False), (False, True)]


@pytest.mark.usefixtures("project")
def test_a_resource_without_permission_is_skipped(stripe: Connector, server: VendorServer) -> None:
    assert load(stripe, server, "products", account="acct_Other") == {"products": "skipped"}
