"""Braces in headers of the client: plain, except around placeholders."""

import random

import pytest

from framework.definition.expressions.literal_braces import (
    literal_form,
    literal_template,
    literal_text,
)
from framework.definition.expressions.placeholders import Literal, TemplateError, parse_template
from tests.support.validating import codes, judge_data


def read(text):
    """The parts as tests write them: plain texts, and placeholders in a list."""
    parts = parse_template(literal_template(text))
    return [part.text if isinstance(part, Literal) else [part.text] for part in parts]


@pytest.mark.parametrize(
    "text",
    [
        "{{x}}",
        "{x}",
        "{}",
        "}{",
        "{",
        '{"a": {"b": [1, {}]}}',
        "{'a': 1}",
        "{user.name}",
        "{token}",
        "{now: 1}",
        '{"now"}',
        "{% if x %}",
        "{config}",
        '{"config.x": "secrets.y"}',
    ],
)
def test_what_dlt_sends_as_it_is(text):
    assert read(text) == [text]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("{config.x}", [["config.x"]]),
        ("{ secrets.x }", [["secrets.x"]]),
        ("Bearer {secrets.x}", ["Bearer ", ["secrets.x"]]),
        ("{format_time(now, '%Y')}", [["format_time(now, '%Y')"]]),
        ("{now}", [["now"]]),
        ("{[config.a, secrets.b] | join('', @)}", [["[config.a, secrets.b] | join('', @)"]]),
        ("{config.x || '}'}", [["config.x || '}'"]]),
        ('{"a":{secrets.x}}', ['{"a":', ["secrets.x"], "}"]),
        ('{"a": {"b": "{secrets.x}"}}', ['{"a": {"b": "', ["secrets.x"], '"}}']),
        ("{{config.x}}", ["{config.x}"]),
        ("{{{config.x}}}", ["{", ["config.x"], "}"]),
        ("{{{{config.x}}}}", ["{{config.x}}"]),
    ],
)
def test_placeholders_are_found_among_plain_braces(text, parts):
    assert read(text) == parts


def test_any_text_can_be_written():
    chance = random.Random(1)
    pieces = ["{", "}", "{{", "}}", "config.x", "now", "x", '"a": ', "to_string('a')", " ", "'"]
    written = 0
    for _ in range(3000):
        text = "".join(chance.choice(pieces) for _ in range(chance.randint(1, 7)))
        try:
            parts = read(literal_text(text))
        except TemplateError:  # it begins as a placeholder and has no end
            continue
        written += 1
        assert "".join(part for part in parts if isinstance(part, str)) == text
    assert written > 2000


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{{"a": 1}}', '{"a": 1}'),
        ('{{"a": "{config.x}"}}', '{"a": "{config.x}"}'),
        ('{{"a": {config.x}}}', '{"a": {config.x}}'),
        ('{{"a": {{{config.x}}}}}', '{"a": {{{config.x}}}}'),
        ("{{config.x}}", "{{config.x}}"),
        ("Bearer {secrets.x}", "Bearer {secrets.x}"),
    ],
)
def test_a_template_is_written_as_such_a_text(template, text):
    assert literal_form(template) == text
    assert parse_template(literal_template(text)) == parse_template(template)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{x}}", set()),
        ('{"a": 1}', set()),
        ("{config.region}", set()),
        ("{secret.token}", {"unknown-placeholder"}),
        ("{format_tme(now)}", {"bad-placeholder"}),
        ("{config.region", {"bad-braces"}),
        ("{incremental.start_value}", {"placeholder-not-here"}),
        ('{{"a": "{config.region}"}}', {"doubled-braces"}),
        ("{{{{x}}}}", set()),
    ],
)
def test_what_validate_says_of_a_header_of_the_client(text, found):
    client = {"base_url": "https://a.example.com", "paginator": "single_page"}
    body = {
        "config": {"region": {"type": "string", "default": "eu"}},
        "client": {**client, "headers": {"X-A": text, "X-Region": "{config.region}"}},
        "resources": [{"name": "a", "write_disposition": "replace"}],
    }
    assert codes(judge_data(body)) == found
