"""GraphQL blocks against a server that executes their queries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import framework
from tests.support.run_verbs import (
    codes,
    connector_of,
    later,
    load,
    loaded,
    statuses,
    values,
    warnings_of,
)
from tests.support.servers.graph import Shop
from tests.support.servers.web import Answer, Web

Json = Any

NODES = """
query Orders($first: Int, $after: String, $filter: OrderFilter) {
  shop { name orders(first: $first, after: $after, filter: $filter) {
    nodes { ...order }
    pageInfo { hasNextPage endCursor }
  } }
}
fragment order on Order { id title changed }
"""
EDGES = """query ($next: String) { shop { all: orders(first: 3, after: $next) {
  edges { at: cursor one: node { id } } info: pageInfo { more: hasNextPage } } } }"""
BACKWARDS = """query ($before: String) { shop { orders(last: 2, before: $before) {
  nodes { id } pageInfo { hasPreviousPage startCursor } } } }"""


@pytest.fixture
def shop(web: Web) -> Shop:
    shop = Shop()
    shop.serve(web)
    return shop


def body(web: Web, block: Json, **more: Json) -> dict[str, Json]:
    endpoint = {"path": "/graphql", "graphql": block, **more.pop("endpoint", {})}
    orders = {"name": "orders", "primary_key": "id", "write_disposition": "merge"}
    return {
        "client": {"base_url": web.url, "retry": {"max_retries": 0}},
        "resources": [{**orders, "endpoint": endpoint}, *more.pop("resources", ())],
        **more,
    }


@pytest.mark.parametrize(
    ("query", "variables", "requests"),
    [(NODES, {"first": 2}, 4), (NODES, {"first": 7}, 1), (EDGES, {}, 3), (BACKWARDS, {}, 4)],
    ids=["nodes", "one page", "edges and aliases", "backwards"],
)
def test_every_page_of_the_list_is_read_and_none_twice(
    web: Web, project: Path, shop: Shop, query: str, variables: Json, requests: int
) -> None:
    connector = connector_of(project, body(web, {"query": query, "variables": variables}))
    report = load(connector, project)
    assert (report.status, codes(report)) == ("ok", [])
    assert values(project, "orders") == [1, 2, 3, 4, 5, 6, 7]
    assert len(shop.requests) == requests
    assert {one["query"] for one in shop.requests} == {query}


def test_the_query_may_be_a_file_of_several_operations(web: Web, project: Path, shop: Shop) -> None:
    text = NODES + "query Names { names { name } }"
    file = project / "queries" / "shop" / "shop_orders.graphql"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    block = {"query": "shop_orders", "operation": "Orders", "variables": {"first": 4}}
    load(connector_of(project, body(web, block)), project)
    assert values(project, "orders") == [1, 2, 3, 4, 5, 6, 7]
    assert {one["operationName"] for one in shop.requests} == {"Orders"}


def test_a_query_without_a_connection_is_read_at_its_only_field(
    web: Web, project: Path, shop: Shop
) -> None:
    more = {"paginator": "single_page"}
    whole = body(web, {"query": "{ names { name } }"}, endpoint=more)
    whole["resources"][0]["primary_key"] = "name"
    load(connector_of(project, whole), project)
    assert values(project, "orders", "name") == ["A", "B"]


def test_a_child_passes_its_parents_values_in_variables_with_their_types(
    web: Web, project: Path, shop: Shop
) -> None:
    query = """query ($id: Int!, $first: Int, $after: String) { order(id: $id) {
      lines(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }"""
    variables = {"id": "{resources.orders.id}", "first": 2}
    endpoint = {"path": "/graphql", "graphql": {"query": query, "variables": variables}}
    lines = {"name": "lines", "primary_key": "id", "write_disposition": "merge"}
    whole = body(web, {"query": NODES}, resources=[{**lines, "endpoint": endpoint}])
    report = load(connector_of(project, whole), project)
    assert loaded(report) == {"orders": 7, "lines": 12}
    assert values(project, "lines")[-3:] == [70, 71, 72]
    sent = [one["variables"] for one in shop.requests if "id" in one["variables"]]
    assert {"id": 3, "first": 2, "after": "c1"} in sent


def test_an_incremental_reads_its_start_from_variables(web: Web, project: Path, shop: Shop) -> None:
    block = {"query": NODES, "variables": {"filter": {"since": "{incremental.start_value}"}}}
    incremental = {"cursor_path": "changed", "initial_value": "2026-01-02T00:00:00Z"}
    connector = connector_of(project, body(web, block, endpoint={"incremental": incremental}))
    assert loaded(load(connector, project)) == {"orders": 5}
    shop.orders.append({"id": 8, "title": "Late", "changed": "2026-01-20T00:00:00Z"})
    shop.requests.clear()
    assert loaded(load(connector, project, now=later())) == {"orders": 1}
    sent = [one["variables"]["filter"]["since"] for one in shop.requests]
    assert sent == ["2026-01-07T00:00:00Z"]
    assert values(project, "orders") == [3, 4, 5, 6, 7, 8]


def test_errors_fail_the_resource_with_the_servers_words_and_without_secrets(
    web: Web, project: Path, shop: Shop
) -> None:
    secret = "tok-77-aa-very-secret"
    shop.broken, shop.message = {3}, f"order 3 is locked for {secret}"
    whole = body(web, {"query": NODES, "variables": {"first": 2}}, secrets={"token": {}})
    whole["client"]["auth"] = {"type": "bearer", "token": "{secrets.token}"}
    connector = connector_of(project, whole)
    report = load(connector, project, config={"token": secret})
    assert statuses(report) == {"orders": "failed"}
    told = str(report.resources["orders"].error)
    assert "order 3 is locked for" in told
    assert secret not in told


def test_partial_data_is_kept_with_a_warning_if_the_file_says_so(
    web: Web, project: Path, shop: Shop
) -> None:
    shop.broken = {3, 6}
    block = {"query": NODES, "variables": {"first": 2}, "partial_data": "keep"}
    report = load(connector_of(project, body(web, block)), project)
    assert report.status == "ok"
    assert values(project, "orders") == [1, 2, 4, 5, 7]
    assert codes(report) == [("orders", "errors-beside-records")]
    assert "the order cannot be read" in warnings_of(report, "orders")[0].message


@pytest.mark.parametrize("policy", ["fail", "keep"])
def test_errors_without_data_fail_whatever_the_file_says(
    web: Web, project: Path, shop: Shop, policy: str
) -> None:
    query = NODES.replace("title", "titel")
    connector = connector_of(project, body(web, {"query": query, "partial_data": policy}))
    report = load(connector, project)
    assert statuses(report) == {"orders": "failed"}
    assert "Cannot query field 'titel' on type 'Order'" in str(report.resources["orders"].error)


def test_the_files_own_actions_come_before_the_one_for_errors(
    web: Web, project: Path, shop: Shop
) -> None:
    calm = shop._answer
    throttled = {"message": "slow down", "extensions": {"code": "THROTTLED"}}
    left = [Answer(200, {"errors": [throttled]})]
    web.on("/graphql", lambda asked: left.pop() if left else calm(asked), "POST")
    condition = "errors[?extensions.code == 'THROTTLED']"
    actions = [{"body": condition, "action": "rate_limited", "max_retries": 2, "backoff": "PT1S"}]
    endpoint = {"response_actions": actions}
    report = load(connector_of(project, body(web, {"query": NODES}, endpoint=endpoint)), project)
    assert report.status == "ok"
    assert values(project, "orders") == [1, 2, 3, 4, 5, 6, 7]


def test_a_variable_of_the_defaults_goes_with_every_query_unless_it_is_null(
    web: Web, project: Path, shop: Shop
) -> None:
    whole = body(web, {"query": NODES})
    whole["resource_defaults"] = {"endpoint": {"graphql": {"variables": {"first": 3}}}}
    names = {"path": "/graphql", "paginator": "single_page"}
    names["graphql"] = {"query": "{ names { name } }", "variables": {"first": None}}
    whole["resources"].append({"name": "names", "write_disposition": "replace", "endpoint": names})
    report = load(connector_of(project, whole), project)
    assert loaded(report) == {"orders": 7, "names": 2}
    sent = [one["variables"] for one in shop.requests]
    assert {} in sent
    assert {"first": 3} in sent


def test_dlts_own_source_reads_the_same(web: Web, project: Path, shop: Shop) -> None:
    from dlt.sources.rest_api import rest_api_source

    connector_of(project, body(web, {"query": NODES, "variables": {"first": 2}}))
    source = rest_api_source(framework.rest_api_config("./connectors/shop.yaml"))
    assert [one["id"] for one in source.resources["orders"]] == [1, 2, 3, 4, 5, 6, 7]
