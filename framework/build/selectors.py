"""JMESPath where dlt takes a JSONPath.

dlt asks a JSONPath for matches in a decoded body; these objects answer with what a compiled
JMESPath finds, so that dlt's own paginators and its client run on it.
"""

from __future__ import annotations

from typing import Any

from dlt.common import jsonpath
from jsonpath_ng import DatumInContext, JSONPath

from framework.spec.connector import Selector
from framework.spec.expressions import Expression


class JmesPath(JSONPath):
    """A JMESPath that dlt can use: one match with the found value, none where it is null."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression

    def find(self, datum: Any) -> list[DatumInContext]:
        """The match, as a list of one or none."""
        data = datum.value if isinstance(datum, DatumInContext) else datum
        value = self.expression.search(data)
        return [] if value is None else [DatumInContext(value)]

    def __deepcopy__(self, _: dict[int, Any]) -> JmesPath:
        return self

    def __str__(self) -> str:
        return self.expression.text

    __repr__ = __str__


def to_dlt(selector: Selector) -> Any:
    """The selector as dlt takes it, compiled once: JMESPath adapted, `$...` as dlt's JSONPath."""
    if isinstance(selector, Expression):
        return JmesPath(selector)
    return jsonpath.compile_path(selector)


def finder(selector: Selector) -> Any:
    """A function from a record to the value that the selector finds first, else None."""
    if isinstance(selector, Expression):
        return selector.search
    path = jsonpath.compile_path(selector)

    def find(record: Any) -> Any:
        matches = path.find(record)
        return matches[0].value if matches else None

    return find
