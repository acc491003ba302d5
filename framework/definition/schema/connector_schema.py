"""schemas/connector.schema.json, with its references resolved, and the way through it by place."""

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
    """Return schemas/connector.schema.json with every `$ref` replaced by its definition.

    Looking up each reference at each value would take half of the validation time. The
    definitions are shared, so the result must not be changed.
    """
    schema = shared_schema("connector")
    definitions: dict[str, Schema] = {}

    def definition(name: str) -> Schema:
        if name not in definitions:
            definitions[name] = resolved(schema["$defs"][name])
        return definitions[name]

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        own = {key: resolved(inner) for key, inner in part.items() if key not in ("$ref", "$defs")}
        reference = part.get("$ref")
        return {**definition(reference.rsplit("/", 1)[1]), **own} if reference else own

    whole: Schema = resolved(schema)
    return whole


@cache
def schemas_at(pointer: Pointer) -> tuple[Schema, ...]:
    """Return every schema that can apply to the value at `pointer`, whatever stands there."""
    current = variants(connector_schema())
    for step in pointer:
        current = tuple(part for schema in current for part in schemas_inside(schema, step))
    return current


def schemas_inside(schema: Schema, step: str | int) -> tuple[Schema, ...]:
    """Return the variants of the schema for one key or list position below `schema`."""
    if isinstance(step, int):
        below = schema.get("items")
    else:
        below = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    return variants(below) if isinstance(below, Mapping) else ()


def variants(schema: Schema) -> tuple[Schema, ...]:
    """Return a schema and all that `if` and `allOf` may add to it, conditions aside."""
    return tuple(_variants(schema))


def _variants(schema: Schema) -> Iterator[Schema]:
    yield schema
    for key in ("then", "else"):
        if key in schema:
            yield from _variants(schema[key])
    for part in schema.get("allOf", ()):
        yield from _variants(part)


@cache
def keys_at(pointer: Pointer) -> frozenset[str]:
    """Return the keys that a mapping at `pointer` may have in any of its variants."""
    return frozenset(key for schema in schemas_at(pointer) for key in schema.get("properties", {}))
