"""What a record's declared schema allows to stay: enum, const, dates and times, `x-keep: true`.

A place in a record is represented by the schemas that apply there. Knows nothing of recordings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = Any
Schemas = tuple[Mapping[str, Json], ...]

_MAX_PREFIX_ITEMS = 100
_TIMES = frozenset({"date", "date-time", "time"})
# a schema may declare date-time for a field with free text: only what looks like a time stays
_TIME_LIKE = re.compile(
    r"[0-9TZtz:.,+\- ]+|"
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|GMT|UTC)"
    r"[a-z]*|[0-9:, +\-])+"
)


class Allowlist:
    """One record schema, walked place by place; local `$ref`s are followed."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self._schema = schema
        self._cache: dict[tuple[tuple[int, ...], str | int], Schemas] = {}

    @property
    def root(self) -> Schemas:
        """The place of the record itself."""
        return self._expand([self._schema])

    def key(self, place: Schemas, name: str) -> Schemas:
        """Return the place under a key of the object here; empty if no schema applies."""
        cache_key = tuple(map(id, place)), name
        if cache_key not in self._cache:
            self._cache[cache_key] = self._key(place, name)
        return self._cache[cache_key]

    def _key(self, place: Schemas, name: str) -> Schemas:
        schemas: list[Json] = []
        for part in place:
            properties = part.get("properties")
            if isinstance(properties, Mapping) and name in properties:
                schemas.append(properties[name])
                continue
            patterns = part.get("patternProperties")
            matching = [
                schema
                for pattern, schema in (patterns.items() if isinstance(patterns, Mapping) else ())
                if re.search(pattern, name)
            ]
            schemas.extend(matching or [part.get("additionalProperties")])
        return self._expand(schemas)

    def item(self, place: Schemas, index: int) -> Schemas:
        """Return the place of an item of the list here."""
        cache_key = tuple(map(id, place)), min(index, _MAX_PREFIX_ITEMS)
        if cache_key not in self._cache:
            self._cache[cache_key] = self._item(place, cache_key[1])
        return self._cache[cache_key]

    def _item(self, place: Schemas, index: int) -> Schemas:
        schemas: list[Json] = []
        for part in place:
            prefix = part.get("prefixItems")
            if isinstance(prefix, list) and index < len(prefix):
                schemas.append(prefix[index])
            else:
                schemas.append(part.get("items"))
        return self._expand(schemas)

    def _expand(self, schemas: Iterable[Json]) -> Schemas:
        """Return the schemas with all that they refer to or combine."""
        expanded: dict[int, Mapping[str, Json]] = {}
        queue = list(schemas)
        while queue:
            schema = queue.pop(0)
            if not isinstance(schema, Mapping) or id(schema) in expanded:
                continue
            expanded[id(schema)] = schema
            if "$ref" in schema:
                queue.append(self._target(str(schema["$ref"])))
            for word in ("allOf", "anyOf", "oneOf"):
                branches = schema.get(word)
                queue.extend(branches if isinstance(branches, list) else ())
            queue.extend(schema.get(word) for word in ("then", "else"))
        return tuple(expanded.values())

    def _target(self, ref: str) -> Json:
        if not ref.startswith("#"):
            return None
        target: Json = self._schema
        for step in ref[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, Mapping) else None
        return target


def may_stay(place: Schemas, text: str) -> bool:
    """Return whether the schema allows keeping the string at this place in a cassette."""
    return any(
        (isinstance(part.get("enum"), list) and text in part["enum"])
        or part.get("const") == text
        or (part.get("format") in _TIMES and _TIME_LIKE.fullmatch(text) is not None)
        for part in place
    )


def keeps_all(place: Schemas) -> bool:
    """Return whether everything at and below this place stays."""
    return any(part.get("x-keep") is True for part in place)


def declares_key(place: Schemas, name: str) -> bool:
    """Return whether the object's schema names this key, so that it is not personal."""
    return any(
        isinstance(part.get("properties"), Mapping) and name in part["properties"] for part in place
    )


def is_map(place: Schemas) -> bool:
    """Return whether the object's keys are data: its schema describes any additional key."""
    return any(isinstance(part.get("additionalProperties"), Mapping) for part in place)


def is_typed(place: Schemas) -> bool:
    """Return whether the schema gives a number at this place a type, so that it stays."""
    return any("type" in part or "enum" in part or "const" in part for part in place)


def property_names(schema: Json) -> set[str]:
    """Return every key that a schema names, at any depth."""
    names: set[str] = set()
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            names.update(properties)
        for part in schema.values():
            names |= property_names(part)
    elif isinstance(schema, list):
        for part in schema:
            names |= property_names(part)
    return names
