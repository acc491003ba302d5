"""What dlt itself rejects has an error here, and what it takes is taken with the same meaning."""

import copy

import pytest

from framework.definition.rules.auth_rules import NEEDED
from tests.support.validating import codes, judge_data

CLIENT = {"base_url": "https://api.example.com", "paginator": "single_page"}


def config(*resources, client=CLIENT, **defaults):
    found = {"client": client, "resources": list(resources)}
    return {**found, "resource_defaults": defaults} if defaults else found


def one(**endpoint):
    return config({"name": "a", "endpoint": endpoint})


def child(**endpoint):
    return config("a", {"name": "b", "endpoint": endpoint})


def paging(**paginator):
    return config("a", client={**CLIENT, "paginator": paginator})


def auth(**written):
    return config("a", client={**CLIENT, "auth": written})


RESOLVE = {"type": "resolve", "resource": "a", "field": "id"}
CURSOR = {"cursor_path": "at"}

REJECTED = {
    "no client": {"resources": ["a"]},
    "no resources": {"client": CLIENT},
    "no base url": config("a", client={}),
    "an unknown key of the client": config("a", client={**CLIENT, "url": "x"}),
    "an unknown key of a resource": config({"name": "a", "params": {}}),
    "an unknown key of an endpoint": one(query={}),
    "a resource without a name": config({"endpoint": "a"}),
    "a resource that is a number": config(5),
    "two resources of one name": config("a", "a"),
    "an endpoint that is null": config({"name": "a", "endpoint": None}),
    "params that are null": one(params=None),
    "params that are a list": one(params=["a"]),
    "a parameter of no type": one(params={"x": {"a": 1}}),
    "a parameter of another type": one(params={"x": {"type": "dynamic"}}),
    "a path with an unknown name": one(path="x/{id}"),
    "a path with an unknown context": one(path="x/{parent.a.id}"),
    "a path with a brace too many": one(path="x/{id"),
    "a path with a number": one(path="x/{0}"),
    "an incremental in the path": one(
        path="x/{since}", params={"since": {"type": "incremental", **CURSOR}}
    ),
    "a method that is none": one(method="FETCH"),
    "an unknown parent": child(path="a/{resources.c.id}"),
    "an unknown parent of a resolve": child(
        path="a/{id}/x", params={"id": {**RESOLVE, "resource": "c"}}
    ),
    "a parent without a field": child(path="a/{resources.a}"),
    "a resource that is its own parent": config({"name": "a", "endpoint": "{resources.a.id}/x"}),
    "parents in a circle": config(
        {"name": "a", "endpoint": "{resources.b.id}/x"},
        {"name": "b", "endpoint": "{resources.a.id}/x"},
    ),
    "a resolve that is not in the path": child(path="a/x", params={"id": RESOLVE}),
    "a resolve without a field": child(
        path="a/{id}", params={"id": {"type": "resolve", "resource": "a"}}
    ),
    "a name in a parameter": child(path="a/x", params={"q": "{id}"}),
    "a name in the body": child(path="a/x", json={"q": "{id}"}),
    "a name in a header": child(path="a/x", headers={"q": "{id}"}),
    "a name in form data": child(path="a/x", data={"q": "{id}"}),
    "an open brace in a parameter": one(params={"q": "{id"}),
    "an incremental placeholder without an incremental": one(
        params={"q": "{incremental.start_value}"}
    ),
    "an incremental placeholder beside a parameter": one(
        path="x/{incremental.start_value}/y",
        params={"since": {"type": "incremental", **CURSOR}},
    ),
    "two incremental parameters": one(
        params={"x": {"type": "incremental", **CURSOR}, "y": {"type": "incremental", **CURSOR}}
    ),
    "an end in a parameter": one(params={"x": {"type": "incremental", **CURSOR, "end_value": 5}}),
    "an unknown key of an incremental": one(incremental={**CURSOR, "start": "x"}),
    "an unknown last_value_func": one(incremental={**CURSOR, "last_value_func": "sum"}),
    "an unknown on_cursor_value_missing": one(
        incremental={**CURSOR, "start_param": "s", "on_cursor_value_missing": "skip"}
    ),
    "a cursor_path that is no path": one(incremental={"cursor_path": "a[", "start_param": "s"}),
    "parents included where there is none": config({"name": "a", "include_from_parent": ["id"]}),
    "an unknown paginator": paging(type="pages"),
    "an unknown paginator by name": config("a", client={**CLIENT, "paginator": "pages"}),
    "an unknown key of a paginator": paging(type="cursor", path="x"),
    "an offset paginator without a limit": paging(type="offset"),
    "an offset paginator by name": config("a", client={**CLIENT, "paginator": "offset"}),
    "pages without an end": paging(
        type="page_number", total_path=None, stop_after_empty_page=False
    ),
    "offsets without an end": paging(
        type="offset", limit=5, total_path=None, stop_after_empty_page=False
    ),
    "a page number in two places": paging(
        type="page_number", page_param="p", page_body_path="page"
    ),
    "a cursor in two places": paging(type="cursor", cursor_param="c", cursor_body_path="c"),
    "an unknown auth": auth(type="digest"),
    "an unknown auth by name": config("a", client={**CLIENT, "auth": "digest"}),
    "an unknown key of an auth": auth(type="bearer", tokens="x"),
    "an unknown disposition": config({"name": "a", "write_disposition": "overwrite"}),
    "an unknown data type": config({"name": "a", "columns": {"x": {"data_type": "string"}}}),
    "defaults with a name": config("a", name="x"),
    "defaults with a path for all": config("a", endpoint="x"),
    "a selector that is no path": one(data_selector=5),
    "actions that are no list": one(response_actions={"status_code": 404, "action": "ignore"}),
}

