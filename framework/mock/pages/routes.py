"""Routes: which requests are for which list, read from the templates of the connector file.

A route knows the places of a request that change from page to page, from run to run, or with the
range that is asked for. What is left tells which list it is.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

from dlt.sources.helpers.rest_client.paginators import (
    BasePaginator,
    OffsetPaginator,
    RangePaginator,
)

from framework.definition.expressions.literal_braces import literal_template
from framework.definition.model import Endpoint, Export, JobRequest
from framework.extract.compilation.compiler import CompiledConnector
from framework.extract.compilation.plan import Plan
from framework.extract.paging.pagination import UNSENT, FrameworkPaginator
from framework.extract.paging.paging_words import plain, words
from framework.mock.lists.world import ListKey
from framework.mock.mock_message import MockRequest
from framework.mock.pages.text_pattern import TextPattern, Use
from framework.runtime.templates import text_of

Json = Any
Place = tuple[str, ...]
"""Where a value is in a request: `query NAME`, `header NAME`, `form NAME`, or `json` and keys."""

SIZES = words(
    """
    limit count size perpage pagesize maxresults first top rows itemsperpage pagelen take
    pagelimit resultsperpage numresults recordsperpage maxitems
    """
)
"""Names of parameters for the number of records in a page, without case and punctuation."""
LIST_ONLY: frozenset[Use] = frozenset({"list"})
WITH_PAGES: frozenset[Use] = frozenset({"list", "page"})


@dataclass(frozen=True)
class Route:
    """The requests of one resource, or of one step of its export job.

    `credentials` are places whose values are no part of a list's key.
    """

    resource: str
    method: str
    path: TextPattern
    places: Mapping[Place, TextPattern]
    uses: Mapping[Place, Use]
    plan: Plan
    paginator: FrameworkPaginator | None
    step: str = "list"
    base_path: str = ""
    body: TextPattern | None = None
    credentials: frozenset[Place] = frozenset()

    def key(self, request: MockRequest, kept: frozenset[Use] = LIST_ONLY) -> ListKey | None:
        """Return the list that a request is for, None if it is not of this route.

        With other uses `kept`, requests for different pages have different keys.
        """
        path = self._path(request, kept)
        if path is None or request.method != self.method:
            return None
        identity: list[Hashable] = [path.lstrip("/") if isinstance(path, str) else path]
        for kind, pairs in (("query", request.query), ("form", request.form)):
            kept_pairs = (self._pair((kind, name), value, kept) for name, value in pairs)
            identity.append(tuple(sorted((pair for pair in kept_pairs if pair), key=repr)))
        if request.body and not request.is_form:
            identity.append(self._body(request, kept))
        identity += [
            (place, self._pair(place, request.headers.get(place[1], ""), kept))
            for place in self.places
            if place[0] == "header" and self.places[place].holes
        ]
        return ListKey(self.resource, self.method, request.path, tuple(identity), request.origin)

    def values(self, request: MockRequest, use: Use) -> Iterator[tuple[Place, str, str | None]]:
        """Yield each place of this use with its value, and the expression that made it."""
        for place, found in self.uses.items():
            if found == use:
                value = value_at(request, place)
                if value is not None:
                    yield place, value, None
        parts = [(place, value_at(request, place), one) for place, one in self.places.items()]
        if self.body is not None:
            parts.append((("body",), request.body.decode("utf-8", "replace"), self.body))
        parts.append((("path",), self._matched_path(request), self.path))
        for place, value, pattern in parts:
            if value is not None and place not in self.uses:
                for hole, text in pattern.values(value) or ():
                    if hole.use == use:
                        yield place, text, hole.expression

    def has_constants_of(self, request: MockRequest) -> bool:
        """Return whether the request has all that the file always sends."""
        for place, pattern in self.places.items():
            if not pattern.holes and place not in self.uses and place[0] != "header":
                value = value_at(request, place)
                if value is None or not pattern.regex.fullmatch(value):
                    return False
        return True

    @cached_property
    def expressions(self) -> frozenset[str]:
        """The expressions of all placeholders of a request."""
        patterns = [self.path, *self.places.values(), *([self.body] if self.body else [])]
        return frozenset(hole.expression for one in patterns for hole in one.holes)

    @cached_property
    def inner(self) -> BasePaginator | None:
        """dlt's paginator, None if it is not known."""
        return None if self.paginator is None else self.paginator.inner

    @property
    def is_numbered(self) -> bool:
        """Whether pages are requested by number or offset."""
        return isinstance(self.inner, RangePaginator)

    @cached_property
    def fixed_size(self) -> int | None:
        """The page size on which the file relies: other pages would end its list, or skip records.

        0 if it is the size of recorded pages.
        """
        if self.paginator is None:
            return None
        rules, inner = self.paginator.rules, self.inner
        if isinstance(inner, OffsetPaginator):
            return int(inner.limit)
        reads = () if rules.stop_when is None else rules.stop_when.reads(over_context=True)
        by_length = any(path[:1] in (("records",), ("last_record",)) for path in reads)
        if rules.stop_after_short_page or by_length:
            return rules.page_size or 0
        if getattr(inner, "maximum_value", None) is not None:
            return rules.page_size or 0
        return None

    def _path(self, request: MockRequest, kept: frozenset[Use]) -> Hashable:
        text = self._matched_path(request)
        if text is None:
            return None
        if self.path.is_constant:
            return unquote(text)
        return self.path.list_values(text, kept)

    def _matched_path(self, request: MockRequest) -> str | None:
        """Return the part of the URL that the path's template makes, None if it cannot."""
        whole = request.origin + request.path
        candidates = [request.path, whole]
        if request.path.startswith(self.base_path):
            candidates.insert(0, request.path[len(self.base_path) :])
        for text in candidates:
            for spelled in (text.lstrip("/"), text, "/" + text.lstrip("/")):
                if self.path.regex.fullmatch(spelled):
                    return spelled
        return None

    def _pair(self, place: Place, value: str, kept: frozenset[Use]) -> Hashable:
        """Return a value with its place, None if it does not tell which list it is."""
        if place in self.credentials:
            return None
        use = self.uses.get(place)
        if use is not None:
            return (place[1:], value) if use in kept else None
        pattern = self.places.get(place)
        if pattern is None or pattern.is_constant:
            return (place[1:], value)
        if pattern.is_alone:
            return (place[1:], value) if pattern.holes[0].use in kept else None
        values = pattern.list_values(value, kept)
        if values == ():
            return None
        return (place[1:], value if values is None else values)

    def _body(self, request: MockRequest, kept: frozenset[Use]) -> Hashable:
        if request.json is None:
            text = request.body.decode("utf-8", "replace")
            values = None if self.body is None else self.body.list_values(text, kept)
            return text if values is None else values
        pruned = self._pruned(request.json, ("json",), kept)
        return json.dumps(pruned, sort_keys=True, default=str)

    def _pruned(self, value: Json, place: Place, kept: frozenset[Use]) -> Json:
        """Return JSON without what changes, and without objects that are empty then."""
        if place in self.credentials:
            return None
        if isinstance(value, dict) and place not in self.places:
            items = ((name, self._pruned(one, (*place, name), kept)) for name, one in value.items())
            return {name: one for name, one in items if one is not None and one != {}}
        if isinstance(value, list) and place not in self.places:
            items_ = (self._pruned(one, (*place, str(n)), kept) for n, one in enumerate(value))
            return list(items_) if place not in self.uses else None
        if place in self.uses:
            return value if self.uses[place] in kept else None
        pattern = self.places.get(place)
        if pattern is None or pattern.is_constant:
            return value
        if pattern.is_alone:
            return value if pattern.holes[0].use in kept else None
        values = pattern.list_values(str(value), kept)
        if values == ():
            return None
        return value if values is None else list(values)


