"""Lists and their children read: order, once each, and what ends them."""

import random
import threading
import time

import pytest

from framework.errors import BindingError, FrameworkError, RecordError, RequestError
from framework.events import PageRead
from framework.extract.lists import parent_child as kept
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Answer, each


def parent_and_child(url, child=None, endpoint=None, parent=None, **client):
    """`parents` is a list with a cursor; `children` has one request for each of its records."""
    return {
        "client": {"base_url": url, "retry": {"backoff_factor": 0}, **client},
        "resource_defaults": {"write_disposition": "replace"},
        "resources": [
            {
                "name": "parents",
                "endpoint": {
                    "path": "/parents",
                    "paginator": {
                        "type": "cursor",
                        "cursor_param": "at",
                        "cursor_path": "next",
                    },
                    **(parent or {}),
                },
            },
            {
                "name": "children",
                **(child or {}),
                "endpoint": {
                    "path": "/parents/{resources.parents.id}/children",
                    "paginator": "single_page",
                    **(endpoint or {}),
                },
            },
        ],
    }


def paged(count, size=3):
    """Records with ids below `count`, by cursor."""

    def handle(asked):
        start = int(asked.param("at") or 0)
        found = [
            {"id": number, "n": number % 2} for number in range(start, min(start + size, count))
        ]
        return {"items": found, "next": start + size if start + size < count else None}

    return handle


def children(asked):
    return [{"of": int(asked.parts["id"]), "n": number} for number in range(2)]


def test_all_pages_of_a_parent_are_read_before_its_first_child(tmp_path, web):
    web.on("/parents", paged(7))
    web.on("/parents/{id}/children", children)
    shop = opened(tmp_path, parent_and_child(web.url))
    assert [record["of"] for record in shop.read("children")] == [n for n in range(7) for _ in "ab"]
    assert [path == "/parents" for path in web.paths()] == [True] * 3 + [False] * 7


def test_each_list_is_read_once_for_its_table_and_two_children(tmp_path, web):
    web.on("/parents", paged(7))
    web.on("/parents/{id}/children", children)
    web.on("/parents/{id}/others", children)
    body = parent_and_child(web.url)
    other = {**body["resources"][1], "name": "others"}
    other["endpoint"] = {**other["endpoint"], "path": "/parents/{resources.parents.id}/others"}
    body["resources"].append(other)
    shop = opened(tmp_path, body)
    assert len(shop.read("parents")) == 7
    assert len(shop.read("children")) == 14
    assert len(shop.read("others")) == 14
    assert web.paths().count("/parents") == 3
    assert len(web.asked) == 3 + 7 + 7


def test_a_parent_drained_by_its_child_still_has_its_pages(tmp_path, web):
    web.on("/parents", paged(7))
    web.on("/parents/{id}/children", children)
    shop = opened(tmp_path, parent_and_child(web.url))
    shop.take("parents", "children")
    assert len(shop.read("children")) == 14
    assert [len(page) for page in shop.readings["parents"].open_table()] == [3, 3, 1]
    assert web.paths().count("/parents") == 3


def test_what_a_sink_changes_in_a_parents_record_is_the_same_for_its_children(tmp_path, web):
    web.on("/parents", {"items": [{"id": 1, "at": {"city": "Rome", "zip": [1]}}]})
    web.on("/parents/{id}/children", lambda asked: [{"of": asked.parts["id"]}])
    body = parent_and_child(web.url)
    body["resources"][1]["include_from_parent"] = ["at"]
    body["resources"][1]["endpoint"]["params"] = {"city": "{resources.parents.at.city}"}
    shop = opened(tmp_path, body)
    shop.take("parents", "children")
    for page in shop.readings["parents"].open_table():
        page.records[0]["at"].clear()
    (child,) = shop.read("children")
    assert child["_parents_at"] == {"city": "Rome", "zip": [1]}
    assert web.asked[-1].param("city") == "Rome"


def test_a_grandchild_reads_through_both_levels(tmp_path, web):
    web.on("/parents", paged(2))
    web.on("/parents/{id}/children", children)
    web.on("/leaf", lambda asked: [dict(asked.query)])
    body = parent_and_child(web.url)
    body["resources"].append(
        {
            "name": "leaves",
            "endpoint": {
                "path": "/leaf",
                "paginator": "single_page",
                "params": {
                    "a": "{resources.children.of}",
                    "b": "{resources.children.n}",
                },
            },
        }
    )
    found = opened(tmp_path, body).read("leaves")
    assert found == [{"a": str(a), "b": str(b)} for a in range(2) for b in range(2)]


