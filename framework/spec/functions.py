"""The functions that expressions may call: JMESPath's own and those of JMESPath Community.

`query_param` is the one of ours. A table entry says what a call may look like, so that unknown
functions and wrong arity are found when an expression is compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jmespath import functions as jmespath_functions

Json = Any

_STRING, _NUMBER, _ARRAY, _OBJECT = ("string",), ("number",), ("array",), ("object",)


class FunctionError(ValueError):
    """A call that cannot be answered: a wrong type or value. Names the function, not the data."""


@dataclass(frozen=True)
class Function:
    """`types` are the accepted JMESPath types of each argument, `required` how many must be
    given; with `variadic` the last may be repeated. `call` is None for JMESPath's own."""

    name: str
    types: tuple[tuple[str, ...], ...]
    required: int
    variadic: bool = False
    call: Callable[..., Json] | None = None

    def arity_error(self, given: int) -> str | None:
        """What is wrong with a call of so many arguments, or None."""
        most = None if self.variadic else len(self.types)
        if given >= self.required and (most is None or given <= most):
            return None
        if most is None:
            wanted = f"at least {self.required}"
        elif most == self.required:
            wanted = str(most)
        else:
            wanted = " or ".join(str(count) for count in range(self.required, most + 1))
        plural = "argument" if wanted in ("1", "at least 1") else "arguments"
        return f"{self.name}() takes {wanted} {plural}, found {given}"


class Registry:
    """What jmespath's interpreter asks for: `call_function` by name with evaluated arguments."""

    def __init__(self) -> None:
        self._own = jmespath_functions.Functions()

    def call_function(self, name: str, arguments: Sequence[Json]) -> Json:
        """The function's answer; FunctionError or a JMESPath error where it has none."""
        function = FUNCTIONS.get(name)
        if function is None:
            raise FunctionError(f"there is no function {name}()")
        if function.call is None:
            return self._own.call_function(name, arguments)
        if wrong := function.arity_error(len(arguments)):
            raise FunctionError(wrong)
        for index, argument in enumerate(arguments):
            types = function.types[min(index, len(function.types) - 1)]
            if types and _type_name(argument) not in types:
                raise FunctionError(
                    f"{name}() wants {' or '.join(types)} as argument {index + 1}, "
                    f"found {_type_name(argument)}"
                )
        return function.call(*arguments)


def query_param(url: str | None, name: str) -> str | None:
    """The decoded value of a URL's query parameter; null where the URL or the name is not there."""
    if url is None:
        return None
    values = parse_qs(urlsplit(url).query, keep_blank_values=True).get(name)
    return values[0] if values else None


def _split(subject: str, search: str, count: float | None = None) -> list[str]:
    limit = _whole("split", count)
    if search == "":
        if limit is None or limit >= len(subject):
            return list(subject)
        return [*subject[:limit], subject[limit:]]
    return subject.split(search, -1 if limit is None else limit)


def _replace(subject: str, old: str, new: str, count: float | None = None) -> str:
    limit = _whole("replace", count)
    return subject.replace(old, new, -1 if limit is None else limit)


def _trim(subject: str, characters: str = "") -> str:
    return subject.strip(characters or None)


def _trim_left(subject: str, characters: str = "") -> str:
    return subject.lstrip(characters or None)


def _trim_right(subject: str, characters: str = "") -> str:
    return subject.rstrip(characters or None)


def _pad_left(subject: str, width: float, padding: str = " ") -> str:
    return subject.rjust(_whole("pad_left", width) or 0, _one_character("pad_left", padding))


def _pad_right(subject: str, width: float, padding: str = " ") -> str:
    return subject.ljust(_whole("pad_right", width) or 0, _one_character("pad_right", padding))


def _find_first(
    subject: str, search: str, start: float | None = None, end: float | None = None
) -> int | None:
    return _position(subject.find, subject, search, start, end)


