"""Which keys the connector schema allows at a place of a file, whatever stands there.

Answers "where does this key belong?" by walking the JSON Schema; knows no document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from framework.definition.finder import shared_schema

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Schema = Mapping[str, Any]


@cache
def connector_schema() -> Schema:
    """schemas/connector.schema.json with every `$ref` replaced by what it refers to.

    The validator looks up each reference at each value; without them it takes two thirds of the
    time. Definitions are shared, so this is not to be changed.
    """
    schema = shared_schema("connector")
    made: dict[str, Schema] = {}

    def definition(name: str) -> Schema:
        if name not in made:
            made[name] = inlined(schema["$defs"][name])
        return made[name]

    def inlined(part: Any) -> Any:
        if isinstance(part, list):
            return [inlined(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        own = {key: inlined(inner) for key, inner in part.items() if key not in ("$ref", "$defs")}
        reference = part.get("$ref")
        return {**definition(reference.rsplit("/", 1)[1]), **own} if reference else own

    whole: Schema = inlined(schema)
    return whole


def keys_at(pointer: Pointer) -> frozenset[str]:
    """The keys that a mapping at `pointer` may have in any of its variants."""
    return frozenset(key for schema in _schemas_at(pointer) for key in schema.get("properties", {}))


_EVERYWHERE = {"name", "type", "description"}
"""Keys with a meaning of their own at many places: where else they may stand helps nobody."""


def belongs(key: str, pointer: Pointer) -> str | None:
    """Where a key that is not allowed at `pointer` is: one level down, or up to three up."""
    if key in _EVERYWHERE:
        return None
    outer = _above(pointer)
    for step, place in outer[:1]:
        if key in keys_at(place):
            return f"it belongs one level up, beside `{step}`"
    for inner in sorted(keys_at(pointer)):
        if key in keys_at((*pointer, inner)):
            return f"it belongs inside `{inner}`"
    for step, place in outer[1:3]:
        if key in keys_at(place):
            return f"it belongs further up, beside `{step}`"
    return None


def _above(pointer: Pointer) -> list[tuple[str, Pointer]]:
    """The keys that lead to a place, the nearest first, each with the mapping it stands in."""
    return [
        (step, pointer[:position])
        for position, step in reversed(list(enumerate(pointer)))
        if isinstance(step, str)
    ]


def goes_with(key: str, pointer: Pointer) -> str | None:
    """Where another variant of the mapping at `pointer` has the key: which one it is."""
    for schema in _schemas_at(pointer):
        if key not in schema.get("properties", {}):
            continue
        for chooser in ("type", "strategy"):
            part = schema["properties"].get(chooser, {})
            variant = part.get("const") or next(iter(part.get("enum", ())), None)
            if variant is not None:
                return f"it goes with `{chooser}: {variant}`"
    return None


@cache
def _schemas_at(pointer: Pointer) -> tuple[Schema, ...]:
    current = tuple(_variants(connector_schema()))
    for step in pointer:
        current = tuple(
            variant
            for schema in current
            for inner in _inside(schema, step)
            for variant in _variants(inner)
        )
    return current


def _inside(schema: Schema, step: str | int) -> Iterator[Schema]:
    if isinstance(step, int):
        below = schema.get("items")
    else:
        below = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    if isinstance(below, Mapping):
        yield below


def _variants(schema: Schema) -> Iterator[Schema]:
    """A schema with everything that applies to the same value."""
    if "properties" in schema or "items" in schema or "additionalProperties" in schema:
        yield schema
    for key in ("then", "else"):
        if key in schema:
            yield from _variants(schema[key])
    for part in schema.get("allOf", ()):
        yield from _variants(part)
