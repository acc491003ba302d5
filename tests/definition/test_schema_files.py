"""The schemas that come with us: closed, described, and readable one mistake at a time."""

from pathlib import Path

import pytest

from framework.definition.finder import shared_schema
from framework.definition.schema.json_schema import Draft202012Validator
from framework.definition.schema.schema_findings import check_format
from framework.definition.yaml_reader import parse_document

NAMES = (
    *("connector", "finding", "run-report", "log-event"),
    *("fleet", "fleet-plan", "fleet-report", "fleet-status"),
)
FILES = ("connector", "fleet")
"""The schemas of files that people write."""
MESSAGE_CASES = sorted((Path(__file__).parent / "cases" / "format").glob("*.yaml"))


def parts(schema, path=()):
    """Every subschema that is a mapping, with its path."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in ("properties", "$defs", "patternProperties"):
        for name, inner in schema.get(key, {}).items():
            yield from parts(inner, (*path, key, name))
    for key in ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not"):
        if key in schema:
            yield from parts(schema[key], (*path, key))
    for key in ("allOf", "anyOf", "oneOf"):
        for index, inner in enumerate(schema.get(key, [])):
            yield from parts(inner, (*path, key, index))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_json_schema(name):
    Draft202012Validator.check_schema(shared_schema(name))


@pytest.mark.parametrize("name", NAMES)
def test_every_key_has_a_description(name):
    schema = shared_schema(name)
    silent = [
        "/".join(map(str, path))
        for path, part in parts(schema)
        if len(path) > 1
        and path[-2] == "properties"
        and not {"if", "not"} & set(path)
        and "description" not in part
        and "description"
        not in schema.get("$defs", {}).get(part.get("$ref", "/").rsplit("/", 1)[1], {})
    ]
    assert silent == []


@pytest.mark.parametrize("name", FILES)
def test_nothing_in_it_buries_the_real_mistake(name):
    for path, part in parts(shared_schema(name)):
        assert not {"oneOf", "unevaluatedProperties", "unevaluatedItems"} & set(part), path


@pytest.mark.parametrize("name", FILES)
def test_every_mapping_is_closed_or_says_what_its_values_are(name):
    for path, part in parts(shared_schema(name)):
        if "properties" in part and not {"if", "then", "not"} & set(path):
            assert part.get("additionalProperties") is False, path


@pytest.mark.parametrize("name", FILES)
def test_references_are_used_and_lead_somewhere(name):
    schema = shared_schema(name)
    named = {part["$ref"].removeprefix("#/$defs/") for _, part in parts(schema) if "$ref" in part}
    assert named == set(schema["$defs"])


@pytest.mark.parametrize("name", FILES)
def test_examples_and_defaults_fit(name):
    schema = shared_schema(name)
    for path, part in parts(schema):
        if "if" in path:
            continue
        fitting = Draft202012Validator({**part, "$defs": schema["$defs"]})
        for value in [*part.get("examples", ()), *([part["default"]] if "default" in part else [])]:
            assert [error.message for error in fitting.iter_errors(value)] == [], path


def test_what_both_files_have_is_the_same_in_both():
    connector, fleet = (shared_schema(name)["$defs"] for name in FILES)
    for name in connector.keys() & fleet.keys():
        assert fleet[name] == connector[name], name


def test_findings_fit_their_own_schema():
    validator = Draft202012Validator(shared_schema("finding"))
    for case in MESSAGE_CASES:
        document, _ = parse_document(case.read_text(), case.name)
        validator.validate([finding.as_dict() for finding in check_format(document)])
