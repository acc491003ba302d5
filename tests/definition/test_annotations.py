"""`x-kind` and `x-context` in the connector schema: complete, closed, and found in a document."""

import re

import pytest

from framework.definition.finder import shared_schema
from framework.definition.rules.expression_rules import AVAILABLE
from framework.definition.schema.annotations import annotated_values
from framework.definition.schema.connector_schema import connector_schema, keys_at, schemas_at

KINDS = {
    "graphql",
    "template",
    "secret",
    "expression",
    "duration",
    "period",
    "time_format",
    "zone",
    "binding",
}
DEFINITIONS = shared_schema("connector")["$defs"]


def places(place=()):
    """Every place of a connector file that the schema describes, with its schemas."""
    yield place, schemas_at(place)
    for key in keys_at(place):
        yield from places((*place, key))
    for step in ("*", 0):
        if schemas_at((*place, step)):
            yield from places((*place, step))


PLACES = list(places())
NOTES = [(place, part) for place, parts in PLACES for part in parts if "x-kind" in part]


def kinds(place):
    return {part.get("x-kind") for part in schemas_at(place)}


def test_kinds_and_contexts_are_known():
    assert {part["x-kind"] for _, part in NOTES} == KINDS
    contexts = {part["x-context"] for _, part in NOTES if "x-context" in part}
    assert contexts <= set(AVAILABLE)
    missing = {
        place for place, part in NOTES if part["x-kind"] == "expression" and "x-context" not in part
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("definition", "kind"),
    [
        ("duration", "duration"),
        ("duration_or_seconds", "duration"),
        ("lag", "duration"),
        ("period", "period"),
        ("time_format", "time_format"),
    ],
)
def test_every_property_of_a_type_has_its_kind(definition, kind):
    """By the text that messages show for the type, as the resolved schema has no `$ref`."""
    expected = DEFINITIONS[definition]["x-expected"]
    found = [
        place for place, parts in PLACES for part in parts if part.get("x-expected") == expected
    ]
    assert found
    assert [place for place in found if kind not in kinds(place)] == []


def test_every_key_whose_description_says_jmespath_is_an_expression():
    described = [
        place
        for place, parts in PLACES
        for part in parts
        if re.match(r"(A )?JMESPath\b", part.get("description", ""))
        and part.get("type") == "string"
    ]
    assert described
    assert [place for place in described if "expression" not in kinds(place)] == []


def test_every_key_with_a_placeholder_in_its_examples_is_a_template():
    def is_template(place):
        return any(kinds(place[:end]) & {"template", "secret"} for end in range(len(place) + 1))

    shown = [
        place
        for place, parts in PLACES
        for part in parts
        for example in part.get("examples", ())
        if isinstance(example, str) and re.search(r"\{(config|secrets)\.", example)
    ]
    assert shown
    wrong = [
        place for place in shown if not is_template(place) and "expression" not in kinds(place)
    ]
    assert wrong == []


def test_every_secret_is_text_of_an_auth_or_of_tls():
    secrets = {place for place, part in NOTES if part["x-kind"] == "secret"}
    assert secrets
    assert {place for place in secrets if not {"auth", "tls"} & {*place}} == set()


def test_what_is_annotated_is_found_with_its_place_and_context():
    client = {
        "base_url": "https://{config.host}",
        "timeout": "PT5S",
        "auth": {"type": "bearer", "token": "{secrets.t}"},
        "paginator": {"type": "cursor", "cursor_path": "next"},
    }
    found = {
        (one.pointer, one.kind, one.context, one.value)
        for one in annotated_values(client, ("client",))
    }
    assert found == {
        (("base_url",), "template", "setting", "https://{config.host}"),
        (("timeout",), "duration", "", "PT5S"),
        (("auth", "type"), "template", "setting", "bearer"),
        (("auth", "token"), "secret", "setting", "{secrets.t}"),
        (("paginator", "type"), "template", "setting", "cursor"),
        (("paginator", "cursor_path"), "expression", "paginator", "next"),
    }


def test_names_of_parameters_are_templates_and_bindings_are_not():
    params = {"{config.name}": "1", "id": {"type": "resolve", "resource": "a", "field": "b"}}
    found = {
        (one.pointer[2:], one.kind, one.key)
        for one in annotated_values({"endpoint": {"params": params}}, ("resources", 0))
    }
    assert found == {
        (("{config.name}",), "template", True),
        (("{config.name}",), "template", False),
        (("id",), "binding", False),
        (("id", "field"), "expression", False),
    }


def test_the_resolved_schema_is_the_file_without_references():
    assert "$ref" not in repr(connector_schema())
