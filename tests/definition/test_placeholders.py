"""Text with placeholders: what is one, what is a brace, and what fits neither."""

import pytest

from framework.definition.expressions.placeholders import (
    Literal,
    Placeholder,
    TemplateError,
    escape,
    parse_template,
    placeholders,
)


@pytest.mark.parametrize("text", ["plain", "", "{{literal}}", "a {{ b }} c"])
def test_text_without_placeholders_is_one_literal(text):
    parts = parse_template(text)
    assert "".join(part.text for part in parts) == text.replace("{{", "{").replace("}}", "}")
    assert all(isinstance(part, Literal) for part in parts)


@pytest.mark.parametrize(
    ("text", "kind", "name", "expression"),
    [
        ("{config.page_size}", "config", "page_size", None),
        ("{secrets.token}", "secrets", "token", None),
        ("{incremental.start_value}", "incremental", "start_value", None),
        ("{event_id}", "param", "event_id", None),
        ("{settings.x}", "expression", "", "settings.x"),
        ("{now}", "expression", "", "now"),
        ("{parent.id}", "expression", "", "parent.id"),
        ("{config.a || '}'}", "expression", "", "config.a || '}'"),
        ("{config.a.b}", "expression", "", "config.a.b"),
        ("{if(config.eu, `{}`, 'us')}", "expression", "", "if(config.eu, `{}`, 'us')"),
        ("{resources.users.id}", "resources", "users", "id"),
        ("{resources.users}", "resources", "users", ""),
        ("{resources.users.split(uri, '/')[-1]}", "resources", "users", "split(uri, '/')[-1]"),
        ("{resources.users.{a: b}.a}", "resources", "users", "{a: b}.a"),
        ("{resources.users.split(uri, '}')[0]}", "resources", "users", "split(uri, '}')[0]"),
        ('{resources.users."a{b".c}', "resources", "users", '"a{b".c'),
        (r"{resources.users.split(a, '\'}')}", "resources", "users", r"split(a, '\'}')"),
    ],
)
def test_a_placeholder_alone(text, kind, name, expression):
    (part,) = parse_template(text)
    assert isinstance(part, Placeholder)
    assert (part.kind, part.name, part.expression) == (kind, name, expression)
    assert part.text == text[1:-1]


def test_placeholders_and_text_stay_in_order():
    parts = parse_template("/{config.a}{{x}}/{resources.p.b}_copy")
    shown = [part.text for part in parts]
    assert shown == ["/", "config.a", "{x}/", "resources.p.b", "_copy"]
    assert [p.offset for p in placeholders("/{config.a}/{id}")] == [1, 12]


def test_a_placeholder_may_stand_in_literal_braces():
    shown = [part.text for part in parse_template("{{{config.a}}}")]
    assert shown == ["{", "config.a", "}"]


@pytest.mark.parametrize(
    ("text", "offset"),
    [("{", 0), ("a{b", 1), ("a}", 1), ("{}", 0), ("x{ }", 1), ("{resources.p.split(a, '}", 0)],
)
def test_braces_that_do_not_fit_are_refused(text, offset):
    with pytest.raises(TemplateError) as caught:
        parse_template(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize("text", ["{", "a{b}c", "}}", "{{x}}"])
def test_escaped_text_stands_for_itself(text):
    assert "".join(part.text for part in parse_template(escape(text))) == text
