"""Every exchange is kept, from any number of threads, with only the headers that matter."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from framework.authoring.cassettes.recorder import Recorder, RecordingAdapter, named_headers
from framework.http.transport import LiveAdapter
from tests.support.scrubbed_recording import Wire, connector, prepared
from tests.support.servers.web import Answer, Asked, Web

THREADS, EACH = 20, 100


@pytest.mark.slow
def test_twenty_threads_lose_nothing() -> None:
    recorder = Recorder()

    def answer(asked: Asked) -> Answer:
        return Answer(body={"thread": asked.param("thread"), "number": asked.param("number")})

    with Web() as web:
        web.on("/items", answer)
        adapter = RecordingAdapter(LiveAdapter(THREADS, 1_000_000, 60), recorder)

        def ask(thread: int) -> None:
            for number in range(EACH):
                url = f"{web.url}/items?thread={thread}&number={number}"
                assert adapter.send(prepared(url)).status_code == 200

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(ask, range(THREADS)))
        adapter.close()

    kept = recorder.exchanges
    assert len(kept) == THREADS * EACH
    asked = []
    for exchange in kept:
        sent = dict(parse_qsl(urlsplit(exchange.url).query))
        asked.append((int(sent["thread"]), int(sent["number"])))
        assert exchange.body == (
            b'{"thread": "%s", "number": "%s"}' % (sent["thread"].encode(), sent["number"].encode())
        )
    assert len(set(asked)) == THREADS * EACH
    for thread in range(THREADS):
        own = [number for who, number in asked if who == thread]
        assert own == list(range(EACH))


def test_errors_and_redirects_are_exchanges_of_their_own() -> None:
    recorder = Recorder()
    url = "https://api.example.com"
    transport = Wire(
        {
            f"{url}/a": {"status": 302, "headers": [("Location", f"{url}/b")]},
            f"{url}/b": {"status": 429, "headers": [("Retry-After", "1")], "body": {"t": 1}},
        }
    )
    with requests.Session() as session:
        session.mount("https://", RecordingAdapter(transport, recorder))
        session.get(f"{url}/a")
    assert [(e.url, e.status) for e in recorder.exchanges] == [(f"{url}/a", 302), (f"{url}/b", 429)]
    assert ("Retry-After", "1") in recorder.exchanges[1].headers


def test_no_answer_is_noted_and_not_kept() -> None:
    recorder = Recorder()
    transport = Wire({"https://api.example.com/a?key=hidden": requests.ConnectionError("no")})
    with pytest.raises(requests.ConnectionError):
        RecordingAdapter(transport, recorder).send(prepared("https://api.example.com/a?key=hidden"))
    assert recorder.exchanges == ()
    assert recorder.failures == ("GET https://api.example.com/a: ConnectionError",)


def test_only_headers_that_matter_are_kept(tmp_path: Path) -> None:
    club = connector(
        tmp_path,
        {
            "client": {
                "base_url": "https://api.example.com",
                "rate_limit": {"requests": 9, "per": "PT1M", "headers": {"reset": "X-Wait"}},
                "paginator": {"type": "header_cursor", "cursor_key": "X-Next"},
            },
            "resources": [
                {
                    "name": "members",
                    "write_disposition": "replace",
                    "endpoint": {
                        "path": "/m",
                        "data_selector": "data",
                        "response_actions": [
                            {"status_code": 404, "header": {"X-Why": "gone"}, "action": "ignore"}
                        ],
                    },
                }
            ],
        },
    )
    answered = [
        ("X-Wait", "5"),
        ("X-Next", "abc"),
        ("X-Why", "gone"),
        ("RateLimit-Remaining", "3"),
        ("X-RateLimit-Reset", "9"),
        ("Set-Cookie", "session=1"),
        ("X-Request-Id", "42"),
        ("Date", "today"),
    ]
    recorder = Recorder(named_headers(club))
    transport = Wire({"https://api.example.com/m": {"headers": answered}})
    sent = {"Authorization": "Bearer x", "Cookie": "a=b", "Accept": "*/*", "X-Key": "k"}
    RecordingAdapter(transport, recorder).send(prepared("https://api.example.com/m", headers=sent))
    (kept,) = recorder.exchanges
    assert kept.request_headers == (("Accept", "*/*"),)
    assert {name for name, _ in kept.headers} == {
        "Content-Type",
        "X-Wait",
        "X-Next",
        "X-Why",
        "RateLimit-Remaining",
        "X-RateLimit-Reset",
    }


def test_sent_bodies_are_kept() -> None:
    recorder = Recorder()
    url = "https://api.example.com/token"
    adapter = RecordingAdapter(Wire({url: {"body": {}}}), recorder)
    adapter.send(prepared(url, "POST", data={"grant_type": "x"}))
    adapter.send(prepared(url, "POST", json={"a": 1}))
    assert [e.request_body for e in recorder.exchanges] == [b"grant_type=x", b'{"a": 1}']
    assert recorder.exchanges[1].request_headers == (("Content-Type", "application/json"),)
