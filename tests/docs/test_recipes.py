"""Recipes of these pages, run against servers that behave as their APIs do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.case import loaded_rows
from tests.support.docs_blocks import blocks
from tests.support.run_verbs import connector_of, later, load, statuses, values
from tests.support.servers.web import Answer, Asked, Web

PAGES = ("docs/recipes.md", "docs/paging.md", "docs/incremental.md")
Json = Any
Run = Callable[[int], Any]


@pytest.fixture
def recipe(web: Web, project: Path) -> Callable[[str], Run]:
    """Return what runs the recipe that has a text, some days after the first run."""

    def of(text: str) -> Run:
        found = [one for page in PAGES for one in blocks(page) if text in one.text]
        assert len(found) == 1, text
        client = f'client: {{base_url: "{web.url}"}}\n'
        connector = connector_of(project, f"version: 1\nname: shop\n{client}{found[0].text}")

        def run(day: int) -> Any:
            report = load(connector, project, now=later(24 * day))
            assert set(statuses(report).values()) == {"ok"}, report.as_dict()
            return report

        return run

    return of


def test_deleted_records(web: Web, project: Path, recipe: Callable[[str], Run]) -> None:
    customers = [{"id": n} for n in range(3)]
    orders: Json = [{"id": n, "updated_at": f"2026-01-0{n + 1}T00:00:00Z"} for n in range(9)]
    lines = {"0": [{"id": 1}, {"id": 2}]}

    def since(asked: Asked) -> Json:
        start = asked.param("updated_since") or ""
        return [one for one in orders if str(one["updated_at"]) >= start]

    web.on("/customers", lambda asked: customers)
    web.on("/orders", since)
    web.on("/orders/{id}/lines", lambda asked: lines.get(asked.path.split("/")[2], []))
    run = recipe("deletes: {action: remove, at_most: 10%}")
    run(0)
    customers.pop()
    orders[0]["updated_at"] = "2026-02-01T00:00:00Z"
    lines["0"].pop()
    report = run(1)
    found = {row["id"]: row.get("_deleted_at") for row in rows(project, "customers")}
    assert [found[n] is None for n in range(3)] == [True, True, False]
    assert report.resources["customers"].deleted == 1
    assert values(project, "order_lines") == [1]


def test_an_api_that_pages_only_so_far(
    web: Web, project: Path, recipe: Callable[[str], Run]
) -> None:
    tickets = [
        {"id": n, "updated_at": f"2026-01-{1 + n // 900:02}T00:00:00Z"} for n in range(12_345)
    ]

    def page(asked: Asked) -> Json:
        start, offset = asked.param("updated_from") or "", int(asked.param("offset") or 0)
        if offset >= 10_000:
            return Answer(400, {"message": "result window is too large"})
        found = [one for one in tickets if str(one["updated_at"]) >= start]
        return {"items": found[offset : offset + 100], "total": len(found)}

    web.on("/tickets", page)
    recipe("restart_after: {records: 10000}")(0)
    assert values(project, "tickets") == list(range(12_345))


def test_sync_tokens(web: Web, project: Path, recipe: Callable[[str], Run]) -> None:
    def events(asked: Asked) -> Json:
        token = asked.param("syncToken")
        if token == "old":
            return Answer(410, {"message": "gone"})
        if token:
            return {"items": [{"id": 3}], "nextSyncToken": "old"}
        if asked.param("pageToken"):
            return {"items": [{"id": 2}], "nextSyncToken": "t1"}
        return {"items": [{"id": 1}], "nextPageToken": "p2"}

    def tasks(asked: Asked) -> Json:
        token = asked.json()["sync_token"]
        if token == "bad":
            return Answer(400, {"error": "bad token"})
        return {"items": [{"id": 1 if token == "*" else 2}], "sync_token": "good"}

    web.on("/events", events)
    web.on("/tasks", tasks)
    run = recipe("incremental: {token: response.nextSyncToken, token_param: syncToken}")
    for day in range(3):
        run(day)
    assert values(project, "events") == [1, 2, 3]
    assert values(project, "tasks") == [1, 2]


def test_several_tables_of_one_response(
    web: Web, project: Path, recipe: Callable[[str], Run]
) -> None:
    order = {"id": 1, "state": "paid", "lines": [{"sku": "a"}, {"sku": "b"}]}

    def sync(asked: Asked) -> Json:
        if asked.param("cursor"):
            return {"customers": [{"id": 2}], "orders": [{"id": 2, "state": "draft"}]}
        return {"customers": [{"id": 1}], "orders": [order], "next": "c"}

    web.on("/sync", sync)
    recipe("endpoint: {from: sync, data_selector: customers}")(0)
    assert len(web.asked) == 2
    assert values(project, "customers") == [1, 2]
    assert values(project, "orders") == [1]
    assert sorted(row["sku"] for row in rows(project, "order_lines")) == ["a", "b"]


def test_what_stands_beside_the_list(web: Web, project: Path, recipe: Callable[[str], Run]) -> None:
    def visits(asked: Asked) -> Json:
        found = [[1, "Mo"], [2, "Tu"]] if asked.param("page") == "1" else []
        return {"columns": ["id", "day"], "rows": found}

    web.on("/visits", visits)
    web.on("/users", {"users": {"a1": {"name": "Ada"}, "b2": {"name": "Bo"}}})
    web.on("/rates", {"base": "EUR", "rates": [{"id": "USD", "rate": 1.1}]})
    web.on("/orders", {"payload": '{"orders": [{"id": 1}]}'})
    recipe("context().headers.date")(0)
    assert [row["day"] for row in rows(project, "visits")] == ["Mo", "Tu"]
    assert sorted(row["id"] for row in rows(project, "users")) == ["a1", "b2"]
    rate = rows(project, "rates")[0]
    assert (rate["base"], rate["read_at"] is not None) == ("EUR", True)
    assert values(project, "orders") == [1]


def test_a_url_that_a_record_holds(web: Web, project: Path, recipe: Callable[[str], Run]) -> None:
    url = f"{web.url}/files/a%20b.csv?sig=x"
    web.on("/reports", {"reports": [{"id": 1, "download_url": url}, {"id": 2}]})
    web.on("/files/{name}", Answer(200, "id,n\n7,x\n"))
    recipe("{resources.reports.download_url}")(0)
    assert [row["id"] for row in rows(project, "report_rows")] == ["7"]


def rows(project: Path, table: str) -> list[dict[str, Json]]:
    return [dict(row) for row in loaded_rows(project, "shop")[table]]
