"""Whether an expression can fail on a record: a function that gets what it cannot take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.definition.expressions.function_registry import FUNCTIONS
from framework.definition.expressions.jmespath_expression import syntax_tree

Json = Any

_DATA = ("field", "current", "subexpression", "index_expression", "pipe")
_NULLABLE = ("to_integer", "to_number", "get", "regex_search", "find_first", "find_last")


def may_fail(text: str) -> bool:
    """Whether a function that wants a certain type is called with a field that may be null."""
    return _fails(syntax_tree(text))


def _fails(node: Mapping[str, Json]) -> bool:
    children = [child for child in node.get("children", []) if isinstance(child, dict)]
    function = FUNCTIONS.get(node["value"]) if node["type"] == "function_expression" else None
    if function is not None and function.types:
        for index, child in enumerate(children):
            types = function.types[min(index, len(function.types) - 1)]
            if types and "null" not in types and _open(child):
                return True
    return any(_fails(child) for child in children)


def _open(node: Mapping[str, Json]) -> bool:
    """Whether a value may be null: a field of the record, or a function that says so."""
    if node["type"] == "function_expression":
        return node["value"] in _NULLABLE
    return node["type"] in _DATA
