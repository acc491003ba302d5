"""A replay answers from the cassette alone, in recorded order, and explains what it lacks."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from framework.authoring.cassettes import replayer
from framework.authoring.cassettes.cassette import Cassette
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.authoring.exchange import Interaction
from framework.errors import CassetteError
from framework.runtime.settings import STAND_IN
from tests.support.scrubbed_recording import exchange, prepared
from tests.support.servers.web import Web

API = "https://api.example.com"
FORM = {"request_headers": (("Content-Type", "application/x-www-form-urlencoded"),)}
SENT_JSON = {"request_headers": (("Content-Type", "application/json"),)}


def replay(*interactions: Interaction, secrets: tuple[str, ...] = ()) -> ReplayAdapter:
    cassette = Cassette("club", datetime(2026, 1, 1, tzinfo=UTC), interactions)
    return ReplayAdapter(cassette, secrets)


def test_two_thousand_requests_by_twenty_threads_open_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Web() as web:
        adapter = replay(*(exchange(f"{web.url}/items?n={n}&s=a", {"n": n}) for n in range(2000)))

        def ask(thread: int) -> list[int]:
            with requests.Session() as session:
                session.mount("http://", adapter)
                return [
                    session.get(f"{web.url}/items", params={"s": "a", "n": n}).json()["n"]
                    for n in range(thread, 2000, 20)
                ]

        opened: list[Any] = []
        compared: list[Any] = []
        monkeypatch.setattr(socket.socket, "connect", lambda *args: opened.append(args))
        is_match = replayer.is_match
        monkeypatch.setattr(
            replayer, "is_match", lambda *two: compared.append(two) or is_match(*two)
        )
        with ThreadPoolExecutor(20) as pool:
            got = list(pool.map(ask, range(20)))
        monkeypatch.undo()
        assert web.asked == []
    assert opened == []
    assert sorted(n for part in got for n in part) == list(range(2000))
    assert adapter.unused() == []
    assert len(compared) == 2000  # none was searched for


def test_answers_of_one_request_come_in_recorded_order() -> None:
    adapter = replay(
        exchange(f"{API}/a", status=429, headers=(("Retry-After", "1"),)),
        exchange(f"{API}/b", {"b": 1}),
        exchange(f"{API}/a", {"turn": 2}),
    )
    first = adapter.send(prepared(f"{API}/a"))
    assert (first.status_code, first.headers["Retry-After"]) == (429, "1")
    assert adapter.send(prepared(f"{API}/a")).json() == {"turn": 2}
    with pytest.raises(CassetteError, match="2 times, and the run requests it once more"):
        adapter.send(prepared(f"{API}/a"))


@pytest.mark.parametrize(
    ("recorded", "sent"),
    [
        (exchange(f"{API}/a?x=1&y=2"), prepared(f"{API}/a?y=2&x=1")),
        (exchange(f"{API}/a?x=1&x=2"), prepared(f"{API}/a", params={"x": ["1", "2"]})),
        (exchange(f"{API}/a%2Fb?x=a+b"), prepared(f"{API}/a%2fb?x=a%20b")),
        (exchange(f"{API}:443/a"), prepared(f"{API}/a")),
        (exchange(API), prepared(f"{API}/")),
        (exchange(f"{API}/ü"), prepared(f"{API}/%C3%BC")),
        (
            exchange(f"{API}/f", method="POST", request_body=b'{"a": 1, "b": [2]}', **SENT_JSON),
            prepared(f"{API}/f", "POST", json={"b": [2], "a": 1}),
        ),
        (
            exchange(f"{API}/f", method="POST", request_body=b"a=1&b=2", **FORM),
            prepared(f"{API}/f", "POST", data={"b": "2", "a": "1"}),
        ),
        (
            exchange(
                f"{API}/token",
                method="POST",
                request_body=f"grant_type=refresh_token&refresh_token={STAND_IN}".encode(),
                **FORM,
            ),
            prepared(
                f"{API}/token",
                "POST",
                data={"grant_type": "refresh_token", "refresh_token": "its-own"},
            ),
        ),
    ],
)
def test_one_request_in_two_spellings_is_one(
    recorded: Interaction, sent: requests.PreparedRequest
) -> None:
    adapter = replay(recorded)
    assert adapter.send(sent).status_code == 200
    assert adapter.unused() == []


MEMBERS = (
    exchange(f"{API}/members?status=active&count=100"),
    exchange(f"{API}/members/7/visits?count=100"),
    exchange(f"{API}/find", method="POST", request_body=b'{"text": "a", "size": 5}', **SENT_JSON),
    exchange(f"{API}/form", method="POST", request_body=b"a=1", **FORM),
)
DIFFERENCES = [
    (
        prepared(f"{API}/members?status=gone&count=100"),
        "query parameter `status`: recorded 'active', requested 'gone'",
    ),
    (prepared(f"{API}/members?count=100"), "`status`: recorded 'active', not requested"),
    (
        prepared(f"{API}/members?status=active&count=100&page=2"),
        "`page`: not recorded, requested '2'",
    ),
    (
        prepared(f"{API}/members/8/visits?count=100"),
        "path: recorded /members/7/visits, requested /members/8/visits",
    ),
    (prepared(f"{API}/find"), "method: recorded POST, requested GET"),
    (
        prepared("https://other.example.com/find", "POST", json={"text": "a", "size": 5}),
        "host: recorded https://api.example.com, requested https://other.example.com",
    ),
    (
        prepared(f"{API}/find", "POST", json={"text": "b", "size": 5}),
        'body key `text`: recorded "a", requested "b"',
    ),
    (
        prepared(f"{API}/form", "POST", data={"a": "2"}),
        "form field `a`: recorded '1', requested '2'",
    ),
    (prepared(f"{API}/form", "POST", data=b"\x00"), "the bodies differ"),
]


@pytest.mark.parametrize(("sent", "wanted"), DIFFERENCES)
def test_an_unknown_request_names_the_nearest(sent: requests.PreparedRequest, wanted: str) -> None:
    with pytest.raises(CassetteError) as caught:
        replay(*MEMBERS).send(sent)
    assert wanted in str(caught.value)
    assert "is not in the cassette of `club`" in str(caught.value)


def test_an_empty_cassette_says_so() -> None:
    with pytest.raises(CassetteError, match="which is empty"):
        replay().send(prepared(API))


def test_what_was_never_asked_for_is_listed() -> None:
    adapter = replay(
        exchange(f"{API}/a"), exchange(f"{API}/a", status=500), exchange(f"{API}/b", status=404)
    )
    adapter.send(prepared(f"{API}/a"))
    assert adapter.unused() == [
        f"GET {API}/a (status 500, response 2 of 2)",
        f"GET {API}/b (status 404)",
    ]


def test_secrets_of_this_run_are_matched_by_the_stand_in_and_not_said() -> None:
    adapter = replay(exchange(f"{API}/a?key={STAND_IN}"), secrets=("pass/word=1",))
    assert adapter.send(prepared(f"{API}/a", params={"key": "pass/word=1"})).ok
    with pytest.raises(CassetteError) as caught:
        adapter.send(prepared(f"{API}/b", params={"key": "pass/word=1"}))
    assert "pass" not in str(caught.value)


def test_a_body_is_given_as_it_was_recorded() -> None:
    adapter = replay(exchange(f"{API}/a", b"\xff\x00", headers=(("Content-Type", "image/png"),)))
    answer = adapter.send(prepared(f"{API}/a"))
    assert (answer.content, answer.headers["content-type"]) == (b"\xff\x00", "image/png")
    with pytest.raises(ValueError):
        json.loads(answer.content)
