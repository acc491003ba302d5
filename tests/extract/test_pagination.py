"""Paginators: each list has one of its own."""

import copy

import pytest
import requests

from framework.extract.paging.pagination import build_paginator, paginator_config
from framework.http.transport import make_response


def paginator(**config):
    made = build_paginator(paginator_config(config, lambda value: value), lambda path: path)
    assert made is not None
    return made


def response(body):
    request = requests.Request("GET", "http://localhost/x").prepare()
    return make_response(request, 200, "OK", [("Content-Type", "application/json")], body)


@pytest.mark.parametrize(
    ("config", "first", "second"),
    [
        ({"type": "cursor", "cursor_path": "next"}, b'{"next": "a"}', b"{}"),
        ({"type": "json_link", "next_url_path": "next"}, b'{"next": "/a"}', b"{}"),
        ({"type": "page_number", "total_path": "pages"}, b'{"pages": 2}', b'{"pages": 1}'),
        ({"type": "offset", "limit": 1, "total_path": "total"}, b'{"total": 2}', b'{"total": 1}'),
        (
            {"type": "page_number", "total_path": None, "has_more_path": "more"},
            b'{"more": true}',
            b'{"more": false}',
        ),
        ({"type": "cursor", "cursor": "response.next"}, b'{"next": "a"}', b"{}"),
    ],
    ids=str,
)
def test_a_copy_for_another_list_learns_nothing_from_the_first(config, first, second):
    declared = paginator(**config)
    one, other = copy.deepcopy(declared), copy.deepcopy(declared)
    for each in (one, other):
        request = requests.Request("GET", "http://localhost/x")
        each.begin({}, lambda *_: None)
        each.init_request(request)
    one.update_state(response(first), [{"id": 1}])
    other.update_state(response(second), [{"id": 1}])
    assert (one.has_next_page, other.has_next_page) == (True, False)
    assert copy.deepcopy(declared).place == paginator(**config).place


def test_a_flag_or_a_total_of_one_list_is_not_known_in_another():
    declared = paginator(type="page_number", has_more_path="more", total_path="pages")
    one, other = copy.deepcopy(declared), copy.deepcopy(declared)
    one.inner.has_more_path.of({"more": True})
    one.inner.total_path.of({"pages": 3})
    assert other.inner.has_more_path.of({}) is None
    assert not other.inner.total_path.is_known


def test_a_smaller_page_goes_on_after_the_records_that_were_read():
    declared = paginator(type="offset", limit=8, total_path="total")
    one, later = copy.deepcopy(declared), copy.deepcopy(declared)
    request, following = (requests.Request("GET", "http://localhost/x") for _ in range(2))
    one.begin({}, lambda *_: None)
    one.init_request(request)
    one.update_state(response(b'{"total": 40}'), [{}] * 8)
    one.update_request(request)
    assert one.shrink(request)
    assert request.params == {"offset": 8, "limit": 4}
    later.begin({}, lambda *_: None)
    later.go_to(one.place, promises=True, page_size=one.page_size)
    later.update_state(response(b'{"total": 40}'), [{}] * 4)
    later.update_request(following)
    assert following.params == {"offset": 12, "limit": 4}
    assert not paginator(type="page_number", total_path=None, page_size=8).shrink(request)
