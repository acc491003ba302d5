"""Which resource asks for a URL, and where each part of the URL came from.

Knows the file's paths and parameters, parents and config; not what stands in for a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from framework.authoring.cassettes.matching import Address, Pairs
from framework.definition.expressions.jmespath_expression import (
    Expression,
    ExpressionError,
    compile_expression,
)
from framework.definition.expressions.placeholders import Literal as Text
from framework.definition.expressions.placeholders import (
    Placeholder,
    TemplateError,
    parse_template,
    texts_of,
)
from framework.definition.model import Connector, Endpoint, JobRequest, Resource, Selector
from framework.definition.paginator_keys import CONTEXT_EXPRESSIONS

Json = Any


Captured = tuple[tuple[Placeholder | None, str], ...]
"""A text taken apart by its template: literal parts (None) and what stood for placeholders."""


_HEADER = re.compile(r"\bheaders\.(?:\"([^\"]+)\"|([A-Za-z_]\w*))")

Part = Literal["records", "job"]
"""What an answer holds: records, or what is said of an export job."""


@dataclass(frozen=True)
class Route:
    """A path that a resource asks for, as decoded templates, a segment each."""

    resource: Resource
    order: int
    origin: str
    segments: tuple[str, ...]
    query: Pairs
    method: str
    params: Mapping[str, Json]
    part: Part


@dataclass(frozen=True)
class Match:
    """A URL that a resource asks for; `segments` taken apart by the templates."""

    resource: Resource
    order: int
    segments: tuple[Captured, ...]
    part: Part = "records"


class Routes:
    """The paths of a connector's resources below a base URL."""

    def __init__(self, connector: Connector, base_url: str) -> None:
        base = Address.of(base_url.rstrip("/"))
        self._routes = [
            route
            for order, resource in enumerate(connector.resources)
            for route in _routes(resource, order, base)
        ]

    def match(self, address: Address, method: str | None = None) -> Match | None:
        """The resource whose path this is; of several the one that says most about it."""
        best: tuple[tuple[int, int], Match] | None = None
        for route in self._routes:
            if method is not None and route.method != method.upper():
                continue
            if address.origin != route.origin:
                continue
            segments = address.segments
            if len(segments) != len(route.segments):
                continue
            captured = [
                capture(template, segment)
                for template, segment in zip(route.segments, segments, strict=True)
            ]
            if any(part is None for part in captured):
                continue
            parts = tuple(part for part in captured if part is not None)
            found = Match(route.resource, route.order, parts, route.part)
            score = (
                sum("{" not in template for template in route.segments),
                _agreeing(route, address.query),
            )
            if best is None or score > best[0]:
                best = (score, found)
        return best[1] if best else None

    def literal_segments(self) -> Iterator[str]:
        """The path segments that the file itself writes, the base URL's among them."""
        for route in self._routes:
            yield from (segment for segment in route.segments if "{" not in segment)


def _routes(resource: Resource, order: int, base: Address) -> Iterator[Route]:
    """The endpoint's own path, and those of its export job."""
    endpoint, export = resource.endpoint, resource.endpoint.export
    first: Part = "records" if export is None else "job"
    yield _route(resource, order, base, endpoint, first)
    if export is not None:
        if export.status is not None and export.status.path:
            yield _route(resource, order, base, export.status, "job")
        if export.download.path:
            yield _route(resource, order, base, export.download, "records")


def _route(
    resource: Resource, order: int, base: Address, asked: Endpoint | JobRequest, part: Part
) -> Route:
    path, _, query = (asked.path or "").partition("?")
    pairs = Address.of("?" + query).query
    method = asked.method.upper()
    if re.match(r"https?://", path):
        scheme, _, rest = path.partition("://")
        host, _, path = rest.partition("/")
        origin, whole = f"{scheme}://{host}", ("", *path.split("/"))
    else:
        segments = [segment for segment in base.segments if segment]
        below = path.lstrip("/").split("/") if path.strip("/") else []
        origin, whole = base.origin, ("",)
        if segments or below:
            whole = ("", *segments, *_joined(below))
    return Route(resource, order, origin, whole, pairs, method, asked.params, part)


def _joined(parts: list[str]) -> list[str]:
    """Segments of a template; a slash inside of a placeholder divides nothing."""
    joined: list[str] = []
    for part in parts:
        if joined and joined[-1].count("{") > joined[-1].count("}"):
            joined[-1] += "/" + part
        else:
            joined.append(part)
    return joined


@lru_cache(maxsize=4096)
def _pattern(template: str) -> tuple[re.Pattern[str], tuple[Placeholder | None, ...]]:
    try:
        parts = parse_template(template)
    except TemplateError:
        return re.compile("(" + re.escape(template) + ")", re.DOTALL), (None,)
    written: list[str] = []
    sources: list[Placeholder | None] = []
    for part in parts:
        if isinstance(part, Text):
            written.append(f"({re.escape(part.text)})")
            sources.append(None)
        else:
            written.append("(.+?)")
            sources.append(part)
    return re.compile("".join(written), re.DOTALL), tuple(sources)