def _find_last(
    subject: str, search: str, start: float | None = None, end: float | None = None
) -> int | None:
    return _position(subject.rfind, subject, search, start, end)


def _position(
    find: Callable[..., int], subject: str, search: str, start: float | None, end: float | None
) -> int | None:
    if not subject or not search:
        return None
    begin = 0 if start is None else _integer("find", start)
    stop = len(subject) if end is None else _integer("find", end)
    found = find(search, begin, stop)
    return None if found < 0 else found


def _items(subject: Mapping[str, Json]) -> list[list[Json]]:
    return [[key, value] for key, value in subject.items()]


def _from_items(pairs: Sequence[Json]) -> dict[str, Json]:
    if not all(isinstance(p, list) and len(p) == 2 and isinstance(p[0], str) for p in pairs):
        raise FunctionError("from_items() wants a list of [name, value] pairs")
    return {pair[0]: pair[1] for pair in pairs}


def _zip(*arrays: Sequence[Json]) -> list[list[Json]]:
    return [list(row) for row in zip(*arrays, strict=False)]


def _group_by(elements: Sequence[Json], reference: Json) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = {}
    for element in elements:
        key = reference.visit(reference.expression, element)
        if key is None:
            continue
        if not isinstance(key, str):
            raise FunctionError(f"group_by() wants text to group by, found {_type_name(key)}")
        groups.setdefault(key, []).append(element)
    return groups


def _integer(name: str, value: float) -> int:
    if value != int(value):
        raise FunctionError(f"{name}() wants a whole number")
    return int(value)


def _whole(name: str, value: float | None) -> int | None:
    if value is None:
        return None
    if value < 0:
        raise FunctionError(f"{name}() wants a number that is not negative")
    return _integer(name, value)


def _one_character(name: str, padding: str) -> str:
    if len(padding) != 1:
        raise FunctionError(f"{name}() pads with one character, found {len(padding)}")
    return padding


def _type_name(value: Json) -> str:
    names = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return names.get(type(value), "expression")


def _jmespath_own() -> dict[str, Function]:
    table = jmespath_functions.Functions.FUNCTION_TABLE
    return {
        name: Function(
            name,
            tuple(tuple(argument["types"]) for argument in entry["signature"]),
            len(entry["signature"]),
            bool(entry["signature"] and entry["signature"][-1].get("variadic")),
        )
        for name, entry in table.items()
    }


_ADDED = (
    Function("split", (_STRING, _STRING, _NUMBER), 2, call=_split),
    Function("replace", (_STRING, _STRING, _STRING, _NUMBER), 3, call=_replace),
    Function("trim", (_STRING, _STRING), 1, call=_trim),
    Function("trim_left", (_STRING, _STRING), 1, call=_trim_left),
    Function("trim_right", (_STRING, _STRING), 1, call=_trim_right),
    Function("lower", (_STRING,), 1, call=str.lower),
    Function("upper", (_STRING,), 1, call=str.upper),
    Function("pad_left", (_STRING, _NUMBER, _STRING), 2, call=_pad_left),
    Function("pad_right", (_STRING, _NUMBER, _STRING), 2, call=_pad_right),
    Function("find_first", (_STRING, _STRING, _NUMBER, _NUMBER), 2, call=_find_first),
    Function("find_last", (_STRING, _STRING, _NUMBER, _NUMBER), 2, call=_find_last),
    Function("items", (_OBJECT,), 1, call=_items),
    Function("from_items", (_ARRAY,), 1, call=_from_items),
    Function("zip", (_ARRAY,), 1, variadic=True, call=_zip),
    Function("group_by", (_ARRAY, ("expression",)), 2, call=_group_by),
    Function("query_param", (("string", "null"), _STRING), 2, call=query_param),
)

FUNCTIONS: Mapping[str, Function] = {
    **_jmespath_own(),
    **{function.name: function for function in _ADDED},
}
