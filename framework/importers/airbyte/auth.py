"""Authenticators as `auth`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from framework.importers.airbyte.durations import iso_duration, seconds_duration
from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.options import place_of
from framework.importers.airbyte.terms import dotted

Json = Any
Auth = dict[str, Json]

_PREFIX = re.compile(r"([^{}]*[^{}\s]\s+)(\{(?:config|secrets)\.[a-z0-9_]+\})")


def translate_auth(importing: Importing, component: Component) -> Auth | None:
    """The `auth` of an authenticator; None for none, and with a remark where it has no
    counterpart."""
    handler = _HANDLERS.get(component.type)
    if handler is None:
        what = "a Python class of its own" if component.custom else f"a {component.type or '?'}"
        importing.remarks.missing(component.place, f"the auth is {what}")
        return None
    return handler(importing, component)


def _value(importing: Importing, component: Component, key: str, default: Json = None) -> Json:
    found = importing.text(
        component.get(key, default), importing.sent(component), component.at(key)
    )
    return None if found is ABSENT else found


def _said(**entries: Json) -> Auth:
    return {key: value for key, value in entries.items() if value not in (None, {}, [])}


def _none(_importing: Importing, _component: Component) -> None:
    return None


def _bearer(importing: Importing, component: Component) -> Auth:
    return {"type": "bearer", "token": _value(importing, component, "api_token", "")}


def _api_key(importing: Importing, component: Component) -> Auth | None:
    key = _value(importing, component, "api_token", "")
    option = component.part("inject_into", "RequestOption")
    if option is None:
        return _keyed(_value(importing, component, "header", "Authorization"), key, "header")
    location, name = place_of(importing, option)
    return _keyed(name, key, location)


def _keyed(written: Json, key: Json, location: str) -> Auth:
    """`Bearer` in front of a key in `Authorization` is a bearer token; other words a prefix."""
    name = str(written)
    prefixed = _PREFIX.fullmatch(key) if isinstance(key, str) else None
    if prefixed and location == "header":
        prefix, key = prefixed.groups()
        if name.lower() == "authorization" and prefix == "Bearer ":
            return {"type": "bearer", "token": key}
        return {"type": "api_key", "name": name, "api_key": key, "prefix": prefix}
    auth: Auth = {"type": "api_key", "name": name, "api_key": key}
    return auth if location == "header" else {**auth, "location": location}


def _basic(importing: Importing, component: Component) -> Auth:
    return {
        "type": "http_basic",
        "username": _value(importing, component, "username", ""),
        "password": _value(importing, component, "password", "") or "",
    }


def _oauth(importing: Importing, component: Component) -> Auth | None:
    grant = str(_value(importing, component, "grant_type", "refresh_token"))
    body = _body(importing, component)
    headers = _value(importing, component, "refresh_request_headers", {})
    scopes = component.get("scopes")
    if scopes:
        body["scope"] = " ".join(
            str(one)
            for one in importing.text(scopes, importing.sent(component), component.at("scopes"))
        )
    token_path = component.get("access_token_name", "access_token")
    expires_path = component.get("expires_in_name", "expires_in")
    common = _said(
        access_token_url=_value(importing, component, "token_refresh_endpoint"),
        client_id=_value(importing, component, "client_id"),
        client_secret=_value(importing, component, "client_secret"),
    )
    more = _said(
        access_token_request_data=body,
        headers=headers,
        token_path=None if token_path == "access_token" else dotted([token_path]),
        expires_in_path=None if expires_path == "expires_in" else dotted([expires_path]),
    )
    if component.get("use_profile_assertion"):
        return _assertion(importing, component, common)
    json_body = any("json" in str(value).lower() for value in (headers or {}).values())
    if json_body:
        more["secret_in"] = "json"
    elif "client_secret" in common and _basic_header(headers):
        more["secret_in"] = "basic"
        more["headers"] = {k: v for k, v in headers.items() if k.lower() != "authorization"}
        more = _said(**more)
    if _own_words(component):
        return _granted(importing, component, grant, common, more)
    if grant == "client_credentials":
        return {"type": "oauth2_client_credentials", **common, **more}
    if grant == "refresh_token" and (
        component.get("refresh_token") or component.data.get("refresh_token_updater")
    ):
        return _refreshing(importing, component, common, more)
    return _granted(importing, component, grant, common, more)


_NAMES = ("grant_type", "client_id", "client_secret", "refresh_token")


def _own_words(component: Component) -> bool:
    """Whether the token request names its fields otherwise than the standard, or has them in the
    query: then it is a login."""
    named = any(component.get(f"{name}_name", name) != name for name in _NAMES)
    return named or bool(component.get("send_refresh_request_as_query_params"))


def _basic_header(headers: Json) -> bool:
    return isinstance(headers, dict) and any(
        key.lower() == "authorization" and str(value).startswith("Basic {base64_encode(")
        for key, value in headers.items()
    )


def _body(importing: Importing, component: Component) -> dict[str, Json]:
    body = _value(importing, component, "refresh_request_body", {})
    return dict(body) if isinstance(body, dict) else {}


def _refreshing(importing: Importing, component: Component, common: Auth, more: Auth) -> Auth:
    auth: Auth = {"type": "oauth2_refresh_token", **common}
    token = _value(importing, component, "refresh_token")
    updater = component.part("refresh_token_updater")
    if updater is not None:
        path = updater.get("refresh_token_config_path", ["credentials", "refresh_token"])
        known = importing.inputs.by_path
        if token is None:
            token = _input(importing, path)
        elif tuple(path) not in known and any(one.declared for one in known.values()):
            importing.remarks.note(
                updater.at("refresh_token_config_path"),
                f"the original reads its refresh token from the input {'.'.join(path)}, which it "
                "does not declare, and sends an empty one; here it is the one that is declared",
            )
    auth["refresh_token"] = token
    if updater is not None:
        auth["rotates"] = True
        name = updater.get("refresh_token_name", "refresh_token")
        if name != "refresh_token":
            auth["refresh_token_path"] = dotted([name])
    return {**auth, **more}


def _input(importing: Importing, path: list[str]) -> Json:
    term, _ = importing.inputs.lookup("")(tuple(path))
    return "{" + term.text + "}" if term.text else None


def _granted(
    importing: Importing, component: Component, grant: str, common: Auth, more: Auth
) -> Auth | None:
    """Another grant, such as `password`, or other names: a request whose answer holds the token."""
    token = component.get("access_token_value")
    refresh = _value(importing, component, "refresh_token")
    if grant == "refresh_token" and token and not refresh:
        return {"type": "bearer", "token": _value(importing, component, "access_token_value")}
    if component.data.get("refresh_token_updater"):
        importing.remarks.missing(
            component.at("refresh_token_updater"), "a single-use token in a request of its own form"
        )
    values = {"grant_type": grant, **common, "refresh_token": refresh}
    fields = {
        **{component.get(f"{key}_name", key): values[key] for key in _NAMES if values.get(key)},
        **more.get("access_token_request_data", {}),
    }
    kind = "json" if more.get("secret_in") == "json" else "data"
    if component.get("send_refresh_request_as_query_params"):
        kind = "params"
    request = _said(method="POST", url=common.get("access_token_url"), headers=more.get("headers"))
    return {
        "type": "login",
        "request": {**request, kind: fields},
        "token_path": more.get("token_path", "access_token"),
        "expires_in_path": more.get("expires_in_path", "expires_in"),
        "send": {"type": "bearer"},
    }


def _assertion(importing: Importing, component: Component, common: Auth) -> Auth | None:
    jwt = component.part("profile_assertion", "JwtAuthenticator")
    if jwt is None:
        importing.remarks.missing(component.place, "a profile assertion without its JWT")
        return None
    signed = _jwt(importing, jwt)
    return _said(
        type="oauth2_jwt",
        access_token_url=common.get("access_token_url"),
        private_key=signed.get("key"),
        private_key_passphrase=signed.get("private_key_passphrase"),
        algorithm=signed.get("algorithm"),
        token_headers=signed.get("token_headers"),
        payload=signed.get("payload"),
        expires_in=signed.get("expires_in"),
    )


def _jwt(importing: Importing, component: Component) -> Auth:
    headers = {
        **(_value(importing, component, "jwt_headers", {}) or {}),
        **(_value(importing, component, "additional_jwt_headers", {}) or {}),
    }
    payload = {
        **(_value(importing, component, "jwt_payload", {}) or {}),
        **(_value(importing, component, "additional_jwt_payload", {}) or {}),
    }
    prefix = _value(importing, component, "header_prefix")
    option = component.part("request_option", "RequestOption")
    if option is not None:
        importing.remarks.missing(option.place, "a signed token somewhere else than in the header")
    return _said(
        type="jwt",
        key=_signing_key(importing, component),
        algorithm=component.get("algorithm"),
        private_key_passphrase=_value(importing, component, "passphrase"),
        token_headers=headers,
        payload=payload,
        expires_in=seconds_duration(float(component.get("token_duration", 1200))),
        header_prefix=None if prefix == "Bearer" else prefix,
    )


def _signing_key(importing: Importing, component: Component) -> Json:
    """The key, which some encode in base64 before they sign with it."""
    key = _value(importing, component, "secret_key")
    scope = importing.sent(component)
    written = component.get("base64_encode_secret_key", False)
    packed = importing.condition(written, scope, component.at("base64_encode_secret_key"))
    if packed is None or (packed.fixed and not packed.constant):
        return key
    term = importing.term(component.get("secret_key"), scope, component.at("secret_key"))
    if term is None:
        return key
    encoded = f"base64_encode({term.text})"
    return f"{{{encoded}}}" if packed.fixed else f"{{if({packed.text}, {encoded}, {term.text})}}"


def _session(importing: Importing, component: Component) -> Auth | None:
    from framework.importers.airbyte.requests import login_request

    login = component.part("login_requester", "HttpRequester")
    if login is None:
        importing.remarks.missing(component.place, "a login without its request")
        return None
    decoder = component.part("decoder", "JsonDecoder")
    if decoder is not None and decoder.type != "JsonDecoder":
        importing.remarks.missing(decoder.place, f"a login whose answer a {decoder.type} reads")
    path = component.get("session_token_path", [])
    sending = component.part("request_authentication")
    send: Auth = {"type": "bearer"}
    if sending is not None and "ApiKey" in sending.type:
        send = _session_key(importing, sending)
    lasting = component.get("expiration_duration")
    return _said(
        type="login",
        request=login_request(importing, login),
        token_path=dotted([str(key) for key in path]),
        expires_in=iso_duration(lasting) if isinstance(lasting, str) else None,
        send=send,
    )


def _session_key(importing: Importing, sending: Component) -> Auth:
    option = sending.part("inject_into", "RequestOption")
    if option is None:
        return {"type": "bearer"}
    location, name = place_of(importing, option)
    send = {"type": "api_key", "name": name}
    if location != "header":
        send["location"] = location
    token = str(sending.get("api_token", "{{ session_token }}"))
    match = re.fullmatch(r"(.*?)\{\{\s*session_token\s*\}\}", token, re.DOTALL)
    if match is None:
        importing.remarks.missing(sending.at("api_token"), f"the session token as {token}")
    elif match[1]:
        send["prefix"] = match[1]
    return send


def _legacy_session(importing: Importing, component: Component) -> Auth:
    """Username and password give a token; the token of a session that is there already is not
    asked for."""
    if component.get("session_token"):
        importing.remarks.note(
            component.at("session_token"),
            "a session token of the person's own is not taken: each run logs in",
        )
    address = str(_value(importing, component, "login_url") or "")
    where = {"url" if "://" in address else "path": address}
    key = component.get("session_token_response_key", "id")
    return {
        "type": "login",
        "request": {
            "method": "POST",
            **where,
            "json": {
                "username": _value(importing, component, "username", ""),
                "password": _value(importing, component, "password", ""),
            },
        },
        "token_path": dotted([key]),
        "send": {"type": "api_key", "name": _value(importing, component, "header", "")},
    }


def _selective(importing: Importing, component: Component) -> Auth | None:
    path = [str(key) for key in component.get("authenticator_selection_path", [])]
    choices = component.part("authenticators")
    if not path or choices is None:
        importing.remarks.missing(component.place, "a choice of auths without its cases")
        return None
    term, used = importing.inputs.lookup("")(tuple(path))
    if used != len(path):
        importing.remarks.missing(component.place, f"a choice by {'.'.join(path)}")
        return None
    cases = {}
    for name in choices.data:
        case = choices.part(name)
        if case is not None and name != "$parameters":
            cases[str(name)] = translate_auth(importing, case)
    return {"type": "one_of", "by": term.text, "cases": cases}


_HANDLERS: dict[str, Callable[[Importing, Component], Auth | None]] = {
    "NoAuth": _none,
    "BearerAuthenticator": _bearer,
    "ApiKeyAuthenticator": _api_key,
    "BasicHttpAuthenticator": _basic,
    "OAuthAuthenticator": _oauth,
    "DeclarativeOauth2Authenticator": _oauth,
    "JwtAuthenticator": _jwt,
    "SessionTokenAuthenticator": _session,
    "LegacySessionTokenAuthenticator": _legacy_session,
    "SelectiveAuthenticator": _selective,
}