def capture(template: str, text: str) -> Captured | None:
    """A text taken apart by a template, None where it does not fit."""
    pattern, sources = _pattern(template)
    match = pattern.fullmatch(text)
    return None if match is None else tuple(zip(sources, match.groups(), strict=True))


def _agreeing(route: Route, query: Pairs) -> int:
    """How many of the resource's own parameters the query has as the file writes them."""
    sent = dict(query)
    agreeing = sum(sent.get(name) == value for name, value in route.query)
    for name, value in route.params.items():
        if name not in sent:
            agreeing -= f"{{{name}}}" not in route.resource.endpoint.path
        elif capture(text_of(value), sent[name]) is not None:
            agreeing += 1
        else:
            agreeing -= 1
    return agreeing


def text_of(value: Json) -> str:
    """A value as a query has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def managed_parameters(connector: Connector) -> Iterator[str]:
    """Parameters that the framework counts by itself: their numbers and times are not data."""
    defaults = {"page_number": "page", "offset": "offset"}
    paginators = [connector.client.paginator]
    paginators.extend(resource.endpoint.paginator for resource in connector.resources)
    for paginator in paginators:
        if not paginator:
            continue
        kind = str(paginator.get("type"))
        if kind in defaults:
            yield defaults[kind]
            yield "limit"
        for name in ("page_param", "offset_param", "limit_param", "page_size_param"):
            if paginator.get(name):
                yield str(paginator[name])
    for resource in connector.resources:
        incremental = resource.endpoint.incremental
        if incremental is not None:
            yield from filter(None, (incremental.start_param, incremental.end_param))


def cursor_headers(connector: Connector) -> Iterator[str]:
    """Response headers that hold a page's cursor or that expressions read, lower case."""
    for text in texts_of(connector.data):
        for quoted, plain in _HEADER.findall(text):
            yield (quoted or plain).lower()
    paginators = [connector.client.paginator]
    paginators.extend(resource.endpoint.paginator for resource in connector.resources)
    for paginator in paginators:
        if paginator and paginator.get("type") == "header_cursor":
            yield str(paginator.get("cursor_key") or "next_page").lower()


_CONFIG = re.compile(r"\{config\.([a-z0-9_]+)\}")


def records(resource: Resource, data: Json) -> list[Json]:
    """The records that the resource's selector finds in a body."""
    selector = resource.endpoint.data_selector
    try:
        if selector is None:
            from dlt.sources.helpers.rest_client.detector import find_response_page_data

            found = find_response_page_data(data)[1]
        else:
            found = finder(selector)(data)
    except (ExpressionError, ValueError, TypeError, LookupError):
        return []
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def finder(selector: Selector, config: Mapping[str, Json] | None = None) -> Callable[[Json], Json]:
    """A function from data to what the selector finds; dlt is only imported for a JSONPath.

    `config` fills what an expression takes from it.
    """
    if isinstance(selector, str) and not selector.startswith("$"):
        selector = compile_expression(fill_config(selector, config or {}))
    if isinstance(selector, Expression):
        return selector.search
    from dlt.common import jsonpath

    path = jsonpath.compile_path(selector)

    def find(data: Json) -> Json:
        found = [match.value for match in path.find(data)]
        return found[0] if len(found) == 1 else found or None

    return find


def fill_config(text: str, config: Mapping[str, Json]) -> str:
    """A text with each `{config.x}` in it replaced by its value."""
    return _CONFIG.sub(lambda part: str(config.get(part[1], "")), text)


def _paging_texts(paginator: Mapping[str, Json] | None) -> Iterator[str]:
    for key in CONTEXT_EXPRESSIONS:
        if paginator and paginator.get(key):
            yield str(paginator[key])


def expression_texts(connector: Connector) -> Iterator[str]:
    """The text of every expression on a body, a record or the last page."""
    yield from _paging_texts(connector.client.paginator)
    for resource in connector.resources:
        yield from _paging_texts(resource.endpoint.paginator)
        found: list[Any] = [resource.when, resource.endpoint.data_selector]
        found.extend(binding.field for binding in resource.bindings)
        found.extend(action.body for action in resource.endpoint.response_actions)
        if (export := resource.endpoint.export) is not None:
            found += [export.ready, export.failed, export.message]
        for step in resource.steps:
            found.append(step.expression)
            argument = step.argument
            found.extend(argument.values() if isinstance(argument, dict) else ())
        for item in found:
            if isinstance(item, Expression):
                yield item.text
            elif isinstance(item, str):
                yield item
