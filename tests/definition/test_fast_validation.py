"""What is decided without jsonschema is what jsonschema decides."""

from __future__ import annotations

import copy
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.definition.schema.connector_schema import connector_schema
from framework.definition.schema.fast_validation import KEYWORDS, fits
from framework.definition.schema.json_schema import (
    _RARE_WORDS,
    _validator_class,
    format_checker,
    library,
)
from framework.definition.yaml_reader import read_document

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for folder in ("connectors", "tests/cases", "tests/definition")
    for path in (ROOT / folder).rglob("*.yaml")
)
VALUES = [
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2.5,
        1.0,
        float("nan"),
        "",
        "a",
        "abc",
        "{config.a}",
        "https://a.b",
    ),
    *([], ["a"], ["a", "a"], ["a", 1], [None], {}, {"a": 1}, {"a": "x", "b": None}, {"b": []}),
]
SCHEMAS = [
    *(True, False, {}, {"type": "integer"}, {"type": ["number", "null"]}, {"type": "boolean"}),
    *({"enum": [1, "a", None]}, {"enum": [True, 0.0, []]}, {"const": 1}, {"const": {"a": 1}}),
    *({"minLength": 1}, {"maxLength": 2}, {"minItems": 1}, {"maxItems": 1}, {"minProperties": 1}),
    *({"maxProperties": 1}, {"minimum": 0}, {"exclusiveMinimum": 0}, {"maximum": 1}),
    *({"exclusiveMaximum": 1}, {"required": ["a"]}, {"dependentRequired": {"a": ["b"]}}),
    *(
        {"pattern": "^a"},
        {"format": "date"},
        {"format": "uri"},
        {"uniqueItems": True},
        {"items": {"type": "string"}},
    ),
    *({"prefixItems": [{"const": "a"}], "items": False}, {"propertyNames": {"const": "a"}}),
    {"properties": {"a": {"type": "integer"}}, "additionalProperties": False},
    {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": False},
    {"additionalProperties": {"type": "null"}},
    {"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": ["array", "null"]}},
    {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
    {"oneOf": [{"type": "string"}, {"minLength": 2}]},
    {"contains": {"const": "a"}},
    {"multipleOf": 2},
    {"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": 0},
    {"then": False, "title": "x", "x-own": {"a": 1}},
]


def is_valid(schema: Any, value: Any) -> bool:
    return bool(library().Draft202012Validator(schema).is_valid(value))


def is_format_valid(schema: Any, value: Any) -> bool:
    checker = format_checker()
    return bool(_validator_class()(schema, format_checker=checker).is_valid(value))


def combined(schema: Any, other: Any) -> Iterator[Any]:
    yield schema
    yield {"not": schema}
    yield {"allOf": [schema, other]}
    yield {"anyOf": [schema, other]}
    yield {"not": {"anyOf": [schema, {"not": other}]}}


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_what_is_said_to_fit_is_valid(schema: Any) -> None:
    for other, value in itertools.product(SCHEMAS, VALUES):
        for whole in combined(schema, other):
            for inside, deeper in ((whole, value), ({"properties": {"c": whole}}, {"c": value})):
                if fits(inside, deeper, is_own=True):
                    assert is_valid(inside, deeper), (inside, deeper)
                if fits(inside, deeper):
                    assert is_format_valid(inside, deeper), (inside, deeper)


def test_connector_files_are_decided_as_by_jsonschema() -> None:
    fitting = []
    for path in FILES:
        document, _ = read_document(path, path.name)
        if document is not None:
            expected = is_valid(connector_schema(), document.data)
            assert fits(connector_schema(), document.data, is_own=True) == expected, path
            fitting += [document.data] * expected
    assert len(fitting) > 50
    for data in fitting[::20]:
        for changed in itertools.islice(mutations(data), 0, None, 7):
            expected = is_valid(connector_schema(), changed)
            assert fits(connector_schema(), changed, is_own=True) <= expected


def mutations(data: Any) -> Iterator[Any]:
    """Yield the document with one value replaced, or one key added or removed."""
    for path in places(data):
        for new in (None, 5, "a", [], {"type": "x"}, ...):
            changed = copy.deepcopy(data)
            holder = changed
            for step in path[:-1]:
                holder = holder[step]
            if new is ...:
                del holder[path[-1]]
            else:
                holder[path[-1]] = new
            yield changed


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    inner = data.items() if isinstance(data, dict) else ()
    inner = enumerate(data) if isinstance(data, list) else inner
    for step, value in inner:
        yield from places(value, (*path, step))


@pytest.mark.parametrize(
    "schema",
    [
        {"minLength": "a"},
        {"type": "text"},
        {"type": 5},
        {"properties": []},
        {"enum": 5},
        {"required": True},
        {"anyOf": 1},
        {"items": 5},
        {"dependentRequired": {"a": 1}},
        5,
        None,
    ],
    ids=str,
)
def test_a_schema_that_is_not_valid_fits_nothing(schema: Any) -> None:
    for value in ("abc", ["a"], {"a": 1}):
        if fits(schema, value):
            assert is_valid(schema, value)


def test_all_keywords_of_jsonschema_are_known_words() -> None:
    assert library().Draft202012Validator.VALIDATORS.keys() <= {*KEYWORDS, *_RARE_WORDS}


def test_a_valid_file_is_validated_without_jsonschema() -> None:
    script = (
        "import sys\n"
        "from framework.definition.finder import find_connector\n"
        "from framework.definition.validation import validate\n"
        "assert validate(find_connector(sys.argv[1])).connector\n"
        "sys.exit('jsonschema' in sys.modules)"
    )
    file = ROOT / "connectors" / "scheduling.yaml"
    assert subprocess.run([sys.executable, "-c", script, file], check=False).returncode == 0
