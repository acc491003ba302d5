"""`schema_contract` on both paths: what evolves, what ends the resource, what is discarded and
counted; the same in DuckDB and PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.load.report import Report
from tests.support.both_paths import Into, load, resource, shop
from tests.support.loaded_tables import Left

Json = Any
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "size": {"type": "integer"},
        "tags": {"type": "array", "items": {"type": "integer"}},
        "parts": {
            "type": "array",
            "items": {"type": "object", "properties": {"no": {"type": "integer"}}},
        },
    },
}
RECORDS = [
    {"id": 1, "size": 5, "tags": [1], "parts": [{"no": 1}, {"no": 2}]},
    {"id": 2, "size": "large", "tags": [2, "two"], "parts": [{"no": 3}, {"no": "four"}]},
    {"id": 3, "size": 6, "color": "red", "parts": [{"no": 5, "color": "red"}]},
    {"id": 4, "size": 7, "notes": [{"text": "a"}], "color": None, "notes_of": []},
]


def loaded(project: Path, into: Into, contract: Json) -> tuple[Report, list[Json]]:
    """The report and the rows with their children, without what is not of interest here."""
    folder = project / project.name
    connector = shop(folder, resource("rows", SCHEMA, schema_contract=contract))
    options, read = into(folder)
    report = load(connector, folder, {"rows": RECORDS}, **options)
    if report.status != "ok":
        return report, []
    left: Left = read(folder)
    return report, sorted((json.loads(t) for t in left.trees["rows"]), key=lambda row: row["id"])


def told(report: Report) -> dict[str, str]:
    return {w.code: w.message for w in report.resources["rows"].warnings}


def items(row: Json, table: str) -> list[Json]:
    return [item for _, item in row.get(table, [])]


def test_evolve_makes_columns_and_tables_and_says_so(project: Path, way: None, into: Into) -> None:
    report, rows = loaded(project, into, "evolve")
    assert [row.get("size") for row in rows] == ["5", None, "6", "7"]
    assert rows[1]["size__v_text"] == "large"
    assert items(rows[1], "rows__tags") == [{"value": "2"}, {"value__v_text": "two"}]
    assert items(rows[2], "rows__parts") == [{"no": "5", "color": "red"}]
    assert items(rows[3], "rows__notes") == [{"text": "a"}]
    message = told(report)["undeclared-fields"]
    for field in ("color", "parts__color", "notes (a list)"):
        assert field in message
    variants = told(report)["variant-columns"]
    assert "`size` also in size__v_text" in variants
    assert "`tags__value` also in tags__value__v_text" in variants
    assert "notes_of" not in message


def test_discarded_values_leave_their_rows_and_are_counted(
    project: Path, way: None, into: Into
) -> None:
    report, rows = loaded(project, into, "discard_value")
    assert rows[1] == {
        "id": "2",
        "rows__tags": [[0, {"value": "2"}], [1, {}]],
        "rows__parts": [[0, {"no": "3"}], [1, {}]],
    }
    assert rows[2] == {"id": "3", "size": "6", "rows__parts": [[0, {"no": "5"}]]}
    assert rows[3] == {"id": "4", "size": "7"}
    discarded = [w.message for w in report.resources["rows"].warnings if w.code == "discarded"]
    fields = ("size", "tags", "parts.no", "color", "parts.color", "notes")
    assert sorted(discarded) == sorted(
        f"schema_contract discarded 1 value: `{field}` differs from its declaration in the schema"
        for field in fields
    )
    assert "undeclared-fields" not in told(report)


def test_discarded_rows_are_gone_with_all_below_them_and_counted(
    project: Path, way: None, into: Into
) -> None:
    report, rows = loaded(project, into, {"columns": "discard_row", "data_type": "discard_row"})
    assert [row["id"] for row in rows] == ["1", "4"]
    assert items(rows[1], "rows__notes") == [{"text": "a"}]
    discarded = [w.message for w in report.resources["rows"].warnings if w.code == "discarded"]
    assert discarded[0].startswith("schema_contract discarded 1 row: `size`")
    assert len(discarded) == 2


@pytest.mark.parametrize(
    ("entity", "field", "value", "record"),
    [
        ("data_type", "size", "text", "id=2"),
        ("columns", "color", "text", "id=3"),
        ("tables", "notes", "a list", "id=4"),
    ],
)
def test_freeze_ends_the_resource_and_names_field_value_and_record(
    project: Path,
    way: None,
    into: Into,
    entity: str,
    field: str,
    value: str,
    record: str,
) -> None:
    report, _ = loaded(project, into, {entity: "freeze"})
    error = str(report.resources["rows"].error)
    assert f"rows: `{field}` holds {value}" in error
    assert f"schema_contract freezes {entity}. The record is {record}" in error
