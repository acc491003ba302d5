"""Adapt JMESPath to dlt's JSONPath interface, for dlt's own paginators and client."""

from __future__ import annotations

from typing import Any

from jsonpath_ng import DatumInContext, JSONPath

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.expressions.jsonpath import jsonpath_tree
from framework.definition.model import Selector
from framework.runtime.context import Context
from framework.runtime.field_paths import ABSENT, field_at


class JmesPath(JSONPath):
    """A JMESPath expression for dlt: one match with its value, no match for null.

    `context` is what the expression's `context()` returns.
    """

    def __init__(self, expression: Expression, context: Context | None = None) -> None:
        self.expression = expression
        self._context = context

    def find(self, datum: Any) -> list[DatumInContext]:
        """Return a list with the match, empty if there is none."""
        data = datum.value if isinstance(datum, DatumInContext) else datum
        value = self.expression.search(data, self._context)
        return [] if value is None else [DatumInContext(value)]

    def __deepcopy__(self, _: dict[int, Any]) -> JmesPath:
        return self

    def __str__(self) -> str:
        return self.expression.text

    __repr__ = __str__


def to_dlt(selector: Selector, context: Context | None = None) -> Any:
    """Return the selector compiled for dlt: adapted JMESPath, or dlt's JSONPath for `$...`."""
    if isinstance(selector, Expression):
        return JmesPath(selector, context)
    return jsonpath_tree(selector)


def look_up(path: JSONPath, body: Any) -> Any:
    """Return the value at a path: None for a null that is there, ABSENT if nothing is."""
    if isinstance(path, JmesPath) and path.expression.names:
        return field_at(body, path.expression.names)
    found = path.find(body)
    return found[0].value if found else ABSENT


def within(selector: Any, context: Context) -> Any:
    """Return a selector that `to_dlt` compiled, with another context."""
    if isinstance(selector, JmesPath) and selector.expression.contextual:
        return JmesPath(selector.expression, context)
    return selector


def finder(selector: Selector) -> Any:
    """Return a function of a record and a context that returns the first match, else None."""
    if isinstance(selector, Expression):
        return selector.search
    path = jsonpath_tree(selector)

    def find(record: Any, _context: Context | None = None) -> Any:
        matches = path.find(record)
        return matches[0].value if matches else None

    return find
