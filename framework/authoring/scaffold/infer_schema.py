"""Propose a JSON Schema from records, as an addition to the declared one.

The declared schema stays as it is; what the records have besides is added. A proposal holds types,
formats and names of fields, never a value of a record.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any

_TYPES = ("string", "integer", "number", "boolean", "object", "array")
_FORMATS = {
    "date-time": re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"),
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "time": re.compile(r"\d\d:\d\d(:\d\d(\.\d+)?)?"),
    "uri": re.compile(r"https?://\S+"),
    "decimal": re.compile(r"-?\d+\.\d{2,}"),
}
_MIN_MAP_KEYS = 50
"""From this many different keys on an object may be a map, if each object has few of them."""


@dataclass
class _FieldStats:
    """The types, formats and children found at one place of all records."""

    types: Counter[str] = field(default_factory=Counter)
    formats: set[str] = field(default_factory=lambda: set(_FORMATS))
    fields: dict[str, _FieldStats] = field(default_factory=dict)
    items: _FieldStats | None = None

    def add(self, value: Json) -> None:
        type_ = _type_of(value)
        self.types[type_] += 1
        if type_ == "string":
            self.formats = {name for name in self.formats if _FORMATS[name].fullmatch(value)}
        elif type_ == "object":
            for name, child in value.items():
                self.fields.setdefault(name, _FieldStats()).add(child)
        elif type_ == "array":
            self.items = self.items or _FieldStats()
            for item in value:
                self.items.add(item)

    @property
    def count(self) -> int:
        return sum(self.types.values())

    @property
    def json_types(self) -> list[str]:
        """The types other than null; `number` covers `integer`."""
        types = [type_ for type_ in _TYPES if self.types[type_]]
        return [type_ for type_ in types if type_ != "integer"] if "number" in types else types

    @property
    def null(self) -> list[str]:
        return ["null"] if self.types["null"] else []

    @property
    def is_map(self) -> bool:
        """Whether the keys are data, as in `{"2024-01-01": 5}`: they would become columns."""
        if len(self.fields) < _MIN_MAP_KEYS:
            return False
        keys = sum(child.count for child in self.fields.values())
        return keys < self.types["object"] * _MIN_MAP_KEYS / 2

    def is_always(self, name: str) -> bool:
        """Return whether every object has this field."""
        return name in self.fields and self.fields[name].count == self.types["object"]


@dataclass(frozen=True)
class ProposedSchema:
    """A proposed schema and the number of records behind it.

    `undecided` are the fields (dotted) that are null or empty in every record.
    """

    schema: dict[str, Json]
    records: int
    undecided: tuple[str, ...]


def infer_schema(
    records: Iterable[Mapping[str, Json]], declared: Mapping[str, Json] | None
) -> ProposedSchema:
    """Return the declared schema widened to fit the records, or a new one if none is declared."""
    stats = _FieldStats()
    for record in records:
        stats.add(dict(record))
    undecided: list[str] = []
    if declared is None:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        schema.update(_schema(stats, (), undecided) or {"type": "object"})
    else:
        schema = _widened(declared, stats, (), undecided)
    return ProposedSchema(schema, stats.count, tuple(undecided))


def schema_of_values(values: Iterable[Json]) -> dict[str, Json]:
    """Return the schema of any values; what is null or empty in all of them is said to be that."""
    stats = _FieldStats()
    for value in values:
        stats.add(value)
    return _whole_schema(stats)


def _whole_schema(stats: _FieldStats) -> dict[str, Json]:
    types = stats.json_types
    schema: dict[str, Json] = {"type": _one_or_list([*types, *stats.null] or ["null"])}
    if types == ["string"]:
        schema.update([("format", name) for name in _FORMATS if name in stats.formats])
    if "object" in types and not stats.is_map:
        fields = {name: _whole_schema(child) for name, child in stats.fields.items()}
        schema["properties"] = fields
    if "array" in types:
        schema["items"] = {} if stats.items is None else _whole_schema(stats.items)
    return schema


def _type_of(value: Json) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
    return names.get(type(value), "array")


def _schema(
    stats: _FieldStats, path: tuple[str, ...], undecided: list[str]
) -> dict[str, Json] | None:
    """Return a schema for a place; None, and an entry in `undecided`, if nothing is known."""
    types = stats.json_types
    if not types or (types == ["array"] and not (stats.items and stats.items.json_types)):
        undecided.append(".".join(path))
        return None
    schema: dict[str, Json] = {"type": _one_or_list([*types, *stats.null])}
    if types == ["string"]:
        schema.update([("format", name) for name in _FORMATS if name in stats.formats])
    elif types == ["object"] and not stats.is_map:
        schema.update(_properties(stats, path, undecided))
    elif types == ["array"] and stats.items is not None:
        items = _schema(stats.items, (*path, "[]"), undecided)
        schema.update({} if items is None else {"items": items})
    return schema


def _properties(stats: _FieldStats, path: tuple[str, ...], undecided: list[str]) -> dict[str, Json]:
    properties = {}
    for name, child in stats.fields.items():
        schema = _schema(child, (*path, name), undecided)
        if schema is not None:
            properties[name] = schema
    required = [name for name in properties if stats.is_always(name)]
    return {"properties": properties, **({"required": required} if required else {})}


def _widened(
    declared: Mapping[str, Json], stats: _FieldStats, path: tuple[str, ...], undecided: list[str]
) -> dict[str, Json]:
    """Return the declared schema with the types and fields that it does not allow yet."""
    schema = dict(declared)
    declared_type = schema.get("type")
    if declared_type is None or stats.count == 0:
        return schema  # it says nothing, or says it by reference: there is nothing to add to
    types = [declared_type] if isinstance(declared_type, str) else list(declared_type)
    allowed = {*types, *(("integer",) if "number" in types else ())}
    added = [type_ for type_ in (*stats.json_types, *stats.null) if type_ not in allowed]
    if added:
        types = [type_ for type_ in types if type_ != "integer" or "number" not in added]
        schema["type"] = _one_or_list([*types, *added])
    if isinstance(schema.get("properties"), Mapping):
        schema["properties"] = dict(schema["properties"])
        for name, child in stats.fields.items():
            below = (*path, name)
            known = schema["properties"].get(name)
            widened = (
                _widened(known, child, below, undecided)
                if isinstance(known, Mapping)
                else _schema(child, below, undecided)
            )
            if widened is not None and not isinstance(known, bool):
                schema["properties"][name] = widened
        required = [name for name in schema.get("required") or () if stats.is_always(name)]
        if "required" in schema and required != schema["required"]:
            schema["required"] = required
    if stats.items is not None and isinstance(schema.get("items"), Mapping):
        schema["items"] = _widened(schema["items"], stats.items, (*path, "[]"), undecided)
    return schema


def _one_or_list(types: list[str]) -> str | list[str]:
    return types[0] if len(types) == 1 else types
