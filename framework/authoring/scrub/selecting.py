"""What a connector file's expressions find in bodies and records, and what they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from framework.definition.expressions.jmespath_expression import (
    Expression,
    ExpressionError,
    compile_expression,
)
from framework.definition.model import Connector, Resource, Selector
from framework.definition.paginator_keys import CONTEXT_EXPRESSIONS

Json = Any

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
