"""Credentials put on requests: dlt's own classes where they serve, ours for what is obtained.

Tokens obtained on the way, and what is signed, become secrets of the run.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase
from dlt.sources.rest_api.config_setup import create_auth

from framework.definition.durations import parse_duration
from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.events import EventHandler, WarningRaised
from framework.http.auth.oauth import (
    DEFAULT_SECONDS,
    Token,
    TokenAuth,
    TokenRequest,
    TokenResponse,
    request_token,
)
from framework.http.auth.placement import Place, bearer, placement_of
from framework.http.auth.signing import SignedRequests, jwt_key, signed_jwt
from framework.http.auth.token_store import TokenFile, token_file
from framework.http.session import refuse_plain_http
from framework.runtime.context import Context
from framework.runtime.dlt_internals import mark_resolved
from framework.runtime.redaction import Redactor
from framework.runtime.settings import STAND_IN
from framework.runtime.templates import text_of

Json = Any
Config = Mapping[str, Json]

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True)
class AuthContext:
    """What building an auth takes beside its mapping.

    `session_for` gives the session that may send credentials to an address; `owner` names the
    connector whose tokens are kept, None where nothing is kept (a replay); `remedy` says which
    settings to look at.
    """

    base_url: str
    session_for: Callable[[str], requests.Session]
    secrets: Redactor
    context: Context
    on_event: EventHandler
    owner: str | None
    remedy: str


def build_auth(config: Config, terms: AuthContext) -> AuthConfigBase:
    """The auth that a mapping with a `type` describes, its placeholders filled in."""
    kind = config["type"]
    if kind == "none":
        return _NoAuth()
    build = _BUILDERS.get(kind)
    if build is not None:
        return build(config, terms)
    if kind == "http_basic":
        # an optional secret that is not given; dlt would ask for it in words of its own
        config = {**config, **{key: config[key] or "" for key in ("username", "password")}}
        # what travels is base64 of the pair
        terms.secrets.add(f"{config['username']}:{config['password']}")
    if kind == "api_key" and (config.get("location", "header") != "header" or config.get("prefix")):
        return _Key(placement_of(config), text_of(config["api_key"]))
    auth = create_auth(dict(config))  # type: ignore[arg-type]
    assert auth is not None
    return auth


class _NoAuth(AuthConfigBase):
    """An endpoint without credentials where the client has some."""

    def __init__(self) -> None:
        super().__init__()
        mark_resolved(self)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Key(AuthConfigBase):
    """A key where dlt's own class does not put one: in a cookie, in the body, after a prefix; and
    in a query, where dlt's adds a second one to a link that has it."""

    def __init__(self, place: Place, key: str) -> None:
        super().__init__()
        self._place = place
        self._key = key
        mark_resolved(self)

    def __deepcopy__(self, _: dict[int, Any]) -> _Key:
        return self

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        self._place(request, self._key)
        return request


def _client_credentials(config: Config, terms: AuthContext) -> AuthConfigBase:
    request = _grant(config, terms, {"grant_type": "client_credentials"})
    return TokenAuth(
        lambda: _asked(request, terms).token,
        bearer,
        terms.secrets,
        config.get("access_token"),
    )


def _refresh_token(config: Config, terms: AuthContext) -> AuthConfigBase:
    first = text_of(config["refresh_token"])
    kept = token_file(terms.owner, first) if config.get("rotates") and terms.owner else None
    path = compile_expression(config.get("refresh_token_path") or "refresh_token")
    current = [first]

    def obtain() -> Token:
        if kept is None:
            return used(current[0])
        with kept.held():
            return used(kept.read())

    def used(token: str) -> Token:
        terms.secrets.add(token)
        grant = {"grant_type": "refresh_token", "refresh_token": token}
        given = _asked(_grant(config, terms, grant), terms)
        following = path.search(given.body, given.context)
        if terms.owner is None and following:
            following = STAND_IN
        if isinstance(following, str) and following and following != token:
            terms.secrets.add(following)
            _keep(following, kept, current, config, terms)
        return given.token

    return TokenAuth(obtain, bearer, terms.secrets)


def _keep(
    token: str, kept: TokenFile | None, current: list[str], config: Config, terms: AuthContext
) -> None:
    """The next refresh token: on disk before its access token is used, where it may be needed."""
    current[0] = token
    if kept is not None:
        kept.write(token)
    elif "rotates" not in config and terms.owner is not None:
        terms.on_event(
            WarningRaised(
                "",
                "refresh-token-changed",
                "the API gave a new refresh token with the access token, which is not kept; "
                "write `rotates: true` into the auth if the old one ends with its use, else "
                "`rotates: false`",
            )
        )


def _jwt_grant(config: Config, terms: AuthContext) -> AuthConfigBase:
    sign = _signer(config, config["private_key"])

    def obtain() -> Token:
        assertion = sign()
        terms.secrets.add(assertion)
        grant = {"grant_type": JWT_GRANT, "assertion": assertion}
        return _asked(_grant(config, terms, grant), terms).token

    return TokenAuth(obtain, bearer, terms.secrets)


