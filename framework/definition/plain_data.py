"""Plain data to frozen dataclasses and back, by the annotations of their fields.

A field's key in the file is its name, unless its metadata is `written_as` or `INLINE`. The JSON
Schema has checked the data, so nothing is checked here. msgspec does not serve: a file may give
one value for a list, a number for a duration, and null for "the default".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import timedelta
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.definition.values.durations import (
    Period,
    format_period,
    parse_duration,
    parse_period,
)

Json = Any
T = TypeVar("T")
Read = Callable[[Json], Json]

_PARSERS: Mapping[Any, Read] = {
    Expression: compile_expression,
    timedelta: parse_duration,
    Period: parse_period,
}


INLINE: Mapping[str, Json] = {"inline": True}
"""Metadata of a field that holds a dataclass whose keys stand beside the others."""


def written_as(key: str, *, beside: str = "") -> Mapping[str, Json]:
    """Return the metadata of a field that the file spells `key`, dotted for a nested one.

    One that means nothing without another field is written only `beside` that one.
    """
    return {"key": key, "beside": beside}


def from_plain(kind: type[T], data: Mapping[str, Json]) -> T:
    """Return the dataclass that `data` describes; unknown keys are left out.

    A null is None if the field can be None, else the field's default. A value that is already of
    the field's class stays as it is. Raise ExpressionError or DurationError for bad texts.
    """
    values: dict[str, Any] = {}
    for part in _parts(kind):  # type: ignore[arg-type]
        if part.inline is not None:
            values[part.name] = from_plain(part.inline, data)
            continue
        holder = data
        for key in part.path[:-1]:
            holder = holder.get(key) or {}
        value = holder.get(part.path[-1], MISSING)
        if value is None and part.nullable:
            values[part.name] = None
        elif value is not None and value is not MISSING:
            values[part.name] = part.read(value)
    return kind(**values)


def to_plain(value: Any) -> Json:
    """Return a value of the model as the file has it; a dataclass leaves out what is empty.

    Durations are `PT…S`, expressions their text.
    """
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, timedelta):
        return f"PT{value.total_seconds():g}S"
    if isinstance(value, Period):
        return format_period(value)
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if not is_dataclass(value):
        return value
    data: dict[str, Json] = {}
    for part in _parts(type(value)):  # type: ignore[arg-type]
        if part.beside and getattr(value, part.beside) is None:
            continue
        item = to_plain(getattr(value, part.name))
        if part.inline is not None:
            data.update(item)
        elif not _is_empty(item):
            holder = data
            for key in part.path[:-1]:
                holder = holder.setdefault(key, {})
            holder[part.path[-1]] = item
    return data


def drop_empty(data: Mapping[str, Json]) -> dict[str, Json]:
    """Return the mapping without entries that are null or an empty mapping or list."""
    return {key: value for key, value in data.items() if not _is_empty(value)}


def _is_empty(value: Json) -> bool:
    return value is None or value == {} or value == []


@dataclass(frozen=True)
class _Part:
    """A field of a dataclass: where the file has it, and how its value is read."""

    name: str
    path: tuple[str, ...]
    read: Read
    nullable: bool
    inline: type | None
    beside: str


@lru_cache(maxsize=100)
def _parts(kind: Any) -> tuple[_Part, ...]:
    hints = get_type_hints(kind)
    return tuple(
        _Part(
            name=one.name,
            path=tuple((one.metadata.get("key") or one.name).split(".")),
            read=_reader(hints[one.name]),
            nullable=hints[one.name] is Any or NoneType in get_args(hints[one.name]),
            inline=hints[one.name] if one.metadata.get("inline") else None,
            beside=one.metadata.get("beside", ""),
        )
        for one in fields(kind)
    )


def _reader(hint: Any) -> Read:
    """Return how a value with this annotation is read from plain data."""
    if get_origin(hint) in (Union, UnionType):
        members = [one for one in get_args(hint) if one is not NoneType]
        return _reader(members[0]) if len(members) == 1 else _as_it_is
    if get_origin(hint) is tuple:
        item = _reader(get_args(hint)[0])
        return lambda value: tuple(item(one) for one in _as_list(value))
    parse = _PARSERS.get(hint)
    if parse is not None:
        return lambda value: value if isinstance(value, hint) else parse(value)
    if isinstance(hint, type) and is_dataclass(hint):
        return lambda value: value if isinstance(value, hint) else from_plain(hint, value)
    return _as_it_is


def _as_it_is(value: Json) -> Json:
    return value


def _as_list(value: Json) -> Json:
    return value if isinstance(value, (list, tuple)) else [value]