TAKEN = {
    "names alone": config("a", "b"),
    "an endpoint as text": config({"name": "a", "endpoint": "x/y"}),
    "a parameter taken away": config(
        {"name": "a", "endpoint": {"params": {"x": None}}}, endpoint={"params": {"x": 1}}
    ),
    "a static parameter in the path": one(path="{org}/a", params={"org": "x", "n": 1}),
    "a resolve": child(path="a/{id}", params={"id": RESOLVE, "n": [1, 2]}),
    "a placeholder of the parent": child(path="a/{resources.a.id}/b"),
    "a placeholder anywhere": child(
        path="b",
        params={"x": "{resources.a.id}"},
        headers={"X": "{resources.a.id}"},
        json={"x": {"y": ["{resources.a.id}", "{{z}}"]}},
    ),
    "form data": one(method="POST", data=[["a", "b"], ["a", "{{c}}"]]),
    "raw data": one(method="POST", data="text"),
    "an incremental": one(incremental={**CURSOR, "start_param": "since", "lag": 5}),
    "an incremental in a header": one(
        headers={"X-Since": "{incremental.start_value}"}, incremental=CURSOR
    ),
    "an incremental parameter": one(params={"since": {"type": "incremental", **CURSOR}}),
    "a JSONPath": one(data_selector="$.data[*]"),
    "pages in the body": paging(type="page_number", page_body_path="page", total_path=None),
    "an end by more": paging(
        type="page_number", total_path=None, stop_after_empty_page=False, has_more_path="more"
    ),
    "the default end": paging(type="offset", limit=5, stop_after_empty_page=False),
    "a key in the query": auth(type="api_key", api_key="{secrets.t}", location="query", name="k"),
    "a bearer without a type": auth(token="{secrets.t}"),
    "parents included": config(
        "a",
        {"name": "b", "include_from_parent": ["id"], "endpoint": "a/{resources.a.id}/b"},
    ),
    "actions": one(
        response_actions=[
            {"status_code": 404, "action": "ignore"},
            {"content": "gone", "action": "ignore"},
        ]
    ),
    "keys and columns": config(
        {
            "name": "a",
            "primary_key": ["id", "at"],
            "columns": {"id": {"data_type": "bigint"}},
            "write_disposition": {"disposition": "merge", "strategy": "upsert"},
            "max_table_nesting": 1,
            "selected": False,
            "parallelized": True,
        },
        write_disposition="append",
    ),
}


def build(written):
    from dlt.sources.rest_api import rest_api_source

    source = rest_api_source(copy.deepcopy(written), name="example")
    for resource in source.resources.values():
        resource.compute_table_schema()
    return source


@pytest.mark.parametrize("case", REJECTED)
def test_what_dlt_rejects_has_an_error_here(case):
    with pytest.raises(Exception):  # noqa: B017 - dlt raises KeyError, TypeError, …
        build(REJECTED[case])
    found = judge_data(REJECTED[case], secrets={"t": {}})
    assert codes(found, "error")
    assert found.connector is None


@pytest.mark.parametrize("case", TAKEN)
def test_what_dlt_takes_is_taken_here(case):
    build(TAKEN[case])
    found = judge_data(TAKEN[case], secrets={"t": {}})
    assert codes(found, "error") == set()
    assert found.connector is not None


@pytest.mark.parametrize("case", TAKEN)
def test_paths_and_parents_are_what_dlt_makes_of_them(case):
    from dlt.sources.rest_api.config_setup import build_resource_dependency_graph

    written = copy.deepcopy(TAKEN[case])
    _, theirs, resolved = build_resource_dependency_graph(
        written.get("resource_defaults") or {}, written["resources"]
    )
    connector = judge_data(TAKEN[case], secrets={"t": {}}).connector
    for name, their in theirs.items():
        mine = connector.resource(name)
        assert mine.endpoint.path == their["endpoint"]["path"]
        bound = {param.param_name for param in resolved[name] or []}
        assert {binding.name for binding in mine.bindings} == bound
        if their["endpoint"].get("data_selector") == "$":
            assert mine.endpoint.data_selector == "$"
            assert mine.endpoint.paginator == {"type": "single_page"}


@pytest.mark.parametrize("kind", NEEDED)
def test_the_secrets_an_auth_needs_are_dlts(kind):
    from dlt.sources.rest_api.config_setup import AUTH_MAP

    assert set(NEEDED[kind]) <= set(AUTH_MAP[kind]().get_resolvable_fields())
