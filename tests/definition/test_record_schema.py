"""JSON Schema to columns and child tables: the table of types in the reference."""

import pytest

from framework.definition.schema.record_schema import field_schema, may_be_null, table_of


def record(**properties):
    return {"type": "object", "properties": properties}


def types(schema):
    return {column.name: column.data_type for column in table_of(schema).columns}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "email"}, "text"),
        ({"type": "string", "format": "date-time"}, "timestamp"),
        ({"type": ["string", "null"], "format": "date"}, "date"),
        ({"type": "string", "format": "time"}, "time"),
        ({"type": "string", "format": "decimal"}, "decimal"),
        ({"type": "number", "format": "decimal"}, "decimal"),
        ({"type": ["string", "number", "null"], "format": "decimal"}, "decimal"),
        ({"type": "integer"}, "bigint"),
        ({"type": "number"}, "double"),
        ({"type": ["integer", "number"]}, "double"),
        ({"type": "boolean"}, "bool"),
        ({"type": "object"}, "json"),
        ({"type": "array"}, "json"),
        ({}, "json"),
        ({"type": ["string", "object"]}, "json"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "text"),
        ({"oneOf": [{"type": "null"}, {"type": "string", "format": "date-time"}]}, "timestamp"),
        ({"anyOf": [{"type": "string"}, {"type": "object"}]}, "json"),
        ({"anyOf": [{"type": "string"}, {"enum": ["a"]}]}, "text"),
        ({"enum": ["a", "b"]}, "text"),
        ({"const": 1}, "bigint"),
        ({"$ref": "#/$defs/when"}, "timestamp"),
        ({"$ref": "#/$defs/absent"}, "json"),
        (True, "json"),
    ],
    ids=str,
)
def test_a_field_becomes(field, expected):
    schema = {
        **record(field=field),
        "$defs": {"when": {"type": "string", "format": "date-time"}},
    }
    assert types(schema) == {"field": expected}


@pytest.mark.parametrize(
    ("field", "nullable"),
    [
        ({"type": "string"}, False),
        ({"type": ["string", "null"]}, True),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"$ref": "#/$defs/maybe"}, True),
        ({"enum": ["a", None]}, True),
        ({}, True),
    ],
    ids=str,
)
def test_null_is_what_the_schema_says(field, nullable):
    schema = {**record(field=field), "$defs": {"maybe": {"type": ["string", "null"]}}}
    (column,) = table_of(schema).columns
    assert column.nullable is nullable
    assert may_be_null(field, schema) is nullable


def test_objects_are_flattened_and_lists_become_tables():
    table = table_of(
        record(
            uri={"type": "string"},
            payment={"type": ["object", "null"], "properties": {"unitAmount": {"type": "number"}}},
            tags={"type": "array", "items": {"type": "string"}},
            meta=record(
                guests={"type": "array", "items": record(email={"type": "string"})},
            ),
        )
    )
    assert [column.name for column in table.columns] == ["uri", "payment__unit_amount"]
    assert table.columns[1].path == ("payment", "unitAmount")
    assert table.columns[1].nullable
    assert [suffix for suffix, _ in table.tables()] == ["", "tags", "meta__guests"]
    tags, guests = table.children
    assert tags.scalars
    assert [column.name for column in tags.columns] == ["value"]
    assert guests.path == ("meta", "guests")
    assert not guests.scalars


def test_tables_below_tables_carry_their_whole_suffix():
    answers = {"type": "array", "items": record(text={"type": "string"})}
    table = table_of(record(questions={"type": "array", "items": record(answers=answers)}))
    assert [suffix for suffix, _ in table.tables()] == ["", "questions", "questions__answers"]


def test_a_schema_that_holds_itself_ends_in_json():
    schema = record(self={"$ref": "#"}, nodes={"type": "array", "items": {"$ref": "#/$defs/node"}})
    schema["$defs"] = {
        "node": record(
            left={"$ref": "#/$defs/node"}, all={"type": "array", "items": {"$ref": "#/$defs/node"}}
        )
    }
    table = table_of(schema)
    assert [(c.name, c.data_type) for c in table.columns] == [("self", "json")]
    assert types(schema) == {"self": "json"}
    (nodes,) = table.children
    assert [(c.name, c.data_type) for c in nodes.columns] == [("left", "json"), ("all", "json")]


def test_a_reference_to_itself_alone_ends():
    schema = {**record(a={"$ref": "#/$defs/a"}), "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert types(schema) == {"a": "json"}


def test_required_is_told_through_objects():
    schema = record(a={**record(b={"type": "string"}), "required": ["b"]}, c={"type": "string"})
    schema["required"] = ["a"]
    assert {c.name: c.required for c in table_of(schema).columns} == {"a__b": True, "c": False}


def test_descriptions_are_kept():
    schema = record(a={"type": "string", "description": "What it is."})
    assert table_of(schema).columns[0].description == "What it is."


def test_a_field_is_found_by_its_keys():
    schema = record(meta=record(changed={"type": "string"}))
    assert field_schema(schema, ("meta", "changed")) == {"type": "string"}
    assert field_schema(schema, ("meta", "created")) is None
    assert field_schema(schema, ("absent", "created")) is None
