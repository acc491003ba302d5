"""Functions of numbers, lists and objects."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from framework.definition.expressions.function import (
    ANY,
    ARRAY,
    NUMBER,
    OBJECT,
    STRING,
    Function,
    FunctionError,
    integer,
    type_name,
)

Json = Any
Number = int | float

LONGEST = 1_000_000
"""The most items that range() gives."""


def _items(subject: Mapping[str, Json]) -> list[list[Json]]:
    return [[key, value] for key, value in subject.items()]


def _from_items(pairs: Sequence[Json]) -> dict[str, Json]:
    if not all(isinstance(p, list) and len(p) == 2 and isinstance(p[0], str) for p in pairs):
        raise FunctionError("from_items() wants a list of [name, value] pairs")
    return {pair[0]: pair[1] for pair in pairs}


def _leaves(record: Mapping[str, Json], lists: bool = True) -> dict[str, Json]:
    found: dict[str, Json] = {}
    stack: list[tuple[Json, str]] = [(record, "")]
    below_a_list = False
    while stack:
        value, name = stack.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                stack.append((inner, f"{name}.{key}" if key in found or below_a_list else key))
        elif isinstance(value, list) and lists:
            below_a_list = below_a_list or bool(value)
            stack += [(inner, f"{name}.{index}") for index, inner in enumerate(value)]
        else:
            found[name] = value
    return found


def _zip(*arrays: Sequence[Json]) -> list[list[Json]]:
    return [list(row) for row in zip(*arrays, strict=False)]


def _group_by(elements: Sequence[Json], reference: Json) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = {}
    for element in elements:
        key = reference.visit(reference.expression, element)
        if key is None:
            continue
        if not isinstance(key, str):
            raise FunctionError(f"group_by() wants text to group by, found {type_name(key)}")
        groups.setdefault(key, []).append(element)
    return groups


def _if(condition: Json, then: Json, otherwise: Json) -> Json:
    return then if truthy(condition) else otherwise


def truthy(value: Json) -> bool:
    """JMESPath's truth: everything but false, null and what is empty; 0 is true."""
    return value is not None and value is not False and value not in ("", [], {})


def _get(container: Json, key: Json, default: Json = None) -> Json:
    found = None
    if isinstance(container, dict):
        found = container.get(key if isinstance(key, str) else str(key))
    elif isinstance(container, list) and not isinstance(key, str):
        position = integer("get", key)
        if -len(container) <= position < len(container):
            found = container[position]
    return default if found is None else found


def _add(left: Number, right: Number) -> Number:
    return number_text(left + right)


def _subtract(left: Number, right: Number) -> Number:
    return number_text(left - right)


def _multiply(left: Number, right: Number) -> Number:
    return number_text(left * right)


def _divide(left: Number, right: Number) -> Number:
    if right == 0:
        raise FunctionError("divide() by 0")
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return number_text(left / right)


def _modulo(left: Number, right: Number) -> Number:
    if right == 0:
        raise FunctionError("modulo() by 0")
    return number_text(left % right)


def _round(number: Number, digits: Number | None = None) -> Number:
    if digits is None:
        return number_text(round(number))
    places = integer("round", digits)
    if abs(places) > 400:  # more than any number has; 10 to the billionth is not to be had
        raise FunctionError("round() wants at most 400 digits")
    return number_text(round(number, places))


def number_text(number: Number) -> Number:
    """JSON has no infinity, tables no more than 64 bits; what is whole is written without a
    point."""
    if isinstance(number, int) and abs(number) >= 2**64:
        raise FunctionError("the number is too large")
    if isinstance(number, float):
        if not math.isfinite(number):
            raise FunctionError("the number is too large")
        if number.is_integer() and abs(number) < 2**53:
            return int(number)
    return number


def _to_integer(value: Json) -> Number | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found = int(value)
    except (ValueError, OverflowError):
        try:
            found = int(float(value))
        except (ValueError, OverflowError):
            return None
    return number_text(found)


def _to_number(value: Json) -> Number | None:
    """As JMESPath's own, but that `nan`, `inf` and `1e999` are no numbers: no table takes them."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        found: Number = int(value) if isinstance(value, str) else value
    except ValueError:
        try:
            found = float(value)
        except ValueError:
            return None
    return found if math.isfinite(found) else None


def _parse_json(text: str) -> Json:
    from framework.definition.json_text import (
        parse_json,  # with a parser that most files do not need
    )

    try:
        return parse_json(text)[0]
    except ValueError as error:
        raise FunctionError(f"parse_json() wants the text of a JSON value: {error}") from None


def _unique(values: Sequence[Json]) -> list[Json]:
    seen: dict[str, Json] = {}
    for value in values:
        seen.setdefault(json.dumps(value, sort_keys=True), value)
    return list(seen.values())


def _range(start: Number, stop: Number, step: Number = 1) -> list[int]:
    by = integer("range", step)
    if by == 0:
        raise FunctionError("range() wants a step that is not 0")
    numbers = range(integer("range", start), integer("range", stop), by)
    if len(numbers) > LONGEST:
        raise FunctionError(f"range() gives at most {LONGEST:,} numbers")
    return list(numbers)


VALUE_FUNCTIONS = (
    Function("if", (ANY, ANY, ANY), 3, call=_if),
    Function("items", (OBJECT,), 1, call=_items),
    Function("from_items", (ARRAY,), 1, call=_from_items),
    Function("leaves", (OBJECT, ("boolean",)), 1, call=_leaves),
    Function("zip", (ARRAY,), 1, variadic=True, call=_zip),
    Function("group_by", (ARRAY, ("expression",)), 2, call=_group_by),
    Function("get", (("object", "array", "null"), ("string", "number"), ANY), 2, call=_get),
    Function("add", (NUMBER, NUMBER), 2, call=_add),
    Function("subtract", (NUMBER, NUMBER), 2, call=_subtract),
    Function("multiply", (NUMBER, NUMBER), 2, call=_multiply),
    Function("divide", (NUMBER, NUMBER), 2, call=_divide),
    Function("modulo", (NUMBER, NUMBER), 2, call=_modulo),
    Function("round", (NUMBER, NUMBER), 1, call=_round),
    Function("to_integer", (ANY,), 1, call=_to_integer),
    Function("to_number", (ANY,), 1, call=_to_number),
    Function("parse_json", (STRING,), 1, call=_parse_json),
    Function("unique", (ARRAY,), 1, call=_unique),
    Function("range", (NUMBER, NUMBER, NUMBER), 2, call=_range),
)
