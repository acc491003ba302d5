"""Fields of a record by dotted name: set, get, pop, and remove by pattern. Changes in place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

Json = Any
Record = dict[str, Any]

ABSENT: Any = object()
"""Stands for a field that does not exist."""


def put_field(record: Record, path: str, value: Json) -> None:
    """Set a field; missing objects on the path are created."""
    *parents, last = path.split(".")
    for name in parents:
        below = record.get(name)
        if not isinstance(below, dict):
            below = record[name] = {}
        record = below
    record[last] = value


def get_field(record: Record, path: str) -> Json:
    """Return a field's value, ABSENT if there is none."""
    return field_at(record, path.split("."))


def field_at(value: Json, names: Iterable[str]) -> Json:
    """Return the value at these keys, ABSENT if there is none."""
    for name in names:
        if not isinstance(value, dict) or name not in value:
            return ABSENT
        value = value[name]
    return value


def value_at(record: Json, path: Iterable[str]) -> Json:
    """Return the value at these keys; None if a value on the path is not an object."""
    for key in path:
        if not isinstance(record, dict):
            return None
        record = record.get(key)
    return record


def take_field(record: Record, path: str) -> Json:
    """Remove a field and return its value, ABSENT if there is none."""
    *parents, last = path.split(".")
    for name in parents:
        below = record.get(name)
        if not isinstance(below, dict):
            return ABSENT
        record = below
    return record.pop(last, ABSENT)


def remove_fields(record: Record, path: str) -> None:
    """Remove every field that matches a dotted pattern.

    `*` matches any characters of one key, `**` any number of levels. Lists on the path are walked
    item by item.
    """
    _remove(record, _pattern(path))


Part = re.Pattern[str] | None
"""The pattern of a key; None for any number of levels."""


@lru_cache(maxsize=1024)
def _pattern(path: str) -> tuple[Part, ...]:
    return tuple(None if part == "**" else _key(part) for part in path.split("."))


def _key(part: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, part.split("*"))), re.DOTALL)


def _remove(value: Json, parts: tuple[Part, ...]) -> None:
    if isinstance(value, list):
        for item in value:
            _remove(item, parts)
            if parts[0] is not None and parts[0].pattern == ".*" and len(parts) > 1:
                _remove(item, parts[1:])  # `lines.*.code` reads as every item's code too
        return
    if not isinstance(value, dict):
        return
    first, *rest = parts
    if first is None:
        if not rest:
            value.clear()
            return
        _remove(value, tuple(rest))
        for item in value.values():
            _remove(item, parts)
        return
    for key in [key for key in value if first.fullmatch(key)]:
        if rest:
            _remove(value[key], tuple(rest))
        else:
            del value[key]
