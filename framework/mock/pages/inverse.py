"""JMESPath read backwards: data in which an expression finds a value, or a condition holds.

Only what has an obvious inverse is read. The caller proves the result with the expression itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from framework.definition.expressions.jmespath_expression import value_of
from framework.definition.expressions.value_functions import truthy
from framework.runtime.field_paths import ABSENT

Json = Any
Node = Mapping[str, Json]

_PROJECTIONS = frozenset(("projection", "filter_projection", "value_projection", "flatten"))
_KEEPING = (
    *("to_array", "to_string", "to_number", "to_integer"),
    *("sort", "sort_by", "reverse", "lower", "upper", "trim"),
)
"""Functions whose result is their first argument, in another form or order."""
_OPPOSITES = {"eq": "ne", "ne": "eq", "lt": "gte", "gte": "lt", "gt": "lte", "lte": "gt"}
_MIRRORED = {"lt": "gt", "gt": "lt", "lte": "gte", "gte": "lte"}


class NoInverse(Exception):
    """An expression has no data that could be told to give the value."""


def inverse(node: Node, target: Json, data: Json = ABSENT) -> Json:
    """Return data in which the node of a syntax tree gives the target. Raise NoInverse.

    Of the given `data` all is kept that the node does not read.
    """
    made = _INVERSES.get(node["type"])
    if made is None:
        raise NoInverse
    return made(node, target, data)


def fulfilled(node: Node, wanted: bool, data: Json, context: Mapping[str, Json]) -> Json:
    """Return data for which a condition holds, or does not if not `wanted`. Raise NoInverse."""
    if truthy(_value(node, data, context)) is wanted:
        return data
    kind, children = node["type"], node["children"]
    if kind == "not_expression":
        return fulfilled(children[0], not wanted, data, context)
    if kind in ("and_expression", "or_expression"):
        if (kind == "and_expression") is wanted:  # every part counts
            for child in children:
                data = fulfilled(child, wanted, data, context)
            return data
        return _first(lambda child: fulfilled(child, wanted, data, context), children)
    if kind == "comparator":
        sign = node["value"] if wanted else _OPPOSITES[node["value"]]
        return _compared(sign, children, data, context)
    if kind == "function_expression" and len(children) == 2:
        return _called(node["value"], children, wanted, data, context)
    return inverse(node, "x" if wanted else None, data)


def _compared(sign: str, sides: Sequence[Node], data: Json, context: Mapping[str, Json]) -> Json:
    left, right = sides
    if _is_constant(left):
        left, right, sign = right, left, _MIRRORED.get(sign, sign)
    if not _is_constant(right):
        raise NoInverse
    bound = _value(right, data, context)
    is_number = isinstance(bound, (int, float)) and not isinstance(bound, bool)
    if sign == "ne":
        value: Json = not bound if isinstance(bound, bool) else bound + 1 if is_number else "x"
    elif sign == "eq":
        value = bound
    elif is_number:
        value = bound + {"gt": 1, "lt": -1}.get(sign, 0)
    else:
        raise NoInverse
    if left["type"] == "function_expression" and left["value"] == "length":
        if not isinstance(value, int):
            raise NoInverse
        items = {f"field_{number + 1}": "x" for number in range(value)}
        return _first(
            lambda content: _proved(left, value, inverse(left["children"][0], content, data)),
            (items, list(items)),
        )
    return inverse(left, value, data)


def _called(
    name: str, arguments: Sequence[Node], wanted: bool, data: Json, context: Mapping[str, Json]
) -> Json:
    """Return data for `contains(...)`, `starts_with(...)` and `ends_with(...)`."""
    whole, part = arguments
    if name == "contains" and _is_constant(whole):
        every = _value(whole, data, context)
        return inverse(part, every[0] if wanted and every else "x", data)
    if name not in ("contains", "starts_with", "ends_with") or not _is_constant(part):
        raise NoInverse
    text = _value(part, data, context)
    holds_list = name == "contains" and isinstance(_value(whole, data, context), list)
    value: Json = text if wanted else "" if text else None
    return inverse(whole, [value] if holds_list else value, data)


def _proved(node: Node, value: Json, data: Json) -> Json:
    if _value(node, data, {}) != value:
        raise NoInverse
    return data


def _first(attempt: Callable[[Any], Json], choices: Sequence[Any]) -> Json:
    for choice in choices:
        try:
            return attempt(choice)
        except NoInverse:
            continue
    raise NoInverse


def _value(node: Node, data: Json, context: Mapping[str, Json]) -> Json:
    """Return what a node gives, None if it fails."""
    return value_of(node, None if data is ABSENT else data, context)


def _is_constant(node: Node) -> bool:
    """Return whether a node reads nothing of its data."""
    if node["type"] == "subexpression":
        return _is_constant(node["children"][0])
    reads = node["type"] not in ("literal", "function_expression", "multi_select_list")
    is_context = node["type"] == "function_expression" and node["value"] == "context"
    return is_context or not (reads or not all(map(_is_constant, node["children"])))


def _same(_: Node, target: Json, __: Json) -> Json:
    return target


def _literal(node: Node, target: Json, data: Json) -> Json:
    if node["value"] != target:
        raise NoInverse
    return {} if data is ABSENT else data


def _field(node: Node, target: Json, data: Json) -> Json:
    return {**(data if isinstance(data, dict) else {}), node["value"]: target}


def _chain(node: Node, target: Json, data: Json) -> Json:
    *outer, inner = node["children"]
    if not outer:
        return inverse(inner, target, data)
    whole = outer[0] if len(outer) == 1 else {**node, "children": outer}
    below = ABSENT if data is ABSENT else _value(whole, data, {})
    return inverse(whole, inverse(inner, target, ABSENT if below is None else below), data)


def _index(node: Node, target: Json, data: Json) -> Json:
    number = node["value"]
    count = number + 1 if number >= 0 else -number
    known = data if isinstance(data, list) and len(data) >= count else [target] * count
    return [target if one == number % len(known) else item for one, item in enumerate(known)]


def _elements(node: Node, target: Json) -> list[Json]:
    if not isinstance(target, list):
        raise NoInverse
    return [inverse(node["children"][1], one) for one in target]


def _projection(node: Node, target: Json, data: Json) -> Json:
    return inverse(node["children"][0], _elements(node, target), data)


def _filtered(node: Node, target: Json, data: Json) -> Json:
    condition = node["children"][2]
    kept = [fulfilled(condition, True, one, {}) for one in _elements(node, target)]
    return inverse(node["children"][0], kept, data)


def _values(node: Node, target: Json, data: Json) -> Json:
    named = {str(n + 1): one for n, one in enumerate(_elements(node, target))}
    return inverse(node["children"][0], named, data)


def _flatten(node: Node, target: Json, data: Json) -> Json:
    inner = node["children"][0]
    if not isinstance(target, list):
        raise NoInverse
    if inner["type"] == "multi_select_list":
        target = [target, *([] for _ in inner["children"][1:])]
    elif inner["type"] in _PROJECTIONS:
        target = [[one] for one in target]
    return inverse(inner, target, data)


def _several(node: Node, target: Json, data: Json) -> Json:
    if not isinstance(target, list) or len(target) != len(node["children"]):
        raise NoInverse
    for child, one in zip(node["children"], target, strict=True):
        data = inverse(child, one, data)
    return data


def _named(node: Node, target: Json, data: Json) -> Json:
    if not isinstance(target, dict) or target.keys() - {one["value"] for one in node["children"]}:
        raise NoInverse
    for pair in node["children"]:
        if pair["value"] in target:
            data = inverse(pair["children"][0], target[pair["value"]], data)
    return data


def _either(node: Node, target: Json, data: Json) -> Json:
    """Use the alternative that makes a list of a list, if one reads the values of an object."""
    ranked = sorted(node["children"], key=lambda child: _reads_values(child))
    return _first(lambda child: inverse(child, target, data), ranked)


def _reads_values(node: Json) -> bool:
    if not isinstance(node, dict):
        return False
    return node["type"] == "value_projection" or any(map(_reads_values, node["children"]))


def _function(node: Node, target: Json, data: Json) -> Json:
    name, arguments = node["value"], node["children"]
    if name in _KEEPING:
        return inverse(arguments[0], target, data)
    if name == "not_null":
        return _either(node, target, data)
    if name == "values" and isinstance(target, list):
        named = {str(number + 1): one for number, one in enumerate(target)}
        return inverse(arguments[0], named, data)
    if name == "map" and isinstance(target, list):
        each = arguments[0]["children"][0]
        return inverse(arguments[1], [inverse(each, one) for one in target], data)
    if name == "if" and len(arguments) == 3:
        condition, then, otherwise = arguments
        return inverse(then if truthy(_value(condition, data, {})) else otherwise, target, data)
    raise NoInverse


_INVERSES: Mapping[str, Callable[[Node, Json, Json], Json]] = {
    "identity": _same,
    "current": _same,
    "literal": _literal,
    "field": _field,
    "subexpression": _chain,
    "index_expression": _chain,
    "pipe": _chain,
    "index": _index,
    "slice": _same,
    "projection": _projection,
    "filter_projection": _filtered,
    "value_projection": _values,
    "flatten": _flatten,
    "multi_select_list": _several,
    "multi_select_dict": _named,
    "or_expression": _either,
    "function_expression": _function,
}
"""By the type of a node."""
