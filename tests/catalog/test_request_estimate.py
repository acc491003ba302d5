"""Requests in words and numbers, and the minutes that declared limits take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.catalog.request_estimate import estimate, limit_words, request_words
from framework.definition.model import Connector
from tests.support.mocks import API
from tests.support.run_verbs import connector_of

RESOLVED = {"type": "resolve", "resource": "orders", "field": "id"}
LINES = {
    "name": "lines",
    "endpoint": {"path": "/orders/{order}/lines", "params": {"order": RESOLVED}},
}


def shop(folder: Path, *resources: Any, client: Any = None, **more: Any) -> Connector:
    paged = {"type": "offset", "limit": 50, "total_path": None}
    body = {
        "client": {"base_url": API, "paginator": paged, **(client or {})},
        "resources": [
            {"primary_key": "id", "write_disposition": "merge", **one} for one in resources
        ],
        **more,
    }
    return connector_of(folder, body)


@pytest.mark.parametrize(
    ("resource", "words", "count"),
    [
        ({}, "1 request per page of 50 records", 200),
        ({"endpoint": {"paginator": "single_page"}}, "1 request", 1),
        (
            {"endpoint": {"path": "/orders", "cost": 3}},
            "1 request per page of 50 records; each counts as 3 for the limit",
            200,
        ),
        (
            {"endpoint": {"paginator": "header_link", "params": {"per_page": "{config.size}"}}},
            "1 request per page of 100 records",
            100,
        ),
        ({"endpoint": {"paginator": "header_link"}}, "1 request per page", 100),
        (
            {
                "partitions": [{"name": "shop", "values": ["a", "b", "c"]}],
                "endpoint": {"path": "/{partition.shop}/orders"},
            },
            "1 request per page of 50 records, for each of 3 values of `shop`",
            200,
        ),
    ],
)
def test_a_list(tmp_path: Path, resource: Any, words: str, count: int) -> None:
    size = {"size": {"type": "integer", "default": 100}}
    used = "per_page" in str(resource)
    connector = shop(tmp_path, {"name": "orders", **resource}, **({"config": size} if used else {}))
    assert request_words(connector, connector.resources[0]) == words
    assert estimate(connector, {}).requests == {"orders": count}


def test_children_have_a_list_for_each_record(tmp_path: Path) -> None:
    connector = shop(tmp_path, {"name": "orders"}, {**LINES, "when": "count > `0`"})
    assert request_words(connector, connector.resource("lines")) == (
        "1 request per page of 50 records, for each record of `orders` for which `` count > `0` ``"
    )
    # orders are read in full, for the sake of their lines: there are fewer of them
    assert estimate(connector, {}).requests == {"orders": 2, "lines": 200}


def test_a_list_without_pages_is_as_long_as_its_recording(tmp_path: Path) -> None:
    orders = {"name": "orders", "endpoint": {"paginator": "single_page"}}
    connector = shop(tmp_path, orders, LINES)
    assert estimate(connector, {"orders": 7}).requests == {"orders": 1, "lines": 200}
    assert estimate(connector, {"orders": 700}).requests == {"orders": 1, "lines": 700}


def test_what_is_read_out_of_the_parent_is_not_requested(tmp_path: Path) -> None:
    lines = {"name": "lines", "endpoint": {"from": "orders", "data_selector": "lines"}}
    connector = shop(tmp_path, {"name": "orders"}, lines)
    assert request_words(connector, connector.resource("lines")).startswith("none: read out of")
    assert estimate(connector, {}).requests["lines"] == 0


def test_minutes_are_those_of_the_slowest_limit(tmp_path: Path) -> None:
    limits = {
        "rate_limit": {"requests": "{config.rate}", "per": "PT1M"},
        "rate_limits": [{"name": "slow", "path": "/orders/*", "requests": 2, "per": "PT1S"}],
    }
    config = {"rate": {"type": "integer", "default": 10}}
    connector = shop(tmp_path, {"name": "orders"}, LINES, client=limits, config=config)
    assert estimate(connector, {}).minutes == pytest.approx(200 / 120)
    assert list(limit_words(connector)) == [
        "all requests: 10 requests (the default of `rate`) per minute",
        "any method `/orders/*`: 2 requests per second",
    ]


def test_without_a_limit_there_are_no_minutes(tmp_path: Path) -> None:
    connector = shop(tmp_path, {"name": "orders"}, {"name": "old", "selected": False})
    assert estimate(connector, {}).minutes is None
    assert list(estimate(connector, {}).requests) == ["orders"]
    assert list(limit_words(connector)) == []


def test_combinations_of_two_parents_are_not_told(tmp_path: Path) -> None:
    both = {
        "name": "prices",
        "endpoint": {
            "path": "/{order}/{product}",
            "params": {
                "order": RESOLVED,
                "product": {"type": "resolve", "resource": "products", "field": "id"},
            },
        },
    }
    connector = shop(tmp_path, {"name": "orders"}, {"name": "products"}, both)
    assert estimate(connector, {}).untold == ("prices",)


def test_a_run_that_finds_nothing_new_requests_what_is_read_in_full(tmp_path: Path) -> None:
    incremental = {"cursor_path": "at", "start_param": "since", "initial_value": "2026-01-01"}
    orders = {"name": "orders", "endpoint": {"incremental": incremental}}
    connector = shop(tmp_path, orders, LINES, {"name": "shops"})
    later = estimate(connector, {}, unchanged=True)
    assert later.requests == {"orders": 1, "lines": 0, "shops": 200}
    assert later.total == 201
