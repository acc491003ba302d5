"""Credentials: which requests carry what the file's auth sends, and tokens for those that ask.

Anything of the right shape is accepted, unless the mock was given the credentials to expect.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from framework.definition.auth_choice import ONE_OF
from framework.definition.expressions.jmespath_expression import (
    ExpressionError,
    compile_expression,
)
from framework.definition.expressions.placeholders import texts_of
from framework.errors import FrameworkError
from framework.extract.compilation.compiler import CompiledConnector, Filler, filled_auth
from framework.http.session import AllowedHosts
from framework.mock.mock_message import MockRequest, MockResponse
from framework.mock.pages.envelope import put
from framework.mock.pages.routes import Place
from framework.runtime.templates import text_of

Json = Any
Config = Mapping[str, Json]
LIFETIME = 3600
"""Seconds for which an issued token is said to be valid."""


@dataclass(frozen=True)
class Credential:
    """Where a request carries a credential, and the text before it.

    `expected` is the whole value that counts, None for any that is not empty. A `pair` is base64
    of two texts and a colon.
    """

    place: Place
    prefix: str = ""
    expected: str | None = None
    is_pair: bool = False

    def is_on(self, request: MockRequest) -> bool:
        """Return whether the request carries it."""
        value = _value(request, self.place)
        if value is None or not value.lower().startswith(self.prefix.lower()):
            return False
        if self.expected is not None:
            return value == self.expected
        rest = value[len(self.prefix) :].strip()
        if not self.is_pair:
            return bool(rest)
        try:
            return b":" in base64.b64decode(rest, validate=True)
        except (binascii.Error, ValueError):
            return False


@dataclass(frozen=True)
class TokenIssuer:
    """Answers the requests for a token that an auth makes."""

    method: str
    path: str
    body: Mapping[str, str]

    def takes(self, request: MockRequest) -> bool:
        """Return whether this is a request for a token."""
        return (request.method, request.path) == (self.method, self.path)

    def issue(self) -> MockResponse:
        """Return a response with a new token, at the paths at which the file reads it."""
        body: dict[str, Json] = {"token_type": "Bearer"}
        for path, kind in self.body.items():
            value: Json = LIFETIME if kind == "lifetime" else f"mocked-{secrets.token_hex(12)}"
            put(body, path.split("."), value)
        return MockResponse.of_json(200, body)


CHALLENGES = {"Digest": ', nonce="mock", qop="auth"'}
"""What a 401 says beside its realm, by scheme."""


@dataclass(frozen=True)
class Guard:
    """Lets requests with credentials pass. `by_resource` are those that a resource's auth sends,
    `places` where they are.

    Of the alternatives one is enough; none means that no credential is asked for.
    """

    by_resource: Mapping[str, tuple[Credential, ...]]
    required: Mapping[str, tuple[Credential, ...]]
    issuers: tuple[TokenIssuer, ...]
    hosts: AllowedHosts
    places: Mapping[str, frozenset[Place]]

    def refusal(
        self, resource: str, request: MockRequest, address: str = ""
    ) -> MockResponse | None:
        """Return the response to a request without credentials, None if it may pass.

        Other hosts than the API's, and the mock's own `address`, get none.
        """
        if request.origin != address and not self.hosts.allows(request.origin):
            return None
        accepted = self.by_resource.get(resource, ())
        is_known = not accepted or any(one.is_on(request) for one in accepted)
        missing = [one for one in self.required.get(resource, ()) if not one.is_on(request)]
        if is_known and not missing:
            return None
        wanted = missing[0] if missing else accepted[0]
        where = " ".join(wanted.place) + (
            f" `{wanted.prefix.strip()} ...`" if wanted.prefix else ""
        )
        found = "nothing" if _value(request, wanted.place) is None else "another value"
        scheme = wanted.prefix.strip() or "Bearer"
        return MockResponse.of_json(
            401,
            {"error": "unauthorized", "message": f"found {found} in {where}"},
            ("WWW-Authenticate", f'{scheme} realm="mock"{CHALLENGES.get(scheme, "")}'),
        )

    def token_for(self, request: MockRequest) -> MockResponse | None:
        """Return a token if the request asks for one."""
        return next((one.issue() for one in self.issuers if one.takes(request)), None)


def guard_of(compiled: CompiledConnector, given: Mapping[str, str]) -> Guard:
    """Return the guard of a connector. `given` are secrets that count; of others any value does."""
    context = next(iter(compiled.plans.values())).context
    filler = Filler(context, compiled.redactor)
    client = compiled.connector.client
    by_resource: dict[str, tuple[Credential, ...]] = {}
    required: dict[str, tuple[Credential, ...]] = {}
    issuers: dict[tuple[str, str], TokenIssuer] = {}
    places: dict[str, frozenset[Place]] = {}
    for resource in compiled.connector.resources:
        auth = client.auth if resource.endpoint.auth is None else resource.endpoint.auth
        accepted = tuple(one for case in _cases(auth) for one in _credentials(case, filler, given))
        by_resource[resource.name] = accepted
        written = {**client.headers, **resource.endpoint.headers}
        required[resource.name] = tuple(
            Credential(("header", name.lower()))
            for name, text in written.items()
            if text is not None and any("secrets." in one for one in texts_of(text))
        )
        params = (
            ("query", name)
            for name, value in resource.endpoint.params.items()
            if any("secrets." in one for one in texts_of(value))
        )
        mine = [one.place for one in (*accepted, *required[resource.name])]
        mine += [
            (kind, name) for where, name in mine if where == "body" for kind in ("json", "form")
        ]
        places[resource.name] = frozenset((*mine, *params))
        for case in _cases(auth):
            for issuer in _issuers(case, filler, str(compiled.client.base_url)):
                issuers[issuer.method, issuer.path] = issuer
    hosts = AllowedHosts.of(str(compiled.client.base_url), filler.final(list(client.allowed_hosts)))
    return Guard(by_resource, required, tuple(issuers.values()), hosts, places)


def _cases(auth: Config | None) -> Iterator[Config]:
    """Yield an auth, or the cases of one that config chooses."""
    if auth is None or auth.get("type") == "none":
        return
    if auth.get("type") == ONE_OF:
        for case in auth["cases"].values():
            yield from _cases(case)
    else:
        yield auth


def _credentials(auth: Config, filler: Filler, given: Mapping[str, str]) -> Iterator[Credential]:
    kind = auth["type"]
    counts = given and all(
        any(f"secrets.{name}" in text for name in given)
        for text in texts_of(
            [auth.get(key) for key in ("token", "api_key", "username", "password")]
        )
        if "secrets." in text
    )

    def known(key: str) -> str:
        return text_of(filler.final(auth.get(key)) or "")

    header: Place = ("header", "authorization")
    if kind == "bearer":
        yield Credential(header, "Bearer ", f"Bearer {known('token')}" if counts else None)
    elif kind == "api_key":
        prefix = str(auth.get("prefix") or "")
        expected = f"{prefix}{known('api_key')}" if counts else None
        yield Credential(_place(auth), prefix, expected)
    elif kind == "http_basic":
        pair = f"{known('username')}:{known('password')}".encode()
        expected = f"Basic {base64.b64encode(pair).decode()}" if counts else None
        yield Credential(header, "Basic ", expected, is_pair=True)
    elif kind == "http_digest":
        yield Credential(header, "Digest ")
    elif kind == "aws_sigv4":
        yield Credential(header, "AWS4-HMAC-SHA256 ")
    elif kind == "oauth1":
        yield Credential(header, "OAuth ")
    elif kind == "hmac":
        yield Credential(_place(auth), str(auth.get("prefix") or ""))
        if auth.get("timestamp"):
            yield Credential(_place(auth["timestamp"]))
    elif kind == "jwt":
        prefix = auth.get("header_prefix", "Bearer")
        yield Credential(header, f"{prefix} " if prefix else "")
    elif kind == "login" and (auth.get("send") or {}).get("type") == "api_key":
        yield Credential(_place(auth["send"]), str(auth["send"].get("prefix") or ""))
    else:
        yield Credential(header, "Bearer ")


def _place(placement: Config) -> Place:
    name = str(placement.get("name") or "Authorization")
    location = placement.get("location", "header")
    if location == "header":
        return ("header", name.lower())
    return ("query" if location == "param" else str(location), name)


def _value(request: MockRequest, place: Place) -> str | None:
    kind, name = place[0], place[-1]
    if kind == "header":
        return request.headers.get(name)
    if kind == "query":
        return next((value for key, value in request.query if key == name), None)
    if kind == "cookie":
        pairs = (pair.partition("=") for pair in request.headers.get("cookie", "").split("; "))
        return next((value for key, _, value in pairs if key == name), None)
    form = next((value for key, value in request.form if key == name), None)
    data = request.json
    return form if form is not None or not isinstance(data, dict) else data.get(name)


def _issuers(auth: Config, filler: Filler, base_url: str) -> Iterator[TokenIssuer]:
    kind = auth["type"]
    try:
        if kind == "login":
            written = auth["request"]
            path = text_of(filler.final(written.get("path") or "")).lstrip("/")
            url = text_of(
                filler.final(written.get("url")) or urljoin(base_url.rstrip("/") + "/", path)
            )
        elif kind.startswith("oauth2_"):
            written, url = auth, text_of(filled_auth(auth, filler)["access_token_url"])
        else:
            return
    except (FrameworkError, KeyError):
        return
    body = {}
    paths = (("token_path", "token"), ("expires_in_path", "lifetime"))
    defaults = (
        {} if kind == "login" else {"token_path": "access_token", "expires_in_path": "expires_in"}
    )
    for key, value in paths:
        text = auth.get(key, defaults.get(key))
        if isinstance(text, str):
            try:
                names = compile_expression(text).names
            except ExpressionError:
                names = ()
            if names:
                body[".".join(names)] = value
    if kind == "oauth2_refresh_token" and auth.get("rotates"):
        body[str(auth.get("refresh_token_path") or "refresh_token")] = "token"
    yield TokenIssuer(str(written.get("method") or "POST").upper(), urlsplit(url).path, body)
