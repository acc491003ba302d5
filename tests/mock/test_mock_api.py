"""What the mock answers: recorded lists, ranges, children, exchanges, and what it does not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.errors import CassetteError
from framework.mock.mock_builder import open_mock
from framework.mock.mock_message import MockRequest
from tests.support.mocks import API, asked, mock_of, reading, shop
from tests.support.run_verbs import connector_of

Json = Any
SINCE = {
    "params": {"state": "open"},
    "incremental": {
        "cursor_path": "updated_at",
        "start_param": "since",
        "end_param": "until",
        "initial_value": "2026-01-01T00:00:00Z",
        "end_value": "2026-12-01T00:00:00Z",
    },
    "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "after"},
}
RECORDED = {
    "GET /items?state=open&since=2026-01-01T00:00:00Z&until=2026-12-01T00:00:00Z": {
        "items": [
            {"id": 1, "updated_at": "2026-02-01T00:00:00Z"},
            {"id": 2, "updated_at": "2026-03-01T00:00:00Z"},
            {"id": 3, "updated_at": "2026-04-01T00:00:00Z"},
        ],
        "next": None,
    }
}
FAMILY = {
    "client": {"base_url": API},
    "resources": [
        {"name": "orders", "endpoint": {"path": "/orders", "data_selector": "items"}},
        {
            "name": "lines",
            "primary_key": "id",
            "endpoint": {
                "path": "/orders/{resources.orders.id}/lines",
                "data_selector": "items",
                "paginator": {"type": "offset", "limit": 2, "total_path": None},
            },
        },
    ],
}
FAMILY_RECORDED = {
    "GET /orders": {"items": [{"id": 7}, {"id": 8}]},
    "GET /orders/7/lines?offset=0&limit=2": {"items": [{"id": 1}, {"id": 2}]},
    "GET /orders/7/lines?offset=2&limit=2": {"items": []},
    "GET /orders/8/lines?offset=0&limit=2": {"items": []},
}


def ids(body: bytes) -> list[int]:
    return [record["id"] for record in json.loads(body)["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [1, 2, 3]),
        ("&since=2026-03-01T00:00:00Z", [2, 3]),
        ("&until=2026-03-15T00:00:00Z", [1, 2]),
        ("&since=2026-02-15T00:00:00Z&until=2026-03-15T00:00:00Z", [2]),
        ("&since=2027-01-01T00:00:00Z", []),
    ],
)
def test_the_range_of_a_request_is_heeded(tmp_path: Path, query: str, expected: list[int]) -> None:
    mock = mock_of(tmp_path, shop(SINCE), RECORDED)
    assert mock.replayed == {}
    assert ids(asked(mock, f"GET /items?state=open{query}").body) == expected


def test_a_second_run_reads_what_has_changed_in_the_world(tmp_path: Path) -> None:
    endpoint = {**SINCE, "incremental": {**SINCE["incremental"], "end_param": None}}
    del endpoint["incremental"]["end_value"], endpoint["incremental"]["end_param"]
    body, state = shop(endpoint), {}
    (line, page), *_ = RECORDED.items()
    mock = mock_of(tmp_path, body, {line.partition("&until")[0]: page})
    first = reading(tmp_path, body, mock, state=state).read("items")
    assert [record["id"] for record in first] == [1, 2, 3]
    (key,) = mock.world.lists("items")
    place = mock.world.records(key)[0].place
    mock.world.replace(key, place, {"id": 1, "updated_at": "2026-05-01T00:00:00Z"})
    mock.world.insert(key, {"id": 4, "updated_at": "2026-05-02T00:00:00Z"})
    second = reading(tmp_path, body, mock, state=state).read("items")
    assert [record["id"] for record in second] == [1, 4]
    request, _ = mock.api.log.requests[-1]
    assert dict(request.query)["since"] == "2026-04-01T00:00:00Z"


def test_children_are_those_of_their_parents(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, FAMILY, FAMILY_RECORDED)
    assert mock.replayed == {}
    assert ids(asked(mock, "GET /orders/7/lines?offset=0&limit=2").body) == [1, 2]
    assert ids(asked(mock, "GET /orders/8/lines?offset=0&limit=2").body) == []
    assert len(mock.world.lists("lines")) == 2


def test_what_is_not_recorded_is_a_404_that_names_the_nearest(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, FAMILY, FAMILY_RECORDED)
    response = asked(mock, "GET /orders/9/lines?offset=0&limit=2")
    body = json.loads(response.body)
    assert response.status == 404
    assert body["message"] == "no list or recording has GET /orders/9/lines?offset=0&limit=2"
    assert body["nearest"].startswith("GET /orders/7/lines")
    assert "path: recorded /orders/7/lines, requested /orders/9/lines" in body["differences"]


def test_another_method_and_another_filter_are_not_recorded(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, shop(SINCE), RECORDED)
    other = json.loads(asked(mock, "GET /items?state=closed").body)
    assert other["differences"] == ["query parameter `state`: recorded 'open', requested 'closed'"]
    assert asked(mock, "POST /items?state=open").status == 404
    assert asked(mock, "DELETE /nothing").status == 404


def test_an_unknown_cursor_is_refused(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, shop(SINCE), RECORDED)
    response = asked(mock, "GET /items?state=open&after=made-up")
    assert response.status == 400
    assert b"made-up" in response.body


def test_a_page_past_the_end_is_empty(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, FAMILY, FAMILY_RECORDED)
    assert ids(asked(mock, "GET /orders/7/lines?offset=90&limit=2").body) == []


def test_numbers_are_sent_as_they_were_recorded(tmp_path: Path) -> None:
    text = b'{"items": [{"id": 1, "a": 1.0, "b": 1E+2, "c": 12345678901234567890.10}]}'
    mock = mock_of(tmp_path, shop({"paginator": "single_page"}), {"GET /items": text})
    assert asked(mock, "GET /items").body == text.replace(b": ", b":").replace(b", ", b",")


def test_pages_with_two_lists_are_served_as_they_were_recorded(tmp_path: Path) -> None:
    body = shop({"data_selector": "[open, closed][]", "paginator": "single_page"})
    recorded = {"GET /items": {"open": [{"id": 1}], "closed": [{"id": 2}]}}
    mock = mock_of(tmp_path, body, recorded, page_size=1)
    assert list(mock.replayed) == ["items"]
    records = reading(tmp_path, body, mock).read("items")
    assert [record["id"] for record in records] == [1, 2]


def test_a_changed_list_is_served_as_it_is_now(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, FAMILY, FAMILY_RECORDED)
    mock.world.change("lines", lambda data: {**data, "price": 3})
    body = json.loads(asked(mock, "GET /orders/7/lines?offset=0&limit=2").body)
    assert [record["price"] for record in body["items"]] == [3, 3]


def test_requests_can_be_seen(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, FAMILY, FAMILY_RECORDED)
    seen: list[str] = []
    mock.api.on_request = lambda request, response, _: seen.append(
        f"{request.method} {request.path} {response.status}"
    )
    asked(mock, "GET /orders")
    assert seen == ["GET /orders 200"]
    assert [status for _, status in mock.api.log.requests] == [200]


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="nothing that a run reads"):
        mock_of(tmp_path, FAMILY, {})


def test_a_missing_recording_that_is_named_is_refused(tmp_path: Path) -> None:
    connector = connector_of(tmp_path, FAMILY)
    with pytest.raises(CassetteError, match="there is no cassette"):
        open_mock(connector, cassette=tmp_path / "none.yaml")


def test_a_parent_that_appears_has_children_of_its_own(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, FAMILY, FAMILY_RECORDED)
    (orders,) = mock.world.lists("orders")
    mock.world.insert(orders, {"id": 9})
    line = "GET /orders/9/lines?offset=0&limit=2"
    assert ids(asked(mock, line).body) == []
    (new,) = (key for key in mock.world.lists("lines") if key.path == "/orders/9/lines")
    mock.world.insert(new, {"id": 5})
    assert ids(asked(mock, line).body) == [5]
    assert asked(mock, "GET /orders/10/lines?offset=0&limit=2").status == 404


def test_a_recording_that_drifts_can_be_read(tmp_path: Path) -> None:
    mock = mock_of(tmp_path, FAMILY, FAMILY_RECORDED, drift=True, seed=1)
    for _ in range(20):
        opened = reading(tmp_path, FAMILY, mock)
        opened.take("orders", "lines")
        opened.read("lines")
    assert {status for _, status in mock.api.log.requests} == {200}
    assert len(mock.world.lists("lines")) > 2


def test_recorded_pages_lead_on_to_the_mock_and_keep_their_records(tmp_path: Path) -> None:
    body = shop(
        {
            "data_selector": "[open, closed][]",
            "paginator": {"type": "json_link", "next_url_path": "next"},
        }
    )
    first = {
        "open": [{"id": 1, "url": f"{API}/items/1"}],
        "closed": [],
        "next": f"{API}/items?page=2",
    }
    second = {"open": [], "closed": [{"id": 2, "url": f"{API}/items/2"}], "next": None}
    mock = mock_of(tmp_path, body, {"GET /items": first, "GET /items?page=2": second})
    assert list(mock.replayed) == ["items"]
    direct = MockRequest.of("GET", "http://127.0.0.1:8080/items", {}, b"")
    page = json.loads(mock.api.respond(direct).body)
    assert page["next"] == "http://127.0.0.1:8080/items?page=2"
    assert page["open"] == first["open"]


def test_a_batch_that_was_not_recorded_is_empty(tmp_path: Path) -> None:
    batch = {"name": "ids", "resource": "users", "field": "id", "batch": 2, "separator": ","}
    scores: Json = {
        "path": "/scores",
        "data_selector": "items",
        "params": {"ids": "{partition.ids}"},
    }
    body: Json = {
        "client": {"base_url": API},
        "resources": [
            {"name": "users", "endpoint": {"path": "/users", "data_selector": "items"}},
            {"name": "scores", "partitions": [batch], "endpoint": scores},
        ],
    }
    recorded = {
        "GET /users": {"items": [{"id": 1}, {"id": 2}]},
        "GET /scores?ids=1,2": {"items": [{"id": 3}]},
    }
    mock = mock_of(tmp_path, body, recorded)
    assert ids(asked(mock, "GET /scores?ids=1,2").body) == [3]
    assert ids(asked(mock, "GET /scores?ids=2").body) == []


def test_the_token_of_the_last_run_begins_a_list(tmp_path: Path) -> None:
    since = "{if(paginator.cursor || incremental.token, `null`, '1')}"
    body = shop(
        {
            "params": {"since": since},
            "paginator": {"type": "cursor", "cursor_param": "after", "cursor_path": "next"},
            "incremental": {"token": "response.token", "token_param": "after"},
        }
    )
    recorded = {
        "GET /items?since=1": {"items": [{"id": 1}], "next": "a", "token": "a"},
        "GET /items?after=a": {"items": [{"id": 2}], "next": None, "token": "b"},
    }
    mock = mock_of(tmp_path, body, recorded)
    assert mock.replayed == {}
    assert ids(asked(mock, "GET /items?since=1").body) == [1]
    assert ids(asked(mock, "GET /items?after=b").body) == [1]
