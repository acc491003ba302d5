"""Answers of an API: any bytes, any headers, any JSON where the paginator looks."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import FrameworkError
from tests.fuzz import fuzzed, mutated, values
from tests.support.open_resource import Opened, one_list, opened
from tests.support.servers.nowhere import Nowhere

API = "https://api.example.com"
URL = f"{API}/items"
FORMATS: dict[str, Any] = {
    "json": None,
    "jsonl": "jsonl",
    "csv": "csv",
    "xml": "xml",
    "text": "text",
    "gzip": {"type": "json", "compression": "gzip"},
    "zip": {"type": "csv", "compression": "zip"},
}
PAGINATORS: dict[str, Any] = {
    "single_page": {"type": "single_page"},
    "cursor": {"type": "cursor", "cursor_path": "next", "cursor_param": "at"},
    "json_link": {"type": "json_link", "next_url_path": "next"},
    "header_link": {"type": "header_link"},
    "offset": {"type": "offset", "limit": 2, "total_path": "total"},
    "page_number": {"type": "page_number", "base_page": 1, "total_path": "total"},
    "has_more": {"type": "offset", "limit": 2, "total_path": None, "has_more_path": "more"},
}
SAMPLE = '{"items": [{"id": 1, "name": "Zo\\u00eb", "n": 12345678901234567890}], "next": null}'
headers = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "Link",
            "Retry-After",
            "Set-Cookie",
            "X-Reset",
            "Content-Encoding",
            "Location",
        ]
    ),
    st.sampled_from(
        [
            "application/json",
            "text/html; charset=utf-16",
            "-1",
            "1e999",
            "nan",
            "<x>; rel=next",
            "http://[x",
        ]
    )
    | st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    max_size=3,
)


def read(shop: Opened) -> None:
    """Records, or one of our errors."""
    try:
        records = shop.read("items")
    except FrameworkError:
        return
    assert all(isinstance(record, dict) for record in records)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def shop_of(folder: Path, answer: Any, **endpoint: Any) -> Opened:
    client = {"retry": {"max_retries": 1, "backoff_factor": 0}}
    client |= {"rate_limit": {"headers": {"reset": "X-Reset", "reset_as": "epoch"}}}
    given_back = {URL: answer, f"{API}/": answer}
    return opened(
        folder, one_list(API, endpoint, **client), transport=lambda _: Anywhere(given_back)
    )


class Anywhere(Nowhere):
    """The same answer for every address; after some requests the API is gone."""

    def send(self, request: Any, **_: Any) -> Any:
        if len(self.sent) > 6:
            self.answers = {URL: (404, {}, b"{}")}
        answer = self.answers[URL]
        self.answers = {**self.answers, (request.url or "").partition("?")[0]: answer}
        return super().send(request)


def utf8(text: str) -> bytes:
    """The text's bytes, what is no text left out."""
    return text.encode("utf-8", "replace")


bodies = (
    st.binary(max_size=60)
    | mutated(SAMPLE).map(utf8)
    | mutated("id;name\n1;Lamp\n").map(utf8)
    | mutated("<a><b id='1'>x</b><b/></a>").map(utf8)
    | st.binary(max_size=40).map(lambda raw: gzip.compress(raw)[:-3])
)


@pytest.mark.parametrize("form", FORMATS)
@fuzzed
@given(body=bodies, sent=headers, status=st.sampled_from([200, 200, 200, 204, 302, 400, 429, 503]))
def test_any_body_is_read_or_refused(
    folder: Path, form: str, body: bytes, sent: dict[str, str], status: int
) -> None:
    kind = FORMATS[form]
    endpoint = {"response_format": kind} if kind else {}
    read(shop_of(folder, (status, sent, body), **endpoint))


@pytest.mark.parametrize("paginator", PAGINATORS)
@fuzzed
@given(
    items=values,
    more=st.dictionaries(st.sampled_from(["next", "total", "more", "error"]), values),
    sent=headers,
)
def test_any_json_where_a_paginator_looks_is_read_or_refused(
    folder: Path, paginator: str, items: Any, more: dict[str, Any], sent: dict[str, str]
) -> None:
    body = orjson.dumps({**more, "items": items}, default=str) if _small(items, more) else b"{}"
    endpoint = {"paginator": PAGINATORS[paginator], "data_selector": "items"}
    read(shop_of(folder, (200, sent, body), **endpoint))


def _small(*parts: Any) -> bool:
    """Whether orjson can write it: integers of 64 bits."""
    try:
        orjson.dumps(parts)
    except TypeError:
        return False
    return True
