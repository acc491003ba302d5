"""What the address of a list says about an API: base URL, path, and the credentials in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from framework.authoring.scaffold.template import ConnectorFacts
from framework.authoring.scaffold.url_credentials import UrlCredentials, last_segment
from framework.errors import UsageError

Json = Any
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def url_facts(name: str, request: Mapping[str, Json]) -> tuple[ConnectorFacts, dict[str, str]]:
    """Return the facts of a connector for one list, and the values of its secrets.

    `url` is the list's address; `token` with `auth` is a credential: "bearer", {"header": NAME} or
    {"param": NAME}. Raise UsageError if they do not fit together.
    """
    url = request.get("url")
    if not isinstance(url, str) or not re.match(r"https?://[^/\s]+", url.strip()):
        raise UsageError("`url` is not the address of a list such as https://example.com/v1/orders")
    address = UrlCredentials.of(url.strip().partition("#")[0])
    address, paths = last_segment(address)
    secrets = dict(address.secrets)
    auth, header, param = address.auth, "X-API-Key", address.key_param
    token = request.get("token")
    if token:
        if not isinstance(token, str):
            raise UsageError("`token` is not a text")
        if auth is not None:
            raise UsageError("found a credential in the URL, and a token; remove one of them")
        auth, given = "api_key", request.get("auth") or "bearer"
        if isinstance(given, Mapping) and _is_name(given.get("header")):
            header = given["header"]
        elif isinstance(given, Mapping) and _is_name(given.get("param")):
            param = given["param"]
        elif given == "bearer":
            auth = "bearer"
        else:
            raise UsageError(
                '`auth` is not "bearer", {"header": NAME} or {"param": NAME}, where the token goes'
            )
        secrets["token" if auth == "bearer" else "api_key"] = token.strip()
    facts = ConnectorFacts(
        name,
        address.url,
        paths or ("/",),
        auth or "none",
        None,
        (None,),
        "auto",
        header,
        param,
    )
    return facts, secrets


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None
