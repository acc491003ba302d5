"""A project with one recorded connector, and an editor with the server in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from framework.authoring.cassettes.cassette import Cassette, write_cassette
from framework.authoring.exchange import Interaction
from tests.support.editor import Editor, editor

SHOP = """\
version: 1
name: shop
description: Orders and their lines.
config:
  region: {type: string, default: eu, description: Where the shop is.}
secrets:
  token: {description: "An API token, from Settings."}
client:
  base_url: https://api.shop.example.com/v2
  auth: {type: bearer, token: "{secrets.token}"}
resource_defaults:
  primary_key: id
  endpoint:
    data_selector: data
    paginator: {type: cursor, cursor_param: after, cursor_path: paging.next}
resources:
  - name: orders
    schema: orders
    endpoint:
      path: /orders
      params: {region: "{config.region}", since: "{incremental.start_value}"}
      incremental: {cursor_path: updated_at, initial_value: "2024-01-01T00:00:00Z"}
  - name: lines
    include_from_parent: [number]
    endpoint:
      path: /orders/{order_id}/lines
      params:
        order_id: {type: resolve, resource: orders, field: id}
  - name: refunds
    endpoint:
      path: "/orders/{resources.orders.id}/refunds"
"""
ORDERS = {
    "data": [
        {"id": 7, "number": "A-7", "updated_at": "2024-05-01T00:00:00Z", "customer": {"id": 1}},
        {"id": 8, "number": "A-8", "updated_at": "2024-05-02T00:00:00Z", "customer": None},
    ],
    "paging": {"next": None, "total": 2},
}
LINES = {"data": [{"id": 70, "sku": "pen", "price": "1.50"}], "paging": {"next": None}}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "number": {"type": "string"},
        "updated_at": {"type": "string", "format": "date-time"},
        "note": {"type": ["string", "null"], "description": "What the customer wrote."},
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name in ("connectors", "cassettes", "schemas/shop"):
        (folder / name).mkdir(parents=True)
    (folder / "connectors" / "shop.yaml").write_text(SHOP, encoding="utf-8")
    (folder / "schemas/shop/orders.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    headers = (("Content-Type", "application/json"),)
    recorded = tuple(
        Interaction(
            "GET", f"https://api.shop.example.com/v2{path}", 200, "OK", headers, json_bytes(body)
        )
        for path, body in (
            ("/orders?region=eu&since=2024-01-01T00%3A00%3A00Z", ORDERS),
            ("/orders/7/lines", LINES),
        )
    )
    cassette = Cassette("shop", datetime(2024, 6, 1, tzinfo=UTC), recorded)
    write_cassette(folder / "cassettes" / "shop.yaml", cassette)
    return folder


def json_bytes(body: object) -> bytes:
    return json.dumps(body).encode()


@pytest.fixture(scope="module")
def shop(project: Path) -> Path:
    return project / "connectors" / "shop.yaml"


@pytest.fixture(scope="module")
def typing(project: Path) -> Iterator[Editor]:
    """The editor; it is shared, so each test types the text that it needs."""
    with editor(project) as one:
        yield one
