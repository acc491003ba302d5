"""A look: requests, records after each step, tables, schema and what the next run reads."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.errors import FindingsError, Interrupted, UsageError
from framework.runtime.environment import StopSignal
from framework.studio.jobs.shown_data import LONGEST_BODY
from tests.support.servers.graph import Shop
from tests.support.servers.raw import Raw
from tests.support.servers.web import Answer, Asked, Web
from tests.support.simulator import Simulator, small_world
from tests.support.studio_jobs import Studio

pytestmark = pytest.mark.usefixtures("project")

Json = Any


def orders(web_url: str, **resource: Json) -> dict[str, Json]:
    """A connector with one resource, paged by number."""
    endpoint = {
        "path": "/orders",
        "data_selector": "orders",
        "paginator": {"type": "page_number", "base_page": 1, "total_path": None},
        **resource.pop("endpoint", {}),
    }
    return {
        "client": {"base_url": web_url},
        "resources": [{"name": "orders", "primary_key": "id", "endpoint": endpoint, **resource}],
    }


def paged(asked: Asked) -> Json:
    page = int(asked.param("page") or 1)
    if page > 4:
        return {"orders": []}
    records = [{"id": page * 10 + n, "open": n % 2 == 0, "lines": [{"n": n}]} for n in range(4)]
    return {"orders": records}


def titles(found: Json) -> list[tuple[str, int]]:
    return [(step["title"], step["count"]) for step in found["steps"]]


def codes(found: Json) -> set[str]:
    return {one["code"] for one in found["warnings"]}


def test_two_pages_are_read_and_every_step_is_shown(web: Web, tmp_path: Path) -> None:
    web.on("/orders", paged)
    steps = [{"filter": "open"}, {"set": {"kind": "`web`"}}]
    studio = Studio.of(tmp_path, orders(web.url, processing_steps=steps))
    found = studio.job("look", resource="orders", source="live")
    assert [one["records"] for one in found["requests"]] == [4, 4]
    assert [one["status"] for one in found["requests"]] == [200, 200]
    assert titles(found) == [
        ("data_selector", 8),
        ("processing_steps[0] filter", 4),
        ("processing_steps[1] set", 4),
        ("loaded", 4),
    ]
    selected, filtered, changed, _ = (step["records"] for step in found["steps"])
    assert selected[1] == {"id": 11, "open": False, "lines": [{"n": 1}]}
    assert "kind" not in filtered[0]
    assert changed[0] == {"id": 10, "open": True, "lines": [{"n": 0}], "kind": "web"}
    tables = {table["name"]: table for table in found["tables"]}
    assert tables["orders"]["columns"] == [
        {"name": "id", "type": "bigint", "nullable": False, "primary_key": True},
        {"name": "open", "type": "bool", "nullable": True, "primary_key": False},
        {"name": "kind", "type": "text", "nullable": True, "primary_key": False},
    ]
    assert tables["orders"]["rows"][0] == [10, True, "web"]
    assert tables["orders"]["row_count"] == tables["orders__lines"]["row_count"] == 4
    assert found["incremental"] is None
    assert json.loads(json.dumps(found)) == found


def test_nothing_is_loaded_where_the_user_has_data(web: Web, tmp_path: Path) -> None:
    web.on("/orders", paged)
    studio = Studio.of(tmp_path, orders(web.url))
    before = {path for path in tmp_path.rglob("*") if "scratch" not in path.parts}
    studio.job("look", resource="orders")
    after = {path for path in tmp_path.rglob("*") if "scratch" not in path.parts}
    assert {path for path in after - before if tmp_path / "dlt" not in path.parents} == set()


def test_the_number_of_pages_and_records_is_chosen(web: Web, tmp_path: Path) -> None:
    web.on("/orders", paged)
    studio = Studio.of(tmp_path, orders(web.url))
    found = studio.job("look", resource="orders", pages=3, records=5)
    assert [one["records"] for one in found["requests"]] == [4, 4]
    assert found["tables"][0]["row_count"] == 5
    with pytest.raises(UsageError):
        studio.job("look", "2", resource="orders", pages=0)
    with pytest.raises(UsageError):
        studio.job("look", "3", resource="orders", source="elsewhere")
    with pytest.raises(UsageError):
        studio.job("look", "4", resource="order")


def test_a_file_with_errors_is_refused(tmp_path: Path) -> None:
    studio = Studio.of(tmp_path, {"client": {}, "resources": []})
    with pytest.raises(FindingsError):
        studio.job("look", resource="orders")


def test_a_childs_parents_are_read_first(tmp_path: Path) -> None:
    with Simulator(small_world(), ["secret"]) as api:
        values = {"api_key": "secret", "base_url": api.base_url}
        studio = Studio.of_file(tmp_path, "scheduling", values=values)
        found = studio.job("look", resource="event_invitees")
    read = [one["resource"] for one in found["requests"]]
    assert read[:2] == ["api_user", "scheduled_events"]
    assert set(read[2:]) == {"event_invitees"}
    assert 1 <= len(read[2:]) <= 6
    (table, *_) = found["tables"]
    assert table["name"] == "event_invitees"
    assert table["row_count"] > 0
    assert found["schema"]["path"] == "schemas/scheduling/event_invitees.json"
    assert found["schema"]["before"].startswith("{")


@pytest.mark.parametrize("source", ["cassette", "mock"])
def test_the_recording_and_the_mock_need_no_network(source: str, tmp_path: Path) -> None:
    studio = Studio.of_file(tmp_path, "scheduling")
    found = studio.job("look", resource="scheduled_events", source=source)
    assert found["requests"][-1]["resource"] == "scheduled_events"
    assert found["tables"][0]["row_count"] > 0
    incremental = found["incremental"]
    assert incremental["cursor_path"] == "start_time"
    assert incremental["param"] == "min_start_time"
    assert incremental["watermark"] is None
    assert "min_start_time=2020-01-01" in incremental["next_request"]["url"]


WINDOWS: dict[str, Json] = {
    "endpoint": {
        "path": "/orders",
        "data_selector": "orders",
        "paginator": "single_page",
        "incremental": {
            "cursor_path": "changed",
            "start_param": "since",
            "end_param": "until",
            "initial_value": "2026-01-01T00:00:00Z",
            "step": "P1D",
        },
    },
    "write_disposition": "merge",
}


def changed_orders(asked: Asked) -> Json:
    since = (asked.param("since") or "")[:10]
    return {"orders": [{"id": since, "changed": f"{since}T06:00:00Z"}]}


def test_windows_and_the_next_request_follow_the_watermark(web: Web, tmp_path: Path) -> None:
    web.on("/orders", changed_orders)
    studio = Studio.of(tmp_path, orders(web.url, **WINDOWS))
    first = studio.job("look", resource="orders")["incremental"]
    assert first["watermark"] is None
    assert first["windows"][0]["start"].startswith("2026-01-01")
    assert len(first["windows"]) == 20
    assert first["window_count"] > 20
    assert "since=2026-01-01" in first["next_request"]["url"]
    studio.job("run", "2", source="live")
    asked = len(web.asked)
    second = studio.job("look", "3", resource="orders")
    last = max(one.param("since") or "" for one in web.asked[:asked])[:10]
    assert second["incremental"]["watermark"].startswith(last)
    assert f"since={last}" in second["incremental"]["next_request"]["url"]
    assert second["incremental"]["window_count"] < first["window_count"]
    # the look itself begins where a first run would
    assert "since=2026-01-01" in second["requests"][0]["url"]
    with duckdb.connect(str(tmp_path / "shop.duckdb"), read_only=True) as connection:
        (rows,) = connection.execute("select count(*) from shop_data.orders").fetchall()
    assert rows[0] > 20


def test_the_next_request_of_a_child_is_built_from_its_parents_records(
    web: Web, tmp_path: Path
) -> None:
    web.on("/shops", [{"id": "a"}, {"id": "b"}])
    web.on("/shops/{shop}/orders", changed_orders)
    body = orders(web.url, **json.loads(json.dumps(WINDOWS)))
    body["resources"][0]["endpoint"]["path"] = "/shops/{resources.shops.id}/orders"
    body["resources"][0]["endpoint"]["incremental"].pop("step")
    shops = {"name": "shops", "primary_key": "id", "endpoint": {"path": "/shops"}}
    body["resources"].insert(0, {**shops, "write_disposition": "replace"})
    studio = Studio.of(tmp_path, body)
    found = studio.job("look", resource="orders")
    asked = len(web.asked)
    assert asked == 3
    assert "/shops/a/orders?since=2026-01-01" in found["incremental"]["next_request"]["url"]
    assert asked == len(found["requests"])  # nothing was sent to find it out


def test_graphql_shows_the_query_that_is_sent(web: Web, tmp_path: Path) -> None:
    Shop().serve(web)
    query = (
        "query Orders($after: String) { shop { orders(first: 3, after: $after) "
        "{ nodes { id title } pageInfo { hasNextPage endCursor } } } }"
    )
    endpoint = {"path": "/graphql", "graphql": {"query": query}}
    resource = {"name": "orders", "primary_key": "id", "endpoint": endpoint}
    body = {"client": {"base_url": web.url}, "resources": [resource]}
    found = Studio.of(tmp_path, body).job("look", resource="orders")
    first, second = found["requests"]
    assert first["method"] == "POST"
    assert json.loads(first["body"])["query"].startswith("query Orders")
    assert json.loads(second["body"])["variables"]["after"] == "c2"
    assert titles(found) == [("data_selector", 6), ("loaded", 6)]


def test_csv_is_shown_as_text_and_as_records(web: Web, tmp_path: Path) -> None:
    text = "id,name\n1,<script>alert(1)</script>\n2,b\n"
    web.on("/orders", Answer(200, text, {"Content-Type": "text/csv"}))
    body = orders(web.url)
    body["resources"][0]["endpoint"] = {
        "path": "/orders",
        "response_format": "csv",
        "paginator": "single_page",
    }
    studio = Studio.of(tmp_path, body)
    found = studio.job("look", resource="orders")
    assert found["requests"][0]["response_body"] == text
    assert found["steps"][0]["records"][0]["name"] == "<script>alert(1)</script>"
    tried = studio.ask("try", expression="[].name", job="1", request=1)
    assert tried["result"] == ["<script>alert(1)</script>", "b"]


def test_a_body_that_is_not_text_says_so(web: Web, tmp_path: Path) -> None:
    web.on("/orders", Answer(200, b"\x89PNG\x00\xff\xfe" * 10))
    found = Studio.of(tmp_path, orders(web.url)).job("look", resource="orders")
    (request,) = found["requests"]
    assert not request["is_text"]
    assert request["bytes"] == 70
    assert "failed" in codes(found)
    assert found["tables"] == []


def test_a_refused_resource_shows_its_response(web: Web, tmp_path: Path) -> None:
    web.on("/orders", Answer(403, {"message": "no scope"}))
    found = Studio.of(tmp_path, orders(web.url)).job("look", resource="orders")
    assert [one["status"] for one in found["requests"]] == [403]
    assert json.loads(found["requests"][0]["response_body"]) == {"message": "no scope"}
    assert "failed" in codes(found)
    assert found["schema"] is None


def test_a_server_that_is_not_there_is_shown_as_requests_without_status(tmp_path: Path) -> None:
    with Raw(lambda *_: None) as server:
        url = server.url
    body = orders(url)
    body["client"]["retry"] = {"max_retries": 0}
    found = Studio.of(tmp_path, body).job("look", resource="orders")
    assert [one["status"] for one in found["requests"]] == [None]
    assert found["requests"][0]["reason"] == "ConnectionError"
    assert "failed" in codes(found)


def test_ten_thousand_records_in_a_page_are_cut_and_counted(web: Web, tmp_path: Path) -> None:
    records = [{"id": n, "note": "x" * 50} for n in range(10_000)]
    web.on("/orders", {"orders": records})
    body = orders(web.url, endpoint={"paginator": "single_page"})
    found = Studio.of(tmp_path, body).job("look", resource="orders")
    (request,) = found["requests"]
    assert request["records"] == 10_000
    assert request["is_cut"]
    assert len(request["response_body"]) == LONGEST_BODY
    assert found["steps"][0]["count"] == 10_000
    assert len(found["steps"][0]["records"]) == 100
    assert found["tables"][0]["row_count"] == 100


@pytest.mark.slow
def test_a_body_of_fifty_megabytes_is_cut(web: Web, tmp_path: Path) -> None:
    body = json.dumps({"orders": [{"id": n, "note": "ä" * 500} for n in range(16_000)]})
    assert len(body) > 45_000_000
    web.on("/orders", Answer(200, body, {"Content-Type": "application/json"}))
    connector = orders(web.url, endpoint={"paginator": "single_page"})
    studio = Studio.of(tmp_path, connector)
    found = studio.job("look", resource="orders")
    (request,) = found["requests"]
    assert request["bytes"] == len(body)
    assert request["is_cut"]
    assert len(json.dumps(found)) < 3_000_000
    tried = studio.ask("try", expression="length(orders)", job="1", request=1)
    assert tried["result"] == 16_000


def test_long_texts_and_large_numbers_in_records_are_safe_to_show(web: Web, tmp_path: Path) -> None:
    record = {"id": 2**60, "note": "x" * 100_000, "tags": list(range(50_000))}
    web.on("/orders", {"orders": [record]})
    body = orders(web.url, endpoint={"paginator": "single_page"})
    found = Studio.of(tmp_path, body).job("look", resource="orders")
    (shown,) = found["steps"][0]["records"]
    assert shown["id"] == str(2**60)
    assert len(shown["note"]) < 6_000
    assert len(shown["tags"]) < 10_000
    assert "more" in shown["tags"][-1]


def test_a_hundred_large_records_do_not_make_a_large_result(web: Web, tmp_path: Path) -> None:
    records = [{"id": n, "tags": [[n] * 10] * 1_000, "note": "x" * 50_000} for n in range(100)]
    web.on("/orders", {"orders": records})
    steps = [{"set": {"again": "tags"}}]
    body = orders(web.url, endpoint={"paginator": "single_page"}, processing_steps=steps)
    body["resources"][0]["columns"] = {
        "tags": {"data_type": "json"},
        "again": {"data_type": "json"},
    }
    found = Studio.of(tmp_path, body).job("look", resource="orders")
    assert len(json.dumps(found)) < 5_000_000
    assert [step["count"] for step in found["steps"]] == [100] * 3
    assert found["tables"][0]["row_count"] == 100


def test_looks_of_two_connectors_run_side_by_side(web: Web, tmp_path: Path) -> None:
    web.on("/orders", paged)
    web.on("/others", {"orders": [{"id": "text"}]})
    folders = [tmp_path / str(n) for n in range(4)]
    results: dict[int, Json] = {}

    def look(number: int) -> None:
        folders[number].mkdir()
        body = orders(web.url)
        if number % 2:
            body["resources"][0]["endpoint"] |= {"path": "/others", "paginator": "single_page"}
        results[number] = Studio.of(folders[number], body).job("look", resource="orders")

    threads = [threading.Thread(target=look, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    types = [results[n]["tables"][0]["columns"][0]["type"] for n in range(4)]
    assert types == ["bigint", "text", "bigint", "text"]


SPELLINGS = ["s3cr3t-käy/+1", "s3cr3t-k%C3%A4y%2F%2B1", "czNjcjN0LWvDpHkvKzE=", "s3cr3t-k\\u00e4y"]


def test_a_secret_is_in_nothing_that_is_shown(web: Web, tmp_path: Path) -> None:
    secret = SPELLINGS[0]

    def echo(asked: Asked) -> Answer:
        body = {"orders": [{"id": 1, "you_sent": asked.param("key"), "a": SPELLINGS[2]}]}
        headers = {"X-Echo": SPELLINGS[1], "Set-Cookie": "session=abcdefgh", "X-Api-Key": "other"}
        return Answer(200, json.dumps(body), {"Content-Type": "application/json", **headers})

    web.on("/orders", echo, "POST")
    body = {
        "secrets": {"api_key": {"description": "The key."}},
        "client": {
            "base_url": web.url,
            "headers": {"X-Custom": "{secrets.api_key}"},
            "auth": {"type": "http_basic", "username": "me", "password": "{secrets.api_key}"},
        },
        "resources": [
            {
                "name": "orders",
                "endpoint": {
                    "path": "/orders",
                    "method": "POST",
                    "params": {"key": "{secrets.api_key}"},
                    "json": {"inside": {"pass": "{secrets.api_key}"}},
                    "data_selector": "orders",
                    "paginator": "single_page",
                },
            }
        ],
    }
    studio = Studio.of(tmp_path, body, values={"api_key": secret})
    found = studio.job("look", resource="orders")
    assert web.asked[0].param("key") == secret
    for text in (json.dumps(found), json.dumps(found, ensure_ascii=False), *studio.lines):
        for spelling in (*SPELLINGS, "abcdefgh", "other"):
            assert spelling not in text
    headers = dict(map(tuple, found["requests"][0]["headers"]))
    assert headers["Authorization"] == "***"


def test_the_tokens_of_an_oauth_request_are_not_shown(web: Web, tmp_path: Path) -> None:
    token = {"access_token": "tok-12345678", "token_type": "Bearer", "expires_in": 3600}
    web.on("/token", token, "POST")
    web.on("/orders", {"orders": [{"id": 1}]})
    body = orders(web.url, endpoint={"paginator": "single_page"})
    body["secrets"] = {"client_secret": {"description": "The secret."}}
    body["client"]["auth"] = {
        "type": "oauth2_client_credentials",
        "access_token_url": f"{web.url}/token",
        "client_id": "me",
        "client_secret": "{secrets.client_secret}",
    }
    studio = Studio.of(tmp_path, body, values={"client_secret": "p4ssw0rd-1"})
    found = studio.job("look", resource="orders")
    assert [one["resource"] for one in found["requests"]] == ["", "orders"]
    text = json.dumps(found)
    assert "tok-12345678" not in text
    assert "p4ssw0rd-1" not in text
    assert '"token_type": "Bearer"' in found["requests"][0]["response_body"]


def test_a_server_that_hangs_is_stopped(tmp_path: Path) -> None:
    stop = StopSignal()
    arrived = threading.Event()

    def hang(*_: Any) -> None:
        arrived.set()
        over.wait()

    over = threading.Event()
    with Raw(hang) as server:
        studio = Studio.of(tmp_path, orders(server.url), stop=stop)

        def end() -> None:
            arrived.wait()
            stop.set()

        threading.Thread(target=end, daemon=True).start()
        with pytest.raises(Interrupted):
            studio.job("look", resource="orders")
        over.set()
    assert any(f"{server.url}/orders" in line and "stopped" in line for line in studio.lines)
