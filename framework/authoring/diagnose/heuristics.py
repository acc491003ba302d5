"""What in an answer or in records looks like the thing that a connector file should have named.

Looks at names and shapes only, and gives paths and names, never values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from framework.authoring.scaffold.infer_schema import infer_schema
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.http.response_actions import SAID_UNDER
from framework.runtime.field_paths import value_at

Json = Any
Record = Mapping[str, Json]

_DEPTH, _DEEPER = 4, 8
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_KEYS = re.compile(
    r"(^|[@.])(id|ID|uri|uuid|guid|key|code|slug|url|sku|no|number)$"
    r"|(_(id|key|uuid|code|no|number)|Id|ID|Key|Uuid|Code|Number)$"
)
_SURE = re.compile(r"@?(id|uuid|guid|uri)", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONGEST = 300
ENOUGH = 10
"""From so many records on, values that differ say something: any three amounts differ."""
_NEXT = re.compile(r"next|cursor|continuation|after|scroll", re.IGNORECASE)
_MORE = re.compile(r"^(has_?more|has_?next(_?page)?|more|is_?truncated)$", re.IGNORECASE)
_TOTAL = re.compile(r"^(total(_?(count|results|items|records|size))?|count_?total)$", re.IGNORECASE)
_LINK = re.compile(r"https?://|/|\?")
_CHANGED = re.compile(r"updat|modif|chang|creat|date|time|_at$", re.IGNORECASE)


def record_lists(body: Json) -> list[str]:
    """Paths (JMESPath) of the lists of objects in a body, the longest list first; `@` is the body
    itself. Lists of errors are none."""
    found = [
        (len(value), path)
        for path, value in _walk(body, ())
        if isinstance(value, list)
        and value
        and isinstance(value[0], Mapping)
        and not (path and path[0].lower() in SAID_UNDER)
    ]
    return [written(path) for _, path in sorted(found, key=lambda one: -one[0])]


def places_of(body: Json, key: Sequence[str]) -> list[str]:
    """Paths (JMESPath) that give objects with all these fields, those of most objects first."""
    paths = [_joined(path) for path, _ in _places(body, key)]
    for names, value in _walk(body, ()):
        inner = list(value.values()) if isinstance(value, Mapping) else []
        if len(inner) > 1 and all(_has(one, key) for one in inner):
            paths.append(f"values({written(names)})")
    counts = {path: _count(path, body, key) for path in paths}
    return sorted((path for path in counts if counts[path]), key=lambda one: -counts[one])


def _places(value: Json, key: Sequence[str], depth: int = 0) -> Iterator[tuple[str, bool]]:
    """What leads from a value to objects with the key, and whether that gives a list."""
    if _has(value, key):
        yield "", False
    elif isinstance(value, Mapping) and depth < _DEEPER:
        for name, inner in value.items():
            for path, several in _places(inner, key, depth + 1):
                yield f".{written([name])}{path}", several
    elif isinstance(value, list) and value and depth < _DEEPER:
        for path, several in _places(value[0], key, depth + 1):
            if not path:
                yield "[]" * several, True
            else:
                yield f"[]{path}{'[]' * several}", True


def _has(value: Json, key: Sequence[str]) -> bool:
    return isinstance(value, Mapping) and all(
        value_at(value, name.split(".")) is not None for name in key
    )


def _joined(path: str) -> str:
    return path.removeprefix(".") or "@"


def _count(path: str, body: Json, key: Sequence[str]) -> int:
    """How many objects with the key a path gives; 0 where it gives something else, too."""
    try:
        found = compile_expression(path).search(body)
    except ExpressionError:
        return 0
    items = found if isinstance(found, list) else [found]
    return len(items) if all(_has(item, key) for item in items) else 0


@dataclass(frozen=True)
class Sign:
    """What in an answer says that more pages follow: at this path a link, a cursor, a yes or a
    total. `params` are the names of a link's parameters."""

    path: str
    kind: Literal["link", "cursor", "more", "total"]
    params: tuple[str, ...] = ()


def next_pages(body: Json, records: int) -> list[Sign]:
    """What says that there are more pages than this one of so many records."""
    found = []
    for path, value in _walk(body, ()):
        name = path[-1] if path else ""
        if _MORE.search(name) and value is True:
            found.append(Sign(written(path), "more"))
        elif isinstance(value, bool) or not value:
            continue
        elif _NEXT.search(" ".join(path)) and isinstance(value, str) and _LINK.match(value):
            found.append(Sign(written(path), "link", params_of(value)))
        elif _NEXT.search(" ".join(path)) and isinstance(value, str | int):
            found.append(Sign(written(path), "cursor"))
        elif _TOTAL.search(name) and isinstance(value, int) and value > records > 0:
            found.append(Sign(written(path), "total"))
    return found


def params_of(url: str) -> tuple[str, ...]:
    """The names of a URL's parameters."""
    return tuple(dict.fromkeys(name for name, _ in parse_qsl(urlsplit(url).query, True)))


def keys(records: Sequence[Record], *, of_child: bool = False) -> list[str]:
    """Fields that look like an id and tell all records apart, the surest name first; from few
    records (under `ENOUGH`) only an `id` or the like, and of a child, which may number its records
    anew for each parent, none. Of plain values, which are records of a `value`, it is that."""
    few = len(records) < ENOUGH
    if len(records) < 2 or (few and of_child):
        return []
    found = []
    plain = list(records[0]) == ["value"]
    for name in records[0]:
        values = [record.get(name) for record in records]
        if not all(_short(value) for value in values) or len(set(values)) != len(values):
            continue
        if plain or (_SURE.fullmatch(name) if few else identifying(name, values)):
            found.append(name)
    return sorted(found, key=lambda name: _SURE.fullmatch(name) is None)


def identifying(name: str, values: Sequence[Json]) -> bool:
    """Whether a field's name, or each of its values, looks like an id."""
    return _KEYS.search(name) is not None or all(
        isinstance(value, str) and _UUID.fullmatch(value) for value in values
    )


def _short(value: Json) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole or (isinstance(value, str) and len(value) <= _LONGEST)


def times(records: Sequence[Record]) -> list[str]:
    """Fields that hold a time in every record."""
    properties = infer_schema(records, None).schema.get("properties", {})
    return [
        name
        for name, schema in properties.items()
        if _CHANGED.search(name)
        and (schema.get("format") in ("date-time", "date") or schema.get("type") == "integer")
    ]


def written(path: Sequence[str]) -> str:
    """A path as JMESPath; names with other characters go into double quotes."""
    if not path:
        return "@"
    return ".".join(name if _PLAIN.fullmatch(name) else f'"{name}"' for name in path)


def _walk(value: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Every value outside of lists, with the names that lead to it."""
    yield path, value
    if isinstance(value, Mapping) and len(path) < _DEPTH:
        for name, inner in value.items():
            yield from _walk(inner, (*path, str(name)))
