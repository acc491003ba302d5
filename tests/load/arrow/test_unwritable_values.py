"""What dlt takes and then cannot write: on both paths it arrives, or ends its own resource."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.both_paths import assert_same, load, load_both, resource, shop
from tests.support.loaded_tables import left_in
from tests.support.run_verbs import tables

Json = Any
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "price": {"type": "string", "format": "decimal"},
        "day": {"type": "string", "format": "date"},
        "parts": {
            "type": "array",
            "items": {"type": "object", "properties": {"no": {"type": "integer"}}},
        },
    },
}


def test_a_wrong_text_that_looks_like_a_time_leaves_room_for_others(project: Path) -> None:
    first = [{"id": 1, "price": "2024-01-01T10:00:00Z", "parts": [{"no": "2024-01-01T10:00:00Z"}]}]
    second = [{"id": 2, "price": "none", "parts": [{"no": "none"}]}]
    ours, theirs = load_both(project, [resource("rows", SCHEMA)], {"rows": first}, {"rows": second})
    assert_same(ours, theirs)
    assert ours.columns["rows"]["price__v_text"] == ("VARCHAR", "YES")
    assert ours.columns["rows__parts"]["no__v_text"] == ("VARCHAR", "YES")
    assert len(ours.trees["rows"]) == 2


@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["with a schema", "without one"])
def test_numbers_past_64_bits_arrive_beside_others_whatever_came_first(
    project: Path, schema: Json
) -> None:
    values = [5, 2**63, 1e30, 2**64 - 1, -(2**70), 6, [7, 2**63], {"deep": 2**63}]
    records = [{"id": number, "new": value} for number, value in enumerate(values)]
    report = load(shop(project, resource("rows", schema)), project, {"rows": records})
    assert report.status == "ok"
    with tables(project) as found:
        rows = {row["id"]: row for row in found.rows("rows")}
        assert [rows[n]["new"] for n in (0, 5)] == [5, 6]
        assert [rows[n]["new__v_text"] for n in (1, 3, 4)] == [str(values[n]) for n in (1, 3, 4)]
        assert rows[2]["new__v_double"] == 1e30
        assert rows[7]["new__deep__v_text"] == str(2**63)
        items = found.rows("rows__new", order="_dlt_list_idx")
        assert [(row["value"], row["value__v_text"]) for row in items] == [
            (7, None),
            (None, str(2**63)),
        ]


@pytest.mark.parametrize("schema", [SCHEMA, None], ids=["with a schema", "without one"])
def test_a_list_under_a_key_without_a_name_does_not_land_in_its_holders_table(
    project: Path, schema: Json
) -> None:
    records = [{"id": 1, "": [{"x": 1}], "o": {"__": [2]}}, {"id": 2, " ": 3}]
    report = load(shop(project, resource("rows", schema)), project, {"rows": records})
    assert report.status == "ok"
    (second, first) = left_in(project).trees["rows"]
    assert '"rows___empty": [[0, {"x": "1"}]]' in first
    assert '"rows__o___empty": [[0, {"value": "2"}]]' in first
    assert '"_empty": "3"' in second


def test_json_columns_of_a_resource_without_a_schema_keep_their_values(project: Path) -> None:
    own = resource("rows", None, columns={"free": {"data_type": "json"}})
    records = [{"id": 1, "free": {"": 1e30}}]
    assert load(shop(project, own), project, {"rows": records}).status == "ok"
    with tables(project) as found:
        assert found.rows("rows")[0]["free"] == {"": 1e30}


def test_a_second_field_for_the_primary_keys_column_fails_its_resource_alone(
    project: Path,
) -> None:
    connector = shop(project, resource("rows", SCHEMA), resource("others", SCHEMA))
    given = {"rows": [{"id": 1, "ID": "x"}], "others": [{"id": 1}]}
    report = load(connector, project, given)
    assert report.resources["others"].status == "ok"
    assert "`ID`, which has the same column as its primary key `id`" in str(
        report.resources["rows"].error
    )


def test_a_primary_key_inside_an_object_is_one_on_both_paths(project: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "ref": {"type": "object", "properties": {"no": {"type": "integer"}}},
            "name": {"type": "string"},
        },
    }
    own = resource("rows", schema, primary_key="ref__no")
    first = [{"ref": {"no": 1}, "name": "a"}, {"ref": {"no": 2}, "name": "b"}]
    ours, theirs = load_both(project, [own], {"rows": first}, {"rows": [{"ref": {"no": 1}}]})
    assert_same(ours, theirs)
    assert len(ours.trees["rows"]) == 2
    report = load(shop(project / "null", own), project / "null", {"rows": [{"ref": None}]})
    assert "null or nothing in `ref__no`" in str(report.resources["rows"].error)
