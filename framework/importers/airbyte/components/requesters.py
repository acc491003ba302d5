"""Requesters as what an endpoint requests: base URL, path, method, parameters, headers, body."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from framework.importers.airbyte.components.component_registry import component, handler_of
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.template_parts import Template, in_text
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component

Json = Any

_BASE_AND_PATH = re.compile(r"((?:https?://)?(?:[^{}/?]|\{[^{}]*\})+)(/.*)?", re.DOTALL)
_DOUBLED = re.compile(r"(\{[^{}]*\}|\{\{|\}\}|://)|/{2,}")
"""Slashes that Airbyte joins: not those of a placeholder, or of a scheme."""
_HOST = re.compile(r"https?://[^/{}]+")


@dataclass(frozen=True)
class StreamRequest:
    """What is requested; `base_url` and `path` may hold placeholders."""

    base_url: str
    path: str
    endpoint: dict[str, Json] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Base URL and path in one."""
        path = self.path.lstrip("/")
        return f"{self.base_url.rstrip('/')}/{path}" if path else self.base_url


def translate_requester(context: ImportContext, requester: Component) -> StreamRequest:
    """Return the request of a requester, without its auth and its error handler. A requester of
    an unknown type is read by its declared fields."""
    handler_of(context, "requester", requester)
    return _http_requester(context, requester)


@component("requester", "HttpRequester", "")
def _http_requester(context: ImportContext, requester: Component) -> StreamRequest:
    context = _with_query_properties(context, requester)
    endpoint: dict[str, Json] = {}
    base, path = _address(context, requester)
    path, query = _split_query(path)
    path = _DOUBLED.sub(lambda found: found[1] or "/", path)
    method = _method(context, requester)
    if method != "GET":
        endpoint["method"] = method
    params = {**query, **_mapping(context, requester, "request_parameters")}
    if params:
        endpoint["params"] = params
    headers = _mapping(context, requester, "request_headers")
    if headers:
        endpoint["headers"] = {
            name: value if type(value) in (str, int, float) else str(value)
            for name, value in headers.items()
        }
    _add_body(context, requester, endpoint)
    return StreamRequest(base, path, endpoint)


# -- query properties


def _with_query_properties(context: ImportContext, requester: Component) -> ImportContext:
    """Add `stream_slice.extra_fields.query_properties`, the fields that a requester lists."""
    if requester.get("fetch_properties_from_endpoint"):
        place = requester.at("fetch_properties_from_endpoint")
        context.missing(place, "fields that another endpoint lists")
    properties = requester.part("query_properties")
    if properties is None:
        return context
    names = {"extra_fields.query_properties": tree.constant(_properties(context, properties))}
    return context.inside(slices=context.slices.having(names, names))


def _properties(context: ImportContext, part: Component) -> list[str]:
    listed = part.get("property_list")
    chunking = part.part("property_chunking")
    if not isinstance(listed, list):
        context.missing(part.at("property_list"), "fields that another endpoint lists")
        listed = []
    if chunking is not None and len(listed) > int(chunking.get("property_limit", 0) or 10**9):
        context.missing(chunking.place, "fields requested in portions; here all at once")
    if part.get("property_selector"):
        context.missing(part.at("property_selector"), "fields by the person's choice of columns")
    return list(dict.fromkeys([*part.names("always_include_properties"), *map(str, listed)]))


# -- address and method


def _address(context: ImportContext, requester: Component) -> tuple[str, str]:
    """Return the base URL and the path; a `url` is both in one."""
    base, path = (_url_text(context, requester, key) for key in ("url_base", "path"))
    if base:
        return base, path
    url = _url_text(context, requester, "url")
    match = _BASE_AND_PATH.fullmatch(url)
    return (match[1], match[2] or "") if match and not path else (url, path)


def _url_text(context: ImportContext, requester: Component, key: str) -> str:
    """Return a part of an address as text."""
    template = context.template(requester, key)
    if template is None:
        return ""
    parts = [*map(in_text, template.parts)]
    if len(parts) > 1 and isinstance(parts[0], str) and _HOST.fullmatch(parts[0]):
        parts[:2] = [*_as_path(parts[0], parts[1])]
    rendered = Template(tuple(parts)).rendered
    return "" if rendered is None else str(rendered)


def _as_path(host: str, value: str | Term) -> tuple[str | Term, ...]:
    """Return a value that stands behind the host as a path, which begins with a slash itself."""
    node = None if isinstance(value, str) else value.node
    if not isinstance(node, tree.FieldPath) or node.root not in ("resources", "partition"):
        return host, value
    segments = tree.call("split", Term(node), tree.constant("/"))
    rest = Term(tree.extend(segments, tree.Cut((1, None, None))))
    return f"{host}/", tree.call("join", tree.constant("/"), rest)


