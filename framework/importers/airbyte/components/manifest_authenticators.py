"""Authenticators as `auth`."""

from __future__ import annotations

import re
from typing import Any

from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.components.request_options import auth_location
from framework.importers.airbyte.components.requesters import translate_requester
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja.printer import dotted, to_jmespath
from framework.importers.airbyte.jinja.template_parts import placeholder
from framework.importers.airbyte.jinja.tree import FieldPath, Term, call, choose
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.time_notation import iso_duration, seconds_duration

Json = Any
Auth = dict[str, Json]

_TOKEN_FIELDS = ("grant_type", "client_id", "client_secret", "refresh_token")
_SESSION_TOKEN = re.compile(r"(.*?)\{\{\s*session_token\s*\}\}", re.DOTALL)


def _present(**entries: Json) -> Auth:
    return {key: value for key, value in entries.items() if value not in (None, {}, [])}


@component("authenticator", "NoAuth")
def _no_auth(_context: ImportContext, _part: Component) -> None:
    return None


@component("authenticator", "BearerAuthenticator")
def _bearer(context: ImportContext, part: Component) -> Auth:
    return {"type": "bearer", "token": context.value(part, "api_token", "")}


@component("authenticator", "ApiKeyAuthenticator")
def _api_key(context: ImportContext, part: Component) -> Auth:
    option = part.part("inject_into", "RequestOption")
    if option is None:
        location, name = "header", str(context.value(part, "header", "Authorization"))
    else:
        location, name = auth_location(context, option)
    template = context.template(part, "api_token")
    parts = template.parts if template else ()
    auth: Auth = {"type": "api_key", "name": name}
    if location == "header" and len(parts) == 2 and _is_prefix(parts[0]) and _is_input(parts[1]):
        assert isinstance(parts[1], Term)
        key = placeholder(parts[1])
        if name.lower() == "authorization" and parts[0] == "Bearer ":
            return {"type": "bearer", "token": key}
        return {**auth, "api_key": key, "prefix": parts[0]}
    auth["api_key"] = context.value(part, "api_token", "")
    return auth if location == "header" else {**auth, "location": location}


def _is_prefix(part: str | Term) -> bool:
    return isinstance(part, str) and part != part.rstrip() != "" and not set(part) & set("{}")


def _is_input(part: str | Term) -> bool:
    node = part.node if isinstance(part, Term) else None
    return isinstance(node, FieldPath) and node.root in ("config", "secrets")


@component("authenticator", "BasicHttpAuthenticator")
def _basic(context: ImportContext, part: Component) -> Auth:
    return {
        "type": "http_basic",
        "username": context.value(part, "username", ""),
        "password": context.value(part, "password", "") or "",
    }


# -- OAuth


@component("authenticator", "OAuthAuthenticator", "DeclarativeOauth2Authenticator")
def _oauth(context: ImportContext, part: Component) -> Auth | None:
    grant = str(context.value(part, "grant_type", "refresh_token"))
    body = context.value(part, "refresh_request_body", {})
    body = dict(body) if isinstance(body, dict) else {}
    headers = context.value(part, "refresh_request_headers", {})
    if part.get("scopes"):
        body["scope"] = " ".join(map(str, context.value(part, "scopes") or []))
    paths = {
        f"{ours}_path": None if (name := part.get(theirs, default)) == default else dotted([name])
        for ours, theirs, default in (
            ("token", "access_token_name", "access_token"),
            ("expires_in", "expires_in_name", "expires_in"),
        )
    }
    common = _present(
        access_token_url=context.value(part, "token_refresh_endpoint"),
        client_id=context.value(part, "client_id"),
        client_secret=context.value(part, "client_secret"),
    )
    if part.get("use_profile_assertion"):
        return _profile_assertion(context, part, common)
    secret_in = None
    if any("json" in str(value).lower() for value in (headers or {}).values()):
        secret_in = "json"
    elif "client_secret" in common and _has_basic_header(headers):
        secret_in = "basic"
        headers = {k: v for k, v in headers.items() if k.lower() != "authorization"}
    more = _present(access_token_request_data=body, headers=headers, **paths, secret_in=secret_in)
    if not _is_login(part):
        if grant == "client_credentials":
            return {"type": "oauth2_client_credentials", **common, **more}
        if grant == "refresh_token" and (
            part.get("refresh_token") or part.data.get("refresh_token_updater")
        ):
            return _refresh_token(context, part, {**common}, more)
    return _login(context, part, grant, common, more)