@pytest.mark.parametrize("in_flight", [1, 3, 20])
def test_order_is_kept_whatever_order_the_answers_come_in(tmp_path, web, in_flight):
    dice = random.Random(7)
    pauses = [dice.random() / 50 for _ in range(30)]

    def slow(asked):
        time.sleep(pauses[int(asked.parts["id"])])
        return children(asked)

    web.on("/parents", paged(30, 30))
    web.on("/parents/{id}/children", slow)
    shop = opened(tmp_path, parent_and_child(web.url), in_flight=in_flight)
    found = shop.read("children")
    assert found == [{"of": of, "n": n} for of in range(30) for n in range(2)]
    assert web.connections <= in_flight + 1


def test_no_more_are_in_flight_than_allowed(tmp_path, web):
    now, most, lock, full = 0, 0, threading.Lock(), threading.Barrier(4)

    def counted(_):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        full.wait(60)
        with lock:
            now -= 1
        return []

    web.on("/parents", paged(20, 20))
    web.on("/parents/{id}/children", counted)
    opened(tmp_path, parent_and_child(web.url, max_in_flight=4)).read("children")
    assert most == 4


def test_the_first_error_in_order_ends_the_list_and_the_rest_is_not_asked(tmp_path, web):
    web.on("/parents", paged(200, 200))
    web.on("/parents/{id}/children", lambda asked: time.sleep(0.002) or children(asked))
    web.on("/parents/3/children", Answer(400, {"message": "no"}))
    shop = opened(tmp_path, parent_and_child(web.url), in_flight=4)
    with pytest.raises(RequestError, match="/parents/3/children returned 400"):
        shop.read("children")
    time.sleep(0.05)
    assert len(web.asked) < 40


def test_a_childs_failure_names_the_parents_record_and_no_person(tmp_path, web):
    people = [{"id": number, "email": f"p{number}@example.com"} for number in range(9)]
    web.on("/parents", {"items": people})
    web.on("/parents/{id}/children", children)
    web.on("/parents/5/children", Answer(400, {"message": "no"}))
    body = parent_and_child(web.url)
    body["resources"][1]["endpoint"]["params"] = {"who": "{resources.parents.email}"}
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, body).read("children")
    assert str(caught.value).startswith("children: GET")
    assert "It is for the parents with `id` 5, `email` (a text)." in str(caught.value)
    assert "example.com" not in str(caught.value)
    assert caught.value.status == 400


def test_what_children_bind_of_many_records_is_kept_on_disk(tmp_path, web, monkeypatch):
    monkeypatch.setattr(kept, "BATCH", 10)
    monkeypatch.setattr(kept, "IN_MEMORY", 100)
    web.on("/parents", paged(205, 50))
    web.on("/parents/{id}/children", children)
    read = opened(tmp_path, parent_and_child(web.url)).read("children")
    assert [record["of"] for record in read] == [n for n in range(205) for _ in range(2)]


def test_an_error_of_the_parent_is_the_childs_too(tmp_path, web):
    web.on("/parents", Answer(500))
    body = parent_and_child(web.url, retry={"max_retries": 0})
    shop = opened(tmp_path, body)
    for name in ("parents", "children"):
        with pytest.raises(RequestError, match=r"^parents: GET"):
            shop.read(name)
    assert len(web.asked) == 1


def test_when_asks_only_for_records_that_it_holds_on(tmp_path, web):
    web.on("/parents", paged(6))
    web.on("/parents/{id}/children", children)
    shop = opened(tmp_path, parent_and_child(web.url, {"when": "n == `1`"}))
    shop.take("parents", "children")
    assert {record["of"] for record in shop.read("children")} == {1, 3, 5}
    assert len(shop.read("parents")) == 6


@pytest.mark.parametrize(
    ("value", "asked"),
    [(0, True), (False, False), (None, False), ("", False), ([], False), ({}, False), ("0", True)],
)
def test_when_has_the_truth_of_jmespath(tmp_path, web, value, asked):
    web.on("/parents", {"items": [{"id": 1, "flag": value}]})
    web.on("/parents/{id}/children", children)
    shop = opened(tmp_path, parent_and_child(web.url, {"when": "flag"}))
    assert bool(shop.read("children")) is asked


def test_include_from_parent_puts_fields_into_the_childs_records(tmp_path, web):
    web.on("/parents", paged(2))
    web.on("/parents/{id}/children", children)
    body = parent_and_child(web.url, {"include_from_parent": ["id", "n"]})
    found = opened(tmp_path, body).read("children")
    assert found[2] == {"of": 1, "n": 0, "_parents_id": 1, "_parents_n": 1}


