"""JMESPath in every place where dlt takes a JSONPath, and JSONPath where it starts with `$`."""

import copy

import pytest

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.extract.paging.selectors import JmesPath, finder, to_dlt
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Answer


def items(web, answer):
    web.on("/items", answer)
    return web.url


def page(asked):
    start = int(asked.param("offset") or asked.param("page") or asked.param("at") or 0)
    more = start < 2
    return {
        "all": {"rows": [{"id": start, "keep": start % 2 == 0}], "none": None},
        "meta": {
            "left": {"count": 3, "any": more},
            "go": [None, str(start + 1)] if more else [],
            "links": [{"rel": "next", "href": f"?at={start + 1}"}] if more else [],
        },
    }


@pytest.mark.parametrize(
    "paginator",
    [
        {"type": "cursor", "cursor_param": "at", "cursor_path": "meta.go[-1]"},
        {
            "type": "cursor",
            "cursor_param": "at",
            "cursor_path": "to_string(sum([all.rows[0].id, `1`]))",
            "has_more_path": "meta.left.any == `true`",
        },
        {"type": "json_link", "next_url_path": "meta.links[?rel == 'next'].href | [0]"},
        {"type": "page_number", "base_page": 0, "total_path": "meta.left.count"},
        {"type": "page_number", "base_page": 0, "total_path": "to_string(meta.left.count)"},
        {
            "type": "page_number",
            "base_page": 0,
            "total_path": None,
            "has_more_path": "not_null(meta.left.any, `false`)",
        },
        {"type": "offset", "limit": 1, "total_path": "meta.left.count"},
        {"type": "cursor", "cursor_param": "at", "cursor_path": "$.meta.go[1]"},
        {"type": "json_link", "next_url_path": "$.meta.links[0].href"},
    ],
)
def test_a_paginator_reads_by_expression(tmp_path, web, paginator):
    body = one_list(items(web, page), {"paginator": paginator, "data_selector": "all.rows"})
    assert [record["id"] for record in opened(tmp_path, body).read("items")] == [0, 1, 2]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("all.rows", [{"id": 0, "keep": True}]),
        ("all.rows[?keep]", [{"id": 0, "keep": True}]),
        ("all.rows[?!keep]", []),
        ("all.rows[].{key: id}", [{"key": 0}]),
        ("all.rows[].id", [{"value": 0}]),
        ("meta.left", [{"count": 3, "any": True}]),
        ("values(meta)[0]", [{"count": 3, "any": True}]),
        ("$.all.rows", [{"id": 0, "keep": True}]),
        ("$.meta.left", [{"count": 3, "any": True}]),
    ],
)
def test_data_selector_finds(tmp_path, web, selector, expected):
    body = one_list(items(web, page), {"data_selector": selector})
    assert opened(tmp_path, body).read("items") == expected


def test_a_list_of_one_list_stays_one_page(tmp_path, web):
    body = one_list(items(web, {"rows": [[{"id": 1}, {"id": 2}]]}), {"data_selector": "rows[0]"})
    assert opened(tmp_path, body).read("items") == [{"id": 1}, {"id": 2}]


def test_a_resolve_takes_an_expression(tmp_path, web):
    web.on("/items", [{"uri": "https://api.example.com/x/A%20B"}])
    web.on("/items/{id}/parts", lambda asked: [{"of": asked.parts["id"]}])
    body = one_list(web.url)
    body["resources"].append(
        {
            "name": "parts",
            "write_disposition": "replace",
            "endpoint": {
                "path": "/items/{item}/parts",
                "paginator": "single_page",
                "params": {
                    "item": {
                        "type": "resolve",
                        "resource": "items",
                        "field": "split(uri, '/')[-1]",
                    }
                },
            },
        }
    )
    assert opened(tmp_path, body).read("parts") == [{"of": "A%20B"}]
    assert web.paths() == ["/items", "/items/A%2520B/parts"]


def test_a_placeholder_takes_an_expression_with_braces_and_quotes(tmp_path, web):
    web.on("/items", [{"a": {"b": "x}y"}, "n": 3}])
    web.on("/parts", lambda asked: [dict(asked.query)])
    body = one_list(web.url)
    body["resources"].append(
        {
            "name": "parts",
            "write_disposition": "replace",
            "endpoint": {
                "path": "/parts",
                "paginator": "single_page",
                "params": {
                    "one": "{resources.items.{k: a.b}.k}",
                    "two": "{resources.items.join('}', [a.b, 'z'])}",
                    "three": "{resources.items.n}",
                },
            },
        }
    )
    assert opened(tmp_path, body).read("parts") == [{"one": "x}y", "two": "x}y}z", "three": "3"}]


def test_a_selector_survives_being_copied():
    path = to_dlt(compile_expression("a[?b == 'c']"))
    assert isinstance(path, JmesPath)
    assert copy.deepcopy(path).find({"a": [{"b": "c"}]})[0].value == [{"b": "c"}]
    assert path.find({"a": None}) == []
    assert str(path) == "a[?b == 'c']"


def test_a_finder_gives_the_first_value_or_nothing():
    assert finder("$.a[*].b")({"a": [{"b": 1}, {"b": 2}]}) == 1
    assert finder("$.a.b")({"a": {}}) is None
    assert finder(compile_expression("a.b"))({"a": {"b": 0}}) == 0


def test_an_expression_that_fails_on_an_answer_names_the_resource(tmp_path, web):
    from framework.errors import FrameworkError

    body = one_list(items(web, Answer(200, {"n": 5})), {"data_selector": "sort(n)"})
    with pytest.raises(FrameworkError, match=r"^items: .*`sort\(n\)`"):
        opened(tmp_path, body).read("items")
