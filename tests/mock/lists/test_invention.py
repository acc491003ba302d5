"""Lists that are invented: by the schema, the same for the same seed, children under parents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.definition.schema.json_schema import misfit_of
from framework.errors import SettingsError
from framework.mock.mock_builder import open_mock
from framework.mock.mock_options import MockOptions
from tests.support.mocks import API, asked, invented, reading, shop
from tests.support.run_verbs import NOW, scheduling

Json = Any
ONE = {"paginator": "single_page"}
EVERYTHING = {
    "type": "object",
    "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}}},
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "email": {"type": "string", "format": "email"},
        "site": {"type": "string", "format": "uri"},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "price": {"type": "string", "format": "decimal"},
        "count": {"type": "integer", "minimum": 5, "maximum": 9},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "kind": {"enum": ["a", "b"]},
        "fixed": {"const": "x"},
        "note": {"type": ["string", "null"]},
        "code": {"type": "string", "minLength": 3, "maxLength": 5},
        "place": {"$ref": "#/$defs/place"},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
        "owner": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/place"}]},
        "both": {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "boolean"}}},
                {"properties": {"b": {"type": "integer"}}},
            ]
        },
    },
}
FAMILY = {
    "client": {"base_url": API},
    "resources": [
        {
            "name": "orders",
            "primary_key": "id",
            "endpoint": {"path": "/orders", "data_selector": "items", **ONE},
        },
        {
            "name": "lines",
            "primary_key": "id",
            "endpoint": {
                "path": "/orders/{resources.orders.id}/lines",
                "data_selector": "items",
                **ONE,
            },
        },
    ],
}


def items(body: bytes) -> list[dict[str, Json]]:
    records: list[dict[str, Json]] = json.loads(body)["items"]
    return records


def test_records_fit_their_schema(tmp_path: Path) -> None:
    mock = invented(tmp_path, shop(ONE, schema=EVERYTHING), rows=50)
    records = items(asked(mock, "GET /items").body)
    assert len(records) == 50
    for record in records:
        assert misfit_of(EVERYTHING, record) is None
    assert len({record["id"] for record in records}) == 50


def test_the_records_of_the_bundled_connector_fit_their_schemas() -> None:
    connector = scheduling()
    mock = open_mock(connector, MockOptions(invented=True, rows=5, now=NOW))
    schemas = {one.name: one.schema for one in connector.resources}
    asked_for = {
        "event_types": "/event_types?count=100&organization=x",
        "groups": "/groups?organization=x",
    }
    for name, url in asked_for.items():
        response = asked(mock, f"GET {url}", authorization="Bearer x")
        records = json.loads(response.body)["collection"]
        assert len(records) == 5
        assert all(misfit_of(schemas[name] or {}, record) is None for record in records)


def test_the_same_seed_gives_the_same_records_in_any_order(tmp_path: Path) -> None:
    def lists(seed: int, *urls: str) -> dict[str, bytes]:
        mock = invented(tmp_path, FAMILY, rows=3, seed=seed)
        asked(mock, "GET /orders")
        return {url: asked(mock, f"GET {url}").body for url in urls}

    first = lists(1, "/orders/1/lines", "/orders/2/lines")
    assert lists(1, "/orders/2/lines", "/orders/1/lines") == first
    assert lists(2, "/orders/1/lines", "/orders/2/lines") != first
    assert first["/orders/1/lines"] != first["/orders/2/lines"]


def test_children_have_parents_and_keys_of_their_own(tmp_path: Path) -> None:
    mock = invented(tmp_path, FAMILY, rows=3)
    orders = reading(tmp_path, FAMILY, mock)
    orders.take("orders", "lines")
    assert len(orders.read("orders")) == 3
    lines = orders.read("lines")
    assert len({line["id"] for line in lines}) == len(lines) == 9
    assert asked(mock, "GET /orders/77/lines").status == 404


@pytest.mark.parametrize("form", ["csv", "xml", "jsonl"])
def test_records_come_in_the_files_format(tmp_path: Path, form: str) -> None:
    selector = {"csv": None, "jsonl": None, "xml": "feed.entry"}[form]
    written = {"type": form, "lists": ["feed.entry"]} if form == "xml" else {"type": form}
    body = shop({**ONE, "data_selector": selector, "response_format": written})
    if selector is None:
        del body["resources"][0]["endpoint"]["data_selector"]
    mock = invented(tmp_path, body, rows=4)
    records = reading(tmp_path, body, mock).read("items")
    assert len(records) == 4
    assert {str(record["id"]) for record in records} == {"1", "2", "3", "4"}
    kind = dict(asked(mock, "GET /items").headers)["Content-Type"]
    assert form.removesuffix("l") in kind


def test_a_selector_of_a_field_of_each_element_is_wrapped_around(tmp_path: Path) -> None:
    body = shop({**ONE, "data_selector": "data.edges[].node"})
    mock = invented(tmp_path, body, rows=2)
    shown = json.loads(asked(mock, "GET /items").body)
    assert [edge["node"]["id"] for edge in shown["data"]["edges"]] == [1, 2]
    assert len(reading(tmp_path, body, mock).read("items")) == 2


def test_a_path_of_one_object_gives_one(tmp_path: Path) -> None:
    body = shop({**ONE, "path": "/users/me", "data_selector": "user"})
    mock = invented(tmp_path, body)
    assert json.loads(asked(mock, "GET /users/me").body)["user"]["id"] == 1


def test_cursors_are_in_order_up_to_now(tmp_path: Path) -> None:
    endpoint = {
        **ONE,
        "incremental": {
            "cursor_path": "updated_at",
            "start_param": "since",
            "initial_value": "2026-01-01T00:00:00Z",
        },
    }
    mock = invented(tmp_path, shop(endpoint), rows=4)
    times = [one["updated_at"] for one in items(asked(mock, "GET /items").body)]
    assert times == sorted(times)
    assert times[-1] == "2026-11-23T11:00:00Z"
    later = items(asked(mock, "GET /items?since=2026-11-23T10:00:00Z").body)
    assert [one["updated_at"] for one in later] == times[2:]


def test_a_selector_that_cannot_be_told_is_noted(tmp_path: Path) -> None:
    body = shop({**ONE, "data_selector": "[a, b][]"})
    with pytest.raises(SettingsError, match="record a cassette"):
        invented(tmp_path, body)


def test_a_resource_without_a_schema_has_ids_and_names(tmp_path: Path) -> None:
    body = shop(ONE)
    del body["resources"][0]["schema"]
    mock = invented(tmp_path, body, rows=2)
    assert [one.keys() for one in items(asked(mock, "GET /items").body)] == [{"id", "name"}] * 2


def test_config_without_a_default_has_a_stand_in(tmp_path: Path) -> None:
    body = {**shop(ONE), "config": {"region": {"type": "string"}}}
    body["client"]["base_url"] = f"{API}/{{config.region}}"
    assert invented(tmp_path, body).notes == []
