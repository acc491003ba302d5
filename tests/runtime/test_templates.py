"""Placeholders filled and expanded: types, escapes, and what each place does to a value."""

import pytest

from framework.runtime.templates import Values, expand, fill
from tests.support.open_resource import one_list, opened

KNOWN = {
    "config.text": "a b/{c}",
    "config.number": 7,
    "config.yes": True,
    "config.list": [1, 2],
    "secrets.key": "k{1}",
}


def known(placeholder):
    return KNOWN[placeholder.text]


def filled(value, place="text"):
    return fill(value, known, place=place, final=True)


FINAL = {
    "plain": ("plain", "plain"),
    "a brace": ("{{x}}", "{x}"),
    "alone keeps its type": ("{config.number}", 7),
    "alone keeps a list": ("{config.list}", [1, 2]),
    "inside a text it is text": ("n={config.number}", "n=7"),
    "a boolean inside a text": ("on={config.yes}", "on=true"),
    "braces of a value stay": ("{config.text}!", "a b/{c}!"),
    "a secret": ("Token {secrets.key}", "Token k{1}"),
    "deep": ({"a": ["{config.number}", {"{config.text}": 1}]}, {"a": [7, {"a b/{c}": 1}]}),
    "no text": (None, None),
    "a number": (5, 5),
}


@pytest.mark.parametrize("case", FINAL)
def test_filling_gives(case):
    value, expected = FINAL[case]
    assert filled(value) == expected


@pytest.mark.parametrize(
    ("template", "place", "expected"),
    [
        ("/x/{config.text}", "path", "/x/a%20b%2F%7Bc%7D"),
        ("{config.text}", "path", "a%20b%2F%7Bc%7D"),
        ("/x/{config.text}/{resources.p.id}", "path", "/x/a%20b%2F%7Bc%7D/1%2F2"),
        ("/x/{{lit}}/{p}", "path", "/x/{lit}/%C3%A9"),
        ("{resources.p.id}", "json", "1/2"),
        ("{resources.p.on}", "json", True),
        ("{resources.p.on}", "query", "true"),
        ("{resources.p.on}", "text", "true"),
        ("{resources.p.n}", "json", 3),
        ("{resources.p.n}", "query", 3),
        ("{resources.p.n}", "text", "3"),
        ("{resources.p.n}", "path", "3"),
        ("{config.text}-{resources.p.n}", "query", "a b/{c}-3"),
        ("{config.text}", "query", "a b/{c}"),
        ("{config.yes}", "query", "true"),
        ("{config.yes}", "json", True),
        ("{config.number}", "json", 7),
        ("{secrets.key}", "text", "k{1}"),
        ("{{{resources.p.n}}}", "query", "{3}"),
        ({"{resources.p.n}": "{{k}}"}, "json", {"3": "{k}"}),
        ([["a", "{resources.p.n}"]], "text", [["a", "3"]]),
    ],
)
def test_what_is_filled_first_and_expanded_later_gives(template, place, expected):
    bound = {"resources.p.id": "1/2", "resources.p.on": True, "resources.p.n": 3, "p": "é"}
    half = fill(template, known, place=place, final=False)
    assert expand(half, bound, place) == expected


@pytest.mark.parametrize("value", [None, 1, 1.5, [1, "a"]])
def test_what_is_no_text_goes_out_as_it_is(value):
    assert expand(value, {}, "json") == value


def test_a_boolean_is_written_as_json_writes_it_in_a_query_only():
    assert expand({"a": True, "b": False}, {}, "query") == {"a": "true", "b": "false"}
    assert expand({"a": True}, {}, "json") == {"a": True}


def test_every_place_of_a_request_takes_placeholders(tmp_path, web):
    web.on("/v1/items/a%20b", [{"id": 1}], method="POST")
    body = one_list(
        "{config.base}/v1",
        {
            "path": "/items/{config.word}",
            "method": "POST",
            "params": {"on": "{config.on}", "off": False, "list": ["a", "b"], "n": "{config.n}"},
            "json": {"on": "{config.on}", "n": "{config.n}", "text": "<{config.n}>"},
            "headers": {"X-Word": "{config.word}!", "X-N": "{config.n}"},
        },
        headers={"X-Key": "{secrets.key}", "X-On": "{config.on}"},
    )
    body["config"] = {
        "base": {"type": "string", "default": web.url},
        "word": {"type": "string", "default": "a b"},
        "on": {"type": "boolean", "default": True},
        "n": {"type": "integer", "default": 7},
    }
    body["secrets"] = {"key": {}}
    assert opened(tmp_path, body, {"key": "abcdef"}).read("items") == [{"id": 1}]
    asked = web.asked[0]
    assert asked.query == (
        ("on", "true"),
        ("off", "false"),
        ("list", "a"),
        ("list", "b"),
        ("n", "7"),
    )
    assert asked.json() == {"on": True, "n": 7, "text": "<7>"}
    assert asked.headers["x-word"] == "a b!"
    assert asked.headers["x-n"] == "7"
    assert asked.headers["x-key"] == "abcdef"
    assert asked.headers["x-on"] == "true"


def test_a_header_that_is_a_number_or_a_boolean_is_sent_as_text(tmp_path, web):
    web.on("/items", [])
    body = one_list(web.url, {"headers": {"X-N": 7, "X-On": True}}, headers={"X-Version": "2"})
    opened(tmp_path, body).read("items")
    assert {web.asked[0].headers[name] for name in ("x-n", "x-on", "x-version")} == {
        "7",
        "true",
        "2",
    }


def test_a_null_takes_a_default_parameter_away(tmp_path, web):
    web.on("/items", [])
    body = one_list(web.url, {"params": {"count": None, "page": 1}})
    body["resource_defaults"] = {"endpoint": {"params": {"count": 100, "sort": "id"}}}
    opened(tmp_path, body).read("items")
    assert sorted(web.asked[0].query) == [("page", "1"), ("sort", "id")]


def test_a_slash_that_an_expression_writes_itself_stays_a_slash():
    values = Values({}, {"config": {"kind": "a/b"}})
    assert expand("/x/{join('/', ['y', config.kind])}", values, "path") == "/x/y/a/b"
    assert expand("/x/{upper(config.kind)}", values, "path") == "/x/A%2FB"
