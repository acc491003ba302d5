"""Where a credential goes in a request: header, query, cookie or body. A second time replaces the
first."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit, urlunsplit

import requests

from framework.errors import SettingsError

Json = Any
Place = Callable[[requests.PreparedRequest, str], None]
"""Puts a value on a prepared request."""

FORM = "application/x-www-form-urlencoded"


def bearer(request: requests.PreparedRequest, token: str) -> None:
    """The header `Authorization: Bearer TOKEN`."""
    request.headers["Authorization"] = f"Bearer {token}"


def placement_of(config: Mapping[str, Json]) -> Place:
    """For a mapping with `location`, `name` and `prefix`, as `api_key` has them; `bearer` too."""
    if config.get("type", "bearer") == "bearer":
        return bearer
    name = str(config.get("name") or "Authorization")
    put = _PLACES[config.get("location") or "header"]
    prefix = config.get("prefix") or ""
    return lambda request, value: put(request, name, f"{prefix}{value}")


def _header(request: requests.PreparedRequest, name: str, value: str) -> None:
    request.headers[name] = value


def _query(request: requests.PreparedRequest, name: str, value: str) -> None:
    parts = urlsplit(request.url or "")
    kept = [
        part for part in parts.query.split("&") if part and unquote_plus(part.split("=")[0]) != name
    ]
    query = "&".join([*kept, urlencode({name: value})])
    request.url = urlunsplit(parts._replace(query=query))


def _cookie(request: requests.PreparedRequest, name: str, value: str) -> None:
    known = str(request.headers.get("Cookie") or "").split("; ")
    kept = [pair for pair in known if pair and pair.split("=")[0] != name]
    request.headers["Cookie"] = "; ".join([*kept, f"{name}={value}"])
    # requests writes the header of a redirect's next hop anew, from this jar
    request._cookies.set(name, value)  # type: ignore[attr-defined]


def _body(request: requests.PreparedRequest, name: str, value: str) -> None:
    body = request.body or b""
    text = body.decode() if isinstance(body, bytes) else str(body)
    if FORM in str(request.headers.get("Content-Type") or ""):
        pairs = [pair for pair in parse_qsl(text, keep_blank_values=True) if pair[0] != name]
        written = urlencode([*pairs, (name, value)])
    else:
        data = json.loads(text) if text else {}
        if not isinstance(data, dict):
            raise SettingsError(
                "auth puts its key into the body, and the body is no mapping; use location: "
                "header or query"
            )
        request.headers["Content-Type"] = "application/json"
        written = json.dumps({**data, name: value}, ensure_ascii=False)
    request.body = written.encode()
    request.headers["Content-Length"] = str(len(request.body))


_PLACES: Mapping[str, Callable[[requests.PreparedRequest, str, str], None]] = {
    "header": _header,
    "query": _query,
    "param": _query,
    "cookie": _cookie,
    "body": _body,
}