def value_at(request: MockRequest, place: Place) -> str | None:
    """Return the value at a place of a request as text, None if there is none."""
    kind, *names = place
    if kind in ("query", "form"):
        pairs = request.query if kind == "query" else request.form
        return next((value for name, value in pairs if name == names[0]), None)
    if kind == "header":
        return request.headers.get(names[0].lower())
    value = request.json
    for name in names:
        if isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, default=str)


def routes_of(
    compiled: CompiledConnector,
    detected: Mapping[str, FrameworkPaginator],
    credentials: Mapping[str, frozenset[Place]],
) -> list[Route]:
    """Return the routes of a connector, the most specific first.

    `detected` are the paginators that dlt has detected, `credentials` their places, by resource.
    """
    routes: list[Route] = []
    client: Any = compiled.client
    base_path = urlsplit(client.base_url).path.rstrip("/")
    for name, plan in compiled.plans.items():
        paginator = plan.paginator or client.paginator or detected.get(name)
        written = next(one for one in compiled.connector.resources if one.name == name).endpoint
        common = compiled.connector.client.headers.items()
        headers = {**{key: literal_template(text) for key, text in common}, **written.headers}
        routes.append(_route(name, plan, written, headers, paginator, base_path))
        if written.export is not None:
            routes += _job_routes(name, plan, written.export, headers, paginator, base_path)
    known = (
        replace(route, credentials=credentials.get(route.resource, frozenset())) for route in routes
    )
    return sorted(known, key=lambda route: -route.path.literals)


