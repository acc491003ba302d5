"""Secrets: not written in the file, not taken from config, and not sent in plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from framework.definition.draft import Draft
from framework.definition.expressions.placeholders import (
    Placeholder,
    TemplateError,
    parse_template,
    placeholders,
)
from framework.definition.rules.auth_rules import all_auths
from framework.definition.rules.rule import Breach, rule

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_SECRET_NAMES = {
    *("authorization", "proxyauthorization", "apikey", "xapikey", "apitoken", "xapitoken"),
    *("accesstoken", "xaccesstoken", "xauthtoken", "authtoken", "privatetoken", "clientsecret"),
    *("apisecret", "secret", "password", "subscriptionkey", "ocpapimsubscriptionkey"),
}
_TLS = ("client", "tls")
_LOOPBACK = re.compile(r"(localhost|.*\.localhost|127(\.\d+){3}|::1|0\.0\.0\.0)")


@rule("literal-secret")
def check_declared_places(draft: Draft) -> Iterator[Breach]:
    """No secret of an auth or of TLS is written in the file."""
    for pointer, holder, value in _secret_values(draft):
        key, username = str(pointer[-1]), holder.get("username")
        # with an API key as user name the password has no meaning, and is often `x`
        is_empty = key == "password" and isinstance(username, str) and "{secrets." in username
        if _is_literal(value) and not is_empty:
            yield pointer, _literal(f"the {key} of {_holder(pointer)}", key)


@rule("literal-secret")
def check_key_beside_certificate(draft: Draft) -> Iterator[Breach]:
    """No certificate in the file has its private key with it."""
    tls = draft.client.get("tls")
    cert = tls.get("cert") if isinstance(tls, dict) else None
    if isinstance(cert, str) and "PRIVATE KEY-----" in cert:
        yield ("client", "tls", "cert"), _literal("a private key", "client_cert")


@rule("secret-from-config")
def check_secrets_from_config(draft: Draft) -> Iterator[Breach]:
    """No secret of an auth or of TLS is a config entry."""
    for pointer, _, value in _secret_values(draft):
        if _is_from_config(value):
            key = pointer[-1]
            yield (
                pointer,
                f"the {key} of {_holder(pointer)} comes from config, which is printed and logged; "
                f'declare it under secrets and write "{{secrets.{key}}}"',
            )


@rule("literal-secret")
def check_named_secrets(draft: Draft) -> Iterator[Breach]:
    """No header, parameter or body field with the name of a secret holds plain text."""
    places: dict[Pointer, Json] = {}
    headers = draft.client.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        places["client", "headers", name] = value
    for merged in draft.resources:
        for section in ("params", "json", "data", "headers"):
            values = merged.endpoint.get(section)
            for name, value in values.items() if isinstance(values, dict) else ():
                places.setdefault(merged.place("endpoint", section, name), value)
    for pointer, value in places.items():
        name = pointer[-1]
        if isinstance(name, str) and is_secret_name(name) and _is_literal(value):
            yield pointer, _literal(name, re.sub(r"\W+", "_", name.lower()).strip("_"))


@rule("literal-secret")
def check_passwords_in_addresses(draft: Draft) -> Iterator[Breach]:
    """No address holds a password."""
    for pointer, url in _addresses(draft):
        try:
            password = urlsplit(url).password
        except ValueError:
            continue
        if password and "{" not in password:
            yield (
                pointer,
                "found a password in an address; declare secrets and write "
                "auth: {type: http_basic, username: ..., password: ...} with placeholders",
            )


@rule("plain-http")
def check_secrets_over_http(draft: Draft) -> Iterator[Breach]:
    """Secrets are not sent over plain http."""
    return _over_http(draft) if _sends_secrets(draft) else iter(())


@rule("plain-http", severity="warning")
def check_plain_http(draft: Draft) -> Iterator[Breach]:
    """Other requests are better not sent over plain http."""
    return iter(()) if _sends_secrets(draft) else _over_http(draft)


@rule("bare-name", severity="warning")
def check_bare_names(draft: Draft) -> Iterator[Breach]:
    """A value with a bare name may belong to another program, and is sent to this API."""
    for section in ("secrets", "config"):
        for name, entry in draft.section(section).items():
            key = entry.get("key") if isinstance(entry, dict) else None
            if isinstance(key, str) and key:
                yield (
                    (section, name, "key"),
                    f"{name} is read from {key.upper()}, whoever set it, and sent to this API; "
                    "leave `key` out unless that variable is for this API only",
                )


def is_secret_name(name: str) -> bool:
    """Return whether a header, parameter or field has a usual name of secrets."""
    return re.sub(r"[^a-z]", "", name.lower()) in _SECRET_NAMES


def _secret_values(draft: Draft) -> Iterator[tuple[Pointer, Mapping[str, Json], str]]:
    """Yield each secret that must not be plain text: its place, the auth or `tls`, its text."""
    places = {**all_auths(draft), _TLS: draft.client.get("tls")}
    for one in draft.values("secret"):
        holder = places.get(one.pointer[:-1])
        if isinstance(holder, dict) and "x-literal-allowed" not in one.schema:
            yield one.pointer, holder, one.value


def _holder(pointer: Pointer) -> str:
    return "client.tls" if pointer[:-1] == _TLS else "this auth"


def _literal(what: str, name: str) -> str:
    return (
        f"{what} is written here, where everyone who can read the file can read it; declare it "
        f'under secrets and write "{{secrets.{name}}}"'
    )


def _is_literal(value: Json) -> bool:
    """Return whether a value is text without placeholders."""
    try:
        return isinstance(value, str) and bool(value) and not placeholders(value)
    except TemplateError:
        return False


def _is_from_config(text: str) -> bool:
    try:
        kinds = {part.kind for part in placeholders(text)}
    except TemplateError:
        return False
    return "config" in kinds and "secrets" not in kinds


def _over_http(draft: Draft) -> Iterator[Breach]:
    for pointer, url in _addresses(draft):
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            continue
        if parts.scheme.lower() == "http" and not _LOOPBACK.fullmatch(host):
            yield (
                pointer,
                f"found http://{host}, which anyone on the network path can read and change; "
                "write https://",
            )


def _sends_secrets(draft: Draft) -> bool:
    return bool(draft.section("secrets")) or bool(all_auths(draft))


def _addresses(draft: Draft) -> Iterator[tuple[Pointer, str]]:
    """Yield each address, and the default of a config entry that an address starts with."""
    places: dict[Pointer, Json] = {("client", "base_url"): draft.client.get("base_url")}
    for pointer, auth in all_auths(draft).items():
        if isinstance(auth, dict):
            places[*pointer, "access_token_url"] = auth.get("access_token_url")
            request = auth.get("request")
            if isinstance(request, dict):
                places[*pointer, "request", "url"] = request.get("url")
    for pointer, url in places.items():
        if isinstance(url, str):
            yield pointer, url
            yield from _defaults(draft, url)
    for merged in draft.resources:
        if "://" in merged.path[:10]:
            yield merged.place("endpoint", "path"), merged.path


def _defaults(draft: Draft, text: str) -> Iterator[tuple[Pointer, str]]:
    try:
        first = next(iter(parse_template(text)), None)
    except TemplateError:
        return
    if isinstance(first, Placeholder) and first.kind == "config":
        entry = draft.section("config").get(first.name)
        if isinstance(entry, dict) and isinstance(entry.get("default"), str):
            yield ("config", first.name, "default"), entry["default"]
