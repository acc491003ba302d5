"""A JSON Schema proposed from records that were seen, as an addition to the one that is declared.

What is declared stays as it was written; what it does not hold is added. Holds no value of a
record: types, formats and names of fields only.
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
_MAP = 50
"""Different keys from which an object's keys are taken for data, where few are in each."""


@dataclass
class _Seen:
    """What was seen at one place of all records."""

    types: Counter[str] = field(default_factory=Counter)
    formats: set[str] = field(default_factory=lambda: set(_FORMATS))
    fields: dict[str, _Seen] = field(default_factory=dict)
    items: _Seen | None = None

    def add(self, value: Json) -> None:
        kind = _type_of(value)
        self.types[kind] += 1
        if kind == "string":
            self.formats = {name for name in self.formats if _FORMATS[name].fullmatch(value)}
        elif kind == "object":
            for name, inner in value.items():
                self.fields.setdefault(name, _Seen()).add(inner)
        elif kind == "array":
            self.items = self.items or _Seen()
            for item in value:
                self.items.add(item)

    @property
    def count(self) -> int:
        return sum(self.types.values())

    @property
    def kinds(self) -> list[str]:
        """The types other than null, `number` alone where there are integers too."""
        kinds = [kind for kind in _TYPES if self.types[kind]]
        return [k for k in kinds if k != "integer"] if "number" in kinds else kinds


@dataclass(frozen=True)
class ProposedSchema:
    """A proposed schema, the number of records it is from, and the fields (dotted) that say
    nothing yet: null or empty in each of them."""

    schema: dict[str, Json]
    records: int
    untold: tuple[str, ...]


def infer_schema(
    records: Iterable[Mapping[str, Json]], declared: Mapping[str, Json] | None
) -> ProposedSchema:
    """The declared schema with what the records have besides, or one made of the records alone."""
    seen = _Seen()
    for record in records:
        seen.add(dict(record))
    untold: list[str] = []
    if declared is None:
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        schema.update(_schema(seen, (), untold) or {"type": "object"})
    else:
        schema = _widened(declared, seen, (), untold)
    return ProposedSchema(schema, seen.count, tuple(untold))


def _type_of(value: Json) -> str:
    if value is None:
        return "null"
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object"}
    return kinds.get(type(value), "array")


def _schema(seen: _Seen, path: tuple[str, ...], untold: list[str]) -> dict[str, Json] | None:
    """A schema of what was seen; None, and a line in `untold`, where that is nothing."""
    kinds = seen.kinds
    if not kinds or (kinds == ["array"] and not (seen.items and seen.items.kinds)):
        untold.append(".".join(path))
        return None
    types = [*kinds, "null"] if seen.types["null"] else kinds
    schema: dict[str, Json] = {"type": _written(types)}
    if kinds == ["string"]:
        schema.update([("format", name) for name in _FORMATS if name in seen.formats])
    elif kinds == ["object"] and not _is_map(seen):
        schema.update(_properties(seen, path, untold))
    elif kinds == ["array"] and seen.items is not None:
        items = _schema(seen.items, (*path, "[]"), untold)
        schema.update({} if items is None else {"items": items})
    return schema


def _is_map(seen: _Seen) -> bool:
    """Whether an object's keys are data, as in `{"2024-01-01": 5}`: they would be columns."""
    if len(seen.fields) < _MAP:
        return False
    return sum(inner.count for inner in seen.fields.values()) < seen.types["object"] * _MAP / 2


def _properties(seen: _Seen, path: tuple[str, ...], untold: list[str]) -> dict[str, Json]:
    properties = {}
    for name, inner in seen.fields.items():
        schema = _schema(inner, (*path, name), untold)
        if schema is not None:
            properties[name] = schema
    required = [name for name in properties if seen.fields[name].count == seen.types["object"]]
    return {"properties": properties, **({"required": required} if required else {})}


def _widened(
    declared: Mapping[str, Json], seen: _Seen, path: tuple[str, ...], untold: list[str]
) -> dict[str, Json]:
    """The declared schema, with the types and fields that it does not allow for and that came."""
    schema = dict(declared)
    written = schema.get("type")
    if written is None or seen.count == 0:
        return schema  # says nothing, or says it by reference: there is nothing to add to
    types = [written] if isinstance(written, str) else list(written)
    allowed = {*types, *(("integer",) if "number" in types else ())}
    more = [kind for kind in (*seen.kinds, *_null(seen)) if kind not in allowed]
    if more:
        kept = [kind for kind in types if kind != "integer" or "number" not in more]
        schema["type"] = _written([*kept, *more])
    if isinstance(schema.get("properties"), Mapping):
        schema["properties"] = dict(schema["properties"])
        for name, inner in seen.fields.items():
            below = (*path, name)
            known = schema["properties"].get(name)
            made = (
                _widened(known, inner, below, untold)
                if isinstance(known, Mapping)
                else _schema(inner, below, untold)
            )
            if made is not None and not isinstance(known, bool):
                schema["properties"][name] = made
        required = [n for n in schema.get("required") or () if _always(seen, n)]
        if "required" in schema and required != schema["required"]:
            schema["required"] = required
    if seen.items is not None and isinstance(schema.get("items"), Mapping):
        schema["items"] = _widened(schema["items"], seen.items, (*path, "[]"), untold)
    return schema


def _written(types: list[str]) -> str | list[str]:
    return types[0] if len(types) == 1 else types


def _null(seen: _Seen) -> tuple[str, ...]:
    return ("null",) if seen.types["null"] else ()


def _always(seen: _Seen, name: str) -> bool:
    return name in seen.fields and seen.fields[name].count == seen.types["object"]
