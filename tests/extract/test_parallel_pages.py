"""Pages of a numbered list asked for side by side."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from framework.errors import RequestError
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Answer, Asked, Web

PAGES = 23


class Numbered:
    """A numbered list that answers in random order and counts how many are asked at once."""

    def __init__(self, *, total: int | None = PAGES, fails: int = 0) -> None:
        self.total = total
        self.most = 0
        self._now = 0
        self._failing = set(range(2, 2 + fails))
        self._several = threading.Event()
        self._lock = threading.Lock()
        self._random = random.Random(7)

    def __call__(self, asked: Asked) -> Any:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now > 1:
                self._several.set()
            pause = self._random.random() / 100
            number = int(asked.param("page") or 0)
            broken = number in self._failing
            self._failing.discard(number)
        if number > 1:
            self._several.wait(60)
        time.sleep(pause)
        with self._lock:
            self._now -= 1
        if broken:
            return Answer(503, {"message": "busy"})
        rows = [{"id": number * 10 + k} for k in range(3)] if number <= PAGES else []
        return {"items": rows, "total_pages": self.total}


def body(url: str, **paginator: Any) -> dict[str, Any]:
    given = {"type": "page_number", "base_page": 1, "total_path": "total_pages", "ahead": True}
    endpoint = {"data_selector": "items", "paginator": {**given, **paginator}}
    return one_list(url, endpoint, max_in_flight=8)


WANTED = [number * 10 + k for number in range(1, PAGES + 1) for k in range(3)]


def test_pages_come_in_order_each_asked_once(tmp_path: Path, web: Web) -> None:
    answers = Numbered()
    web.on("/items", answers)
    records = opened(tmp_path, body(web.url)).read("items")
    assert [record["id"] for record in records] == WANTED
    asked = sorted(int(one.param("page") or 0) for one in web.asked)
    assert asked == list(range(1, PAGES + 1))
    assert 1 < answers.most <= 8


def test_failures_on_the_way_are_retried_and_lose_nothing(tmp_path: Path, web: Web) -> None:
    web.on("/items", Numbered(fails=9))
    records = opened(tmp_path, body(web.url)).read("items")
    assert [record["id"] for record in records] == WANTED


def test_a_page_that_fails_for_good_fails_the_resource(tmp_path: Path, web: Web) -> None:
    def answer(asked: Asked) -> Any:
        if asked.param("page") == "5":
            return Answer(400, {"message": "no such page"})
        return {"items": [{"id": asked.param("page")}], "total_pages": PAGES}

    web.on("/items", answer)
    with pytest.raises(RequestError, match="page=5"):
        opened(tmp_path, body(web.url)).read("items")


def test_a_last_page_in_the_file_is_an_end_too(tmp_path: Path, web: Web) -> None:
    web.on("/items", Numbered(total=None))
    records = opened(tmp_path, body(web.url, total_path=None, maximum_page=11)).read("items")
    assert [record["id"] for record in records] == WANTED[:30]


def test_a_total_that_grows_meanwhile_is_followed(tmp_path: Path, web: Web) -> None:
    def answer(asked: Asked) -> Any:
        number = int(asked.param("page") or 0)
        return {"items": [{"id": number}], "total_pages": 4 if number < 4 else 6}

    web.on("/items", answer)
    records = opened(tmp_path, body(web.url)).read("items")
    assert [record["id"] for record in records] == [1, 2, 3, 4, 5, 6]


def test_offsets_are_asked_ahead_with_their_limit(tmp_path: Path, web: Web) -> None:
    def answer(asked: Asked) -> Any:
        start, limit = int(asked.param("offset") or 0), int(asked.param("limit") or 0)
        return {"items": [{"id": n} for n in range(start, min(start + limit, 47))], "total": 47}

    web.on("/items", answer)
    endpoint = {
        "data_selector": "items",
        "paginator": {"type": "offset", "limit": 10, "ahead": True},
    }
    records = opened(tmp_path, one_list(web.url, endpoint)).read("items")
    assert [record["id"] for record in records] == list(range(47))
    assert {one.param("limit") for one in web.asked} == {"10"}
