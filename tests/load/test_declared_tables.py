"""What a run leaves in the tables, and what it warns of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.errors import DestinationError, FrameworkError
from tests.support.run_verbs import (
    Heard,
    codes,
    connector_of,
    later,
    load,
    loaded,
    plain,
    statuses,
    tables,
    values,
    warnings_of,
)
from tests.support.servers.web import Web

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
        "price": {"type": ["string", "number", "null"], "format": "decimal"},
        "size": {"type": "object", "properties": {"cm": {"type": ["number", "null"]}}},
        "tags": {"type": "array", "items": {"type": "string"}},
        "parts": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "holes": {"type": "array", "items": {"type": "integer"}},
                },
            },
        },
        "free": {"description": "Whatever."},
    },
    "required": ["id"],
}


def things(web: Web, **changes: Any) -> dict[str, Any]:
    """A connector with one resource, `things`, in one page."""
    endpoint = {"path": "/things", "paginator": "single_page", "data_selector": "items"}
    resource = {
        "name": "things", "primary_key": "id", "write_disposition": "merge",
    }  # fmt: skip
    return {
        "client": {"base_url": web.url, "retry": {"max_retries": 0}},
        "resources": [{**resource, "endpoint": endpoint, **changes}],
    }


def test_tables_of_a_declared_schema_are_there_without_any_row(web: Web, project: Path) -> None:
    web.on("/things", {"items": []})
    report = load(connector_of(project, things(web, schema=SCHEMA)), project)
    assert (report.status, codes(report)) == ("ok", [("things", "no-records")])
    with tables(project) as found:
        assert found.columns("things") == {
            "id": "BIGINT",
            "at": "TIMESTAMP WITH TIME ZONE",
            "price": "DECIMAL(38,9)",
            "size__cm": "DOUBLE",
            "free": "JSON",
        }
        assert found.columns("things__tags") == {"value": "VARCHAR"}
        assert found.columns("things__parts") == {"name": "VARCHAR"}
        assert found.columns("things__parts__holes") == {"value": "BIGINT"}

    # rows that come later go into the same tables
    part = {"name": "leg", "holes": [3, 4]}
    record = {"id": 1, "price": "1.10", "size": None, "tags": ["a"], "parts": [part], "free": "x"}
    web.on("/things", {"items": [record, {"id": 2, "parts": None, "size": {"cm": 2}}]})
    report = load(connector_of(project, things(web, schema=SCHEMA)), project, now=later())
    assert (report.status, codes(report)) == ("ok", [])
    with tables(project) as found:
        assert [row["size__cm"] for row in plain(found.rows("things", order="id"))] == [None, 2.0]
        assert [row["value"] for row in found.rows("things__parts__holes", order="value")] == [3, 4]


def test_a_parent_key_without_a_type_makes_its_table_with_the_first_row(
    web: Web, project: Path
) -> None:
    schema = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    body = things(web, schema=SCHEMA)
    parts = {
        "name": "parts",
        "primary_key": ["_things_id", "id"],
        "write_disposition": "merge",
        "include_from_parent": ["id"],
        "schema": schema,
        "endpoint": {
            "path": "/things/{resources.things.id}/parts",
            "paginator": "single_page",
            "data_selector": "items",
        },
    }
    body["resources"].append(parts)
    web.on("/things", {"items": [{"id": 1}]})
    web.on("/things/1/parts", {"items": []})
    report = load(connector_of(project, body), project)
    assert report.status == "ok"
    assert values(project, "things") == [1]
    web.on("/things/1/parts", {"items": [{"id": 7}]})
    assert load(connector_of(project, body), project, now=later()).status == "ok"
    assert values(project, "parts", "_things_id") == [1]


def test_a_resource_without_a_schema_and_records_makes_no_table_and_a_warning(
    web: Web, project: Path
) -> None:
    web.on("/things", {"items": []})
    connector = connector_of(project, things(web))
    report = load(connector, project)
    assert codes(report) == [("things", "no-records")]
    assert report.query is None
    # an earlier run explains it
    web.on("/things", {"items": [{"id": 1}]})
    load(connector, project)
    web.on("/things", {"items": []})
    assert codes(load(connector, project, now=later())) == []
    assert values(project, "things") == [1]


def test_a_field_with_two_underscores_in_its_name_has_one_column(web: Web, project: Path) -> None:
    web.on("/things", {"items": [{"id": 1, "unit__price": 2}]})
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "unit__price": {"type": "integer"}},
    }
    assert codes(load(connector_of(project, things(web, schema=schema)), project)) == []
    with tables(project) as found:
        assert plain(found.rows("things")) == [{"id": 1, "unit__price": 2}]


def test_a_replace_that_would_empty_a_table_is_warned_of(web: Web, project: Path) -> None:
    web.on("/things", {"items": [{"id": 1}]})
    connector = connector_of(project, things(web, write_disposition="replace"))
    load(connector, project)
    web.on("/things", {"items": []})
    report = load(connector, project)
    assert codes(report) == [("things", "no-records")]
    assert values(project, "things") == []


def test_a_selector_that_matches_nothing_is_told_with_the_keys_that_there_are(
    web: Web, project: Path
) -> None:
    web.on("/things", {"data": [{"id": 1}], "more": False})
    report = load(connector_of(project, things(web)), project)
    message = report.resources["things"].error or ""
    assert "`items`" in message
    assert "data, more" in message


def test_fields_that_the_schema_does_not_declare_are_loaded_and_named(
    web: Web, project: Path
) -> None:
    record = {"id": 1, "colour": "red", "size": {"kg": 3}, "parts": [{"weight": 1}], "more": [{}]}
    web.on("/things", {"items": [record]})
    heard = Heard()
    report = load(connector_of(project, things(web, schema=SCHEMA)), project, on_event=heard)
    assert codes(report) == [("things", "undeclared-fields")]
    message = warnings_of(report, "things")[0].message
    for name in ("colour", "size__kg", "parts__weight", "more"):
        assert name in message
    assert values(project, "things", "colour") == ["red"]
    assert heard.steps == ["extract", "normalize", "load"]


def test_fields_that_a_step_of_the_file_sets_need_no_declaration(web: Web, project: Path) -> None:
    web.on("/things", {"items": [{"id": 1, "colour": "red"}]})
    steps = [
        {"set": {"shade.name": "colour", "parts": "[colour]"}},
        {"rename": {"colour": "paint"}},
    ]
    connector = connector_of(project, things(web, schema=SCHEMA, processing_steps=steps))
    assert codes(load(connector, project)) == []
    assert values(project, "things", "paint") == ["red"]


def test_a_field_of_the_parent_needs_no_declaration_however_it_is_written(
    web: Web, project: Path
) -> None:
    web.on("/things", {"items": [{"id": 1, "itemCode": "a"}]})
    web.on("/things/1/parts", {"items": [{"id": 2}]})
    file = things(web)
    part = {**file["resources"][0], "name": "parts", "include_from_parent": ["itemCode"]}
    part["endpoint"] = {**part["endpoint"], "path": "/things/{resources.things.id}/parts"}
    part["schema"] = {"type": "object", "properties": {"id": {"type": "integer"}}}
    file["resources"].append(part)
    assert codes(load(connector_of(project, file), project)) == []
    assert values(project, "parts", "_things_item_code") == ["a"]


def test_the_column_of_deleted_rows_needs_no_declaration(web: Web, project: Path) -> None:
    web.on("/things", {"items": [{"id": 1}]})
    file = things(web, schema=SCHEMA, deletes="mark", write_disposition="merge")
    assert codes(load(connector_of(project, file), project)) == []


@pytest.mark.parametrize("schema", [None, SCHEMA], ids=["no schema", "a schema"])
@pytest.mark.parametrize("key", [None, 2**70], ids=["null key", "huge integer"])
def test_a_record_that_fits_no_table_is_an_error_of_one_line_and_leaves_nothing(
    web: Web, project: Path, key: Any, schema: Any
) -> None:
    web.on("/things", {"items": [{"id": 7}, {"id": key}]})
    declared = {} if schema is None else {"schema": schema}
    connector = connector_of(project, things(web, **declared))
    failed = load(connector, project)
    assert (failed.status, statuses(failed)) == ("failed", {"things": "failed"})
    assert "`id`, which is its primary key" in str(failed.resources["things"].error)
    web.on("/things", {"items": [{"id": 7}]})
    report = load(connector, project)
    assert (report.status, report.notes) == ("ok", [])
    assert values(project, "things") == [7]


def test_append_appends_replace_replaces_merge_merges(web: Web, project: Path) -> None:
    base = things(web)["resources"][0]
    resources = [
        {**base, "name": way, "table_name": f"{way}_table", "write_disposition": way}
        for way in ("append", "replace", "merge")
    ]
    connector = connector_of(project, {**things(web), "resources": resources})
    web.on("/things", {"items": [{"id": 1, "v": "old", "tags": [1, 2]}, {"id": 2, "v": "old"}]})
    load(connector, project)
    web.on("/things", {"items": [{"id": 1, "v": "new", "tags": [3]}, {"id": 3, "v": "new"}]})
    report = load(connector, project)
    assert loaded(report) == {"append": 2, "replace": 2, "merge": 2}
    with tables(project) as found:
        pairs = {
            way: sorted((row["id"], row["v"]) for row in found.rows(f"{way}_table"))
            for way in ("append", "replace", "merge")
        }
        tags = {
            way: sorted(row["value"] for row in found.rows(f"{way}_table__tags")) for way in pairs
        }
    assert pairs == {
        "append": [(1, "new"), (1, "old"), (2, "old"), (3, "new")],
        "replace": [(1, "new"), (3, "new")],
        "merge": [(1, "new"), (2, "old"), (3, "new")],
    }
    assert tags == {"append": [1, 2, 3], "replace": [3], "merge": [3]}


def test_two_records_of_one_key_in_one_run_leave_one(web: Web, project: Path) -> None:
    web.on("/things", {"items": [{"id": 1, "v": 1, "tags": [1]}, {"id": 1, "v": 2, "tags": [2]}]})
    load(connector_of(project, things(web, schema=SCHEMA)), project)
    with tables(project) as found:
        rows = found.rows("things")
        assert len(rows) == 1
        assert len(found.rows("things__tags")) == 1


@pytest.mark.parametrize("before", [{}, {"columns": {"number": {"description": "none yet"}}}])
def test_a_primary_key_that_the_table_lacks_is_refused_before_any_request(
    web: Web, project: Path, before: dict[str, Any]
) -> None:
    web.on("/things", {"items": [{"id": 7, "code": "a"}]})
    load(connector_of(project, things(web, **before)), project)
    web.asked.clear()
    steps = [{"set": {"number": "code"}}]
    changed = connector_of(project, things(web, primary_key="number", processing_steps=steps))
    with pytest.raises(FrameworkError, match="no column `number`, which is now the primary key"):
        load(changed, project)
    assert web.asked == []
    assert load(changed, project, refresh=True).status == "ok"
    assert values(project, "things", "number") == ["a"]


def test_a_column_with_values_can_become_the_primary_key(web: Web, project: Path) -> None:
    web.on("/things", {"items": [{"id": 7, "code": "a"}, {"id": 8, "code": "b"}]})
    load(connector_of(project, things(web)), project)
    for key in ("code", ["id", "code"]):
        assert load(connector_of(project, things(web, primary_key=key)), project).status == "ok"
        assert values(project, "things", "code") == ["a", "b"]


def test_what_a_destination_refuses_for_good_does_not_stay_in_the_way(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of a table that no row survives, which is not found out before."""
    web.on("/things", {"items": [{"id": 7, "code": "a"}]})
    load(connector_of(project, things(web)), project)
    steps = [{"set": {"number": "code"}}]
    changed = connector_of(project, things(web, primary_key="number", processing_steps=steps))
    with monkeypatch.context() as unchecked:
        unchecked.setattr("framework.load.runner.refuse_other_tables", lambda *_: None)
        with pytest.raises(DestinationError, match="NOT NULL"):
            load(changed, project)
    report = load(changed, project, refresh=True)
    assert report.status == "ok"
    assert "NOT NULL" in report.notes[0]
    assert report.notes[0].endswith("It is read again.")
    assert values(project, "things", "number") == ["a"]
