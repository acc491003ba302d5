import subprocess
import sys
from pathlib import Path

import pytest

from framework.definition.schema.json_schema import (
    Draft202012Validator,
    format_checker,
    is_plain_schema,
    misfit_of,
    schema_error,
)

FORMATS = {
    "date-time": (
        ("2026-11-23T00:00:00Z", "2026-01-01t00:00:00.5+02:00"),
        ("yesterday", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "\n"),
    ),
    "date": (("2026-11-23",), ("2026-13-23", "2026-1-1", "20260101")),
    "time": (("12:00:00", "12:00:00Z", "07:05:09.5+01:00"), ("25:00:00", "12:00", "12:00:61")),
    "duration": (
        ("P1DT2H", "PT0.5S", "P1Y2M", "P2W", "-P1D"),
        ("2 hours", "P", "PT", "P1DT", "P1H", "PT1D", "P1M1Y", "P1W2D"),
    ),
    "email": (("ada@example.com",), ("ada",)),
    "idn-email": (("ada@exämple.com",), ("ada",)),
    "hostname": (("a", "a-b.example.com"), ("", "-a.b", "a..b", "a_b.c", "a b", "x" * 64)),
    "idn-hostname": (("exämple.com",), ("a..b",)),
    "ipv4": (("127.0.0.1",), ("127.0.0.256", "::1")),
    "ipv6": (("::1",), ("127.0.0.1", "::g")),
    "uri": (
        (
            "https://example.com/a?b=c#d",
            "http://[::1]:80/x",
            "mailto:a@b",
            "file:///x",
            "http://u:p@h",
        ),
        ("no uri", "//a/b", "http://[::g]/", "http://a/%zz", "http://ä.de", "http://h:x", "1a:b"),
    ),
    "uri-reference": (("", "/a/b", "//h/p", "?q", "a/b:c", "../x"), ("a b", ":a", "1a:b", "ä")),
    "iri": (("https://ö.de/ä", "urn:ä"), ("no", "http://a b", "ä:b")),
    "iri-reference": (("ä", "/ö?ü#ß"), ("a b", "ä:b")),
    "uri-template": (("http://a/{b}", "{?x,y*}", "{+p:3}"), ("{", "}", "{a b}", "{}", "{x:0}")),
    "json-pointer": (("", "/a/b", "/~0~1"), ("a", "/~", "/~2", "#/a")),
    "relative-json-pointer": (("0", "1/a", "0#"), ("", "01", "#", "1a", "-1")),
    "regex": (("^a+$",), ("(",)),
    "uuid": (
        ("12345678-1234-5678-1234-567812345678",),
        ("1234", "12345678123456781234567812345678"),
    ),
}
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
    assert is_plain_schema(schema)
    assert schema_error(schema) is None
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("schema", WRONG, ids=str)
def test_wrong_schemas_are_refused_as_jsonschema_refuses_them(schema):
    assert not is_plain_schema(schema)
    assert schema_error(schema) is not None


def test_what_is_not_plain_is_still_judged_by_the_metaschema():
    schema = {"$anchor": "a", "contentMediaType": "text/plain", "$dynamicRef": "#a"}
    assert not is_plain_schema(schema)
    assert schema_error(schema) is None


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_checked(name):
    right, wrong = FORMATS[name]
    for value in right:
        assert misfit_of({"format": name}, value) is None, value
    for value in wrong:
        assert misfit_of({"format": name}, value) is not None, value
    assert misfit_of({"format": name}, 5) is None


def test_every_format_of_json_schema_is_checked():
    assert set(format_checker().checkers) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_long_text_is_judged_in_time(name):
    for text in ("a" * 20_000, "http://" + "a:" * 10_000, "//" + "a@" * 10_000, "?" * 20_000):
        misfit_of({"format": name}, text + " ")


def test_the_slow_libraries_of_jsonschema_are_not_imported():
    program = (
        "import sys; import framework.definition.schema.json_schema; "
        "slow = {'rfc3987_syntax', 'isoduration', 'lark', 'arrow'}; "
        "print(slow & set(sys.modules))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "set()"
