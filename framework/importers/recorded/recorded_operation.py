"""Make the operation of a recorded endpoint: what a description would say about it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from framework.definition.graphql_query import QueryError, parse_query
from framework.importers.api_guesses.api_model.name_words import vocabulary, words_of
from framework.importers.api_guesses.api_model.operations import Operation, Parameter
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader
from framework.importers.api_guesses.paging_signs import request_role
from framework.importers.recorded.endpoints import RecordedEndpoint
from framework.importers.recorded.observed_records import input_shape, response_shape, shape_of

Json = Any

_LISTING_POSTS = vocabulary("filter search list query paginate find browse scan select lookup all")
_GRAPHQL_PREFIX = re.compile(r"^(?:all|list|get|fetch|query|search)(?=[A-Z_])")
_CONNECTION = vocabulary("nodes edges node items data results pageInfo")
_DEEPEST_FIELD = 6


def recorded_operation(endpoint: RecordedEndpoint, shapes: ShapeReader) -> Operation:
    """Return the operation: its parameters are those that any request sent."""
    inputs: dict[tuple[str, str], list[Json]] = {}
    for exchange in endpoint.useful:
        for key, value in exchange.inputs.items():
            inputs.setdefault(key, []).append(value)
    path_values = zip(*(endpoint.values_of(one) for one in endpoint.useful), strict=True)
    parameters = [
        Parameter(variable, "path", True, _path_shape(ones), "")
        for variable, ones in zip(endpoint.names, path_values, strict=False)
    ]
    parameters += [
        Parameter(name, "query", False, input_shape(ones), "")
        for (place, name), ones in inputs.items()
        if place == "query"
    ]
    bodies = [one.body for one in endpoint.useful if isinstance(one.body, dict)]
    pages = any(
        request_role(name.rpartition(".")[2], input_shape(ones), "")
        for (_, name), ones in inputs.items()
    )
    static = [text for text, is_variable in endpoint.steps if not is_variable and text]
    headers = {name: "" for one in endpoint.answered for name, _ in one.interaction.headers}
    return Operation(
        path=endpoint.path,
        method=endpoint.method.lower(),
        operation_id=_operation_id(endpoint, static, pages),
        prose="",
        tags=(),
        parameters=tuple(parameters),
        body=_body_shape(bodies, shapes) if endpoint.method == "POST" else None,
        response=response_shape(endpoint, shapes),
        headers=headers,
        is_deprecated=False,
        security=None,
        name=_name(endpoint, static),
        variant=endpoint.variant,
    )


def _path_shape(values: Sequence[str]) -> Shape:
    """Return the shape of a path variable; a number becomes the default of its entry."""
    if all(one.isdigit() for one in values):
        return input_shape(list(values))
    return Shape(frozenset({"string"}))


def _body_shape(bodies: Sequence[Mapping[str, Json]], shapes: ShapeReader) -> Shape | None:
    """Return the shape of the request's body; a recorded number is the default, as of a size."""
    if not bodies:
        return None
    shape = shape_of(bodies, shapes)
    defaults = {
        key: value
        for body in reversed(bodies)
        for key, value in body.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    properties = {
        key: replace(node, value={**node.value, "default": defaults[key]})
        if key in defaults
        else node
        for key, node in shape.properties.items()
    }
    return replace(shape, properties=properties)


def _operation_id(endpoint: RecordedEndpoint, static: Sequence[str], pages: bool) -> str:
    """Return a word that says whether a POST reads: a GraphQL query does, and one with pages."""
    if endpoint.method != "POST":
        return ""
    if endpoint.variant:
        is_change = re.match(r"(mutation|subscription)\b", endpoint.variant)
        return "change" if is_change else "query"
    if pages or (static and set(words_of(static[-1])) & _LISTING_POSTS):
        return "list"
    return ""


def _name(endpoint: RecordedEndpoint, static: Sequence[str]) -> str:
    """Return what a POST lists: the field that GraphQL returns, or what stands before `filter`."""
    if endpoint.variant:
        for exchange in endpoint.answered:
            data = exchange.data.get("data") if isinstance(exchange.data, dict) else None
            if isinstance(data, dict) and data:
                return _GRAPHQL_PREFIX.sub("", _field_of_list(data)).strip("_")
        return _name_of_query(endpoint)
    if endpoint.method == "POST" and len(static) > 1:
        words = set(words_of(static[-1]))
        return static[-2] if words and words <= _LISTING_POSTS else ""
    return ""


def _name_of_query(endpoint: RecordedEndpoint) -> str:
    """Return the field that a GraphQL query lists, or the query's own name; empty for none."""
    exchange = endpoint.exchanges[0]
    operation = exchange.body.get("operationName")
    with suppress(QueryError):
        query = parse_query(exchange.graphql or "", operation or None)
        keys = query.roots if query.paged is None else query.paged.path[-1:]
        if len(keys) == 1:
            return _GRAPHQL_PREFIX.sub("", keys[0]).strip("_")
    named = re.match(r"(?:query|mutation|subscription)\s+(\w+)", endpoint.variant)
    return named[1] if named else ""


def _field_of_list(data: Mapping[str, Json]) -> str:
    """Return the field of a GraphQL response that holds the list: `viewer.projects.nodes`."""
    name = next(iter(data))
    holder: Json = data
    for _ in range(_DEEPEST_FIELD):
        key = next((key for key, one in holder.items() if isinstance(one, (dict, list))), None)
        if key is None or key in _CONNECTION:
            break
        name, holder = key, holder[key]
        if not isinstance(holder, dict):
            break
    return name