def _method(context: ImportContext, requester: Component) -> str:
    method = str(context.value(requester, "http_method", "GET"))
    if method.upper() in ("GET", "POST"):
        return method.upper()
    context.missing(requester.at("http_method"), f"the method {method}")
    return "GET"


def _split_query(path: str) -> tuple[str, dict[str, Json]]:
    """Return a path without its query, and the query as parameters."""
    before, mark, query = path.partition("?")
    if not mark or before.count("{") != before.count("}"):
        return path, {}
    params: dict[str, Json] = {}
    for name, value in _pairs(query.replace("+", "%2B")):
        if name in params:
            known = params[name]
            params[name] = [*(known if isinstance(known, list) else [known]), value]
        else:
            params[name] = value
    return before, params


def _pairs(query: str) -> list[tuple[str, str]]:
    """Return the pairs of a query; an `&` inside a placeholder does not separate."""
    separated, depth = "", 0
    for character in query:
        depth += (character == "{") - (character == "}")
        separated += "\n" if character == "&" and not depth else character
    return parse_qsl(separated, keep_blank_values=True, separator="\n")


def _mapping(context: ImportContext, requester: Component, key: str) -> dict[str, Json]:
    """Return a mapping, or a text of pairs such as `a=1&b=2`, without what is empty."""
    data = requester.get(key, {})
    scope, place = context.request_scope(requester), requester.at(key)
    if isinstance(data, dict):
        values = {
            name: ",".join(_properties(context, Component(one, place)))
            if isinstance(one, dict) and one.get("type") == "QueryProperties"
            else one
            for name, one in data.items()
        }
        pairs = context.translate(values, scope, place)
    else:
        pairs = context.translate(str(data).strip(), scope, place)
        if isinstance(pairs, str) and pairs:
            if pairs[0] == "{" and pairs[-1] == "}" and "=" not in pairs:
                context.missing(place, "a whole mapping from one template")
                return {}
            return dict(_pairs(pairs))
    pairs = pairs if isinstance(pairs, dict) else {}
    pairs = {name: _python_word(context, one) for name, one in pairs.items()}
    return {name: one for name, one in pairs.items() if one not in (None, "") and name != ""}


def _python_word(context: ImportContext, value: Json) -> Json:
    """Return an input that is a boolean, and the clock, as Airbyte sends them."""
    if value == "{now}":
        return f"{{format_time(now, '{tree.PYTHON_TIME.constant}')}}"
    name = value[8:-1] if isinstance(value, str) and value.startswith("{config.") else ""
    for one in context.inputs.by_path.values():
        if one.name == name and one.kind == "boolean" and not one.secret:
            word = f"if(config.{name}, 'True', 'False')"
            is_given = one.required or "default" in one.schema
            return f"{{{word}}}" if is_given else f"{{if(config.{name} == `null`, `null`, {word})}}"
    return value


# -- body


def _add_body(context: ImportContext, requester: Component, endpoint: dict[str, Json]) -> None:
    scope = context.request_scope(requester)
    body = requester.part("request_body")
    if body is not None:
        data = body.get("value", {})
        data = _with_literals(data) if isinstance(data, dict) else data
        value = context.translate(data, scope, body.at("value"))
        if value is not None:
            kind = body.type in ("RequestBodyJsonObject", "RequestBodyGraphQL")
            endpoint["json" if kind else "data"] = _without_nulls(value)
        return
    json = requester.get("request_body_json")
    if json:
        json = _with_literals(json) if isinstance(json, dict) else json
        value = context.translate(json, scope, requester.at("request_body_json"))
        if isinstance(value, dict):
            endpoint["json"] = _without_nulls(value)
        elif isinstance(value, str) and value:
            # a text that is JSON once its templates are filled in
            endpoint["data"] = value
            endpoint.setdefault("headers", {}).setdefault("Content-Type", "application/json")
    form = (
        context.value(requester, "request_body_data")
        if requester.get("request_body_data")
        else None
    )
    if form is not None and form != "":
        endpoint["data"] = form


def _without_nulls(value: Json) -> Json:
    """Leave out the keys of a body whose value is null or an empty text, which Airbyte does not
    send."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one not in (None, "")}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _with_literals(value: Json) -> Json:
    """Evaluate texts of a JSON body that are Python literals, such as `[ "a" ]` or `5`, as Airbyte
    does."""
    if isinstance(value, dict):
        return {key: _with_literals(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_with_literals(one) for one in value]
    if not isinstance(value, str) or "{{" in value or "{%" in value:
        return value
    try:
        evaluated = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
    return evaluated if isinstance(evaluated, list | dict | int | float) else value
