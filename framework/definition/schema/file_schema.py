"""The JSON Schema of a kind of file, with references resolved, and the way through it by place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from framework.definition.finder import shared_schema

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Schema = Mapping[str, Any]


class FileSchema:
    """schemas/NAME.schema.json, or one `definition` of it."""

    def __init__(self, name: str, definition: str | None = None) -> None:
        self.name = name
        self._definition = definition
        self._at: dict[Pointer, tuple[Schema, ...]] = {}
        self._keys: dict[Pointer, frozenset[str]] = {}

    @cached_property
    def whole(self) -> Schema:
        """The schema with every `$ref` replaced by its definition.

        Looking up each reference at each value would take half of the validation time. The
        definitions are shared, so the result must not be changed.
        """
        schema = shared_schema(self.name)
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
            own = {
                key: resolved(inner) for key, inner in part.items() if key not in ("$ref", "$defs")
            }
            reference = part.get("$ref")
            return {**definition(reference.rsplit("/", 1)[1]), **own} if reference else own

        whole: Schema = resolved(schema)
        return whole if self._definition is None else definition(self._definition)

    def at(self, pointer: Pointer) -> tuple[Schema, ...]:
        """Return every schema that can apply to the value at `pointer`, whatever stands there."""
        if pointer not in self._at:
            current = variants(self.whole)
            for step in pointer:
                current = tuple(part for schema in current for part in schemas_inside(schema, step))
            self._at[pointer] = current
        return self._at[pointer]

    def keys_at(self, pointer: Pointer) -> frozenset[str]:
        """Return the keys that a mapping at `pointer` may have in any of its variants."""
        if pointer not in self._keys:
            schemas = self.at(pointer)
            self._keys[pointer] = frozenset(
                key for schema in schemas for key in schema.get("properties", {})
            )
        return self._keys[pointer]


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
