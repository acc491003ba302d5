"""Schema loaders as the JSON Schema of a resource's records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.definition.expressions.jsonpath import path_keys
from framework.definition.schema.json_schema import schema_error
from framework.importers.airbyte.components.component_registry import REGISTRY, component
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component
from framework.importers.import_report import ManifestError
from framework.importers.source_files import read_data

Json = Any
Schema = dict[str, Json]

MAX_DEPTH = 40
_TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}
_ALTERNATIVES = ("oneOf", "anyOf", "allOf")


def translate_schema(context: ImportContext, stream: Component, folder: Path) -> Schema | None:
    """Return the schema of a stream's records; None if Airbyte does not have it at hand.

    `folder` is that of the manifest, beside which schema files are.
    """
    properties: dict[str, Json] = {}
    for loader in stream.parts("schema_loader"):
        handler = REGISTRY["schema_loader"].get(loader.type)
        if handler is None:
            reason = f"the schema is loaded by {loader.title}; types are inferred here"
            context.note(loader.place, reason)
            continue
        properties.update((handler(context, loader, folder) or {}).get("properties") or {})
    if not properties:
        return None
    schema = clean({"type": "object", "properties": properties})
    error = schema_error(schema)
    if error is not None:
        reason = f"the schema is not a valid JSON Schema and left out: {error.message}"
        context.note(stream.at("schema_loader"), reason)
        return None
    return schema


@component("schema_loader", "InlineSchemaLoader")
def _inline(_context: ImportContext, loader: Component, _folder: Path) -> Mapping[str, Json] | None:
    schema = loader.get("schema")
    return schema if isinstance(schema, dict) else None


@component("schema_loader", "DynamicSchemaLoader")
def _dynamic(context: ImportContext, loader: Component, _folder: Path) -> None:
    context.note(
        loader.place,
        "Airbyte requests the schema from the API; here types come from the records, unless you "
        "add `columns_from` and the resource that has them",
    )


@component("schema_loader", "JsonFileSchemaLoader")
def _file(context: ImportContext, loader: Component, folder: Path) -> Mapping[str, Json] | None:
    default = f"./schemas/{loader.parameters.get('name', '')}.json"
    scope = context.request_scope(loader)
    text = context.translate(str(loader.get("file_path") or default), scope, loader.at("file_path"))
    if text is None or "{" in str(text):
        return None
    name = Path(str(text))
    for candidate in (folder / name, folder / "schemas" / name.name):
        if candidate.is_file():
            try:
                schema = read_data(candidate)
            except ManifestError:
                break
            return schema if isinstance(schema, dict) else None
    reason = f"the schema file {name} does not exist; types come from the records"
    context.note(loader.place, reason)
    return None


# -- only what types columns


def clean(schema: Json, depth: int = 0) -> Schema:
    """Return a schema with only the keywords that type columns, at every depth, in valid form."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return {}
    fresh: Schema = {}
    for word, check in _KEYWORDS.items():
        value = check(schema[word], depth + 1) if word in schema else None
        if value is not None:
            fresh[word] = value
    if "type" not in fresh and "properties" in fresh and not fresh.keys() & set(_ALTERNATIVES):
        fresh["type"] = ["object", "null"]
    return fresh


def _type(value: Json, _depth: int) -> Json:
    names = value if isinstance(value, list) else [value]
    types = list(dict.fromkeys(str(one) for one in names if str(one) in _TYPES))
    if not types:
        return None
    return types if isinstance(value, list) else types[0]


def _text(value: Json, _depth: int) -> Json:
    return (value.strip() or None) if isinstance(value, str) else None


def _properties(value: Json, depth: int) -> Json:
    if not isinstance(value, dict):
        return None
    return {str(key): clean(one, depth) for key, one in value.items()}


def _items(value: Json, depth: int) -> Json:
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else {}
    return clean(value, depth) if isinstance(value, dict) else None


def _several(value: Json, depth: int) -> Json:
    return [clean(one, depth) for one in value] or None if isinstance(value, list) else None


_KEYWORDS: dict[str, Any] = {
    "type": _type,
    "format": _text,
    "description": _text,
    "properties": _properties,
    "items": _items,
    "enum": lambda value, _depth: value if isinstance(value, list) and value else None,
    "const": lambda value, _depth: value,
    **dict.fromkeys(_ALTERNATIVES, _several),
}

# -- fields that the resource relies on


def with_declared(
    schema: Schema, keys: list[str], cursor: str | None, fields: list[str]
) -> tuple[Schema, bool]:
    """Declare the fields that a resource relies on, and return whether the cursor may be null.

    Primary keys are never null. `fields` are read by children; `[]` at the end is a list's.
    """
    fresh = json.loads(json.dumps(schema))
    for key in keys:
        place = _place(fresh, key.split("__"), always=True)
        types = [one for one in _types(place) if one != "null"]
        place["type"] = types[0] if len(types) == 1 else types or "string"
    nullable = False
    if cursor:
        place = _place(fresh, list(path_keys(cursor)))
        if not place:
            place["type"] = ["string", "null"]
        nullable = not _types(place) or "null" in _types(place)
    for name in fields:
        path = name.removesuffix("[]").split(".")
        top = _types(fresh.get("properties", {}).get(path[0], {}))
        if len(path) > 1 and top and not any("object" in one for one in top):
            # the schema says that there is nothing below
            continue
        place = _place(fresh, path)
        if not place:
            place["type"] = ["array" if name.endswith("[]") else "string", "null"]
    return fresh, nullable


def _place(schema: Schema, path: list[str], *, always: bool = False) -> Schema:
    """Return the schema of a field, created if absent; with `always` its parents are never null."""
    current = schema
    for depth, key in enumerate(path):
        if depth:
            if always or "object" not in _types(current):
                current["type"] = "object" if always else ["object", "null"]
            for word in (*_ALTERNATIVES, "format"):
                current.pop(word, None)
        current = current.setdefault("properties", {}).setdefault(key, {})
    return current


def _types(schema: Schema) -> list[str]:
    types = schema.get("type")
    return types if isinstance(types, list) else [types] if types else []
