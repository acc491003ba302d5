"""GraphQL exchanges recorded, scrubbed and replayed: queries stay, values of records do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.recorded_run import record_and_replay
from tests.support.servers.graph import Shop
from tests.support.servers.web import Asked, Web

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


def test_what_stays_is_said_by_the_query_and_not_by_the_path(tmp_path: Path, web: Web) -> None:
    node = {"id": "gid://shop/Order/1", "title": "Order of Greta Garbo"}

    def answer(asked: Asked) -> dict[str, object]:
        name = "lines" if "lines" in asked.json()["query"] else "orders"
        assert name == "orders" or asked.json()["variables"]["order"] == node["id"]
        page = {"nodes": [node], "pageInfo": {"hasNextPage": False, "endCursor": None}}
        return {"data": {name: page}}

    web.on("/v1/graphql", answer, "POST")
    kept = {"type": "string", "x-keep": True}

    def resource(
        name: str, argument: str, variables: object, **fields: object
    ) -> dict[str, object]:
        listed = f"{name}(first: $first, after: $after{', order: $order' * bool(argument)})"
        query = f"query ($first: Int, $after: String{argument}) {{ {listed} {{ "
        query += "nodes { id title } pageInfo { hasNextPage endCursor } } }"
        endpoint = {"path": "/graphql", "graphql": {"query": query, "variables": variables}}
        schema = {"type": "object", "properties": {"id": kept, **fields}}
        return {
            "name": name, "write_disposition": "replace", "schema": schema, "endpoint": endpoint,
        }  # fmt: skip

    body = {
        "client": {"base_url": "{config.base_url}"},
        "config": {"first": {"type": "integer", "default": 5}},
        "resources": [
            resource("orders", "", {"first": "{config.first}"}, title={"type": "string"}),
            # the variable is a URL, which would lose its host if its place were not known
            resource(
                "lines",
                ", $order: ID",
                {"first": "{config.first}", "order": "{resources.orders.id}"},
                title=kept,
            ),
        ],
    }
    run = record_and_replay(tmp_path, web, body)
    assert run.unused == []
    assert [one["id"] for one in run.replayed["orders"]] == [node["id"]]
    assert run.replayed["orders"][0]["title"] != node["title"]
    assert run.replayed["lines"][0]["title"] == node["title"]
