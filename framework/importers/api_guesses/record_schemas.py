"""The declared schema of a list's records, its primary key, and fields that change with time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from framework.definition.values.naming import normalize_identifier
from framework.importers.api_guesses.api_model.name_words import (
    noun,
    plain_name,
    singular,
    vocabulary,
    words_of,
)
from framework.importers.api_guesses.api_model.operations import Operation, Parameter
from framework.importers.api_guesses.api_model.shapes import Shape, ShapeReader
from framework.importers.api_guesses.record_lists import ListGuess, quoted

Json = Any
Schema = dict[str, Json]

_FORMATS = frozenset({"date-time", "date", "time", "decimal", "uuid", "email", "uri"})
_MAX_FIELDS = 1_500
_LEAST_FIELDS = 100
_ALL_FIELDS = 30_000
_MAX_DEPTH = 6
_DESCRIPTION = 300
_KEYS = ("id", "uuid", "guid", "gid", "uid", "sid")
_CHANGED = vocabulary("updated modified changed")
_CREATED = vocabulary("created occurred sent placed received")
_SINCE = vocabulary("since after from min start gte gt greater newer begin starting ge")
_TIME = vocabulary("at time date on timestamp datetime")


@dataclass(frozen=True)
class KeyGuess:
    """The field that identifies a record, how sure, and why."""

    name: str
    confidence: float
    reason: str


def primary_key(guess: ListGuess, shapes: ShapeReader, detail: Operation | None) -> KeyGuess | None:
    """Return the primary key of a list's records; `detail` is the operation of one of them."""
    record = guess.record
    if guess.is_single:
        return None
    names = {plain_name(name): name for name in reversed(list(record.properties))}
    if "id" in record.properties:
        names["id"] = "id"
    if "id" in names and _is_key(shapes.shape(record.properties[names["id"]])):
        return KeyGuess(names["id"], 0.95, "its name")
    if detail is not None and detail.variables:
        variable = plain_name(detail.variables[-1])
        if variable in names and _is_key(shapes.shape(record.properties[names[variable]])):
            return KeyGuess(names[variable], 0.85, f"{detail.path} takes it")
    nouns = [*guess.operation.nouns]
    if record.origin:
        nouns.append(noun(record.origin.rsplit("/", 1)[-1]))
    own = [
        f"{''.join(one[-count:])}{key}"
        for one in nouns
        for count in (len(one), 1)
        for key in ("id", "uuid", "gid", "guid")
    ]
    for wanted in (*_KEYS[1:], *own):
        found = names.get(wanted)
        if found is not None and _is_key(shapes.shape(record.properties[found])):
            return KeyGuess(found, 0.8, "its name")
    return None


def _is_key(shape: Shape) -> bool:
    return (
        shape.types <= {"string", "integer", "number"}
        and not shape.properties
        and (shape.items is None)
    )


