"""Keys that repeat are told, missing ones end their resource, what is left out is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.run_verbs import codes, connector_of, load, statuses, values, warnings_of
from tests.support.servers.web import Web

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "n": {"type": "integer"}},
    "required": ["id"],
}


def body(web: Web, **resource: Any) -> dict[str, Any]:
    return {
        "client": {"base_url": web.url},
        "resources": [
            {
                "name": "things",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {"path": "/things", "paginator": "single_page"},
                **resource,
            },
            {
                "name": "others",
                "write_disposition": "replace",
                "endpoint": {"path": "/others", "paginator": "single_page"},
            },
        ],
    }


@pytest.fixture(autouse=True)
def _others(web: Web) -> None:
    web.on("/others", [{"a": 1}])


@pytest.mark.parametrize("schema", [None, SCHEMA], ids=["dlt's path", "columnar"])
@pytest.mark.parametrize(
    ("disposition", "loaded"), [("merge", [-2, -1, 1]), ("replace", [-2, -1, 1, 1])]
)
def test_a_key_that_repeats_is_told(
    web: Web, project: Path, schema: Any, disposition: str, loaded: list[int]
) -> None:
    web.on("/things", [{"id": 1}, {"id": -1}, {"id": -2}, {"id": 1, "n": 2}])
    more = {"schema": schema} if schema else {}
    report = load(connector_of(project, body(web, write_disposition=disposition, **more)), project)
    assert codes(report) == [("things", "keys-repeated")]
    message = warnings_of(report, "things")[0].message
    assert "1 of 4 records repeat a primary key (`id`)" in message
    assert values(project, "things") == loaded


def test_keys_of_several_fields_and_other_spellings_are_counted(web: Web, project: Path) -> None:
    web.on("/things", [{"Id": "a", "n": 1}, {"Id": "a", "n": 2}, {"Id": "a", "n": 2}])
    report = load(connector_of(project, body(web, primary_key=["id", "n"])), project)
    assert "1 of 3 records" in warnings_of(report, "things")[0].message


@pytest.mark.parametrize(
    "items", [[{"id": 1}, {"id": None}], [{"id": 1}, {"n": 1}], ["text", 5], [{"ID_": 1}]]
)
def test_a_record_without_its_key_fails_its_resource_alone(
    web: Web, project: Path, items: Any
) -> None:
    web.on("/things", items)
    report = load(connector_of(project, body(web)), project)
    assert statuses(report) == {"things": "failed", "others": "ok"}
    error = report.resources["things"].error or ""
    assert error.startswith("things: a record has null or nothing in `id`, which is its primary")
    assert values(project, "others", "a") == [1]


def test_what_a_filter_or_the_contract_leaves_out_is_counted(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1, "n": 1}, {"id": 2, "n": "x"}, {"id": 3}, {"id": 4, "n": 4}])
    steps = {"processing_steps": [{"filter": "id != `3`"}]}
    contract = {"schema": SCHEMA, "schema_contract": {"data_type": "discard_row"}}
    report = load(connector_of(project, body(web, **steps, **contract)), project)
    part = report.resources["things"]
    assert part.left_out == {"filter": 1, "contract": 1}
    assert part.rows == 2
    assert ("things", "discarded") in codes(report)


def test_a_filter_that_leaves_nothing_is_named(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1}, {"id": 2}])
    steps = [{"filter": "id == `7`"}]
    report = load(connector_of(project, body(web, processing_steps=steps)), project)
    assert codes(report) == [("things", "no-records")]
    assert "processing_steps removed all records (2)" in warnings_of(report, "things")[0].message


def test_what_was_loaded_before_is_counted(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1, "n": 5}, {"id": 2, "n": 7}])
    incremental = {"cursor_path": "n", "initial_value": 0}
    endpoint = {"path": "/things", "paginator": "single_page", "incremental": incremental}
    connector = connector_of(project, body(web, endpoint=endpoint))
    assert load(connector, project).resources["things"].left_out == {}
    assert load(connector, project).resources["things"].left_out == {"incremental": 2}


def test_a_key_past_64_bits_fails_its_resource_alone_and_loads_as_text(
    web: Web, project: Path
) -> None:
    web.on("/things", [{"id": 2**70}])
    report = load(connector_of(project, body(web)), project)
    assert statuses(report) == {"things": "failed", "others": "ok"}
    assert "past 64 bits, in `id`, which is its primary key" in (
        report.resources["things"].error or ""
    )
    steps = [{"cast": {"id": "string"}}]
    assert load(connector_of(project, body(web, processing_steps=steps)), project).status == "ok"
    assert values(project, "things") == [str(2**70)]


TEXT = {"columns": {"id": {"data_type": "text"}}}


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([1, "x"], "text in `id`, which is its primary key, and the key's column has integers"),
        ([1, 2.5], "a number in `id`, which is its primary key, and the key's column has integers"),
        (["2026-01-01T00:00:00Z", "x"], "text in `id`, which is its primary key, and the key's"),
    ],
)
def test_keys_of_several_kinds_fail_their_resource_alone_and_load_as_text(
    web: Web, project: Path, ids: list[Any], said: str
) -> None:
    web.on("/things", [{"id": value} for value in ids])
    report = load(connector_of(project, body(web)), project)
    assert statuses(report) == {"things": "failed", "others": "ok"}
    error = report.resources["things"].error or ""
    assert error.startswith(f"things: a record has {said}")
    assert "columns: {id: {data_type: text}}." in error
    assert values(project, "others", "a") == [1]
    assert load(connector_of(project, body(web, **TEXT)), project).status == "ok"
    assert values(project, "things") == sorted(map(str, ids))


def test_a_key_of_another_kind_than_the_loaded_column_fails_its_resource_alone(
    web: Web, project: Path
) -> None:
    web.on("/things", [{"id": 1}])
    load(connector_of(project, body(web)), project)
    web.on("/things", [{"id": "x"}])
    report = load(connector_of(project, body(web)), project)
    assert statuses(report) == {"things": "failed", "others": "ok"}
    error = report.resources["things"].error or ""
    assert error.endswith("columns: {id: {data_type: text}}, and reload with --refresh.")
    assert values(project, "things") == [1]
    report = load(connector_of(project, body(web, **TEXT)), project, refresh=True)
    assert (report.status, values(project, "things")) == ("ok", ["x"])


def test_a_loaded_key_is_known_by_its_column_whatever_the_file_calls_it(
    web: Web, project: Path
) -> None:
    web.on("/things", [{"Id": 1}])
    load(connector_of(project, body(web, primary_key="Id")), project)
    web.on("/things", [{"Id": "x"}])
    report = load(connector_of(project, body(web, primary_key="Id")), project)
    error = report.resources["things"].error or ""
    assert error.endswith("columns: {Id: {data_type: text}}, and reload with --refresh.")


def test_keys_that_are_one_in_their_column_are_told(web: Web, project: Path) -> None:
    web.on("/things", [{"id": 1, "n": 1}, {"id": "1", "n": 2}, {"id": "2", "n": 3}])
    report = load(connector_of(project, body(web)), project)
    assert codes(report) == [("things", "keys-repeated")]
    assert values(project, "things") == [1, 2]