def _is_login(part: Component) -> bool:
    """Return whether the token request is not the standard's: other names, or in the query."""
    renamed = any(part.get(f"{name}_name", name) != name for name in _TOKEN_FIELDS)
    return renamed or bool(part.get("send_refresh_request_as_query_params"))


def _has_basic_header(headers: Json) -> bool:
    return isinstance(headers, dict) and any(
        key.lower() == "authorization" and str(value).startswith("Basic {base64_encode(")
        for key, value in headers.items()
    )


def _refresh_token(context: ImportContext, part: Component, common: Auth, more: Auth) -> Auth:
    token = context.value(part, "refresh_token")
    updater = part.part("refresh_token_updater")
    if updater is None:
        return {"type": "oauth2_refresh_token", **common, "refresh_token": token, **more}
    path = tuple(updater.get("refresh_token_config_path", ["credentials", "refresh_token"]))
    inputs = context.inputs.by_path
    if token is None:
        token = placeholder(context.inputs.lookup()(path)[0])
    elif path not in inputs and any(one.declared for one in inputs.values()):
        context.note(
            updater.at("refresh_token_config_path"),
            f"Airbyte reads its refresh token from the input {'.'.join(path)}, which the spec does "
            "not declare, and sends an empty one; here it is the one that is declared",
        )
    name = updater.get("refresh_token_name", "refresh_token")
    renamed = {} if name == "refresh_token" else {"refresh_token_path": dotted([name])}
    auth = {"type": "oauth2_refresh_token", **common, "refresh_token": token, "rotates": True}
    return {**auth, **renamed, **more}


def _login(context: ImportContext, part: Component, grant: str, common: Auth, more: Auth) -> Auth:
    """Return another grant, such as `password`, or other names, as a request for a token."""
    refresh = context.value(part, "refresh_token")
    if grant == "refresh_token" and part.get("access_token_value") and not refresh:
        return {"type": "bearer", "token": context.value(part, "access_token_value")}
    if part.data.get("refresh_token_updater"):
        context.missing(
            part.at("refresh_token_updater"), "a single-use token in a request of its own form"
        )
    values = {"grant_type": grant, **common, "refresh_token": refresh}
    fields = {
        **{part.get(f"{key}_name", key): values[key] for key in _TOKEN_FIELDS if values.get(key)},
        **more.get("access_token_request_data", {}),
    }
    kind = "json" if more.get("secret_in") == "json" else "data"
    if part.get("send_refresh_request_as_query_params"):
        kind = "params"
    request = _present(
        method="POST", url=common.get("access_token_url"), headers=more.get("headers")
    )
    return {
        "type": "login",
        "request": {**request, kind: fields},
        "token_path": more.get("token_path", "access_token"),
        "expires_in_path": more.get("expires_in_path", "expires_in"),
        "send": {"type": "bearer"},
    }


# -- signed tokens


def _profile_assertion(context: ImportContext, part: Component, common: Auth) -> Auth | None:
    jwt = part.part("profile_assertion", "JwtAuthenticator")
    if jwt is None:
        context.missing(part.place, "a profile assertion without its JWT")
        return None
    signed = _jwt(context, jwt)
    keys = ("private_key_passphrase", "algorithm", "token_headers", "payload", "expires_in")
    return _present(
        type="oauth2_jwt",
        access_token_url=common.get("access_token_url"),
        private_key=signed.get("key"),
        **{key: signed.get(key) for key in keys},
    )


@component("authenticator", "JwtAuthenticator")
def _jwt(context: ImportContext, part: Component) -> Auth:
    headers, payload = (
        {
            **(context.value(part, f"jwt_{name}", {}) or {}),
            **(context.value(part, f"additional_jwt_{name}", {}) or {}),
        }
        for name in ("headers", "payload")
    )
    prefix = context.value(part, "header_prefix")
    option = part.part("request_option", "RequestOption")
    if option is not None:
        context.missing(option.place, "a signed token outside of the header")
    return _present(
        type="jwt",
        key=_signing_key(context, part),
        algorithm=part.get("algorithm"),
        private_key_passphrase=context.value(part, "passphrase"),
        token_headers=headers,
        payload=payload,
        expires_in=seconds_duration(float(part.get("token_duration", 1200))),
        header_prefix=None if prefix == "Bearer" else prefix,
    )


