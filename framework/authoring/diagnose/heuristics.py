"""Guess from names and shapes what a connector file should have named.

Gives paths and names of responses and records, never their values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from framework.authoring.scaffold.infer_schema import infer_schema
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.extract.paging.next_page_signs import jmespath_of
from framework.http.error_reports import MESSAGE_KEYS
from framework.runtime.field_paths import value_at

Json = Any
Record = Mapping[str, Json]

MIN_RECORDS = 10
"""From this many records on, unique values say something: any three amounts are unique."""
_BODY_DEPTH, _OBJECT_DEPTH = 4, 8
_MAX_KEY_LENGTH = 300
_ID_NAME = re.compile(
    r"(^|[@.])(id|ID|uid|uri|urn|uuid|guid|gid|pk|key|code|slug|url|sku|no|number)$"
    r"|(_(id|key|uuid|code|no|number)|Id|ID|Key|Uuid|Code|Number)$"
)
_SURE_ID_NAME = re.compile(r"@?(_?id|uid|uuid|guid|gid|pk|uri|urn)", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME_NAME = re.compile(r"updat|modif|chang|creat|date|time|_at$", re.IGNORECASE)


def record_list_paths(body: Json) -> list[str]:
    """Return the JMESPaths of the lists of objects in a body, the longest list first.

    `@` is the body itself. Lists of errors are left out.
    """
    lengths = [
        (len(value), path)
        for path, value in _values(body, ())
        if isinstance(value, list)
        and value
        and isinstance(value[0], Mapping)
        and not (path and path[0].lower() in MESSAGE_KEYS)
    ]
    return [jmespath_of(path) for _, path in sorted(lengths, key=lambda one: -one[0])]


def object_paths(body: Json, key: Sequence[str]) -> list[str]:
    """Return the JMESPaths that give objects with all these fields, most objects first."""
    paths = [path.removeprefix(".") or "@" for path, _ in _object_paths(body, key)]
    for names, value in _values(body, ()):
        children = list(value.values()) if isinstance(value, Mapping) else []
        if len(children) > 1 and all(_has_key(child, key) for child in children):
            paths.append(f"values({jmespath_of(names)})")
    counts = {path: _count_objects(path, body, key) for path in paths}
    return sorted((path for path in counts if counts[path]), key=lambda one: -counts[one])


def _object_paths(value: Json, key: Sequence[str], depth: int = 0) -> Iterator[tuple[str, bool]]:
    """Yield the paths from a value to objects with the key, and whether each gives a list."""
    if _has_key(value, key):
        yield "", False
    elif isinstance(value, Mapping) and depth < _OBJECT_DEPTH:
        for name, child in value.items():
            for path, is_list in _object_paths(child, key, depth + 1):
                yield f".{jmespath_of([name])}{path}", is_list
    elif isinstance(value, list) and value and depth < _OBJECT_DEPTH:
        for path, is_list in _object_paths(value[0], key, depth + 1):
            yield "[]" * bool(path) + path + "[]" * is_list, True


def _has_key(value: Json, key: Sequence[str]) -> bool:
    return isinstance(value, Mapping) and all(
        value_at(value, name.split(".")) is not None for name in key
    )


def _count_objects(path: str, body: Json, key: Sequence[str]) -> int:
    """Count the objects that a path gives; 0 if it also gives something without the key."""
    try:
        found = compile_expression(path).search(body)
    except ExpressionError:
        return 0
    items = found if isinstance(found, list) else [found]
    return len(items) if all(_has_key(item, key) for item in items) else 0


def key_candidates(records: Sequence[Record], *, of_child: bool = False) -> list[str]:
    """Return the fields that look like an id and are unique, the surest name first.

    From less than MIN_RECORDS only an `id` or the like, and none for a child, which may number its
    records again for each parent. Of records that are plain values it is `value`.
    """
    is_few = len(records) < MIN_RECORDS
    if len(records) < 2 or (is_few and of_child):
        return []
    candidates = []
    is_plain = list(records[0]) == ["value"]
    for name in records[0]:
        values = [record.get(name) for record in records]
        if not all(_can_be_key(value) for value in values) or len(set(values)) != len(values):
            continue
        if is_plain or (is_id_name(name) if is_few else looks_like_id(name, values)):
            candidates.append(name)
    return sorted(candidates, key=lambda name: not is_id_name(name))


def is_id_name(name: str) -> bool:
    """Return whether a field has the name of an id, and of nothing else."""
    return _SURE_ID_NAME.fullmatch(name) is not None


def looks_like_id(name: str, values: Sequence[Json]) -> bool:
    """Return whether a field's name, or each of its values, looks like an id."""
    return _ID_NAME.search(name) is not None or all(
        isinstance(value, str) and _UUID.fullmatch(value) for value in values
    )


def _can_be_key(value: Json) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_KEY_LENGTH
    return isinstance(value, int) and not isinstance(value, bool)


def time_fields(records: Sequence[Record]) -> list[str]:
    """Return the fields that hold a time in every record."""
    properties = infer_schema(records, None).schema.get("properties", {})
    return [
        name
        for name, schema in properties.items()
        if _TIME_NAME.search(name)
        and (schema.get("format") in ("date-time", "date") or schema.get("type") == "integer")
    ]


def _values(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yield every value outside of lists, with the names that lead to it."""
    yield path, value
    if isinstance(value, Mapping) and len(path) < _BODY_DEPTH:
        for name, child in value.items():
            yield from _values(child, (*path, str(name)))
