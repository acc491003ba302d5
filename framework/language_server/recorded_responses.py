"""The recorded responses of a resource, for completion and hover: from the scrubbed cassette.

A response belongs to a resource if the path of its request fits the resource's path. So a file
that does not validate yet has them too, and no run is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.jsonpath import is_jsonpath
from framework.definition.expressions.placeholders import Literal, TemplateError, parse_template
from framework.definition.finder import Location, cassette_path
from framework.definition.yaml_limits import LimitExceeded
from framework.errors import CassetteError

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

MOST_BYTES = 30_000_000
"""The largest cassette that is read while somebody types."""
BODIES = ("body", "response", "paginator", "token")
"""Contexts whose expressions work on the body of a response."""
MOST_BODIES = 20
"""Recorded responses of one resource that are looked at."""


@dataclass(frozen=True)
class RecordedResponse:
    """A response in JSON, the path of its request, and its header names."""

    path: str
    body: Json
    headers: Mapping[str, str]


@dataclass(frozen=True)
class RecordedResponses:
    """The successful JSON responses of a cassette. `problem` says why there are none."""

    responses: tuple[RecordedResponse, ...] = ()
    problem: str = ""

    def of(self, draft: Draft, merged: MergedResource) -> list[RecordedResponse]:
        """Return the responses of a resource; those whose body has its records come first."""
        if isinstance(source := merged.endpoint.get("from"), str):
            parent = draft.resource_named(source)
            return [] if parent is None or parent is merged else self.of(draft, parent)
        pattern = _path_pattern(merged)
        found = [one for one in self.responses if pattern and pattern.search(one.path)]
        has_records = [one for one in found if _selected(merged, one.body)]
        return [*has_records, *(one for one in found if one not in has_records)][:MOST_BODIES]

    def records(self, draft: Draft, merged: MergedResource) -> list[Json]:
        """Return the records of a resource as the API sends them, before its steps."""
        return [record for one in self.of(draft, merged) for record in _selected(merged, one.body)][
            :200
        ]


NO_RECORDING = RecordedResponses()


def read_responses(location: Location) -> RecordedResponses:
    """Return the recording of a connector; it is read again when its file has changed."""
    path = cassette_path(location)
    try:
        status = path.stat()
    except OSError:
        return NO_RECORDING
    return _read(path, location.name, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _read(path: Path, name: str, _changed: int, size: int) -> RecordedResponses:
    from framework.authoring.cassettes.cassette import read_cassette

    if size > MOST_BYTES:
        most = f"{MOST_BYTES // 1_000_000} MB"
        return RecordedResponses(
            problem=f"{path} is larger than {most}: no values of it are proposed"
        )
    try:
        cassette = read_cassette(path, name)
    except (CassetteError, LimitExceeded) as error:
        return RecordedResponses(problem=str(error))
    responses = []
    for one in cassette.interactions:
        if not 200 <= one.status < 300:
            continue
        try:
            body = json.loads(one.body)
        except (ValueError, RecursionError):
            continue
        path_of = unquote(urlsplit(one.url).path)
        responses.append(RecordedResponse(path_of, body, dict(one.headers)))
    return RecordedResponses(tuple(responses))


def _path_pattern(merged: MergedResource) -> re.Pattern[str] | None:
    """Return what the path of a resource's requests ends with, None if it is not readable."""
    written = merged.path or urlsplit(merged.url or "").path
    try:
        parts = parse_template(written.partition("?")[0].strip("/"))
    except TemplateError:
        return None
    texts = [re.escape(one.text) if isinstance(one, Literal) else "[^/]+" for one in parts]
    return re.compile(rf"(?:^|/){''.join(texts)}/?$") if texts else None


def _selected(merged: MergedResource, body: Json) -> list[Json]:
    """Return the records of a body by the resource's selector, or the first list of objects."""
    selector = merged.endpoint.get("data_selector")
    if selector == "$":
        return [body]
    if isinstance(selector, str) and selector and not is_jsonpath(selector):
        found = recorded_value(selector, body)
        return found if isinstance(found, list) else [found] if isinstance(found, dict) else []
    lists = [body] if isinstance(body, list) else list(object_lists(body))
    return lists[0] if lists else []


def parent_at(draft: Draft, pointer: Pointer, merged: MergedResource) -> MergedResource | None:
    """Return the parent that an expression at a place reads: that named beside it, or its own."""
    beside = draft.document.node(pointer[:-1])
    name = beside.value.get("resource") if beside and isinstance(beside.value, dict) else None
    return draft.resource_named(name) if isinstance(name, str) else draft.parent_of(merged)


def resources_at(draft: Draft, pointer: Pointer) -> list[MergedResource]:
    """Return the resources that a place of the file belongs to: of the defaults, all that take it.

    A key that is being typed in the defaults belongs to every resource.
    """
    if pointer[:1] == ("resources",) and len(pointer) > 1 and isinstance(pointer[1], int):
        merged = draft.resource_of(pointer[1])
        return [] if merged is None else [merged]
    if pointer[:1] != ("resource_defaults",):
        return []
    inside = pointer[1:]
    return [one for one in draft.resources if one.place(*inside) in (pointer, _own(one, inside))]


def _own(merged: MergedResource, inside: Pointer) -> Pointer | None:
    """Return where a key would be that neither the resource nor the defaults have."""
    place: Pointer = ("resources", merged.index, *inside)
    value: Json = merged.data
    for step in inside:
        if not isinstance(value, Mapping) or step not in value:
            return place
        value = value[step]
    return None


def object_lists(body: Json) -> Iterator[list[Json]]:
    """Yield the lists of objects in a body, the outermost first."""
    if not isinstance(body, dict):
        return
    for inner in body.values():
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            yield inner
    for inner in body.values():
        yield from object_lists(inner)


def recorded_value(expression: str, data: Json) -> Json:
    """Return what an expression finds in recorded data, None if it finds nothing or is broken."""
    try:
        return compile_expression(expression).search(data)
    except (ExpressionError, ValueError, TypeError, AttributeError, KeyError):
        return None
