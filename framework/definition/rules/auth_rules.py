"""Secrets: where they belong, that they are there, and that they travel encrypted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from framework.definition.annotations import auths
from framework.definition.auth_choice import case_name
from framework.definition.draft import Draft
from framework.definition.expressions.placeholders import (
    Placeholder,
    TemplateError,
    parse_template,
    placeholders,
)
from framework.findings import Finding
from framework.text import join_words, mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

NEEDED = {
    "bearer": ("token",),
    "api_key": ("api_key",),
    "http_basic": ("username", "password"),
    "oauth2_client_credentials": ("client_id", "client_secret"),
}
"""What each auth cannot do without; dlt would look for it in its own configuration."""

_SECRET_KEYS = (
    *("token", "api_key", "password", "client_secret", "access_token", "refresh_token"),
    *("key", "private_key", "private_key_passphrase"),
)
_SECRET_NAMES = {
    "authorization",
    "proxyauthorization",
    "apikey",
    "xapikey",
    "apitoken",
    "xapitoken",
    "accesstoken",
    "xaccesstoken",
    "xauthtoken",
    "authtoken",
    "privatetoken",
    "clientsecret",
    "apisecret",
    "secret",
    "password",
    "subscriptionkey",
    "ocpapimsubscriptionkey",
}
_LOOPBACK = re.compile(r"(localhost|.*\.localhost|127(\.\d+){3}|::1|0\.0\.0\.0)")


def check_auth(draft: Draft) -> Iterator[Finding]:
    """Every auth has what it needs, and no secret is written out in the file."""
    for pointer, auth in _auths(draft):
        if isinstance(auth, str):
            needed = NEEDED.get(auth, ())
            if needed:
                yield _without(draft, pointer, auth, list(needed), key=False)
            continue
        kind = auth.get("type") or "bearer"
        needed = NEEDED.get(kind, ()) if isinstance(kind, str) else ()
        missing = [key for key in needed if not mentions(auth, key)]
        if kind == "oauth2_client_credentials" and auth.get("access_token"):
            missing = []
        if missing:
            yield _without(draft, pointer, str(kind), missing, key=True)
        for key in _SECRET_KEYS:
            if _from_config(auth.get(key)):
                yield draft.document.finding(
                    (*pointer, key),
                    "secret-from-config",
                    f"the {key} of this auth comes from config, which is shown and logged; "
                    f'declare it under secrets and write "{{secrets.{key}}}"',
                )
            elif _is_literal(auth.get(key)) and not _stands_in(auth, key):
                yield _literal(draft, (*pointer, key), f"the {key} of this auth", key)


def check_choices(draft: Draft) -> Iterator[Finding]:
    """An auth that config chooses has a case for each value that config may have."""
    for pointer, auth in _auths(draft):
        if not isinstance(auth, dict) or auth.get("type") != "one_of":
            continue
        cases, by = auth.get("cases"), auth.get("by")
        name = by.removeprefix("config.") if isinstance(by, str) else ""
        entry = draft.section("config").get(name)
        if not isinstance(cases, dict) or not isinstance(entry, dict):
            continue
        values = entry.get("enum")
        if not isinstance(values, list):
            # a default of null means that the person has to choose: the run says so
            default = entry.get("default")
            values = [] if default is None else [default]
        missing = [one for one in map(case_name, values) if one not in cases]
        if missing:
            yield draft.document.finding(
                (*pointer, "cases"),
                "auth-without-case",
                f"{by} may be {join_words(missing)}, and there is no such case; there are "
                f"{join_words(map(str, cases))}; add it, with null for no auth",
                key=True,
            )
        for case in cases:
            if isinstance(entry.get("enum"), list) and case not in map(case_name, values):
                yield draft.document.finding(
                    (*pointer, "cases", case),
                    "unused-case",
                    f"{by} is never {case}, so this auth is never used; add it to the enum of "
                    f"{name}, or take the case away",
                    severity="warning",
                    key=True,
                )


def check_literals(draft: Draft) -> Iterator[Finding]:
    """Headers, parameters and body fields that are named like a secret and hold plain text."""
    seen: set[Pointer] = set()
    places: list[tuple[Pointer, Mapping[str, Json]]] = []
    headers = draft.client.get("headers")
    if isinstance(headers, dict):
        places.append((("client", "headers"), headers))
    for merged in draft.resources:
        for key in ("params", "json", "data", "headers"):
            value = merged.endpoint.get(key)
            if isinstance(value, dict):
                places += [
                    (merged.place("endpoint", key, name)[:-1], {name: entry})
                    for name, entry in value.items()
                ]
    for pointer, values in places:
        for name, value in values.items():
            place = (*pointer, name)
            if place in seen or not isinstance(name, str) or not is_secret_name(name):
                continue
            seen.add(place)
            if _is_literal(value):
                yield _literal(draft, place, name, re.sub(r"\W+", "_", name.lower()).strip("_"))


def check_addresses(draft: Draft) -> Iterator[Finding]:
    """Plain http, and a user with a password in an address."""
    for pointer, url in dict.fromkeys(_addresses(draft)):
        parts = _split(url)
        if parts is None:
            continue
        host, scheme, secret = parts
        if secret:
            yield draft.document.finding(
                pointer,
                "literal-secret",
                "found a password in an address; declare secrets and write "
                "auth: {type: http_basic, username: ..., password: ...} with placeholders",
            )
        if scheme == "http" and not _LOOPBACK.fullmatch(host):
            yield draft.document.finding(
                pointer,
                "plain-http",
                f"found http://{host}, which anyone on the way can read and change; write https://",
                severity="error" if _sends_secrets(draft) else "warning",
            )


def check_bare_names(draft: Draft) -> Iterator[Finding]:
    """Values looked up by a bare name: they may be another program's, and go to this API."""
    for section in ("secrets", "config"):
        for name, entry in draft.section(section).items():
            key = entry.get("key") if isinstance(entry, dict) else None
            if isinstance(key, str) and key:
                yield draft.document.finding(
                    (section, name, "key"),
                    "bare-name",
                    f"{name} is read from {key.upper()}, whoever set it, and sent to this API; "
                    "leave `key` out unless that variable is this API's own",
                    severity="warning",
                )


