"""GraphQL exchanges recorded, scrubbed and replayed: queries stay, values of records do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.recorded_run import record_and_replay
from tests.support.servers.graph import Shop
from tests.support.servers.web import Web

pytestmark = pytest.mark.usefixtures("project")

ORDERS = """query ($first: Int, $after: String) { shop { orders(first: $first, after: $after) {
  nodes { id title } pageInfo { hasNextPage endCursor } } } }"""
LINES = """query ($id: Int!, $after: String) { order(id: $id) { lines(first: 2, after: $after) {
  nodes { id } pageInfo { hasNextPage endCursor } } } }"""


def test_pages_and_children_replay_with_the_cursors_of_the_recording(
    tmp_path: Path, web: Web
) -> None:
    shop = Shop(4)
    shop.orders[0]["title"] = "Order of Greta Garbo"
    shop.serve(web, "/v1/graphql")

    def resource(name: str, **block: object) -> dict[str, object]:
        endpoint = {"path": "/graphql", "graphql": block}
        return {"name": name, "write_disposition": "replace", "endpoint": endpoint}

    body = {
        "client": {"base_url": "{config.base_url}"},
        "resources": [
            resource("orders", query=ORDERS, variables={"first": 2}),
            resource("lines", query=LINES, variables={"id": "{resources.orders.id}"}),
        ],
    }
    run = record_and_replay(tmp_path, web, body)
    assert run.unused == []
    assert [len(run.live[name]) for name in ("orders", "lines")] == [4, 6]
    assert [len(run.replayed[name]) for name in ("orders", "lines")] == [4, 6]
    assert "Greta" not in run.text
    assert "pageInfo { hasNextPage endCursor }" in run.text


def test_the_schema_of_a_query_decides_what_stays_though_all_have_one_path(
    tmp_path: Path, web: Web
) -> None:
    shop = Shop(2)
    for one in shop.orders:
        one["id"], one["title"] = f"order-{one['id']}", "Order of Greta Garbo"
    shop.serve(web, "/v1/graphql")
    kept = {"type": "string", "x-keep": True}

    def resource(name: str, schema: object, **block: object) -> dict[str, object]:
        endpoint = {"path": "/graphql", "graphql": block}
        known = {"write_disposition": "replace", "endpoint": endpoint}
        return {"name": name, "schema": {"type": "object", "properties": schema}, **known}

    body = {
        "client": {"base_url": "{config.base_url}"},
        "resources": [
            resource("orders", {"id": kept}, query=ORDERS, variables={"first": 2}),
            resource(
                "titles",
                {"id": {"type": "string"}, "title": kept},
                query=ORDERS.replace("id title", "title id"),
                variables={"first": 2},
            ),
        ],
    }
    run = record_and_replay(tmp_path, web, body)
    assert run.unused == []
    assert {one["id"] for one in run.replayed["orders"]} == {"order-1", "order-2"}
    assert {one["id"] for one in run.replayed["titles"]} & {"order-1", "order-2"} == set()
    assert "Greta" in run.text