def test_include_from_parent_of_a_field_that_is_missing_is_an_error(tmp_path, web):
    web.on("/parents", paged(2))
    web.on("/parents/{id}/children", children)
    body = parent_and_child(web.url, {"include_from_parent": ["colour"]})
    with pytest.raises(BindingError, match=r"wants `colour`, but a record of parents has only: id"):
        opened(tmp_path, body).read("children")


@pytest.mark.parametrize("record", [{"id": None}, {"other": 1}])
def test_a_binding_that_is_null_names_parent_and_field(tmp_path, web, record):
    web.on("/parents", {"items": [{"id": 5}, record]})
    web.on("/parents/{id}/children", children)
    shop = opened(tmp_path, parent_and_child(web.url)).take("parents", "children")
    with pytest.raises(BindingError) as caught:
        shop.read("children")
    assert str(caught.value).startswith("children: takes `id` from each record of parents, but a")
    assert shop.read("parents") == [{"id": 5}, record]
    assert web.paths() == ["/parents"]


def test_when_keeps_records_without_the_binding_from_failing(tmp_path, web):
    web.on("/parents", {"items": [{"id": None}, {"id": 4}]})
    web.on("/parents/{id}/children", children)
    shop = opened(tmp_path, parent_and_child(web.url, {"when": "id"}))
    assert {record["of"] for record in shop.read("children")} == {4}


def test_a_binding_that_fails_names_both_resources(tmp_path, web):
    web.on("/parents", {"items": [{"id": 5}]})
    body = parent_and_child(web.url, {"when": "contains(id, 'x')"})
    with pytest.raises(BindingError, match=r"^children: on a record of parents: .*contains"):
        opened(tmp_path, body).read("children")


def test_ignored_answers_of_children_are_empty_and_told_when_all_were(tmp_path, web):
    action = {"response_actions": [{"status_code": 404, "action": "ignore"}]}
    web.on("/parents", paged(3))
    web.on("/parents/{id}/children", Answer(404))
    shop = opened(tmp_path, parent_and_child(web.url, endpoint=action))
    assert shop.read("children") == []
    assert shop.heard.codes == ["all-ignored"]
    web.on("/parents/2/children", [{"of": 2}])
    shop = opened(tmp_path, parent_and_child(web.url, endpoint=action))
    assert shop.read("children") == [{"of": 2}]
    assert shop.heard.codes == []


