"""Evaluate comparisons of fields without jmespath's interpreter, which looks up each node's method.

A `when` or `filter` is evaluated on every record. The result is the interpreter's, or Undecided.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

Json = Any
Evaluate = Callable[[Json], Json]

_NUMBERS = frozenset({int, float})
_PLAIN = frozenset({int, float, str, type(None)})
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}


class Undecided(Exception):
    """The values are of types that only the interpreter compares."""


def direct_evaluation(node: Mapping[str, Json]) -> Evaluate | None:
    """Return what evaluates a syntax tree, None if it has other nodes than fields and conditions.

    What is returned raises Undecided for some data.
    """
    make = _MAKERS.get(node["type"])
    if make is None:
        return None
    children = [direct_evaluation(child) for child in node["children"]]
    known = [child for child in children if child is not None]
    return make(node, known) if len(known) == len(children) else None


def _field(node: Mapping[str, Json], _: list[Evaluate]) -> Evaluate:
    name = node["value"]
    return lambda data: data.get(name) if isinstance(data, dict) else None


def _index(node: Mapping[str, Json], _: list[Evaluate]) -> Evaluate:
    place = node["value"]

    def evaluate(data: Json) -> Json:
        is_there = isinstance(data, list) and -len(data) <= place < len(data)
        return data[place] if is_there else None

    return evaluate


def _literal(node: Mapping[str, Json], _: list[Evaluate]) -> Evaluate:
    value = node["value"]
    return lambda _: value


def _current(_: Mapping[str, Json], __: list[Evaluate]) -> Evaluate:
    return lambda data: data


def _chain(_: Mapping[str, Json], children: list[Evaluate]) -> Evaluate:
    def evaluate(data: Json) -> Json:
        for child in children:
            data = child(data)
        return data

    return evaluate


def _comparator(node: Mapping[str, Json], children: list[Evaluate]) -> Evaluate:
    left, right = children
    kind = node["value"]
    if kind not in _ORDERS:

        def is_equal(data: Json) -> Json:
            one, other = left(data), right(data)
            if type(one) not in _PLAIN or type(other) not in _PLAIN:
                raise Undecided
            return (one == other) is (kind == "eq")

        return is_equal
    order = _ORDERS[kind]

    def is_ordered(data: Json) -> Json:
        one, other = left(data), right(data)
        types = (type(one), type(other))
        if one is None or other is None:
            return None
        if types != (str, str) and not _NUMBERS.issuperset(types):
            raise Undecided
        return order(one, other)

    return is_ordered


def _and(_: Mapping[str, Json], children: list[Evaluate]) -> Evaluate:
    first, second = children

    def evaluate(data: Json) -> Json:
        value = first(data)
        return value if _is_false(value) else second(data)

    return evaluate


def _or(_: Mapping[str, Json], children: list[Evaluate]) -> Evaluate:
    first, second = children

    def evaluate(data: Json) -> Json:
        value = first(data)
        return second(data) if _is_false(value) else value

    return evaluate


def _not(_: Mapping[str, Json], children: list[Evaluate]) -> Evaluate:
    (inner,) = children

    def evaluate(data: Json) -> Json:
        value = inner(data)
        return False if type(value) in _NUMBERS else not value  # 0 is not false in JMESPath

    return evaluate


def _is_false(value: Json) -> bool:
    return value is None or value is False or value in ("", [], {})


_MAKERS: Mapping[str, Callable[[Mapping[str, Json], list[Evaluate]], Evaluate]] = {
    "field": _field,
    "index": _index,
    "literal": _literal,
    "current": _current,
    "identity": _current,
    "subexpression": _chain,
    "index_expression": _chain,
    "comparator": _comparator,
    "and_expression": _and,
    "or_expression": _or,
    "not_expression": _not,
}
