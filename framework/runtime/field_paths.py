"""Fields of a record by their dotted names: put, taken, and removed by patterns.

Records are changed in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

Json = Any
Record = dict[str, Any]

ABSENT: Any = object()
"""What is found where there is nothing."""


def put_field(record: Record, path: str, value: Json) -> None:
    """Set a field; objects on the way are made where there are none."""
    *parents, last = path.split(".")
    for name in parents:
        below = record.get(name)
        if not isinstance(below, dict):
            below = record[name] = {}
        record = below
    record[last] = value


def get_field(record: Record, path: str) -> Json:
    """A field's value, ABSENT where there is none."""
    value: Json = record
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return ABSENT
        value = value[name]
    return value


def value_at(record: Json, path: Iterable[str]) -> Json:
    """What lies at these keys; None where an object on the way is null, absent or no object."""
    for key in path:
        if not isinstance(record, dict):
            return None
        record = record.get(key)
    return record


def take_field(record: Record, path: str) -> Json:
    """A field taken out of the record, ABSENT where there is none."""
    *parents, last = path.split(".")
    for name in parents:
        below = record.get(name)
        if not isinstance(below, dict):
            return ABSENT
        record = below
    return record.pop(last, ABSENT)


def remove_fields(record: Record, path: str) -> None:
    """Take away every field that fits a dotted name, in which `*` stands for any characters of
    one key and `**` for any number of levels. Lists on the way are walked item by item."""
    _remove(record, _pattern(path))


Part = re.Pattern[str] | None
"""What a key must be; None for any number of levels."""


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
