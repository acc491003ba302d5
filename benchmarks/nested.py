"""Values at their places in records and answers; an answer in which a selector finds records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Json = Any


def room(record: Json, keys: Sequence[str]) -> bool:
    """Whether no list is in the way of a field."""
    return not any(isinstance(find(record, keys[:n]), list) for n in range(1, len(keys)))


def nested(selector: str, records: Json) -> Json:
    """An answer in which the selector finds the records."""
    if selector.startswith("[") and selector.endswith("][]"):
        selector = selector[1:-3].split(",")[0]
    selector = selector.split(" || ")[0].strip()
    star = re.fullmatch(r"(.*?)\.?(\[\*\]|\.\*)\.?(.*)", selector)
    if star:
        before, _, after = star.groups()
        inner = [nested(after, [one]) if after else one for one in records]
        if after:
            inner = [_single(after, one) for one in records]
        if "*" in star[2] and "[" not in star[2]:
            inner = {f"key{n}": one for n, one in enumerate(inner)}
        return nested(before or "@", inner)
    if selector in ("@", "", "$"):
        return records
    return put({}, keys_of(selector), records)


def _single(path: str, record: Json) -> Json:
    return put({}, keys_of(path), record)


def keys_of(path: str) -> list[str]:
    """The keys of a dotted path, as far as it has some."""
    return [key.strip('"') for key in re.findall(r'"[^"]+"|[\w-]+', path)]


def put(target: dict[str, Json], keys: Any, value: Json) -> dict[str, Json]:
    """The target with a value set; objects on the way are made."""
    current = target
    for key in list(keys)[:-1]:
        if not isinstance(current.get(key), dict):
            current[key] = {}
        current = current[key]
    current[list(keys)[-1]] = value
    return target


def find(record: Json, keys: Any) -> Json:
    """The value at a place, null where there is none."""
    for key in keys:
        record = record.get(key) if isinstance(record, dict) else None
    return record
