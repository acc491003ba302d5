"""schemas/connector.schema.json, with its references resolved, and the way through it by place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.definition.schema.file_schema import FileSchema, Schema

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

CONNECTOR = FileSchema("connector")
"""The schema of a connector file."""


def connector_schema() -> Schema:
    """Return schemas/connector.schema.json with every `$ref` replaced by its definition."""
    return CONNECTOR.whole


def schemas_at(pointer: Pointer) -> tuple[Schema, ...]:
    """Return every schema that can apply to the value at `pointer`, whatever stands there."""
    return CONNECTOR.at(pointer)


def keys_at(pointer: Pointer) -> frozenset[str]:
    """Return the keys that a mapping at `pointer` may have in any of its variants."""
    return CONNECTOR.keys_at(pointer)
