"""Where a credential goes in a request: header, query, cookie or body. A second credential in the
same place replaces the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase

from framework.errors import SettingsError
from framework.http.signatures import Sign, sign_request
from framework.runtime.dlt_internals import mark_resolved

PutToken = Callable[[requests.PreparedRequest, str], None]
"""Puts a token on a prepared request."""

FORM = "application/x-www-form-urlencoded"


class AppliedAuth(AuthConfigBase):
    """An auth of dlt's kind made of a function that changes a prepared request."""

    def __init__(self, apply: Callable[[requests.PreparedRequest], None]) -> None:
        super().__init__()
        self._apply = apply
        mark_resolved(self)

    def __deepcopy__(self, _: dict[int, Any]) -> AppliedAuth:
        # dlt copies a config before it validates it; the token and its lock must stay shared
        return self

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with its credentials."""
        self._apply(request)
        return request


def signing_auth(sign: Sign) -> AppliedAuth:
    """Return an auth that signs requests, and again those that are sent again."""
    return AppliedAuth(partial(sign_request, sign=sign))


@dataclass(frozen=True)
class Placement:
    """Where a value goes, and the text before it."""

    name: str = "Authorization"
    location: Literal["header", "query", "param", "cookie", "body"] = "header"
    prefix: str = ""


def bearer(request: requests.PreparedRequest, token: str) -> None:
    """Set the header `Authorization: Bearer TOKEN`."""
    request.headers["Authorization"] = f"Bearer {token}"


def put_credential(placement: Placement, request: requests.PreparedRequest, value: str) -> None:
    """Put a value where `placement` says. Raise SettingsError for a body that is not a mapping."""
    _LOCATIONS[placement.location](request, str(placement.name), f"{placement.prefix}{value}")


def _put_header(request: requests.PreparedRequest, name: str, value: str) -> None:
    request.headers[name] = value


def _put_query(request: requests.PreparedRequest, name: str, value: str) -> None:
    parts = urlsplit(request.url or "")
    others = [
        part for part in parts.query.split("&") if part and unquote_plus(part.split("=")[0]) != name
    ]
    query = "&".join([*others, urlencode({name: value})])
    request.url = urlunsplit(parts._replace(query=query))


def _put_cookie(request: requests.PreparedRequest, name: str, value: str) -> None:
    pairs = str(request.headers.get("Cookie") or "").split("; ")
    others = [pair for pair in pairs if pair and pair.split("=")[0] != name]
    request.headers["Cookie"] = "; ".join([*others, f"{name}={value}"])
    # after a redirect requests builds the header again, from this jar
    request._cookies.set(name, value)  # type: ignore[attr-defined]


def _put_body(request: requests.PreparedRequest, name: str, value: str) -> None:
    body = request.body or b""
    text = body.decode() if isinstance(body, bytes) else str(body)
    if FORM in str(request.headers.get("Content-Type") or ""):
        pairs = [pair for pair in parse_qsl(text, keep_blank_values=True) if pair[0] != name]
        text = urlencode([*pairs, (name, value)])
    else:
        data = json.loads(text) if text else {}
        if not isinstance(data, dict):
            raise SettingsError(
                "auth puts its key into the body, and the body is not a mapping; use location: "
                "header or query"
            )
        request.headers["Content-Type"] = "application/json"
        text = json.dumps({**data, name: value}, ensure_ascii=False)
    request.body = text.encode()
    request.headers["Content-Length"] = str(len(request.body))


_LOCATIONS: Mapping[str, Callable[[requests.PreparedRequest, str, str], None]] = {
    "header": _put_header,
    "query": _put_query,
    "param": _put_query,
    "cookie": _put_cookie,
    "body": _put_body,
}