def test_a_parents_processing_steps_are_what_its_children_see(tmp_path, web):
    web.on("/parents", paged(4))
    web.on("/parents/{id}/children", children)
    body = parent_and_child(web.url)
    body["resources"][0]["processing_steps"] = [{"filter": "n == `1`"}]
    assert {record["of"] for record in opened(tmp_path, body).read("children")} == {1, 3}


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_a_limit_counts_records_and_stops_asking(tmp_path, web, limit):
    web.on("/parents", paged(9))
    web.on("/parents/{id}/children", children)
    shop = opened(tmp_path, parent_and_child(web.url), limit=limit).take("parents", "children")
    assert len(shop.read("children")) == limit
    assert len(shop.read("parents")) == limit
    assert web.paths().count("/parents") == -(-limit // 3)


def test_pages_are_told(tmp_path, web):
    web.on("/parents", paged(4))
    shop = opened(tmp_path, parent_and_child(web.url))
    shop.read("parents")
    told = [event for event in shop.heard.events if isinstance(event, PageRead)]
    assert told == [PageRead("parents", 3), PageRead("parents", 1)]


def test_an_empty_page_in_the_middle_does_not_end_the_list(tmp_path, web):
    web.on(
        "/parents",
        each(
            {"items": [{"id": 1}], "next": "a"},
            {"items": [], "next": "b"},
            {"items": [{"id": 2}]},
        ),
    )
    body = parent_and_child(web.url, parent={"data_selector": "items"})
    assert opened(tmp_path, body).read("parents") == [{"id": 1}, {"id": 2}]


def test_a_page_that_repeats_itself_ends_with_an_error(tmp_path, web):
    web.on("/parents", {"items": [{"id": 1}], "next": "same"})
    with pytest.raises(
        RequestError, match=r"(?s)^parents: pagination does not end.*at=same.*as after page 1"
    ):
        opened(tmp_path, parent_and_child(web.url)).read("parents")
    assert len(web.asked) == 2


def test_a_cycle_of_pages_ends_with_an_error(tmp_path, web):
    following = {None: "a", "a": "b", "b": "c", "c": "a"}
    web.on(
        "/parents",
        lambda asked: {
            "items": [{"id": asked.param("at") or "first"}],
            "next": following[asked.param("at")],
        },
    )
    with pytest.raises(RequestError, match="pagination does not end"):
        opened(tmp_path, parent_and_child(web.url)).read("parents")
    assert len(web.asked) == 4


@pytest.mark.parametrize(
    "keys", [["hydra:member"], ["my items"], ["odata.value"], ["in", "x y"], ["*"], ["{a"], ['"']]
)
def test_a_list_that_is_found_without_a_selector_may_stand_under_any_key(tmp_path, web, keys):
    body = [{"id": 1}]
    for key in reversed(keys):
        body = {key: body}
    web.on("/items", {**body, "more": 5})
    assert opened(tmp_path, one_list(web.url)).read("items") == [{"id": 1}]


def test_a_next_page_under_keys_that_nobody_guesses_from_is_an_error_with_its_remedy(tmp_path, web):
    web.on(
        "/items",
        lambda asked: {
            "items": [{"id": asked.param("page")}],
            "hydra:view": {"next": None if asked.query else "/items?page=2"},
        },
    )
    body = one_list(web.url, {"paginator": "auto"})
    with pytest.raises(RequestError, match="items: no paginator is declared") as caught:
        opened(tmp_path, body).read("items")
    assert """next_url_path: '"a key".next'""" in str(caught.value)
    link = {"type": "json_link", "next_url_path": '"hydra:view".next'}
    found = opened(tmp_path, one_list(web.url, {"paginator": link})).read("items")
    assert found == [{"id": None}, {"id": "2"}]


def test_a_response_without_the_list_is_an_error_with_its_keys(tmp_path, web):
    web.on("/parents", {"itemz": [{"id": 1}], "count": 1})
    shop = opened(tmp_path, parent_and_child(web.url, parent={"data_selector": "data.items"}))
    with pytest.raises(RequestError, match=r"`data\.items` finds nothing") as caught:
        shop.read("parents")
    assert str(caught.value).startswith(f"parents: page 1 (GET {web.url}/parents) has no list")
    assert "its keys are itemz, count\n" in str(caught.value)
    assert shop.heard.codes == []


def test_an_error_in_a_response_without_the_list_is_said(tmp_path, web):
    web.on("/parents", {"data": None, "errors": [{"message": "no field titel"}]})
    shop = opened(tmp_path, parent_and_child(web.url, parent={"data_selector": "data.items"}))
    with pytest.raises(RequestError, match="reports an error: no field titel\n"):
        shop.read("parents")


PAGES = {"type": "page_number", "base_page": 1, "total_path": "pages"}


@pytest.mark.parametrize(
    ("paginator", "body", "told"),
    [
        (
            PAGES,
            {"ann@example.com": 1},
            "total_path `pages` finds nothing in the response; its keys are items, …\nWrite "
            "the path that the API uses: `total_path: PATH`, or `total_path: null` if the API "
            "sends no total.",
        ),
        (
            PAGES,
            {"pages": "many"},
            "total_path `pages` finds a value that is not a whole number\nWrite",
        ),
        (
            {**PAGES, "total_path": None, "has_more_path": "more"},
            {},
            "has_more_path `more` finds nothing in the response; its keys are items\nWrite the "
            "path that the API uses: `has_more_path: PATH`.",
        ),
        (
            {"type": "cursor", "cursor_path": "next", "has_more_path": "more"},
            {"next": "x", "more": 5},
            "has_more_path `more` finds a value that is not true or false\nWrite",
        ),
    ],
)
def test_what_the_paginator_does_not_find_is_said_in_the_words_of_the_file(
    tmp_path, web, paginator, body, told
):
    web.on("/parents", {"items": [{"id": 1}], **body})
    parent = {"data_selector": "items", "paginator": paginator}
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, parent_and_child(web.url, parent=parent)).read("parents")
    assert str(caught.value).startswith(f"parents: the paginator's {told}")


@pytest.mark.parametrize("body", [{"data": {"items": []}}, {"data": None}, {"next": None}, []])
def test_a_selector_that_finds_an_empty_list_is_not_said(tmp_path, web, body):
    web.on("/parents", body)
    shop = opened(tmp_path, parent_and_child(web.url, parent={"data_selector": "data.items"}))
    assert shop.read("parents") == []
    assert shop.heard.codes == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(200, "<!doctype html>", {"Content-Type": "text/html; charset=utf-8"}),
            "returned 200 with a body that is not valid JSON (text/html, 15 bytes)\nCheck base_u",
        ),
        (
            Answer(200, b'{"items": [{"id": 1', {"Content-Type": "application/json"}),
            "returned 200 with a body that is not valid JSON (application/json, 19 bytes)\nThe b",
        ),
        (Answer(200, b""), "with a body that is not valid JSON (an empty body)"),
        (Answer(204), "returned 204 with a body that is not valid JSON (an empty body)"),
    ],
)
def test_a_body_that_is_no_json_is_an_error(tmp_path, web, answer, said):
    web.on("/parents", answer)
    with pytest.raises(RequestError) as caught:
        opened(tmp_path, parent_and_child(web.url)).read("parents")
    assert str(caught.value).startswith(f"parents: GET {web.url}/parents ")
    assert said in str(caught.value)


