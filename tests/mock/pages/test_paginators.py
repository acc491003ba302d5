"""Every paginator of the format leads through pages of any size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from framework.definition.paginator_keys import paginator_types
from tests.support.mocks import invented, mock_of, reading, shop

Json = Any
ROWS = 7
ANY_SIZE: dict[str, Mapping[str, Json]] = {
    "page_number, to an empty page": {"paginator": {"type": "page_number", "total_path": None}},
    "page_number, from 1, with a total": {
        "paginator": {"type": "page_number", "base_page": 1, "total_path": "meta.pages"}
    },
    "page_number, with a flag": {
        "paginator": {"type": "page_number", "total_path": None, "has_more_path": "more"}
    },
    "page_number in the body": {
        "method": "POST",
        "json": {"words": "all"},
        "paginator": {"type": "page_number", "page_body_path": "page.n", "total_path": None},
    },
    "page_number in the path": {
        "path": "/items/{paginator.page}/of",
        "paginator": {"type": "page_number", "total_path": None},
    },
    "page_number in a text": {
        "params": {"which": "page-{paginator.page}"},
        "paginator": {"type": "page_number", "page_param": None, "total_path": None},
    },
    "page_number, not sent at first": {
        "paginator": {"type": "page_number", "send_first": False, "total_path": None}
    },
    "page_number, computed end": {
        "paginator": {
            "type": "page_number",
            "total_path": None,
            "stop_after_empty_page": False,
            "stop_when": "!(response.more)",
        }
    },
    "cursor": {"paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"}},
    "cursor beside a flag": {
        "paginator": {
            "type": "cursor",
            "cursor_path": "paging.cursor",
            "cursor_param": "after",
            "has_more_path": "paging.more",
        }
    },
    "cursor in the body": {
        "method": "POST",
        "json": {"words": "all"},
        "paginator": {
            "type": "cursor",
            "cursor_path": "next",
            "cursor_body_path": "paging.after",
        },
    },
    "cursor in a link": {
        "paginator": {
            "type": "cursor",
            "cursor_path": "query_param(links.next, 'from')",
            "cursor_param": "from",
        }
    },
    "cursor of the last record": {
        "paginator": {"type": "cursor", "cursor": "last_record.id", "cursor_param": "after"}
    },
    "cursor of the last record, with one for the first page": {
        "method": "POST",
        "json": {"filters": [{"id": {"over": "{paginator.cursor || '0'}"}}]},
        "paginator": {"type": "cursor", "cursor": "last_record.id"},
    },
    "GraphQL connection": {
        "method": "POST",
        "path": "/graphql",
        "json": {
            "query": "query($after: String) {{ items(after: $after) {{ nodes {{ id }} }} }}",
            "variables": {"after": "{paginator.cursor}"},
        },
        "data_selector": "data.items.nodes",
        "paginator": {
            "type": "cursor",
            "cursor_path": "data.items.pageInfo.endCursor",
            "has_more_path": "data.items.pageInfo.hasNextPage",
        },
    },
    "header_cursor": {
        "paginator": {"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "after"}
    },
    "json_link": {"paginator": {"type": "json_link", "next_url_path": "links.next"}},
    "json_link, computed": {
        "paginator": {"type": "json_link", "next_url": "response.next && trim(response.next)"}
    },
    "header_link": {"paginator": {"type": "header_link"}},
}
"""Endpoints whose paginator takes pages of any size."""
FIXED_SIZE: dict[str, Mapping[str, Json]] = {
    "offset, with a total": {"paginator": {"type": "offset", "limit": 3}},
    "offset, to an empty page": {"paginator": {"type": "offset", "limit": 3, "total_path": None}},
    "offset in the body": {
        "method": "POST",
        "json": {"words": "all"},
        "paginator": {
            "type": "offset",
            "limit": 3,
            "offset_body_path": "from",
            "limit_body_path": "size",
        },
    },
    "offset to a short page": {
        "paginator": {
            "type": "offset",
            "limit": 3,
            "total_path": None,
            "stop_after_empty_page": False,
            "stop_after_short_page": True,
        }
    },
    "page_number to a short page": {
        "paginator": {
            "type": "page_number",
            "page_size": 3,
            "page_size_param": "size",
            "total_path": None,
            "stop_after_empty_page": False,
            "stop_after_short_page": True,
        }
    },
    "cursor to a short page": {
        "paginator": {
            "type": "cursor",
            "cursor": "last_record.id",
            "cursor_param": "after",
            "page_size": 3,
            "stop_after_short_page": True,
        }
    },
}
"""Endpoints whose paginator relies on the size that it asks for."""
ONE_PAGE: dict[str, Mapping[str, Json]] = {
    "single_page": {"paginator": "single_page"},
    "auto": {},
}


def read_ids(folder: Path, endpoint: Mapping[str, Json], **options: Any) -> tuple[list[int], int]:
    """The ids that a run reads from invented records, and the number of its requests."""
    body = shop(endpoint)
    mock = invented(folder, body, rows=ROWS, **options)
    records = reading(folder, body, mock).read("items")
    return [record["id"] for record in records], len(mock.api.log.requests)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("name", ANY_SIZE)
def test_pages_of_any_size_hold_all_records_in_order(tmp_path: Path, name: str, size: int) -> None:
    ids, requests = read_ids(tmp_path, ANY_SIZE[name], page_size=size)
    assert ids == [1, 2, 3, 4, 5, 6, 7]
    pages = -(-ROWS // size)
    assert requests in (pages, pages + 1)  # an empty page at the end


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("name", FIXED_SIZE)
def test_a_size_on_which_the_file_relies_is_kept(tmp_path: Path, name: str, size: int) -> None:
    ids, requests = read_ids(tmp_path, FIXED_SIZE[name], page_size=size)
    assert ids == [1, 2, 3, 4, 5, 6, 7]
    assert requests in (3, 4)


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_size_that_is_asked_for_is_heeded(tmp_path: Path, limit: int) -> None:
    endpoint = {"paginator": {"type": "offset", "limit": limit}}
    ids, requests = read_ids(tmp_path, endpoint)
    assert ids == [1, 2, 3, 4, 5, 6, 7]
    assert requests == -(-ROWS // limit)


@pytest.mark.parametrize("name", ["count", "per_page", "page[size]"])
def test_a_parameter_that_is_named_like_a_size_is_one(tmp_path: Path, name: str) -> None:
    endpoint = {**ANY_SIZE["cursor"], "params": {name: 2}}
    ids, requests = read_ids(tmp_path, endpoint)
    assert (len(ids), requests) == (ROWS, 4)


@pytest.mark.parametrize("name", ONE_PAGE)
def test_a_list_of_one_page_comes_whole(tmp_path: Path, name: str) -> None:
    ids, requests = read_ids(tmp_path, ONE_PAGE[name], page_size=1)
    assert (len(ids), requests) == (ROWS, 1)


def test_pages_requested_side_by_side_hold_all_records(tmp_path: Path) -> None:
    endpoint = {"paginator": {"type": "offset", "limit": 2, "ahead": True}}
    ids, requests = read_ids(tmp_path, endpoint)
    assert (ids, requests) == ([1, 2, 3, 4, 5, 6, 7], 4)


def test_every_type_of_paginator_is_here() -> None:
    written = [*ANY_SIZE.values(), *FIXED_SIZE.values()]
    kinds = {one["paginator"]["type"] for one in written} | ONE_PAGE.keys()
    aliases = {"json_response"}  # of json_link
    assert kinds == paginator_types().keys() - aliases


@pytest.mark.parametrize("size", [1, 2, 100])
def test_what_surrounds_recorded_records_stays(tmp_path: Path, size: int) -> None:
    body = shop(
        {"paginator": {"type": "json_link", "next_url_path": "links.next"}, "params": {"a": "b"}}
    )
    first = {
        "items": [{"id": 1}, {"id": 2}],
        "links": {"next": "https://api.example.com/items?a=b&page=2", "self": "me"},
        "meta": {"total": 3, "page": 1, "pages": 2, "more": True},
    }
    second = {
        "items": [{"id": 3}],
        "links": {"self": "me"},
        "meta": {"total": 3, "page": 2, "pages": 2, "more": False},
    }
    exchanges = {"GET /items?a=b": first, "GET /items?a=b&page=2": second}
    mock = mock_of(tmp_path, body, exchanges, page_size=size)
    assert mock.replayed == {}
    records = reading(tmp_path, body, mock).read("items")
    assert [record["id"] for record in records] == [1, 2, 3]
    pages = [_body(mock, number) for number in range(len(mock.api.log.requests))]
    count = -(-3 // size)
    assert [page["meta"]["page"] for page in pages] == list(range(1, count + 1))
    assert {page["meta"]["pages"] for page in pages} == {count}
    assert {page["meta"]["total"] for page in pages} == {3}
    assert [page["links"]["self"] for page in pages] == ["me"] * count


def _body(mock: Any, number: int) -> Json:
    request, _ = mock.api.log.requests[number]
    return json.loads(mock.api.respond(request).body)


def test_a_flag_beside_a_computed_cursor_stays_a_flag(tmp_path: Path) -> None:
    endpoint = {
        "paginator": {
            "type": "cursor",
            "cursor": "last_record.id",
            "cursor_param": "after",
            "has_more_path": "more",
        }
    }
    ids, requests = read_ids(tmp_path, endpoint, page_size=2)
    assert (ids, requests) == ([1, 2, 3, 4, 5, 6, 7], 4)
