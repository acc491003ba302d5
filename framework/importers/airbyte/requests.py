"""Requesters as what an endpoint asks: base URL, path, method, parameters, headers, body."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.terms import constant

Json = Any

_HEAD = re.compile(r"((?:https?://)?(?:[^{}/?]|\{[^{}]*\})+)(/.*)?", re.DOTALL)

_AFTER_HOST = re.compile(r"(https?://[^/{}]+)\{((?:resources|partition)\.[\w.\"]+)\}")
"""A value right behind the host: a path of its own, which begins with a slash."""

_NO_BRANCH = re.compile(r", `null`\)\}$")


@dataclass(frozen=True)
class Request:
    """What is asked, in our words; `base_url` and `path` may hold placeholders."""

    base_url: str
    path: str
    endpoint: dict[str, Json] = field(default_factory=dict)


def translate_request(importing: Importing, component: Component) -> Request:
    """The request of an HttpRequester, without its auth and its answers."""
    importing = _with_fields(importing, component)
    if component.custom or component.type not in ("HttpRequester", ""):
        importing.remarks.missing(
            component.place, f"the requester is a {component.type or 'class'} of its own"
        )
    endpoint: dict[str, Json] = {}
    base, path = _address(importing, component)
    path, query = _split_query(path)
    method = _method(importing, component)
    if method != "GET":
        endpoint["method"] = method
    params = {**query, **_mapping(importing, component, "request_parameters")}
    if params:
        endpoint["params"] = params
    headers = _mapping(importing, component, "request_headers")
    if headers:
        endpoint["headers"] = {
            name: value if type(value) in (str, int, float) else str(value)
            for name, value in headers.items()
        }
    _body(importing, component, endpoint)
    return Request(base, path, endpoint)


def _with_fields(importing: Importing, component: Component) -> Importing:
    """`stream_slice.extra_fields.query_properties`: the fields that a requester lists."""
    if component.get("fetch_properties_from_endpoint"):
        importing.remarks.missing(
            component.at("fetch_properties_from_endpoint"), "fields asked from another endpoint"
        )
    asked = component.part("query_properties")
    if asked is None:
        return importing
    fields = {"extra_fields.query_properties": constant(_fields(importing, asked))}
    return importing.inside(slices=importing.slices.having(fields, fields))


def _fields(importing: Importing, component: Component) -> list[str]:
    listed = component.get("property_list")
    chunking = component.part("property_chunking")
    if not isinstance(listed, list):
        importing.remarks.missing(
            component.at("property_list"), "fields asked from another endpoint"
        )
        listed = []
    if chunking is not None and len(listed) > int(chunking.get("property_limit", 0) or 10**9):
        importing.remarks.missing(chunking.place, "fields asked in portions; here all at once")
    if component.get("property_selector"):
        importing.remarks.missing(
            component.at("property_selector"), "fields as the person's choice of columns says"
        )
    always = component.get("always_include_properties", [])
    return [str(one) for one in dict.fromkeys([*listed, *always])]


def listed(importing: Importing, component: Component, value: Json) -> Json:
    """A parameter that is a list of fields, as text; any other as it is."""
    if not isinstance(value, dict) or value.get("type") != "QueryProperties":
        return value
    asked = Component(value, component.at("request_parameters"))
    return ",".join(_fields(importing, asked))


def _address(importing: Importing, component: Component) -> tuple[str, str]:
    """The base URL and the path; a `url` is both in one."""
    scope = importing.sent(component)

    def text(key: str) -> str:
        value = component.get(key, "")
        found = importing.text(str(value).strip(), scope, component.at(key))
        # a branch that is not there is no text in an address, and not a value to leave out
        shown = "" if found is ABSENT or found is None else str(found)
        return _NO_BRANCH.sub(", '')}", shown)

    base, path = text("url_base"), text("path")
    if not base:
        url = _AFTER_HOST.sub(r"\1/{join('/', split(\2, '/')[1:])}", text("url"))
        match = _HEAD.fullmatch(url)
        if match and not path:
            return match[1], match[2] or ""
        base = url
    return base, path


def _method(importing: Importing, component: Component) -> str:
    found = importing.text(
        component.get("http_method", "GET"), importing.sent(component), component.at("http_method")
    )
    method = str(found).upper()
    if method in ("GET", "POST"):
        return method
    importing.remarks.missing(component.at("http_method"), f"the method {found}")
    return "GET"


def _split_query(path: str) -> tuple[str, dict[str, Json]]:
    """A query written into the path, as parameters."""
    before, mark, query = path.partition("?")
    if not mark or before.count("{") != before.count("}"):
        return path, {}
    pairs = _pairs(query.replace("+", "%2B"))
    params: dict[str, Json] = {}
    for name, value in pairs:
        if name in params:
            old = params[name]
            params[name] = [*(old if isinstance(old, list) else [old]), value]
        else:
            params[name] = value
    return before, params


def _pairs(query: str) -> list[tuple[str, str]]:
    """The pairs of a query; an `&` in a placeholder parts nothing."""
    parted, depth = "", 0
    for character in query:
        depth += (character == "{") - (character == "}")
        parted += "\n" if character == "&" and not depth else character
    return parse_qsl(parted, keep_blank_values=True, separator="\n")


def _mapping(importing: Importing, component: Component, key: str) -> dict[str, Json]:
    """A mapping of values, or a text of pairs such as `a=1&b=2`; what is nothing is left out."""
    written = component.get(key, {})
    scope = importing.sent(component)
    if isinstance(written, dict):
        written = {name: listed(importing, component, one) for name, one in written.items()}
    if isinstance(written, str):
        found = importing.text(written.strip(), scope, component.at(key))
        if found is ABSENT or not found:
            return {}
        if isinstance(found, dict):
            return {name: value for name, value in found.items() if value not in (None, "")}
        if str(found).startswith("{") and str(found).endswith("}") and "=" not in str(found):
            importing.remarks.missing(component.at(key), "a whole mapping from one template")
            return {}
        return dict(_pairs(str(found)))
    values = importing.text(written, scope, component.at(key))
    if not isinstance(values, dict):
        return {}
    return {
        name: value
        for name, value in values.items()
        if value is not None and value != "" and name != ""
    }


def _body(importing: Importing, component: Component, endpoint: dict[str, Json]) -> None:
    scope = importing.sent(component)
    body = component.part("request_body")
    if body is not None:
        written = body.get("value", {})
        written = _literals(written) if isinstance(written, dict) else written
        value = importing.text(written, scope, body.at("value"))
        key = "json" if body.type in ("RequestBodyJsonObject", "RequestBodyGraphQL") else "data"
        if value is not ABSENT:
            endpoint[key] = value
        return
    json = component.get("request_body_json")
    if json:
        value = importing.text(
            _literals(json) if isinstance(json, dict) else json,
            scope,
            component.at("request_body_json"),
        )
        if isinstance(value, dict):
            endpoint["json"] = value
        elif isinstance(value, str) and value:
            # a text that is JSON once its templates are filled in
            endpoint["data"] = value
            endpoint.setdefault("headers", {}).setdefault("Content-Type", "application/json")
    data = component.get("request_body_data")
    if data:
        value = importing.text(data, scope, component.at("request_body_data"))
        if value is not ABSENT and value != "":
            endpoint["data"] = value


def _literals(value: Json) -> Json:
    """Texts in a JSON body that are literals, such as `[ "a" ]` or `5`: the original reads them."""
    if isinstance(value, dict):
        return {key: _literals(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_literals(one) for one in value]
    if not isinstance(value, str) or "{{" in value or "{%" in value:
        return value
    try:
        found = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    return found if isinstance(found, list | dict | int | float) else value


def login_request(importing: Importing, component: Component) -> dict[str, Json]:
    """A requester as the `request` of a login."""
    from framework.importers.airbyte.auth import translate_auth

    request = translate_request(importing, component)
    path = request.path.lstrip("/")
    url = f"{request.base_url.rstrip('/')}/{path}" if path else request.base_url
    found: dict[str, Json] = {"method": component.get("http_method", "GET"), "url": url}
    found.update(request.endpoint)
    own = component.part("authenticator")
    if own is not None:
        auth = translate_auth(importing, own)
        if auth is not None:
            found["auth"] = auth
    return found