WRONG_SHAPES = {
    "total is a text": ({"type": "page_number"}, {"total": "many"}),
    "total is a list": ({"type": "page_number"}, {"total": [1]}),
    "no total": ({"type": "offset", "limit": 1}, {"items": [1]}),
    "total of a list": ({"type": "offset", "limit": 1}, [{"id": 1}]),
    "more is a number": (
        {"type": "cursor", "cursor_path": "next", "has_more_path": "more"},
        {"items": [{"id": 1}], "next": "a", "more": 1},
    ),
    "no more": (
        {"type": "cursor", "cursor_path": "next", "has_more_path": "more"},
        {"items": [{"id": 1}], "next": "a"},
    ),
    "the link is a number": ({"type": "json_link", "next_url_path": "next"}, {"next": 5}),
    "the link is an object": ({"type": "json_link", "next_url_path": "next"}, {"next": {"a": 1}}),
    "the link is no address": (
        {"type": "json_link", "next_url_path": "next"},
        {"next": "http://[::1/x", "items": [{"id": 1}]},
    ),
    "the link has a wrong port": (
        {"type": "json_link", "next_url_path": "next"},
        {"next": "http://127.0.0.1:99999/x", "items": [{"id": 1}]},
    ),
    "the link has no host": (
        {"type": "json_link", "next_url_path": "next"},
        {"next": "http:///x", "items": [{"id": 1}]},
    ),
    "the link is of another kind": (
        {"type": "json_link", "next_url_path": "next"},
        {"next": "ftp://127.0.0.1/x", "items": [{"id": 1}]},
    ),
    "the link header is garbage": ({"type": "header_link"}, [{"id": 1}]),
}


@pytest.mark.parametrize("case", WRONG_SHAPES)
def test_an_answer_of_the_wrong_shape_is_one_clear_error(tmp_path, web, case):
    paginator, body = WRONG_SHAPES[case]
    web.on("/parents", Answer(200, body, {"Link": '<http://[x>; rel="next"'}))
    shop = opened(tmp_path, parent_and_child(web.url, parent={"paginator": paginator}))
    with pytest.raises(FrameworkError) as caught:
        shop.read("parents")
    assert str(caught.value).startswith("parents: ")
    assert "Person" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "records"),
    [
        ([1, None, "a"], [{"value": 1}, {"value": "a"}]),
        ({"id": 1}, [{"id": 1}]),
        ([], []),
        (None, []),
    ],
)
def test_a_body_that_is_no_list_of_objects_is_read_as_dlt_reads_it(tmp_path, web, body, records):
    import json

    web.on("/parents", Answer(200, json.dumps(body).encode()))
    shop = opened(tmp_path, parent_and_child(web.url, parent={"paginator": "single_page"}))
    assert shop.read("parents") == records


def test_steps_that_put_a_record_into_itself_end_the_resource(tmp_path, web):
    web.on("/items", [{"id": 1}])
    body = one_list(web.url)
    body["resources"][0]["processing_steps"] = [{"map": "{id: id, a: @, b: @}"}] * 60
    with pytest.raises(RecordError, match="has grown to more than 1,000,000 values"):
        opened(tmp_path, body).read("items")


def test_many_steps_that_add_a_field_are_none_of_these(tmp_path, web):
    web.on("/items", [{"id": 1}])
    body = one_list(web.url)
    body["resources"][0]["processing_steps"] = [{"set": {f"f{n}": "id"}} for n in range(60)]
    (record,) = opened(tmp_path, body).read("items")
    assert len(record) == 61


def test_steps_that_nest_a_record_too_deep_end_the_resource(tmp_path, web):
    web.on("/items", [{"id": 1}])
    body = one_list(web.url)
    body["resources"][0]["processing_steps"] = [{"set": {"id": "{a: id}"}}] * 300
    with pytest.raises(
        RecordError, match="items: processing_steps: a record has a value that JSON does"
    ):
        opened(tmp_path, body).read("items")
