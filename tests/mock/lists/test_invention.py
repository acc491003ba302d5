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


def test_times_are_written_as_the_schema_says_and_read_back(tmp_path: Path) -> None:
    times = {
        "changed": {"type": "integer", "format": "epoch-ms"},
        "sent": {"type": "string", "x-time-format": "%d.%m.%Y %H:%M", "x-zone": "Europe/Berlin"},
        "closed": {"type": "string", "format": "date-time", "x-zone": "Europe/Berlin"},
    }
    schema = {"type": "object", "properties": {"id": {"type": "integer"}, **times}}
    body = shop({"paginator": "single_page"}, schema=schema)
    mock = invented(tmp_path, body, rows=3)
    records = items(asked(mock, "GET /items").body)
    assert all(record["changed"] > 10**12 for record in records)
    assert all(record["sent"][2] == "." for record in records)
    shown = reading(tmp_path, body, mock)
    shown.take("items")
    for read in shown.read("items"):
        assert all(read[name].endswith("Z") for name in times)


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
    body = shop({**ONE, "data_selector": "join('', items)"})
    with pytest.raises(SettingsError, match="record a cassette"):
        invented(tmp_path, body)


@pytest.mark.parametrize(
    "selector",
    [
        "[open, closed][]",
        "data.* || data",
        "values(@)",
        "groups[].items[]",
        "(data[*] || data.*)[*].[rules[*] || rules.*][][]",
        "items[?kind == 'a']",
        "result[0].rows",
        "$.data[*]",
    ],
)
def test_a_selector_is_read_backwards(tmp_path: Path, selector: str) -> None:
    body = shop({**ONE, "data_selector": selector})
    mock = invented(tmp_path, body, rows=4)
    assert mock.notes == []
    assert len(reading(tmp_path, body, mock).read("items")) == 4


@pytest.mark.parametrize(
    "steps",
    [
        [{"filter": "status == 'open' && total > `10`"}],
        [{"filter": 'contains(`["a", "b"]`, kind)'}],
        [{"filter": "length(fields || '') > `0`"}, {"flatten": "fields"}],
        [{"explode": "lines"}],
        [{"yield_map": "lines[]"}],
        [{"rename": {"ItemID": "id"}}, {"filter": "!archived"}],
    ],
)
def test_records_pass_the_steps_of_the_file(tmp_path: Path, steps: list[Json]) -> None:
    body = shop(ONE, processing_steps=steps)
    mock = invented(tmp_path, body, rows=4)
    assert mock.notes == []
    records = reading(tmp_path, body, mock).read("items")
    assert {record["id"] for record in records} == {1, 2, 3, 4}


def test_a_step_that_no_record_passes_is_told(tmp_path: Path) -> None:
    mock = invented(tmp_path, shop(ONE, processing_steps=[{"filter": "a == `1` && a == `2`"}]))
    assert mock.notes == [
        "items: no record could be invented that passes its processing_steps; a run finds none, "
        "or few"
    ]


def test_resources_that_share_a_request_each_find_records(tmp_path: Path) -> None:
    body = shop({**ONE}, schema=None)
    one = body["resources"][0]
    del one["schema"]
    body["resources"] = [
        {**one, "name": kind, "processing_steps": [{"filter": f"kind == '{kind}'"}]}
        for kind in ("mugs", "pens")
    ]
    mock = invented(tmp_path, body, rows=6)
    opened = reading(tmp_path, body, mock)
    assert [len(opened.read(kind)) for kind in ("mugs", "pens")] == [3, 3]


def test_lists_in_different_places_of_one_response_are_told(tmp_path: Path) -> None:
    body = shop({})
    one = body["resources"][0]
    other = {**one, "name": "others", "endpoint": {"path": "/items", "data_selector": "a[].b"}}
    body["resources"] = [one, other]
    told = "others: its request is also that of items, whose list is served"
    assert told in invented(tmp_path, body).notes


def test_constants_in_bodies_tell_lists_of_one_path_from_others(tmp_path: Path) -> None:
    body = shop({})
    body["resources"] = [
        {
            "name": name,
            "endpoint": {
                **ONE,
                "path": "/",
                "method": "POST",
                "json": {"call": {"function": name}},
                "data_selector": name,
            },
        }
        for name in ("users", "tasks")
    ]
    mock = invented(tmp_path, body, rows=2)
    opened = reading(tmp_path, body, mock)
    assert [len(opened.read(name)) for name in ("users", "tasks")] == [2, 2]


def test_children_behind_a_condition_are_there(tmp_path: Path) -> None:
    body = json.loads(json.dumps(FAMILY))
    body["resources"][1]["when"] = "line_count > `0`"
    mock = invented(tmp_path, body, rows=4)
    opened = reading(tmp_path, body, mock)
    opened.take("orders", "lines")
    opened.read("orders")
    assert len(opened.read("lines")) == 8


EXPORTS: dict[str, dict[str, Json]] = {
    "urls": {
        "status": "/exports/{job.export.id}",
        "ready": "state == 'done'",
        "failed": "state == 'failed'",
        "download": {"url": "{response.files[].url}"},
    },
    "path": {"download": {"path": "/exports/{job.id}/rows", "params": {"kind": "{response.kind}"}}},
    "links": {
        "status": {"url": "{job.links.self}"},
        "ready": "progress >= `100`",
        "download": {"url": "{response.links.result}"},
    },
}


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize("kind", EXPORTS)
def test_export_jobs_are_created_polled_and_downloaded(
    tmp_path: Path, kind: str, form: str
) -> None:
    endpoint = {**ONE, "path": "/exports", "method": "POST", "export": EXPORTS[kind]}
    body = shop({**endpoint, "response_format": {"type": form}})
    if form == "csv":
        del body["resources"][0]["endpoint"]["data_selector"]
    mock = invented(tmp_path, body, rows=5)
    assert mock.notes == []
    records = reading(tmp_path, body, mock).read("items")
    assert {int(record["id"]) for record in records} == {1, 2, 3, 4, 5}
    assert asked(mock, "GET /exports/mocked-job-00000000/rows?kind=x").status == 404


def test_a_job_whose_requests_cannot_be_told_is_noted(tmp_path: Path) -> None:
    export = {"download": {"path": "/rows/{join('-', ['a', job.id])}"}}
    body = shop({"method": "POST", "export": export})
    body["resources"].append({"name": "others", "endpoint": {"path": "/others"}})
    assert invented(tmp_path, body).notes == [
        "items: no response of its export job can be invented; record a cassette"
    ]


def test_a_resource_without_a_schema_has_ids_and_names(tmp_path: Path) -> None:
    body = shop(ONE)
    del body["resources"][0]["schema"]
    mock = invented(tmp_path, body, rows=2)
    assert [one.keys() for one in items(asked(mock, "GET /items").body)] == [{"id", "name"}] * 2


def test_config_without_a_default_has_a_stand_in(tmp_path: Path) -> None:
    body = {**shop(ONE), "config": {"region": {"type": "string"}}}
    body["client"]["base_url"] = f"{API}/{{config.region}}"
    assert invented(tmp_path, body).notes == []