def record_schema(
    guess: ListGuess, shapes: ShapeReader, keys: tuple[str, ...], lists: int = 1
) -> Schema | None:
    """Return the JSON Schema of a list's records, None if nothing is said about them.

    Only what types columns is kept; what contains itself is cut, and loaded as JSON. So is what is
    deep inside, if a description has many `lists` with many fields.
    """
    budget = [max(_LEAST_FIELDS, min(_MAX_FIELDS, _ALL_FIELDS // lists))]
    if not guess.record.properties:
        return None
    schema = _object(guess.record, shapes, budget, 0)
    for key in keys:
        declared = schema["properties"].get(key)
        if declared is None:
            return None
        types = [one for one in _listed(declared.get("type")) if one != "null"]
        declared["type"] = types[0] if types else "string"
    if keys:
        schema["required"] = list(keys)
    return schema


def _object(shape: Shape, shapes: ShapeReader, budget: list[int], depth: int) -> Schema:
    """Return the schema of an object; what has no room left is of any type, but at the top."""
    fields: Schema = {}
    seen: set[str] = set()
    budget[0] -= len(shape.properties)
    for name in shape.properties:
        try:
            column = normalize_identifier(name)
        except ValueError:
            continue
        if column in seen:
            continue
        seen.add(column)
        inner = shapes.shape(shape.properties[name])
        fits = budget[0] > 0 or depth == 0
        fields[name] = _value(
            inner, shapes, budget, depth + 1 if fits else _MAX_DEPTH + 1, name in shape.required
        )
    return {"type": "object", "properties": fields}


def _value(
    shape: Shape, shapes: ShapeReader, budget: list[int], depth: int, is_required: bool
) -> Schema:
    types = sorted(shape.types)
    schema: Schema = {}
    if shape.is_cut or (depth > _MAX_DEPTH and not shape.is_scalar):
        return schema
    if not shape.is_scalar and budget[0] <= 0:
        return schema
    if shape.is_object and shape.properties:
        schema = _object(shape, shapes, budget, depth)
        types = ["object"]
    elif shape.is_list:
        types = ["array"]
        item = shapes.item(shape)
        if item.is_scalar or (item.is_object and item.properties):
            schema["items"] = _value(item, shapes, budget, depth + 1, True)
    elif "object" in types and len(types) > 1:
        types = []
    if not types:
        return {}
    null = [] if is_required and not shape.is_nullable else ["null"]
    listed = [*types, *null]
    result: Schema = {"type": listed if len(listed) > 1 else listed[0]}
    if types == ["string"] and shape.format in _FORMATS and not shape.enum:
        result["format"] = shape.format
    elif types == ["string"] and shape.format in ("datetime", "dateTime", "timestamp"):
        result["format"] = "date-time"
    text = " ".join(shape.description.split())
    if text:
        result["description"] = text[:_DESCRIPTION]
    result.update({key: one for key, one in schema.items() if key != "type"})
    return result


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value] if value else []


@dataclass(frozen=True)
class TimeFilter:
    """A parameter that asks for records since a time, and the field that it compares."""

    parameter: str
    field: str


def time_filters(guess: ListGuess, shapes: ShapeReader) -> list[TimeFilter]:
    """Return what could be incremental, the fields of changes before those of creation."""
    times = [
        name
        for name, shape in shapes.children(guess.record)
        if shape.format in ("date-time", "date") or set(words_of(name)) & _TIME
    ]
    found: list[tuple[int, TimeFilter]] = []
    for one in guess.operation.query:
        words = set(map(_stem, one.words))
        if not _is_since(one, words):
            continue
        for rank, kind in enumerate((_CHANGED, _CREATED)):
            wanted = words & {_stem(word) for word in kind}
            if words - wanted - _PLAIN:
                continue
            match = [name for name in times if set(map(_stem, words_of(name))) & wanted]
            if match:
                found.append((rank, TimeFilter(one.name, quoted(match[0]))))
        if not words & {_stem(word) for word in (*_CHANGED, *_CREATED)} and words <= {
            *map(_stem, _SINCE),
            *map(_stem, _TIME),
        }:
            text = {_stem(word) for word in words_of(one.description)}
            match = [
                name
                for name in times
                if text & set(map(_stem, words_of(name))) & set(map(_stem, _CHANGED | _CREATED))
            ]
            if match:
                found.append((2, TimeFilter(one.name, quoted(match[0]))))
    return [one for _, one in sorted(found, key=lambda entry: entry[0])]


def _is_since(one: Parameter, words: set[str]) -> bool:
    if words & {"before", "until", "to", "max", "end", "lte", "lt", "sort", "order"}:
        return False
    return bool(words & {_stem(word) for word in _SINCE}) and not re.search(
        r"cursor|token|\bid\b", one.description.lower()
    )


def _stem(word: str) -> str:
    """Return a word without the endings of tenses: `updated` and `update` are one."""
    plain = singular(word)
    for ending in ("ion", "ed", "d", "e"):
        if plain.endswith(ending) and len(plain) - len(ending) > 3:
            return plain[: -len(ending)]
    return plain


_PLAIN = frozenset(map(_stem, _SINCE | _TIME | {"filter"}))
