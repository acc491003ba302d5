"""The API's own list in a response: what a selector starts from, before it filters and projects.

Paging counts these elements, and a page without such a list is not the end of one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dlt.sources.helpers.rest_client.detector import (
    RECORD_KEY_PATTERNS,
    find_all_lists,
    find_response_page_data,
)
from jsonpath_ng import Child, Fields, Index, JSONPath

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Step
from framework.definition.values.json_text import parse_json
from framework.extract.paging.selectors import JmesPath
from framework.extract.records.transforms import exploded
from framework.runtime.context import Context
from framework.runtime.field_paths import ABSENT

Json = Any
Node = Mapping[str, Json]

_PROJECTIONS = frozenset(["projection", "filter_projection", "value_projection"])
_BUILDERS = frozenset(["function_expression", "multi_select_list", "value_projection"])
"""Nodes that take an object for a list, or make a list of several."""
_DIRECT = frozenset(["field", "subexpression", "index_expression", "index", "current", "identity"])


@dataclass(frozen=True)
class ApiList:
    """What a response has in the list's place.

    `value` is something that is neither a list nor an object, an object where the selector needs a
    list, or a list where it reads the values of an object (`.*`). `items` are the elements as the
    API counts them, empty if there is no list.
    """

    kind: Literal["list", "object", "value", "null", "absent"]
    items: Sequence[Json] = ()


class ListLocator:
    """Find the list of one resource in its responses; `selector` is in dlt's form.

    `is_direct` says that the selector gives the list itself, `has_default` that it gives an empty
    one for a list that is not there.
    """

    def __init__(self, selector: Any, steps: Sequence[Step], context: Context) -> None:
        self._steps = steps
        self._context = context
        self._source = selector
        self._unfiltered: Expression | None = None
        self._tree: Node | None = None
        self._nodes: frozenset[str] = frozenset()
        self._depth = 0
        self._reads_values = False
        self.is_direct = True
        self.has_default = False
        if isinstance(selector, JmesPath):
            self._read(selector.expression)
        elif isinstance(selector, JSONPath):
            self._source = _without_wildcards(selector)
            self.is_direct = self._source is selector
            self._nodes = _DIRECT if self.is_direct else _PROJECTIONS

    def _read(self, expression: Expression) -> None:
        self._tree = expression.tree
        self.is_direct = _is_path(self._tree)
        nodes = list(_walk(self._tree, into_elements=False))
        self._nodes = frozenset(node["type"] for node in nodes)
        self._depth = sum(node["type"] in _PROJECTIONS for node in nodes)
        if self._depth:
            self._unfiltered = expression.without_filters()
        self._reads_values = bool(_reads_values(self._tree))
        self.has_default = any(node["type"] == "literal" and node["value"] == [] for node in nodes)

    def locate(self, body: Json, selected: Sequence[Json]) -> ApiList:
        """Return the list of a body of which the selector gave `selected`."""
        values = [value for value in self._values(body) if value is not ABSENT]
        takes_objects = bool(self._nodes & _BUILDERS)
        found = [one for one in values if one is not None]
        if not found:
            return ApiList("null" if values else "absent")
        for value in found:
            if isinstance(value, list):
                if value and self._reads_values:
                    return ApiList("value", [value])
                break
            if value == {} or (takes_objects and isinstance(value, dict)):
                continue  # PHP writes an empty list of named values as an object
            if self.is_direct and isinstance(value, dict):
                inside = self._inside([value], selected, body)
                is_envelope = inside == [value] and _has_empty_list(value)
                return ApiList("object", [] if is_envelope else inside)
            return ApiList("value", [value])
        return ApiList("list", self._counted(found, selected, body))

    def _counted(self, found: list[Json], selected: Sequence[Json], body: Json) -> Sequence[Json]:
        if not self.is_direct and not self._nodes & _PROJECTIONS:
            return selected  # nothing is left out
        items: list[Json] = []
        for value in found:
            items += value.values() if isinstance(value, dict) else value
        return self._inside(items, selected, body)

    def _inside(self, items: list[Json], selected: Sequence[Json], body: Json) -> Sequence[Json]:
        """Return the elements within an envelope if there is only one, else the elements."""
        if len(items) != 1:
            return items
        if self._depth > 1 and self._unfiltered is not None:
            inner = self._unfiltered.search(body, {**self._context, "response": body})
            return inner if isinstance(inner, list) else selected
        if not isinstance(items[0], dict):
            return items
        context = {**self._context, "response": body}
        made = exploded(self._steps, copy.deepcopy(items[0]), context)
        if made is not None:
            return made
        return items

    def _values(self, body: Json) -> Iterator[Json]:
        if self._tree is not None:
            yield from self._sources(self._tree, body)
        elif isinstance(self._source, JSONPath):
            found = [match.value for match in self._source.find(body)]
            yield found if len(found) > 1 else next(iter(found), ABSENT)
        else:
            yield body

    def _sources(self, node: Node, data: Json) -> Iterator[Json]:
        """Yield what a node reads of the data as its lists: ABSENT for a key that is not there."""
        kind, children = node["type"], node["children"]
        if kind == "field":
            yield _field(data, node["value"])
        elif kind == "index":
            yield _index(data, node["value"])
        elif kind in ("literal", "expref"):
            return
        elif kind in _PROJECTIONS or kind == "flatten":
            yield from self._sources(children[0], data)
        elif kind in ("subexpression", "pipe", "index_expression"):
            values: Iterable[Json] = [data]
            for child, following in zip(children, (*children[1:], None), strict=True):
                values = [found for one in values for found in self._sources(child, one)]
                if following is None or following["type"] == "slice" or not _leads_on(child):
                    break
            yield from values
        elif kind == "function_expression" and node["value"] == "parse_json":
            yield from map(_parsed, self._sources(children[0], data))
        elif kind in ("or_expression", "multi_select_list", "function_expression"):
            for child in children:
                yield from self._sources(child, data)
        else:
            yield data


def _walk(node: Node, *, into_elements: bool = True) -> Iterator[Node]:
    yield node
    children = node["children"]
    if node["type"] in _PROJECTIONS and not into_elements:
        children = children[:1]
    for child in children:
        if isinstance(child, dict):
            yield from _walk(child, into_elements=into_elements)


def _is_path(node: Node) -> bool:
    return all(one["type"] in _DIRECT for one in _walk(node))


def _leads_on(node: Node) -> bool:
    """Return whether a node gives one value, in which the next one finds its list."""
    if node["type"] == "function_expression" and node["value"] == "parse_json":
        return _is_path(node["children"][0])
    return _is_path(node)


def _reads_values(node: Node) -> bool | None:
    """Return whether an expression reads its list as an object's values; None without projection.

    Of several lists, all are read so.
    """
    kind, children = node["type"], node["children"]
    if kind in _PROJECTIONS or kind == "flatten":
        inner = _reads_values(children[0])
        return kind == "value_projection" if inner is None else inner
    if kind in ("subexpression", "pipe", "index_expression"):
        return next((found for one in children if (found := _reads_values(one)) is not None), None)
    if kind in ("or_expression", "multi_select_list", "function_expression"):
        lists = [one for one in children if one["type"] not in ("literal", "expref")]
        return bool(lists) and all(map(_reads_values, lists))
    return None


def _field(data: Json, name: str) -> Json:
    if isinstance(data, dict):
        return data.get(name, ABSENT)
    return None if data is None or data == [] else ABSENT


def _parsed(value: Json) -> Json:
    """Return the value of a JSON text, and any other value as it is."""
    try:
        return parse_json(value)[0] if isinstance(value, str) else value
    except ValueError:
        return value


def _index(data: Json, position: int) -> Json:
    if isinstance(data, list):
        return data[position] if -len(data) <= position < len(data) else None
    return None if data is None else ABSENT


def _without_wildcards(path: JSONPath) -> JSONPath:
    """Return the path of the list that a JSONPath's wildcards and filters go through."""
    while isinstance(path, Child) and not _is_named(path.right):
        path = path.left
    outer = path
    while isinstance(outer, Child):
        if not _is_named(outer.right) and not isinstance(outer.right, Index):
            path = outer.left  # no element of it may have the inner list
        outer = outer.left
    return path


def _is_named(step: JSONPath) -> bool:
    return isinstance(step, Fields) and "*" not in step.fields


def _has_empty_list(item: dict[str, Json]) -> bool:
    """Return whether an object that is taken as a record holds a list of records, without any."""
    keys, found = find_response_page_data(item)
    return keys[-1] in RECORD_KEY_PATTERNS and found == []


def has_records_beside(body: Json) -> bool:
    """Return whether a body without the list has another list with elements."""
    if not isinstance(body, dict):
        return isinstance(body, list) and bool(body)
    return any(found for _, found in find_all_lists(body, result=[]))
