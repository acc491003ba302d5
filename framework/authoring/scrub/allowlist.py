"""What a record's declared schema lets stay: enum, const, dates and times, `x-keep: true`.

A place in a record is the schemas that apply there; nothing is known of recordings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = Any
Schemas = tuple[Mapping[str, Json], ...]

_PREFIX = 100
"""Places of a `prefixItems` that are told apart."""
_TIMES = frozenset({"date", "date-time", "time"})
# a schema may say date-time of a field that people write into: only what looks like one stays
_LIKE_A_TIME = re.compile(
    r"[0-9TZtz:.,+\- ]+|"
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|GMT|UTC)"
    r"[a-z]*|[0-9:, +\-])+"
)


class Allowlist:
    """One record schema, walked from place to place; `$ref` within it is followed."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        self._schema = schema
        self._known: dict[tuple[tuple[int, ...], str | int], Schemas] = {}

    @property
    def root(self) -> Schemas:
        """The record itself."""
        return self._all([self._schema])

    def key(self, place: Schemas, name: str) -> Schemas:
        """The value under a key of the object at this place; empty where nothing is said."""
        known = self._known.get((tuple(map(id, place)), name))
        if known is None:
            known = self._known[tuple(map(id, place)), name] = self._key(place, name)
        return known

    def _key(self, place: Schemas, name: str) -> Schemas:
        found: list[Json] = []
        for part in place:
            properties = part.get("properties")
            if isinstance(properties, Mapping) and name in properties:
                found.append(properties[name])
                continue
            patterns = part.get("patternProperties")
            hits = [
                schema
                for pattern, schema in (patterns.items() if isinstance(patterns, Mapping) else ())
                if re.search(pattern, name)
            ]
            found.extend(hits or [part.get("additionalProperties")])
        return self._all(found)

    def item(self, place: Schemas, index: int) -> Schemas:
        """An item of the list at this place."""
        index = min(index, _PREFIX)
        known = self._known.get((tuple(map(id, place)), index))
        if known is None:
            known = self._known[tuple(map(id, place)), index] = self._item(place, index)
        return known

    def _item(self, place: Schemas, index: int) -> Schemas:
        found: list[Json] = []
        for part in place:
            prefix = part.get("prefixItems")
            if isinstance(prefix, list) and index < len(prefix):
                found.append(prefix[index])
            else:
                found.append(part.get("items"))
        return self._all(found)

    def _all(self, schemas: Iterable[Json]) -> Schemas:
        """The schemas with everything that they refer to or combine."""
        found: list[Mapping[str, Json]] = []
        seen: set[int] = set()
        waiting = list(schemas)
        while waiting:
            schema = waiting.pop(0)
            if not isinstance(schema, Mapping) or id(schema) in seen:
                continue
            seen.add(id(schema))
            found.append(schema)
            if "$ref" in schema:
                waiting.append(self._target(str(schema["$ref"])))
            for word in ("allOf", "anyOf", "oneOf"):
                several = schema.get(word)
                waiting.extend(several if isinstance(several, list) else ())
            waiting.extend(schema.get(word) for word in ("then", "else"))
        return tuple(found)

    def _target(self, ref: str) -> Json:
        if not ref.startswith("#"):
            return None
        at: Json = self._schema
        for step in ref[1:].split("/")[1:]:
            name = step.replace("~1", "/").replace("~0", "~")
            at = at.get(name) if isinstance(at, Mapping) else None
        return at


def lets_stay(place: Schemas, text: str) -> bool:
    """Whether a string at this place may stand in a cassette as it is."""
    return any(
        (isinstance(part.get("enum"), list) and text in part["enum"])
        or part.get("const") == text
        or (part.get("format") in _TIMES and _LIKE_A_TIME.fullmatch(text) is not None)
        for part in place
    )


def keeps(place: Schemas) -> bool:
    """Whether everything at and below this place stays."""
    return any(part.get("x-keep") is True for part in place)


def declares_key(place: Schemas, name: str) -> bool:
    """Whether the object's schema names this key, so that it cannot be anybody's."""
    return any(
        isinstance(part.get("properties"), Mapping) and name in part["properties"] for part in place
    )


def is_map(place: Schemas) -> bool:
    """Whether the object's keys are data: its schema says what any further key holds."""
    return any(isinstance(part.get("additionalProperties"), Mapping) for part in place)


def is_typed(place: Schemas) -> bool:
    """Whether the schema says what a number at this place is, so that it is kept."""
    return any("type" in part or "enum" in part or "const" in part for part in place)


def property_names(schema: Json) -> set[str]:
    """Every key that a schema names, at any depth."""
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
