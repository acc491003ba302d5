"""The auth types: each is one entry of `AUTH_TYPES`, from its mapping to dlt's auth object.

dlt's own classes serve where they can. Tokens, and whatever else is sent as a credential, become
secrets of the run.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Literal
from urllib.parse import urljoin

import requests
from dlt.sources.helpers.rest_client.auth import AuthConfigBase
from dlt.sources.rest_api.config_setup import create_auth
from requests.auth import HTTPDigestAuth

from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.definition.plain_data import from_plain
from framework.events import EventHandler, WarningRaised
from framework.http.auth.oauth import (
    IsRefusal,
    Token,
    TokenRequest,
    TokenResponse,
    is_unauthorized,
    request_token,
    token_auth,
)
from framework.http.auth.placement import (
    AppliedAuth,
    Placement,
    PutToken,
    bearer,
    put_credential,
    signing_auth,
)
from framework.http.auth.signing import AwsSigner, JwtClaims, OAuth1Signer, RequestSigner
from framework.http.auth.token_store import TokenFile, token_file
from framework.http.response_actions import ResponseConditions
from framework.http.session import refuse_plain_http
from framework.runtime.context import Context
from framework.runtime.redaction import Redactor
from framework.runtime.settings import STAND_IN
from framework.runtime.templates import text_of

Json = Any
Config = Mapping[str, Json]

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True)
class AuthContext:
    """What an auth needs of the run beside its own mapping.

    `session_for` returns the session that may send credentials to a URL. `owner` names the
    connector whose tokens are stored; None stores nothing (a replay). `remedy` names the settings
    to check when credentials are refused. `is_refusal` tells responses to an expired token.
    """

    base_url: str
    session_for: Callable[[str], requests.Session]
    redactor: Redactor
    context: Context
    on_event: EventHandler
    owner: str | None
    remedy: str
    is_refusal: IsRefusal = is_unauthorized

    def token_auth(
        self, obtain: Callable[[], Token], put: PutToken = bearer, first: str | None = None
    ) -> AuthConfigBase:
        """Return an auth that puts a token from `obtain` on requests; see `oauth.token_auth`."""
        return token_auth(obtain, put, self.redactor, first, self.is_refusal)

    def request_token(self, request: TokenRequest) -> TokenResponse:
        """Return a new token. In a replay it is a stand-in: no cassette holds the recorded one."""
        recorded = None if self.owner else STAND_IN
        session = self.session_for(request.url)
        return request_token(request, session, self.redactor, self.context, recorded)


def build_auth(config: Config, context: AuthContext) -> AuthConfigBase:
    """Return the auth that a mapping with a `type` describes, its placeholders filled in."""
    renew_on = config.get("renew_on")
    if renew_on:
        conditions = ResponseConditions(renew_on, context.context)
        context = replace(context, is_refusal=conditions.hold_for)
    return AUTH_TYPES[config["type"]](config, context)


def _of_dlt(config: Config, _: AuthContext) -> AuthConfigBase:
    auth = create_auth(dict(config))  # type: ignore[arg-type]
    assert auth is not None
    return auth


def _http_basic(config: Config, context: AuthContext) -> AuthConfigBase:
    # dlt would look up an optional secret that is not set, under a name of its own
    pair = {key: config[key] or "" for key in ("username", "password")}
    # base64 of the pair is sent
    context.redactor.add(f"{pair['username']}:{pair['password']}")
    return _of_dlt({**config, **pair}, context)


def _http_digest(config: Config, _: AuthContext) -> AuthConfigBase:
    # it answers the challenge of a 401, and counts its requests, once for all threads
    digest = HTTPDigestAuth(text_of(config["username"]), text_of(config["password"]))
    return AppliedAuth(digest)


def _api_key(config: Config, context: AuthContext) -> AuthConfigBase:
    if config.get("location", "header") == "header" and not config.get("prefix"):
        return _of_dlt(config, context)
    # dlt has no body and no prefix, and adds a second key to a link that has one in its query
    placement, key = from_plain(Placement, config), text_of(config["api_key"])
    return AppliedAuth(lambda request: put_credential(placement, request, key))


@dataclass(frozen=True, kw_only=True)
class TokenEndpoint:
    """The keys that OAuth's grants share; `default_token_expiration` is in seconds."""

    access_token_url: str
    client_id: str | None = None
    client_secret: str | None = None
    secret_in: Literal["body", "basic", "json"] = "body"
    access_token_request_data: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, Json] = field(default_factory=dict)
    method: str = "POST"
    token_path: Expression
    expires_in_path: Expression
    default_token_expiration: float = 3600.0

    @staticmethod
    def of(config: Config) -> TokenEndpoint:
        """Return the token endpoint that an auth mapping describes."""
        paths = {"token_path": "access_token", "expires_in_path": "expires_in"}
        return from_plain(TokenEndpoint, {**paths, **config})

    def request(self, context: AuthContext, grant: Mapping[str, Json]) -> TokenRequest:
        """Return a request for a token by this grant, with id and secret where `secret_in` says."""
        url = text_of(self.access_token_url)
        refuse_plain_http(url, "the auth's access_token_url")
        pair = {"client_id": self.client_id, "client_secret": self.client_secret}
        pair = {key: text_of(value) for key, value in pair.items() if value is not None}
        headers = dict(self.headers)
        if self.secret_in == "basic":
            text = f"{pair.pop('client_id', '')}:{pair.pop('client_secret', '')}"
            context.redactor.add(text)
            headers["Authorization"] = f"Basic {b64encode(text.encode()).decode()}"
        form = {**pair, **grant, **self.access_token_request_data}
        part = "params" if self.method == "GET" else "data"
        if self.secret_in == "json":
            parts: dict[str, Any] = {"json": form}
        else:
            parts = {part: {key: text_of(value) for key, value in form.items()}}
        return TokenRequest(
            url=url,
            method=self.method,
            headers=headers,
            token_path=self.token_path,
            expires_in_path=self.expires_in_path,
            lifetime=timedelta(seconds=self.default_token_expiration),
            remedy=context.remedy,
            **parts,
        )


