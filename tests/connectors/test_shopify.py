"""Shopify: page_info links, throttling in a 200, a token for a day, and what a second run asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from framework.api import valid_connector
from framework.definition.finder import find_connector
from framework.load.report import Report
from tests.connectors.shopify_api import BASE, PRODUCTS, SETTINGS, graphql
from tests.connectors.vendor_server import NOW, VendorServer, vendor_server
from tests.support.run_verbs import load, loaded, tables, values
from tests.support.servers.web import Answer, Asked, each


@pytest.fixture
def shop() -> Iterator[VendorServer]:
    """The server of the store."""
    with vendor_server("shopify") as server:
        yield server


def read(
    shop: VendorServer, project: Path, *resources: str, hours: float = 0, **options: Any
) -> Report:
    """Return the report of a run that begins so many hours later."""
    return load(
        valid_connector(find_connector("shopify")),
        project,
        *resources,
        environment=shop.environment(NOW + timedelta(hours=hours)),
        **{"config": shop.settings, **options},
    )


def test_an_order_brings_its_lines_and_refunds_and_the_next_page_has_only_its_link(
    shop: VendorServer, project: Path
) -> None:
    names = ("orders", "order_lines", "order_refunds", "order_fulfillments")
    report = read(shop, project, *names)
    assert loaded(report) == dict(zip(names, (3, 3, 1, 3), strict=True))
    assert values(project, "order_lines", "_orders_id", name="shopify") == [
        450789100,
        450789200,
        450789300,
    ]
    sent = [[name for name, _ in one.query] for one in shop.web.asked]
    first = ["limit", "status", "updated_at_min"]
    assert [sorted(one) for one in sent] == [first, first, ["limit", "page_info"]]  # a 429 first


def test_a_later_run_reads_what_was_updated_since_the_first_one_began_less_an_hour(
    shop: VendorServer, project: Path
) -> None:
    names = ("orders", "order_lines", "order_refunds", "order_fulfillments", "product_variants")
    read(shop, project, *names, "inventory_items")
    before = len(shop.web.asked)
    report = read(shop, project, *names, "inventory_items", hours=24)
    assert set(loaded(report).values()) == {0}
    orders, variants = sorted(shop.web.asked[before:], key=lambda one: one.method)
    assert orders.param("updated_at_min") == "2026-11-20T11:00:00Z"
    assert variants.json()["variables"]["query"] == "updated_at:>='2026-11-20T11:00:00Z'"


def test_a_product_that_is_gone_is_marked_by_the_full_read_of_the_next_week(
    shop: VendorServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> list[str]:
        with tables(project, name="shopify") as found:
            return [row["id"] for row in found.rows("products") if row["_deleted_at"]]

    read(shop, project, "products")
    with monkeypatch.context() as patch:
        patch.setattr("tests.connectors.shopify_api.PRODUCTS", PRODUCTS[1:])
        read(shop, project, "products", hours=24)
        assert gone() == []
        read(shop, project, "products", hours=24 * 8)
        assert gone() == [PRODUCTS[0]["id"]]


def test_throttling_and_a_missing_scope_come_with_status_200(
    shop: VendorServer, project: Path
) -> None:
    report = read(shop, project, "products")
    assert loaded(report) == {"products": 3}
    assert len(shop.web.asked) == 3  # the first one was throttled
    error = {
        "message": "Access denied for products field.",
        "extensions": {"code": "ACCESS_DENIED"},
    }
    shop.web.on(f"{BASE}/graphql.json", Answer(200, {"errors": [error]}), "POST")
    report = read(shop, project, "products", hours=24)
    assert "Access denied for products field. Add the scope" in str(
        report.resources["products"].error
    )


def test_an_error_of_shopify_with_status_200_is_tried_again(
    shop: VendorServer, project: Path
) -> None:
    error = {"message": "Internal error.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
    page = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    shop.web.on(
        f"{BASE}/graphql.json",
        each(Answer(200, {"errors": [error]}), Answer(200, {"data": {"products": page}})),
        "POST",
    )
    assert loaded(read(shop, project, "products")) == {"products": 0}


def test_a_product_that_is_deleted_while_its_metafields_are_read_has_none(
    shop: VendorServer, project: Path
) -> None:
    def metafields(asked: Asked) -> Answer:
        if "product" in asked.json()["variables"]:
            return Answer(200, {"data": {"product": None}})
        return graphql(asked)

    shop.web.on(f"{BASE}/graphql.json", metafields, "POST")
    report = read(shop, project, "products", "product_metafields")
    assert loaded(report) == {"products": 3, "product_metafields": 0}


def test_an_app_of_the_dev_dashboard_gets_a_token_for_a_day(
    shop: VendorServer, project: Path
) -> None:
    def token(asked: Asked) -> Answer:
        form = dict(asked.form())
        assert form == {
            "grant_type": "client_credentials",
            "client_id": "an-app",
            "client_secret": "its-secret-of-the-app",
        }
        found = {"access_token": SETTINGS["access_token"], "scope": "read_orders"}
        return Answer(200, {**found, "expires_in": 86399})

    shop.web.on("/admin/oauth/access_token", token, "POST")
    config = {
        "auth": "client_credentials",
        "shop": SETTINGS["shop"],
        "client_id": "an-app",
        "client_secret": "its-secret-of-the-app",
    }
    assert loaded(read(shop, project, "shop", config=config)) == {"shop": 1}
