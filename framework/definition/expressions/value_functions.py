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
"""The most items that range() returns."""


def _from_items(pairs: Sequence[Json]) -> dict[str, Json]:
    if not all(isinstance(p, list) and len(p) == 2 and isinstance(p[0], str) for p in pairs):
        raise FunctionError("from_items() expects a list of [name, value] pairs")
    return {pair[0]: pair[1] for pair in pairs}


def _leaves(record: Mapping[str, Json], lists: bool = True) -> dict[str, Json]:
    leaves: dict[str, Json] = {}
    stack: list[tuple[Json, str]] = [(record, "")]
    below_a_list = False
    while stack:
        value, name = stack.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                stack.append((inner, f"{name}.{key}" if key in leaves or below_a_list else key))
        elif isinstance(value, list) and lists:
            below_a_list = below_a_list or bool(value)
            stack += [(inner, f"{name}.{index}") for index, inner in enumerate(value)]
        else:
            leaves[name] = value
    return leaves


def _group_by(elements: Sequence[Json], reference: Json) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = {}
    for element in elements:
        key = reference.visit(reference.expression, element)
        if key is None:
            continue
        if not isinstance(key, str):
            raise FunctionError(f"group_by() expects text to group by, found {type_name(key)}")
        groups.setdefault(key, []).append(element)
    return groups


def truthy(value: Json) -> bool:
    """Return JMESPath's truth of a value: false, null and empty values are false, 0 is true."""
    return value is not None and value is not False and value not in ("", [], {})


def _get(container: Json, key: Json, default: Json = None) -> Json:
    value = None
    if isinstance(container, dict):
        value = container.get(key if isinstance(key, str) else str(key))
    elif isinstance(container, list) and not isinstance(key, str):
        position = integer("get", key)
        if -len(container) <= position < len(container):
            value = container[position]
    return default if value is None else value


def _divide(left: Number, right: Number) -> Number:
    if right == 0:
        raise FunctionError("divide() by 0")
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return checked_number(left / right)


def _modulo(left: Number, right: Number) -> Number:
    if right == 0:
        raise FunctionError("modulo() by 0")
    return checked_number(left % right)


def _round(number: Number, digits: Number | None = None) -> Number:
    if digits is None:
        return checked_number(round(number))
    places = integer("round", digits)
    if abs(places) > 400:  # no number has more; 10 to the billionth would take all memory
        raise FunctionError("round() expects at most 400 digits")
    return checked_number(round(number, places))


def checked_number(number: Number) -> Number:
    """Return a number that JSON and tables can hold, as an int if it is whole.

    Raise FunctionError if it is infinite, not a number, or past 64 bits.
    """
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
        number = int(value)
    except (ValueError, OverflowError):
        try:
            number = int(float(value))
        except (ValueError, OverflowError):
            return None
    return checked_number(number)


def _to_number(value: Json) -> Number | None:
    """Convert as JMESPath does, but not `nan`, `inf` and `1e999`, which no table holds."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number: Number = int(value) if isinstance(value, str) else value
    except ValueError:
        try:
            number = float(value)
        except ValueError:
            return None
    return number if math.isfinite(number) else None


def _parse_json(text: str) -> Json:
    from framework.definition.values.json_text import (
        has_lone_surrogates,
        parse_json,  # imports a parser that few files need
    )

    expects = "parse_json() expects the text of a JSON value"
    if has_lone_surrogates(text.encode()):
        raise FunctionError(f"{expects}: it has half of a character (a lone surrogate)")
    try:
        return parse_json(text)[0]
    except ValueError as error:
        raise FunctionError(f"{expects}: {error}") from None


def _unique(values: Sequence[Json]) -> list[Json]:
    seen: dict[str, Json] = {}
    for value in values:
        seen.setdefault(json.dumps(value, sort_keys=True), value)
    return list(seen.values())


def _range(start: Number, stop: Number, step: Number = 1) -> list[int]:
    by = integer("range", step)
    if by == 0:
        raise FunctionError("range() expects a step that is not 0")
    numbers = range(integer("range", start), integer("range", stop), by)
    if len(numbers) > LONGEST:
        raise FunctionError(f"range() returns at most {LONGEST:,} numbers")
    return list(numbers)


VALUE_FUNCTIONS = (
    Function("if", (ANY, ANY, ANY), 3, call=lambda test, a, b: a if truthy(test) else b),
    Function("items", (OBJECT,), 1, call=lambda subject: [[*pair] for pair in subject.items()]),
    Function("from_items", (ARRAY,), 1, call=_from_items),
    Function("leaves", (OBJECT, ("boolean",)), 1, call=_leaves),
    Function(
        "zip",
        (ARRAY,),
        1,
        variadic=True,
        call=lambda *all_: [[*row] for row in zip(*all_, strict=False)],
    ),
    Function("group_by", (ARRAY, ("expression",)), 2, call=_group_by),
    Function("get", (("object", "array", "null"), ("string", "number"), ANY), 2, call=_get),
    Function("add", (NUMBER, NUMBER), 2, call=lambda a, b: checked_number(a + b)),
    Function("subtract", (NUMBER, NUMBER), 2, call=lambda a, b: checked_number(a - b)),
    Function("multiply", (NUMBER, NUMBER), 2, call=lambda a, b: checked_number(a * b)),
    Function("divide", (NUMBER, NUMBER), 2, call=_divide),
    Function("modulo", (NUMBER, NUMBER), 2, call=_modulo),
    Function("round", (NUMBER, NUMBER), 1, call=_round),
    Function("to_integer", (ANY,), 1, call=_to_integer),
    Function("to_number", (ANY,), 1, call=_to_number),
    Function("parse_json", (STRING,), 1, call=_parse_json),
    Function("unique", (ARRAY,), 1, call=_unique),
    Function("range", (NUMBER, NUMBER, NUMBER), 2, call=_range),
)