def _job_routes(
    name: str,
    plan: Plan,
    export: Export,
    headers: Mapping[str, Json],
    paginator: FrameworkPaginator | None,
    base_path: str,
) -> Iterator[Route]:
    for step, request in (("status", export.status), ("download", export.download)):
        if isinstance(request, JobRequest):
            texts = (request.path,) if request.path is not None else request.urls
            for text in texts:
                endpoint = Endpoint(
                    text,
                    request.method,
                    request.params,
                    request.json,
                    headers=request.headers,
                )
                every = {**headers, **request.headers}
                yield _route(name, plan, endpoint, every, paginator, base_path, step)


def _route(
    name: str,
    plan: Plan,
    endpoint: Endpoint,
    headers: Mapping[str, Json],
    paginator: FrameworkPaginator | None,
    base_path: str,
    step: str = "list",
) -> Route:
    in_job = step != "list"
    places = dict(_templates(endpoint, headers, in_job=in_job))
    uses: dict[Place, Use] = {}
    if paginator is not None and step in ("list", "download"):
        uses.update(_paging_places(paginator))
    for param, value in endpoint.params.items():
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number and plain(param) in SIZES:
            uses.setdefault(("query", param), "size")
    incremental = endpoint.incremental
    if incremental is not None and incremental.start_param:
        uses["query", incremental.start_param] = "start"
    if incremental is not None and incremental.end_param:
        uses["query", incremental.end_param] = "end"
    text = endpoint.data if isinstance(endpoint.data, str) else endpoint.json
    return Route(
        name,
        endpoint.method.upper(),
        TextPattern.of(endpoint.path, is_path=True, in_job=in_job),
        places,
        uses,
        plan,
        paginator,
        step,
        base_path,
        TextPattern.of(text) if isinstance(text, str) else None,
    )


def _templates(
    endpoint: Endpoint, headers: Mapping[str, Json], *, in_job: bool
) -> Iterator[tuple[Place, TextPattern]]:
    for name, value in endpoint.params.items():
        if isinstance(value, (str, int, float)):
            yield ("query", name), TextPattern.of(text_of(value), in_job=in_job)
    for name, value in headers.items():
        if isinstance(value, str):
            pattern = TextPattern.of(value, in_job=in_job)
            if pattern.holes:
                yield ("header", name.lower()), pattern
    if isinstance(endpoint.data, Mapping):
        for name, value in endpoint.data.items():
            if isinstance(value, str):
                yield ("form", name), TextPattern.of(value, in_job=in_job)
    elif isinstance(endpoint.data, (list, tuple)):
        for pair in endpoint.data:
            if isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[1], str):
                yield ("form", str(pair[0])), TextPattern.of(pair[1], in_job=in_job)
    yield from _json_templates(endpoint.json, ("json",), in_job)


def _json_templates(value: Json, place: Place, in_job: bool) -> Iterator[tuple[Place, TextPattern]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _json_templates(item, (*place, str(name)), in_job)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _json_templates(item, (*place, str(number)), in_job)
    elif isinstance(value, (str, int, float)) and len(place) > 1:
        yield place, TextPattern.of(text_of(value), in_job=in_job)


def _paging_places(paginator: FrameworkPaginator) -> Iterator[tuple[Place, Use]]:
    """Yield the places where a paginator writes the page and its size."""
    inner: Any = paginator.inner
    query: dict[str, Use] = {"param_name": "page", "cursor_param": "page", "limit_param": "size"}
    for attribute, use in query.items():
        name = getattr(inner, attribute, None)
        if isinstance(name, str) and name and not name.startswith(UNSENT):
            yield ("query", name), use
    bodies: dict[str, Use] = {
        "param_body_path": "page",
        "cursor_body_path": "page",
        "limit_body_path": "size",
    }
    for attribute, use in bodies.items():
        name = getattr(inner, attribute, None)
        if isinstance(name, str) and name and not name.startswith(UNSENT):
            yield ("json", *name.split(".")), use
    if paginator.rules.page_size_param:
        yield ("query", paginator.rules.page_size_param), "size"
