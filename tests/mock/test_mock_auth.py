"""The mock asks for the credentials that the file's auth sends, and issues tokens."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from framework.http.auth.authenticators import AUTH_TYPES
from tests.support.mocks import API, asked, invented, reading, shop

Json = Any
SECRET = {"secrets": {"key": {"description": "A key."}, "other": {"description": "Another."}}}
TOKEN_URL = {
    "access_token_url": f"{API}/token",
    "client_id": "id",
    "client_secret": "{secrets.key}",
}
PAIR = base64.b64encode(b"me:key").decode()
AUTHS: dict[str, tuple[Mapping[str, Json], dict[str, str]]] = {
    "bearer": ({"type": "bearer", "token": "{secrets.key}"}, {"authorization": "Bearer x"}),
    "api_key": ({"type": "api_key", "name": "X-Key", "api_key": "{secrets.key}"}, {"x_key": "x"}),
    "http_basic": (
        {"type": "http_basic", "username": "me", "password": "{secrets.key}"},
        {"authorization": f"Basic {PAIR}"},
    ),
    "http_digest": (
        {"type": "http_digest", "username": "me", "password": "{secrets.key}"},
        {"authorization": "Digest x"},
    ),
    "oauth2_client_credentials": (
        {"type": "oauth2_client_credentials", **TOKEN_URL},
        {"authorization": "Bearer x"},
    ),
    "oauth2_refresh_token": (
        {"type": "oauth2_refresh_token", **TOKEN_URL, "refresh_token": "{secrets.other}"},
        {"authorization": "Bearer x"},
    ),
    "oauth2_jwt": (
        {
            "type": "oauth2_jwt",
            "access_token_url": f"{API}/token",
            "private_key": "{secrets.key}",
        },
        {"authorization": "Bearer x"},
    ),
    "jwt": (
        {"type": "jwt", "key": "{secrets.key}", "algorithm": "HS256", "header_prefix": "JWT"},
        {"authorization": "JWT x"},
    ),
    "login": (
        {
            "type": "login",
            "request": {
                "path": "/login",
                "method": "POST",
                "json": {"password": "{secrets.key}"},
            },
            "token_path": "session.token",
            "send": {"type": "api_key", "name": "X-Session"},
        },
        {"x_session": "x"},
    ),
    "hmac": (
        {
            "type": "hmac",
            "key": "{secrets.key}",
            "message": "{method} {path}",
            "name": "X-Signature",
        },
        {"x_signature": "x"},
    ),
    "aws_sigv4": (
        {
            "type": "aws_sigv4",
            "access_key_id": "{secrets.other}",
            "secret_access_key": "{secrets.key}",
            "region": "eu-west-1",
            "service": "execute-api",
        },
        {"authorization": "AWS4-HMAC-SHA256 Credential=x"},
    ),
    "oauth1": (
        {
            "type": "oauth1",
            "consumer_key": "{secrets.other}",
            "consumer_secret": "{secrets.key}",
        },
        {"authorization": 'OAuth oauth_consumer_key="x"'},
    ),
}
"""By type: an auth, and headers that carry a credential of its shape."""


def shop_with(auth: Mapping[str, Json] | None) -> dict[str, Json]:
    body = {**shop({"paginator": "single_page"}), **SECRET}
    body["client"] = {**body["client"], **({} if auth is None else {"auth": auth})}
    if auth is not None and "other" not in json.dumps(auth):
        body["secrets"] = {"key": SECRET["secrets"]["key"]}
    return body


@pytest.mark.parametrize("kind", AUTHS)
def test_a_request_without_a_credential_is_refused(tmp_path: Path, kind: str) -> None:
    auth, headers = AUTHS[kind]
    mock = invented(tmp_path, shop_with(auth))
    refused = asked(mock, "GET /items")
    assert refused.status == 401
    assert "WWW-Authenticate" in dict(refused.headers)
    assert asked(mock, "GET /items", **headers).status == 200
    empty = {name: value.split(" ")[0] + " " for name, value in headers.items()}
    if kind in ("bearer", "http_basic", "jwt"):
        assert asked(mock, "GET /items", **empty).status == 401


@pytest.mark.parametrize("kind", AUTHS)
@pytest.mark.filterwarnings("ignore:The HMAC key is")
def test_a_run_with_a_stand_in_reads_the_list(tmp_path: Path, kind: str) -> None:
    auth, _ = AUTHS[kind]
    body = shop_with(auth)
    mock = invented(tmp_path, body, rows=4)
    assert len(reading(tmp_path, body, mock).read("items")) == 4


def test_every_type_of_auth_is_here() -> None:
    assert AUTHS.keys() == AUTH_TYPES.keys() - {"none"}


@pytest.mark.parametrize(
    ("location", "request_line", "body"),
    [
        ("query", "GET /items?key=x", b""),
        ("cookie", "GET /items", b""),
    ],
)
def test_a_key_counts_in_its_place_only(
    tmp_path: Path, location: str, request_line: str, body: bytes
) -> None:
    auth = {"type": "api_key", "name": "key", "location": location, "api_key": "{secrets.key}"}
    mock = invented(tmp_path, shop_with(auth))
    headers = {"cookie": "a=b; key=x"} if location == "cookie" else {}
    assert asked(mock, request_line, **headers).status == 200
    assert asked(mock, "GET /items", key="x").status == 401


def test_a_choice_of_auths_accepts_each(tmp_path: Path) -> None:
    cases = {"true": AUTHS["bearer"][0], "false": AUTHS["api_key"][0]}
    body = shop_with({"type": "one_of", "by": "config.modern", "cases": cases})
    body["config"] = {"modern": {"type": "boolean", "default": True}}
    mock = invented(tmp_path, body)
    assert asked(mock, "GET /items").status == 401
    for kind in ("bearer", "api_key"):
        assert asked(mock, "GET /items", **AUTHS[kind][1]).status == 200


def test_no_auth_asks_for_nothing(tmp_path: Path) -> None:
    mock = invented(tmp_path, {**shop({}), "secrets": {}})
    assert asked(mock, "GET /items").status == 200


def test_a_secret_in_a_header_is_asked_for(tmp_path: Path) -> None:
    body = shop_with(None)
    body["client"]["headers"] = {"X-Token": "t {secrets.key}", "X-Other": "{secrets.other}"}
    mock = invented(tmp_path, body)
    assert asked(mock, "GET /items", x_token="t x").status == 401
    assert asked(mock, "GET /items", x_token="t x", x_other="y").status == 200


def test_a_credential_that_is_given_is_the_only_one(tmp_path: Path) -> None:
    for kind, right, wrong in (
        ("bearer", "Bearer right", "Bearer other"),
        ("http_basic", _basic("me:right"), _basic("me:other")),
    ):
        mock = invented(tmp_path, shop_with(AUTHS[kind][0]), config={"key": "right"})
        assert asked(mock, "GET /items", authorization=right).status == 200
        assert asked(mock, "GET /items", authorization=wrong).status == 401


def test_no_refusal_and_no_list_quotes_a_credential(tmp_path: Path) -> None:
    mock = invented(tmp_path, shop_with(AUTHS["bearer"][0]), config={"key": "right-secret"})
    refused = asked(mock, "GET /items", authorization="Bearer wrong-secret")
    text = refused.body.decode() + str(refused.headers) + str(mock.world.lists())
    assert "secret" not in text


def test_a_404_does_not_quote_a_credential_in_the_query(tmp_path: Path) -> None:
    auth = {"type": "api_key", "name": "key", "location": "query", "api_key": "{secrets.key}"}
    mock = invented(tmp_path, shop_with(auth))
    response = asked(mock, "GET /nothing?key=a-secret&a=b")
    assert response.status == 404
    assert b"GET /nothing?a=b" in response.body
    assert b"a-secret" not in response.body


def test_a_token_is_at_the_paths_that_the_file_reads(tmp_path: Path) -> None:
    auth = {**AUTHS["login"][0], "expires_in_path": "session.seconds"}
    mock = invented(tmp_path, shop_with(auth))
    body = json.loads(asked(mock, "POST /login").body)
    assert body["session"]["token"]
    assert body["session"]["seconds"] == 3600


def test_another_host_gets_and_needs_no_credential(tmp_path: Path) -> None:
    body = shop_with(AUTHS["bearer"][0])
    body["resources"][0]["endpoint"]["path"] = "https://files.example.com/items"
    mock = invented(tmp_path, body, rows=2)
    assert len(reading(tmp_path, body, mock).read("items")) == 2


def _basic(pair: str) -> str:
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
