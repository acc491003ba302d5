"""Find which resource requests a URL, and split texts by the templates that they were made from.

Knows the file's paths and parameters; does not know what replaces a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from framework.authoring.exchange import Address, Pairs
from framework.authoring.scrub.file_texts import text_of
from framework.definition.expressions.placeholders import Literal as Text
from framework.definition.expressions.placeholders import (
    Placeholder,
    TemplateError,
    parse_template,
)
from framework.definition.model import Connector, Endpoint, JobRequest, Resource

Json = Any

TextParts = tuple[tuple[Placeholder | None, str], ...]
"""A text split by its template: literal parts (None), and the value of each placeholder."""

BodyKind = Literal["records", "job"]
"""What a response holds: records, or the state of an export job."""


@dataclass(frozen=True)
class _ResourcePath:
    """A path that a resource requests: one decoded template a segment."""

    resource: Resource
    order: int
    origin: str
    segments: tuple[str, ...]
    query: Pairs
    request: Endpoint | JobRequest
    body_kind: BodyKind


@dataclass(frozen=True)
class PathMatch:
    """The resource of a URL, its position in the file, and the URL's segments in parts."""

    resource: Resource
    order: int
    segments: tuple[TextParts, ...]
    body_kind: BodyKind = "records"


class RequestPaths:
    """The paths of a connector's resources below a base URL."""

    def __init__(self, connector: Connector, base_url: str) -> None:
        base = Address.of(base_url.rstrip("/"))
        self._paths = [
            path
            for order, resource in enumerate(connector.resources)
            for path in _paths_of(resource, order, base)
        ]

    def match(
        self, address: Address, method: str | None = None, body: bytes | None = None
    ) -> PathMatch | None:
        """Return the resource with this path; of several the most specific one.

        All queries of a GraphQL API have one path: the texts of a JSON `body` tell them apart.
        """
        sent = _json_object(body)
        best: tuple[tuple[int, int], PathMatch] | None = None
        for path in self._paths:
            if (
                (method is not None and path.request.method.upper() != method.upper())
                or address.origin != path.origin
                or len(address.segments) != len(path.segments)
            ):
                continue
            segments: list[TextParts] = []
            for template, segment in zip(path.segments, address.segments, strict=True):
                parts = split_by_template(template, segment)
                if parts is None:
                    break
                segments.append(parts)
            else:
                literal = sum("{" not in template for template in path.segments)
                agreeing = _agreeing_parameters(path, address.query)
                score = literal, agreeing + _agreeing_texts(path, sent)
                if best is None or score > best[0]:
                    found = PathMatch(path.resource, path.order, tuple(segments), path.body_kind)
                    best = score, found
        return best[1] if best else None

    def literal_segments(self) -> Iterator[str]:
        """Yield the path segments without placeholders, those of the base URL included."""
        for path in self._paths:
            yield from (segment for segment in path.segments if "{" not in segment)


def _paths_of(resource: Resource, order: int, base: Address) -> Iterator[_ResourcePath]:
    """Yield the endpoint's own path and those of its export job."""
    endpoint, export = resource.endpoint, resource.endpoint.export
    if endpoint.url is not None:
        return  # a record of its parent holds it
    yield _path_of(resource, order, base, endpoint, "records" if export is None else "job")
    if export is not None:
        if export.status is not None and export.status.path:
            yield _path_of(resource, order, base, export.status, "job")
        if export.download.path:
            yield _path_of(resource, order, base, export.download, "records")


def _path_of(
    resource: Resource,
    order: int,
    base: Address,
    request: Endpoint | JobRequest,
    body_kind: BodyKind,
) -> _ResourcePath:
    path, _, query = (request.path or "").partition("?")
    if re.match(r"https?://", path):
        scheme, _, rest = path.partition("://")
        host, _, path = rest.partition("/")
        origin, segments = f"{scheme}://{host}", ("", *path.split("/"))
    else:
        above = [segment for segment in base.segments if segment]
        below = _template_segments(path.lstrip("/")) if path.strip("/") else []
        origin, segments = base.origin, ("", *above, *below)
        segments = segments if above or below else ("",)
    pairs = Address.of("?" + query).query
    return _ResourcePath(resource, order, origin, segments, pairs, request, body_kind)


def _template_segments(path: str) -> list[str]:
    """Split a path template; a slash within a placeholder does not separate."""
    segments: list[str] = []
    for part in path.split("/"):
        if segments and segments[-1].count("{") > segments[-1].count("}"):
            segments[-1] += "/" + part
        else:
            segments.append(part)
    return segments


def split_by_template(template: str, text: str) -> TextParts | None:
    """Split a text by a template. Return None if it does not fit."""
    pattern, sources = _pattern(template)
    match = pattern.fullmatch(text)
    return None if match is None else tuple(zip(sources, match.groups(), strict=True))


@lru_cache(maxsize=4096)
def _pattern(template: str) -> tuple[re.Pattern[str], tuple[Placeholder | None, ...]]:
    try:
        parts = parse_template(template)
    except TemplateError:
        return re.compile("(" + re.escape(template) + ")", re.DOTALL), (None,)
    groups = [f"({re.escape(part.text)})" if isinstance(part, Text) else "(.+?)" for part in parts]
    sources = tuple(None if isinstance(part, Text) else part for part in parts)
    return re.compile("".join(groups), re.DOTALL), sources


def _agreeing_parameters(path: _ResourcePath, query: Pairs) -> int:
    """Count the file's parameters that the query has, less those that it lacks."""
    sent = dict(query)
    agreeing = sum(sent.get(name) == value for name, value in path.query)
    for name, value in path.request.params.items():
        if name not in sent:
            agreeing -= f"{{{name}}}" not in path.resource.endpoint.path
        else:
            agreeing += 1 if split_by_template(text_of(value), sent[name]) is not None else -1
    return agreeing


def _agreeing_texts(path: _ResourcePath, sent: Mapping[str, Json]) -> int:
    """Count the texts of the file's JSON body that the request has, less those that differ."""
    written = path.request.json
    if not sent or not isinstance(written, Mapping):
        return 0
    agreeing = 0
    for name, template in written.items():
        text = sent.get(name)
        if isinstance(template, str) and isinstance(text, str):
            agreeing += 1 if split_by_template(template, text) is not None else -1
    return agreeing


def _json_object(body: bytes | None) -> Mapping[str, Json]:
    try:
        data = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
