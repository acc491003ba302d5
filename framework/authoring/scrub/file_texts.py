"""What a connector file itself names: expressions, selectors, counted parameters, headers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any

from framework.definition.auth_choice import every_case
from framework.definition.expressions.jmespath_expression import (
    Expression,
    ExpressionError,
    compile_expression,
)
from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import Connector, Resource, Selector
from framework.definition.paginator_keys import paginator_types

Json = Any

_HEADER = re.compile(r"\bheaders\.(?:\"([^\"]+)\"|([A-Za-z_]\w*))")
_CONFIG = re.compile(r"\{config\.([a-z0-9_]+)\}")


def text_of(value: Json) -> str:
    """Return a value as a query string has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def fill_config(text: str, config: Mapping[str, Json]) -> str:
    """Return the text with each `{config.x}` replaced by its value."""
    return _CONFIG.sub(lambda part: str(config.get(part[1], "")), text)


def select_records(resource: Resource, body: Json) -> list[Json]:
    """Return the records that the resource's selector finds in a body."""
    selector = resource.endpoint.data_selector
    try:
        if selector is None:
            from dlt.sources.helpers.rest_client.detector import find_response_page_data

            found = find_response_page_data(body)[1]
        else:
            found = finder(selector)(body)
    except (ExpressionError, ValueError, TypeError, LookupError):
        return []
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def finder(selector: Selector, config: Mapping[str, Json] | None = None) -> Callable[[Json], Json]:
    """Return a function from data to what the selector finds; `config` fills its placeholders.

    dlt is imported only for a JSONPath.
    """
    if isinstance(selector, str) and not selector.startswith("$"):
        selector = compile_expression(fill_config(selector, config or {}))
    if isinstance(selector, Expression):
        return selector.search
    from dlt.common import jsonpath

    path = jsonpath.compile_path(selector)

    def find(data: Json) -> Json:
        values = [match.value for match in path.find(data)]
        return values[0] if len(values) == 1 else values or None

    return find


def counted_parameters(connector: Connector) -> Iterator[str]:
    """Yield the parameters that the framework counts: their numbers and times are not data."""
    for paginator in _paginators(connector):
        keys = paginator_types()[paginator["type"]]
        if "cursor" not in keys.values:
            yield from keys.values  # the default names
        for key, value in keys.parameters.items():
            if value != "cursor" and key.endswith("_param") and paginator.get(key):
                yield str(paginator[key])
    for resource in connector.resources:
        for value in ("start_value", "end_value"):
            yield from resource.endpoint.params_with(value)


def cursor_headers(connector: Connector) -> Iterator[str]:
    """Yield the response headers (lower case) that hold a cursor or that expressions read."""
    for text in texts_of(connector.data):
        for quoted, plain in _HEADER.findall(text):
            yield (quoted or plain).lower()
    for paginator in _paginators(connector):
        header = paginator_types()[paginator["type"]].schemas.get("cursor_key")
        if header is not None:
            yield str(paginator.get("cursor_key") or header["default"]).lower()


def expression_texts(connector: Connector) -> Iterator[str]:
    """Yield the text of every expression on a body, a record or the last page."""
    for paginator in _paginators(connector):
        keys = paginator_types()[paginator["type"]].context_expressions
        yield from (str(paginator[key]) for key in keys if paginator.get(key))
    yield from (str(one["body"]) for one in renewals(connector) if one.get("body"))
    for resource in connector.resources:
        selectors: list[Any] = [resource.when, resource.endpoint.data_selector]
        incremental = resource.endpoint.incremental
        if incremental is not None and incremental.restart_after is not None:
            selectors.append(incremental.restart_after.when)
        bindings = (*resource.bindings, *resource.ancestor_bindings)
        selectors.extend(binding.field for binding in bindings)
        selectors.extend(action.body for action in resource.endpoint.response_actions)
        if (export := resource.endpoint.export) is not None:
            selectors += [export.ready, export.failed, export.message]
        for step in resource.steps:
            selectors.append(step.expression)
            argument = step.argument
            selectors.extend(argument.values() if isinstance(argument, dict) else ())
        for selector in selectors:
            if isinstance(selector, Expression):
                yield selector.text
            elif isinstance(selector, str):
                yield selector


def renewals(connector: Connector) -> Iterator[Mapping[str, Json]]:
    """Yield the conditions of `renew_on` that are more than a status."""
    auths = [connector.client.auth, *(one.endpoint.auth for one in connector.resources)]
    for one in chain.from_iterable(map(every_case, auths)):
        yield from (each for each in one.get("renew_on") or () if isinstance(each, Mapping))


def _paginators(connector: Connector) -> Iterator[Mapping[str, Json]]:
    if connector.client.paginator:
        yield connector.client.paginator
    for resource in connector.resources:
        if resource.endpoint.paginator:
            yield resource.endpoint.paginator