def _client_credentials(config: Config, context: AuthContext) -> AuthConfigBase:
    request = TokenEndpoint.of(config).request(context, {"grant_type": "client_credentials"})
    first = config.get("access_token")
    return context.token_auth(lambda: context.request_token(request).token, first=first)


class RefreshedTokens:
    """Obtains access tokens with a refresh token, and stores the next refresh token.

    With `rotates`, each use of a refresh token ends it.
    """

    def __init__(self, config: Config, context: AuthContext) -> None:
        self._context = context
        self._endpoint = TokenEndpoint.of(config)
        self._next = compile_expression(config.get("refresh_token_path", "refresh_token"))
        self._rotates = config.get("rotates")
        self._current = text_of(config["refresh_token"])
        self._file: TokenFile | None = None
        if self._rotates and context.owner:
            self._file = token_file(context.owner, self._current)

    def obtain(self) -> Token:
        """Return a new access token."""
        if self._file is None:
            return self._use(self._current)
        with self._file.locked():
            return self._use(self._file.read())

    def _use(self, token: str) -> Token:
        context = self._context
        context.redactor.add(token)
        form = {"grant_type": "refresh_token", "refresh_token": token}
        response = context.request_token(self._endpoint.request(context, form))
        following = self._next.search(response.body, response.context)
        if context.owner is None and following:
            following = STAND_IN
        if isinstance(following, str) and following and following != token:
            context.redactor.add(following)
            self._store(following)
        return response.token

    def _store(self, token: str) -> None:
        """Keep the next refresh token: on disk before its access token is used, if it rotates."""
        self._current = token
        if self._file is not None:
            self._file.write(token)
        elif self._rotates is None and self._context.owner is not None:
            self._context.on_event(
                WarningRaised(
                    "",
                    "refresh-token-changed",
                    "the API returned a new refresh token with the access token, and it is not "
                    "stored; write `rotates: true` into the auth if using the old token ends it, "
                    "else `rotates: false`",
                )
            )


def _refresh_token(config: Config, context: AuthContext) -> AuthConfigBase:
    tokens = RefreshedTokens(config, context)
    return context.token_auth(tokens.obtain)


def _jwt_grant(config: Config, context: AuthContext) -> AuthConfigBase:
    claims, endpoint = from_plain(JwtClaims, config), TokenEndpoint.of(config)
    key = text_of(config["private_key"])

    def obtain() -> Token:
        assertion = claims.sign(key)
        context.redactor.add(assertion)
        grant = {"grant_type": JWT_GRANT, "assertion": assertion}
        return context.request_token(endpoint.request(context, grant)).token

    return context.token_auth(obtain)


def _jwt(config: Config, context: AuthContext) -> AuthConfigBase:
    claims, key = from_plain(JwtClaims, config), text_of(config["key"])
    prefix = config.get("header_prefix", "Bearer")
    placement = Placement(prefix=f"{prefix} " if prefix else "")
    # renewed before it expires
    seconds = claims.expires_in.total_seconds() * 0.9
    return token_auth(
        lambda: Token(claims.sign(key), seconds),
        partial(put_credential, placement),
        context.redactor,
    )


def _login(config: Config, context: AuthContext) -> AuthConfigBase:
    written, auth = config["request"], config["request"].get("auth")
    path = text_of(written.get("path") or "").lstrip("/")
    url = text_of(written.get("url") or urljoin(context.base_url.rstrip("/") + "/", path))
    refuse_plain_http(url, "the login request")
    whole = {
        "url": url,
        "auth": build_auth({"type": "bearer", **auth}, context) if auth else None,
        "token_path": config["token_path"],
        "expires_in_path": config.get("expires_in_path"),
        "lifetime": config.get("expires_in"),
        "remedy": context.remedy,
    }
    request = from_plain(TokenRequest, {**written, **whole})
    put, send = bearer, config.get("send") or {}
    if send.get("type", "bearer") == "api_key":
        put = partial(put_credential, from_plain(Placement, send))
    return context.token_auth(lambda: context.request_token(request).token, put)


def _hmac(config: Config, context: AuthContext) -> AuthConfigBase:
    run = {"context": context.context, "redactor": context.redactor}
    return signing_auth(from_plain(RequestSigner, {**config, **run}).sign)


def _aws_sigv4(config: Config, context: AuthContext) -> AuthConfigBase:
    return signing_auth(from_plain(AwsSigner, {**config, "redactor": context.redactor}).sign)


def _oauth1(config: Config, context: AuthContext) -> AuthConfigBase:
    return signing_auth(from_plain(OAuth1Signer, {**config, "redactor": context.redactor}).sign)


AUTH_TYPES: Mapping[str, Callable[[Config, AuthContext], AuthConfigBase]] = {
    "none": lambda *_: AppliedAuth(lambda _: None),
    "bearer": _of_dlt,
    "api_key": _api_key,
    "http_basic": _http_basic,
    "http_digest": _http_digest,
    "oauth2_client_credentials": _client_credentials,
    "oauth2_refresh_token": _refresh_token,
    "oauth2_jwt": _jwt_grant,
    "jwt": _jwt,
    "login": _login,
    "hmac": _hmac,
    "aws_sigv4": _aws_sigv4,
    "oauth1": _oauth1,
}
"""By `type`: a new auth type is an entry here, its schema entry, and a case in tests/cases."""
