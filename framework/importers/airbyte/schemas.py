"""Declared schemas as ours: valid, and in agreement with keys and cursors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framework.definition.expressions.jsonpath import path_keys
from framework.definition.json_schema import schema_error
from framework.importers.airbyte.importing import ABSENT, Importing
from framework.importers.airbyte.manifest import Component, load
from framework.importers.import_report import ManifestError

Json = Any

_TYPES = {"string", "integer", "number", "boolean", "array", "object", "null"}
_WORDS = (
    "type",
    "format",
    "description",
    "properties",
    "items",
    "enum",
    "const",
    "required",
    "oneOf",
    "anyOf",
    "allOf",
)


def translate_schema(
    importing: Importing, stream: Component, folder: Path
) -> dict[str, Json] | None:
    """The schema of a stream's records, or None where the original does not have it at hand."""
    schemas = [_loaded(importing, loader, folder) for loader in stream.parts("schema_loader")]
    properties: dict[str, Json] = {}
    for schema in schemas:
        if schema is not None:
            properties.update(schema.get("properties") or {})
    if not properties:
        return None
    cleaned = clean({"type": "object", "properties": properties})
    error = schema_error(cleaned)
    if error is not None:
        importing.remarks.note(
            stream.at("schema_loader"),
            f"the schema is no JSON Schema and left out: {error.message}",
        )
        return None
    return cleaned


def _loaded(importing: Importing, loader: Component, folder: Path) -> Mapping[str, Json] | None:
    if loader.type == "InlineSchemaLoader":
        schema = loader.get("schema")
        return schema if isinstance(schema, dict) else None
    if loader.type == "JsonFileSchemaLoader":
        return _from_file(importing, loader, folder)
    if loader.type == "DynamicSchemaLoader":
        importing.remarks.note(
            loader.place,
            "the schema is asked from the API; here the types are found in the records",
        )
        return None
    what = "a Python class of its own" if loader.custom else f"a {loader.type or '?'}"
    importing.remarks.note(loader.place, f"the schema is loaded by {what}; types are found here")
    return None


def _from_file(importing: Importing, loader: Component, folder: Path) -> Mapping[str, Json] | None:
    name = loader.parameters.get("name", "")
    written = loader.get("file_path") or f"./schemas/{name}.json"
    text = importing.text(str(written), importing.sent(loader), loader.at("file_path"))
    if text is ABSENT or "{" in str(text):
        return None
    wanted = Path(str(text))
    for candidate in (folder / wanted, folder / "schemas" / wanted.name):
        if candidate.is_file():
            try:
                found = load(candidate)
            except ManifestError:
                break
            return found if isinstance(found, dict) else None
    importing.remarks.note(
        loader.place, f"the schema file {wanted} is not here; types are found in the records"
    )
    return None


def clean(schema: Json, depth: int = 0) -> dict[str, Json]:
    """A schema with only what types columns, at every depth, and in valid words."""
    if not isinstance(schema, dict) or depth > 40:
        return {}
    fresh: dict[str, Json] = {}
    for word in _WORDS:
        if word in schema:
            value = _word(word, schema[word], depth)
            if value is not None:
                fresh[word] = value
    if (
        "type" not in fresh
        and "properties" in fresh
        and not any(word in fresh for word in ("oneOf", "anyOf", "allOf"))
    ):
        fresh["type"] = ["object", "null"]
    return fresh


def _word(word: str, value: Json, depth: int) -> Json:
    if word == "type":
        return _type(value)
    if word in ("format", "description"):
        return value.strip() if isinstance(value, str) and value.strip() else None
    if word == "properties":
        if not isinstance(value, dict):
            return None
        return {str(key): clean(one, depth + 1) for key, one in value.items()}
    if word == "items":
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else {}
        return clean(value, depth + 1) if isinstance(value, dict) else None
    if word == "required":
        return None
    if word == "enum":
        return value if isinstance(value, list) and value else None
    if word in ("oneOf", "anyOf", "allOf"):
        found = [clean(one, depth + 1) for one in value] if isinstance(value, list) else []
        return found or None
    return value


def _type(value: Json) -> Json:
    written = value if isinstance(value, list) else [value]
    types = [str(one) for one in written if str(one) in _TYPES]
    types = list(dict.fromkeys(types))
    if not types or (isinstance(value, list) and len(types) < len(set(map(str, value)))):
        return types or None
    return types if isinstance(value, list) else types[0]


def agreeing(
    schema: dict[str, Json], keys: list[str], cursor: str | None, read: list[str]
) -> tuple[dict[str, Json], bool]:
    """The schema with its keys never null, and with keys, cursor and fields that children read
    declared; and whether the cursor may be null."""
    fresh = json.loads(json.dumps(schema))
    for key in keys:
        found = _place(fresh, key.split("__"), always=True)
        kinds = _kinds(found)
        found["type"] = kinds[0] if len(kinds) == 1 else kinds or "string"
    nullable = False
    if cursor:
        found = _place(fresh, list(path_keys(cursor)))
        if not found:
            found["type"] = ["string", "null"]
        types = found.get("type")
        nullable = types is None or types == "null" or (isinstance(types, list) and "null" in types)
    for name in read:
        path = name.removesuffix("[]").split(".")
        top = fresh.get("properties", {}).get(path[0], {})
        if len(path) > 1 and top.get("type") and "object" not in top["type"]:
            # the schema says that there is nothing below
            continue
        found = _place(fresh, path)
        if not found:
            found["type"] = ["array" if name.endswith("[]") else "string", "null"]
    return fresh, nullable


def _place(schema: dict[str, Json], path: list[str], *, always: bool = False) -> dict[str, Json]:
    """The schema of a field, made where it is not there; with `always` what it stands in is
    never null."""
    current = schema
    for depth, key in enumerate(path):
        if depth:
            known = current.get("type")
            if always or "object" not in (known if isinstance(known, list) else [known]):
                current["type"] = "object" if always else ["object", "null"]
            for word in ("anyOf", "oneOf", "allOf", "format"):
                current.pop(word, None)
        properties = current.setdefault("properties", {})
        current = properties.setdefault(key, {})
    return current


def _kinds(found: dict[str, Json]) -> list[str]:
    types = found.get("type")
    listed = types if isinstance(types, list) else [types] if types else []
    return [one for one in listed if one != "null"]