def _auths(draft: Draft) -> Iterator[tuple[Pointer, Json]]:
    """Every auth, those inside of others too, each place once."""
    found: dict[Pointer, Json] = dict(auths(("client", "auth"), draft.client.get("auth")))
    for merged in draft.resources:
        if "auth" in merged.endpoint:
            place = merged.place("endpoint", "auth")
            for pointer, auth in auths(place, merged.endpoint["auth"]):
                found.setdefault(pointer, auth)
    return (
        (pointer, auth) for pointer, auth in found.items() if isinstance(auth, str | dict) and auth
    )


def _without(
    draft: Draft, pointer: Pointer, kind: str, missing: list[str], *, key: bool
) -> Finding:
    lines = ", ".join(f'{name}: "{{secrets.{name}}}"' for name in missing)
    return draft.document.finding(
        pointer,
        "auth-without-secret",
        f"the auth {kind} has no {' and no '.join(missing)}; declare it under secrets and write "
        f"auth: {{type: {kind}, {lines}}}",
        key=key,
    )


def _literal(draft: Draft, pointer: Pointer, what: str, name: str) -> Finding:
    return draft.document.finding(
        pointer,
        "literal-secret",
        f"{what} is written out here, where everyone who reads the file reads it; declare it "
        f'under secrets and write "{{secrets.{name}}}"',
    )


def _is_literal(value: Json) -> bool:
    """Whether a value is text with nothing in it that comes from elsewhere."""
    if not isinstance(value, str):
        return False
    try:
        parts = parse_template(value)
    except TemplateError:
        return False
    return bool(value) and not any(isinstance(part, Placeholder) for part in parts)


def _from_config(value: Json) -> bool:
    """Whether a text takes something from config and nothing from secrets."""
    try:
        parts = placeholders(value) if isinstance(value, str) else ()
    except TemplateError:
        return False
    kinds = {part.kind for part in parts}
    return "config" in kinds and "secrets" not in kinds


def _stands_in(auth: Mapping[str, Json], key: str) -> bool:
    """An API key as the user name makes the password a word of no meaning, often `x`."""
    username = auth.get("username")
    return key == "password" and isinstance(username, str) and "{secrets." in username


def is_secret_name(name: str) -> bool:
    """Whether a header, parameter or field is called as secrets are."""
    return re.sub(r"[^a-z]", "", name.lower()) in _SECRET_NAMES


def _addresses(draft: Draft) -> Iterator[tuple[Pointer, str]]:
    base = draft.client.get("base_url")
    if isinstance(base, str):
        yield ("client", "base_url"), base
        yield from _defaults(draft, base)
    for pointer, auth in _auths(draft):
        if not isinstance(auth, dict):
            continue
        request = auth.get("request")
        login = request.get("url") if isinstance(request, dict) else None
        for place, url in (
            (("access_token_url",), auth.get("access_token_url")),
            (("request", "url"), login),
        ):
            if isinstance(url, str):
                yield (*pointer, *place), url
                yield from _defaults(draft, url)
    for merged in draft.resources:
        if "://" in merged.path[:10]:
            yield merged.place("endpoint", "path"), merged.path


def _defaults(draft: Draft, text: str) -> Iterator[tuple[Pointer, str]]:
    """The default of a config entry that an address starts with."""
    try:
        first = next(iter(parse_template(text)), None)
    except TemplateError:
        return
    if isinstance(first, Placeholder) and first.kind == "config":
        entry = draft.section("config").get(first.name)
        if isinstance(entry, dict) and isinstance(entry.get("default"), str):
            yield ("config", first.name, "default"), entry["default"]


def _split(url: str) -> tuple[str, str, bool] | None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    secret = bool(parts.password) and "{" not in str(parts.password)
    return host, parts.scheme.lower(), secret


def _sends_secrets(draft: Draft) -> bool:
    return bool(draft.section("secrets")) or any(True for _ in _auths(draft))
