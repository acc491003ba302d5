"""Schemas proposed from records."""

from __future__ import annotations

from typing import Any

import pytest

from framework.authoring.scaffold.infer_schema import infer_schema
from framework.definition.schema.json_schema import Draft202012Validator
from framework.definition.schema.record_schema import table_of

RECORDS: list[dict[str, Any]] = [
    {"id": 1, "at": "2026-01-02T03:04:05.678Z", "day": "2026-01-02", "price": "10.50", "n": 1},
    {"id": 2, "at": None, "day": "2026-02-03", "price": "7.00", "n": 1.5, "nothing": None},
    {"id": 3, "at": "2026-01-02T03:04:05+02:00", "day": "2026-02-03", "price": "0.10", "n": 2},
]


def properties(records: list[dict[str, Any]], declared: Any = None) -> dict[str, Any]:
    found: dict[str, Any] = infer_schema(records, declared).schema["properties"]
    return found


def test_types_formats_and_nulls_are_told_from_the_values() -> None:
    inferred = infer_schema(RECORDS, None)
    assert inferred.schema["properties"] == {
        "id": {"type": "integer"},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "price": {"type": "string", "format": "decimal"},
        "n": {"type": "number"},
    }
    assert inferred.schema["required"] == ["id", "at", "day", "price", "n"]
    assert (inferred.records, inferred.undecided) == (3, ("nothing",))


def test_what_is_proposed_holds_the_records_it_is_from() -> None:
    validator = Draft202012Validator(infer_schema(RECORDS, None).schema)
    assert [error.message for record in RECORDS for error in validator.iter_errors(record)] == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1.2.3", "10.50"], {"type": "string"}),
        (["10.5", "7.1"], {"type": "string"}),
        (["https://example.com/a"], {"type": "string", "format": "uri"}),
        (["12:30", "12:30:05"], {"type": "string", "format": "time"}),
        ([True, 1], {"type": ["integer", "boolean"]}),
        (["a", 1], {"type": ["string", "integer"]}),
        ([{"a": 1}, "a"], {"type": ["string", "object"]}),
        ([["a"], []], {"type": "array", "items": {"type": "string"}}),
        (
            [[{"x": 1}, {"x": 2, "y": None}]],
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"x": {"type": "integer"}},
                    "required": ["x"],
                },
            },
        ),
    ],
)
def test_a_field_is_what_all_its_values_are(values: list[Any], expected: Any) -> None:
    assert properties([{"f": value} for value in values]) == {"f": expected}


def test_an_object_whose_keys_are_data_makes_no_columns() -> None:
    records = [{"views": {f"2026-01-{day:02d}-{n}": day}} for n in range(3) for day in range(1, 31)]
    schema = infer_schema(records, None).schema
    assert schema["properties"] == {"views": {"type": "object"}}
    assert [column.data_type for column in table_of(schema).columns] == ["json"]


def test_what_is_declared_stays_and_what_it_does_not_hold_is_added() -> None:
    declared = {
        "title": "Thing",
        "type": "object",
        "properties": {
            "id": {"type": "integer", "description": "The number."},
            "name": {"type": "string"},
            "size": {"type": "integer"},
            "old": {"type": "string", "description": "Seen no more."},
            "part": {"type": "object", "properties": {"a": {"type": "string"}}},
            "free": {},
        },
        "required": ["id", "name"],
    }
    records = [{"id": 1, "name": None, "size": 1.5, "part": {"a": "x", "b": 1}, "free": [1]}]
    assert infer_schema(records, declared).schema == {
        "title": "Thing",
        "type": "object",
        "properties": {
            "id": {"type": "integer", "description": "The number."},
            "name": {"type": ["string", "null"]},
            "size": {"type": "number"},
            "old": {"type": "string", "description": "Seen no more."},
            "part": {
                "type": "object",
                "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
            },
            "free": {},
        },
        "required": ["id", "name"],
    }
    assert declared["properties"]["name"] == {"type": "string"}
