import subprocess
import sys
import types
from pathlib import Path

import pytest

from framework.definition.json_schema import (
    Draft202012Validator,
    SchemaError,
    check_schema,
    plainly_valid,
)

FORMATS = [
    ("date-time", "2026-11-23T00:00:00Z", "yesterday"),
    ("date", "2026-11-23", "2026-13-23"),
    ("uri", "https://example.com/a?b=c", "no uri"),
    ("duration", "P1DT2H", "2 hours"),
    ("email", "ada@example.com", "ada"),
]
RIGHT = [
    True,
    {},
    {"type": ["string", "null"], "format": "date-time", "x-keep": True},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    {"$defs": {"a": {"enum": [1, None]}}, "items": {"$ref": "#/$defs/a"}},
    {"anyOf": [{"const": 1}, {"minimum": 0, "multipleOf": 0.5}], "description": "x"},
    {"pattern": "^a+$", "minLength": 0, "maxItems": 5, "uniqueItems": True},
]
WRONG = [
    None,
    [],
    "string",
    {"type": "text"},
    {"type": []},
    {"type": ["string", "string"]},
    {"properties": []},
    {"properties": {"a": {"type": "datetime"}}},
    {"required": "a"},
    {"required": ["a", "a"]},
    {"minimum": "1"},
    {"minLength": -1},
    {"multipleOf": 0},
    {"anyOf": []},
    {"items": [{"type": "string"}]},
    {"pattern": "("},
    {"additionalProperties": {"not": {"enum": 1}}},
    {"$ref": 5},
    {"$defs": {"a": 5}},
    {"uniqueItems": "yes"},
]


@pytest.mark.parametrize("schema", RIGHT, ids=str)
def test_right_schemas_pass_and_quickly(schema):
    assert plainly_valid(schema)
    check_schema(schema)
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("schema", WRONG, ids=str)
def test_wrong_schemas_are_refused_as_jsonschema_refuses_them(schema):
    assert not plainly_valid(schema)
    with pytest.raises(SchemaError):
        check_schema(schema)


def test_what_is_not_plain_is_still_judged_by_the_metaschema():
    check_schema({"$anchor": "a", "contentMediaType": "text/plain", "$dynamicRef": "#a"})


@pytest.mark.parametrize(("name", "right", "wrong"), FORMATS)
def test_formats_are_checked_though_their_libraries_come_late(name, right, wrong):
    validator = Draft202012Validator(
        {"format": name}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    assert validator.is_valid(right)
    assert not validator.is_valid(wrong)


def test_the_slowest_library_is_asked_when_its_format_is_met(monkeypatch):
    library = types.ModuleType("rfc3987_syntax")
    library.is_valid_syntax = lambda term, text: (term, text) == ("iri", "https://example.com/ä")
    monkeypatch.setitem(sys.modules, "rfc3987_syntax", library)
    validator = Draft202012Validator(
        {"format": "iri"}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    assert validator.is_valid("https://example.com/ä")
    assert not validator.is_valid("https://example.com/ö")


def test_the_slow_libraries_are_not_imported_and_nothing_of_ours_stands_in_their_place():
    program = (
        "import sys; import framework.definition.json_schema; "
        "slow = {'rfc3987_syntax', 'isoduration', 'lark', 'arrow', 'rfc3986_validator'}; "
        "print(slow & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "set()"