def _jwt(config: Config, terms: AuthContext) -> AuthConfigBase:
    sign = _signer(config, config["key"])
    seconds = _seconds(config)
    prefix = config.get("header_prefix", "Bearer")
    place = placement_of({"type": "api_key", "prefix": f"{prefix} " if prefix else ""})
    # a new one somewhat before the old one ends
    return TokenAuth(lambda: Token(sign(), seconds * 0.9), place, terms.secrets)


def _signer(config: Config, key: str) -> Callable[[], str]:
    return lambda: signed_jwt(
        config.get("payload") or {},
        config.get("token_headers") or {},
        jwt_key(text_of(key), config.get("key_encoding") or "text"),
        config.get("private_key_passphrase"),
        config.get("algorithm") or "RS256",
        _seconds(config),
    )


def _seconds(config: Config) -> float:
    return parse_duration(config.get("expires_in") or DEFAULT_SECONDS).total_seconds()


def _login(config: Config, terms: AuthContext) -> AuthConfigBase:
    written = config["request"]
    url = text_of(
        written.get("url")
        or urljoin(terms.base_url.rstrip("/") + "/", text_of(written.get("path") or "").lstrip("/"))
    )
    refuse_plain_http(url, "the login request")
    auth = written.get("auth")
    given_end = config.get("expires_in")
    request = TokenRequest(
        url=url,
        method=str(written.get("method") or "POST").upper(),
        headers=written.get("headers") or {},
        params=written.get("params") or {},
        json=written.get("json"),
        data=written.get("data"),
        auth=build_auth({"type": "bearer", **auth}, terms) if auth else None,
        token_path=compile_expression(config["token_path"]),
        expires_in_path=_path(config.get("expires_in_path")),
        default_seconds=parse_duration(given_end).total_seconds() if given_end else None,
        remedy=terms.remedy,
    )
    place = placement_of(config.get("send") or {})
    return TokenAuth(lambda: _asked(request, terms).token, place, terms.secrets)


def _hmac(config: Config, terms: AuthContext) -> AuthConfigBase:
    timestamp = config.get("timestamp")
    return SignedRequests(
        key=text_of(config["key"]),
        message=config["message"],
        algorithm=config.get("algorithm") or "sha256",
        encoding=config.get("encoding") or "hex",
        place=placement_of({**config, "type": "api_key"}),
        timestamp=placement_of({**timestamp, "type": "api_key"}) if timestamp else None,
        timestamp_format=(timestamp or {}).get("format") or "epoch_seconds",
        context=terms.context,
        secrets=terms.secrets,
    )


def _grant(config: Config, terms: AuthContext, fields: Mapping[str, Json]) -> TokenRequest:
    """An OAuth token request: the client's id and secret go where `secret_in` says."""
    pair = {
        key: text_of(config[key])
        for key in ("client_id", "client_secret")
        if config.get(key) is not None
    }
    way = config.get("secret_in") or "body"
    headers = dict(config.get("headers") or {})
    more = config.get("access_token_request_data") or {}
    form = {**({} if way == "basic" else pair), **fields, **more}
    if way == "basic":
        text = f"{pair.get('client_id', '')}:{pair.get('client_secret', '')}"
        terms.secrets.add(text)
        headers["Authorization"] = f"Basic {b64encode(text.encode()).decode()}"
    url = text_of(config["access_token_url"])
    refuse_plain_http(url, "the auth's access_token_url")
    default = config.get("default_token_expiration")
    method = str(config.get("method") or "POST").upper()
    place = "json" if way == "json" else "params" if method == "GET" else "data"
    if place != "json":
        form = {key: text_of(value) for key, value in form.items()}
    return TokenRequest(
        url=url,
        method=method,
        headers=headers,
        json=form if place == "json" else None,
        data=form if place == "data" else None,
        params=form if place == "params" else {},
        token_path=compile_expression(config.get("token_path") or "access_token"),
        expires_in_path=_path(config.get("expires_in_path") or "expires_in"),
        default_seconds=DEFAULT_SECONDS if default is None else float(default),
        remedy=terms.remedy,
    )


def _asked(request: TokenRequest, terms: AuthContext) -> TokenResponse:
    """What the token request gives; in a replay what it gave was a secret, now a stand-in."""
    recorded = None if terms.owner else STAND_IN
    return request_token(
        request, terms.session_for(request.url), terms.secrets, terms.context, recorded
    )


def _path(text: str | None) -> Expression | None:
    return compile_expression(text) if text else None


_BUILDERS: Mapping[str, Callable[[Config, AuthContext], AuthConfigBase]] = {
    "oauth2_client_credentials": _client_credentials,
    "oauth2_refresh_token": _refresh_token,
    "oauth2_jwt": _jwt_grant,
    "jwt": _jwt,
    "login": _login,
    "hmac": _hmac,
}
