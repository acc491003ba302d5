"""Find the credentials of recorded requests, name them as secrets, and say how they are sent.

What is a credential: `Authorization`, cookies, the login of a URL, headers, parameters and fields
with the name of a secret, and values that look random and that no response returned.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from framework.definition.expressions.placeholders import escape
from framework.definition.rules.secret_rules import is_secret_name
from framework.importers.api_guesses.api_model.name_words import words_of
from framework.importers.api_guesses.declared_values import DeclaredValues
from framework.importers.api_guesses.paging_signs import request_role
from framework.importers.recorded.api_exchange import ApiExchange, scalars_outside
from framework.importers.recorded.observed_records import input_shape
from framework.importers.recorded.open_values import template_of
from framework.runtime.redacted_output import process_redactor
from framework.runtime.redaction import SHORTEST_COOKIE, is_credential_name, is_maskable

Json = Any

_CSRF = re.compile(r"[cx]srf", re.IGNORECASE)
_RANDOM = re.compile(r"(?=[^\d]*\d)(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9_+/=.~-]{20,}")
_HEX_OF_DIGEST = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_WORDY = re.compile(r"[A-Za-z]{1,}|\d{1,8}")
_TOKEN_FIELDS = ("access_token", "refresh_token", "id_token", "token", "accessToken", "jwt")
_INNER_PAIR = re.compile(
    r"""(?P<name>\w[\w-]*)(?:=(?P<value>[^\s"'&;,{}]+)|["']?\s*:\s*["'](?P<quoted>[^"']+)["'])"""
)
"""`token=abc` in an address, `"token": "abc"` in JSON or in a query."""
_NEXT = frozenset({"next", "cursor", "continuation", "marker", "bookmark", "after"})
_KEY_PARAMETERS = frozenset({"key", "apikey", "appid", "accesskey", "sig", "signature", "auth"})


BROWSER_HEADERS = re.compile(
    r"^(?:accept-(?:encoding|language|charset)|access-control-.*|baggage|cache-control|connection"
    r"|content-(?:length|type)|cookie|authorization|dnt|expect|forwarded|from|host|if-.*|keep-alive"
    r"|origin|pragma|priority|proxy-.*|range|referer|sec-.*|sentry-trace|save-data|te|trace.*"
    r"|transfer-encoding|upgrade.*|user-agent|via|viewport-width|downlink|rtt|ect|device-memory"
    r"|x-forwarded-.*|x-request(?:ed-with|-id|-start)|x-correlation-id|x-client-.*|x-b3-.*"
    r"|x-datadog-.*|newrelic|request-id|postman-token|x-csrf.*|x-xsrf.*)$"
)
"""Headers that browsers, proxies and monitors add."""


@dataclass(frozen=True)
class ClientCredentials:
    """How a bearer token is obtained: OAuth 2.0 with client credentials, as a collection has it."""

    token: str
    url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    scope: str = ""
    is_basic: bool = True


@dataclass
class Access:
    """How requests are authenticated, as the file writes it, and what must not stand in it.

    `secrets` maps credentials as they were recorded to their placeholders, None for those that
    have none. `sent` are the inputs and headers that the auth sends. `words` are names of the API
    itself: a password may be one of them.
    """

    auth: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str | None] = field(default_factory=dict)
    sent: set[tuple[str, str]] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    words: frozenset[str] = frozenset()

    def hide(self, value: str, placeholder: str | None) -> None:
        """Note a credential in every spelling that was recorded."""
        for text in {value, unquote(value)}:
            if text and self.secrets.get(text) is None:
                self.secrets[text] = placeholder
                if text not in self.words:
                    process_redactor().add_foreign(text)

    @property
    def raw(self) -> tuple[str, ...]:
        """The credentials that can be told from words, for a search in what is written."""
        return tuple(one for one in self.secrets if is_maskable(one) and one not in self.words)


def looks_random(text: str) -> bool:
    """Return whether a text looks like a key: long, of letters and digits, and of no words."""
    if _UUID.fullmatch(text):
        return False
    if _HEX_OF_DIGEST.fullmatch(text):
        return True
    if not _RANDOM.fullmatch(text):
        return False
    parts = [one for one in re.split(r"[_+/=.~-]", text) if one]
    return not all(_WORDY.fullmatch(one) for one in parts)


def names_secret(name: str) -> bool:
    """Return whether a header, parameter or field has the name of a credential."""
    plain = re.sub(r"[^a-z]", "", name.rpartition(".")[2].lower())
    return is_secret_name(name) or is_credential_name(name) or plain in _KEY_PARAMETERS


def find_access(
    exchanges: Sequence[ApiExchange],
    values: DeclaredValues,
    returned: frozenset[str],
    clients: Sequence[ClientCredentials] = (),
) -> Access:
    """Return how an API is entered. `returned` are the texts that responses contain."""
    access = Access(words=frozenset(word for one in exchanges for word in _names_in(one)))
    _authorization(exchanges, values, access, clients)
    _userinfo(exchanges, values, access)
    _headers(exchanges, values, access)
    _inputs(exchanges, values, access, returned)
    _cookies(exchanges, values, access)
    _obtained(exchanges, access)
    return access


def _names_in(exchange: ApiExchange) -> Iterator[str]:
    """Yield the parts of the path and the keys of the JSON, as far as they are words."""
    yield from (one for one in exchange.segments if re.fullmatch(r"[A-Za-z]{1,19}", one))
    stack = [exchange.data] if exchange.is_answered else []
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield from (str(key) for key in value if str(key).isalpha())
            stack += value.values()
        elif isinstance(value, list):
            stack += value[:3]


def _most(values: Sequence[str]) -> list[str]:
    """Return the values, the most frequent one first."""
    return [one for one, _ in Counter(values).most_common()]


def _authorization(
    exchanges: Sequence[ApiExchange],
    values: DeclaredValues,
    access: Access,
    clients: Sequence[ClientCredentials],
) -> None:
    for known in clients:
        access.hide(known.client_secret, None)
    found = _most([one.header("authorization") for one in exchanges if one.header("authorization")])
    if not found:
        return
    scheme, _, rest = found[0].partition(" ")
    rest = rest.strip()
    same = [one for one in found if one.partition(" ")[0].lower() == scheme.lower()]
    for other in found:
        access.hide(other, None)
        access.hide(other.partition(" ")[2].strip(), None)
    if scheme.lower() == "basic" and rest:
        _basic(same, values, access)
    elif scheme.lower() == "bearer" and rest:
        tokens = [one.partition(" ")[2].strip() for one in same]
        client = next((one for one in clients if one.token == tokens[0]), None)
        if client is not None:
            _obtain_by_client(client, values, access)
            return
        placeholder = values.secret("token", "The access token.")
        access.auth = {"type": "bearer", "token": placeholder}
        _hide_all(same, placeholder, access)
        _token_request(exchanges, tokens, values, access)
    elif not rest:
        placeholder = values.secret("api_key", "The value of the header Authorization.")
        access.auth = {"type": "api_key", "name": "Authorization", "api_key": placeholder}
        for one in same:
            access.secrets[one] = placeholder
    elif re.search(r"[=,]\s*\S", rest) and "=" in rest.rstrip("="):
        access.notes.append(
            f"the scheme {_scheme_name(scheme)} of the header Authorization is left out: "
            "a signature is new for each request; see `auth` in docs/reference.md"
        )
    else:
        placeholder = values.secret("api_key", "The key in the header Authorization.")
        access.auth = {
            "type": "api_key",
            "name": "Authorization",
            "prefix": f"{_scheme_name(scheme)} ",
            "api_key": placeholder,
        }
        _hide_all(same, placeholder, access)


def _scheme_name(scheme: str) -> str:
    return scheme if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,19}", scheme) else "?"


def _hide_all(headers: Sequence[str], placeholder: str, access: Access) -> None:
    for one in headers:
        rest = one.partition(" ")[2].strip()
        access.hide(rest, placeholder)
        access.secrets[rest] = placeholder


def _basic(headers: Sequence[str], values: DeclaredValues, access: Access) -> None:
    pairs = []
    for one in headers:
        try:
            text = b64decode(one.partition(" ")[2].strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            continue
        pairs.append(text)
    if pairs:
        _login(pairs, values, access)


def _login(pairs: Sequence[str], values: DeclaredValues, access: Access) -> None:
    username = values.secret("username", "The user name, or the key.")
    password = values.secret("password", "The password; often empty if a key is the name.")
    access.auth = {"type": "http_basic", "username": username, "password": password}
    for pair in pairs:
        name, _, word = pair.partition(":")
        access.hide(pair, None)
        access.hide(name, username)
        access.hide(word, password)


def _userinfo(exchanges: Sequence[ApiExchange], values: DeclaredValues, access: Access) -> None:
    found = _most([one.userinfo for one in exchanges if one.userinfo])
    for one in found:
        access.hide(one, None)
    if found and access.auth is None:
        _login([unquote(one) for one in found], values, access)
    elif found:
        for one in found:
            for part in unquote(one).partition(":")[::2]:
                access.hide(part, None)


def _headers(exchanges: Sequence[ApiExchange], values: DeclaredValues, access: Access) -> None:
    found: dict[str, list[str]] = {}
    spelling: dict[str, str] = {}
    for exchange in exchanges:
        for name, value in exchange.interaction.request_headers:
            plain = name.lower()
            if plain in ("authorization", "cookie", "accept") or not value:
                continue
            if names_secret(name) or (looks_random(value) and not BROWSER_HEADERS.match(plain)):
                found.setdefault(plain, []).append(value)
                spelling.setdefault(plain, name)
    for plain, listed in found.items():
        several = _most(listed)
        if _CSRF.search(plain):
            for one in several:
                access.hide(one, None)
            continue
        is_named = names_secret(plain)
        if not is_named and len(several) > 1:  # the id of a request
            continue
        placeholder = values.secret(_entry(plain), f"The value of the header {spelling[plain]}.")
        for one in several:
            access.hide(one, placeholder)
        if access.auth is None and is_named:
            access.auth = {
                "type": "api_key",
                "name": escape(spelling[plain]),
                "api_key": placeholder,
                "location": "header",
            }
        else:
            access.headers[spelling[plain]] = placeholder


def _entry(name: str) -> str:
    """Return the name of a secret: without the `X-` of a header."""
    return re.sub(r"^x[-_]", "", name.lower()).replace("-", "_")


def _inputs(
    exchanges: Sequence[ApiExchange],
    values: DeclaredValues,
    access: Access,
    returned: frozenset[str],
) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    announced = frozenset(text for one in exchanges for text in _announced(one))
    for exchange in exchanges:
        for (place, name), value in exchange.inputs.items():
            for text in value if isinstance(value, list) else [value]:
                if not isinstance(text, (str, int)) or isinstance(text, bool) or text == "":
                    continue
                one = str(text)
                if one in announced:
                    continue
                for inner_name, inner in _inner_credentials(one):
                    access.hide(inner, values.secret(_entry(inner_name), f"A value in {name}."))
                is_known = one in returned
                is_paging = request_role(name.rpartition(".")[2], input_shape([text]), "")
                is_secret = looks_random(one) and not is_known and is_paging is None
                if names_secret(name):
                    is_secret = not (is_known and len(one) < SHORTEST_COOKIE)
                if is_secret:
                    found.setdefault((place, name), []).append(one)
    for (place, name), listed in found.items():
        several = _most(listed)
        placeholder = access.secrets.get(several[0])
        if placeholder is None:
            what = "parameter" if place == "query" else "field"
            placeholder = values.secret(
                _entry(name.rpartition(".")[2]), f"The value of the {what} {name}."
            )
        for one in several:
            access.hide(one, placeholder)
        always = all((place, name) in one.inputs for one in exchanges if one.is_answered)
        if access.auth is None and place == "query" and names_secret(name) and always:
            access.auth = {
                "type": "api_key",
                "name": escape(name),
                "api_key": placeholder,
                "location": "query",
            }
            access.sent.add((place, name))


def _inner_credentials(text: str) -> Iterator[tuple[str, str]]:
    """Yield credentials inside a text, such as an address or JSON, with their names."""
    for found in _INNER_PAIR.finditer(text):
        name, value = found["name"], found["value"] or found["quoted"]
        if names_secret(name) and len(value) >= SHORTEST_COOKIE:
            yield name, value


def _announced(exchange: ApiExchange) -> Iterator[str]:
    """Yield what a response says about the next page: a `token` with that value is a cursor."""
    for name, value in exchange.interaction.headers:
        if set(words_of(name)) & _NEXT:
            yield value
    if exchange.is_answered:
        for path, value in scalars_outside(exchange.data, []):
            if isinstance(value, (str, int)) and set(words_of(str(path[-1]))) & _NEXT:
                yield str(value)


def _cookies(exchanges: Sequence[ApiExchange], values: DeclaredValues, access: Access) -> None:
    found = _most([one.header("cookie") for one in exchanges if one.header("cookie")])
    if not found:
        return
    for one in found:
        access.hide(one, None)
        for value in _cookie_values(one):
            access.hide(value, None)
    if access.auth is not None or access.headers:
        access.notes.append("cookies are left out: the requests have another credential")
        return
    placeholder = values.secret("cookie", "The cookies of a session, as `name=value; name=value`.")
    access.headers["Cookie"] = placeholder
    access.notes.append("a session's cookies are the credential, and expire; a token is better")


def _cookie_values(header: str) -> Iterator[str]:
    for pair in header.split(";"):
        value = pair.partition("=")[2].strip()
        if len(value) >= SHORTEST_COOKIE:
            yield value


def _obtained(exchanges: Sequence[ApiExchange], access: Access) -> None:
    """Note the tokens and cookies that responses brought."""
    for exchange in exchanges:
        for name, value in exchange.interaction.headers:
            if name.lower() == "set-cookie":
                for one in _cookie_values(value.partition(";")[0]):
                    access.hide(one, None)
        if isinstance(exchange.data, dict):
            for key in _TOKEN_FIELDS:
                token = exchange.data.get(key)
                if isinstance(token, str) and len(token) >= SHORTEST_COOKIE:
                    access.hide(token, None)


def _token_request(
    exchanges: Sequence[ApiExchange],
    tokens: Sequence[str],
    values: DeclaredValues,
    access: Access,
) -> None:
    """Replace a bearer token by the OAuth request that obtained it, if that is recorded."""
    for exchange in exchanges:
        token = exchange.data.get("access_token") if isinstance(exchange.data, dict) else None
        if token not in tokens or not isinstance(exchange.body, Mapping):
            continue
        if exchange.body.get("grant_type") != "client_credentials":
            access.notes.append("the token came from a login, and expires; see `auth` for logins")
            return
        values.secrets.clear()
        path = "/".join(("", *exchange.segments))
        name, secret = (str(exchange.body.get(key) or "") for key in ("client_id", "client_secret"))
        address = f"{exchange.origin}{path}"
        client = ClientCredentials(tokens[0], address, name, secret, is_basic=False)
        _obtain_by_client(client, values, access)
        for one in tokens:
            access.secrets[one] = None
        return


def _obtain_by_client(client: ClientCredentials, values: DeclaredValues, access: Access) -> None:
    """Write the auth that requests its own token, in place of the one that was recorded."""
    access.auth = {
        "type": "oauth2_client_credentials",
        "access_token_url": template_of(client.url, values, "the token request"),
    }
    for name, value in (("client_id", client.client_id), ("client_secret", client.client_secret)):
        placeholder = values.secret(name, f"The {name.replace('_', ' ')}.")
        access.auth[name] = placeholder
        access.hide(value, placeholder)
    if client.is_basic:
        access.auth["secret_in"] = "basic"
    if client.scope:
        scope = template_of(client.scope, values, "the token request")
        access.auth["access_token_request_data"] = {"scope": scope}
    access.secrets[client.token] = None