def _signing_key(context: ImportContext, part: Component) -> Json:
    """Return the key, which some encode in base64 before they sign with it."""
    encode = context.condition(part, "base64_encode_secret_key", default=False)
    key = context.term(part, "secret_key", default=None)
    if encode is None or key is None or (encode.fixed and not encode.constant):
        return None if key is None else context.value(part, "secret_key")
    encoded = call("base64_encode", key)
    return placeholder(encoded if encode.fixed else choose(encode, encoded, key))


# -- sessions


@component("authenticator", "SessionTokenAuthenticator")
def _session(context: ImportContext, part: Component) -> Auth | None:
    login = part.part("login_requester", "HttpRequester")
    if login is None:
        context.missing(part.place, "a login without its request")
        return None
    decoder = part.part("decoder", "JsonDecoder")
    if decoder is not None and decoder.type != "JsonDecoder":
        context.missing(decoder.place, f"a login whose response is read by a {decoder.type}")
    sending = part.part("request_authentication")
    is_key = sending is not None and "ApiKey" in sending.type
    lasting = part.get("expiration_duration")
    return _present(
        type="login",
        request=_login_request(context, login),
        token_path=dotted(part.names("session_token_path")),
        expires_in=iso_duration(lasting) if isinstance(lasting, str) else None,
        send=_session_key(context, sending) if sending and is_key else {"type": "bearer"},
    )


def _login_request(context: ImportContext, requester: Component) -> dict[str, Json]:
    request = translate_requester(context, requester)
    auth = translate(context, "authenticator", requester.part("authenticator"))
    return {
        "method": requester.get("http_method", "GET"),
        "url": request.url,
        **request.endpoint,
        **({"auth": auth} if auth is not None else {}),
    }


def _session_key(context: ImportContext, sending: Component) -> Auth:
    option = sending.part("inject_into", "RequestOption")
    if option is None:
        return {"type": "bearer"}
    location, name = auth_location(context, option)
    send = {"type": "api_key", "name": name}
    if location != "header":
        send["location"] = location
    token = str(sending.get("api_token", "{{ session_token }}"))
    match = _SESSION_TOKEN.fullmatch(token)
    if match is None:
        context.missing(sending.at("api_token"), f"the session token as {token}")
    elif match[1]:
        send["prefix"] = match[1]
    return send


@component("authenticator", "LegacySessionTokenAuthenticator")
def _legacy_session(context: ImportContext, part: Component) -> Auth:
    """Return the login by username and password; an existing session's token is not used."""
    if part.get("session_token"):
        context.note(
            part.at("session_token"),
            "the token of an existing session is not used: each run logs in",
        )
    address = str(context.value(part, "login_url") or "")
    credentials = {key: context.value(part, key, "") for key in ("username", "password")}
    where = "url" if "://" in address else "path"
    return {
        "type": "login",
        "request": {"method": "POST", where: address, "json": credentials},
        "token_path": dotted([part.get("session_token_response_key", "id")]),
        "send": {"type": "api_key", "name": context.value(part, "header", "")},
    }


@component("authenticator", "SelectiveAuthenticator")
def _selective(context: ImportContext, part: Component) -> Auth | None:
    path = tuple(part.names("authenticator_selection_path"))
    choices = part.part("authenticators")
    if not path or choices is None:
        context.missing(part.place, "a choice of authenticators without its cases")
        return None
    term, used = context.inputs.lookup()(path)
    if used != len(path):
        context.missing(part.place, f"a choice by {'.'.join(path)}")
        return None
    parts = {str(name): choices.part(name) for name in choices.data if name != "$parameters"}
    cases = {
        name: translate(context, "authenticator", case) for name, case in parts.items() if case
    }
    return {"type": "one_of", "by": to_jmespath(term), "cases": cases}
