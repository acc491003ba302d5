"""Whether a schema is a JSON Schema, and what is wrong with it in words of YAML."""

from __future__ import annotations

import json
from typing import Any

from framework.definition.json_schema import Draft202012Validator, SchemaError
from framework.text import did_you_mean

Json = Any

_TEXTS = {"$schema", "$ref", "title", "description", "format", "$comment"}
_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_MAPPINGS = {"properties", "$defs"}
_SCHEMAS = {"items", "additionalProperties"}
_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
FORMAT_EXAMPLES = {
    "uri": "https://api.example.com",
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "email": "person@example.com",
}
"""A value of each format that config often has."""


def schema_error(schema: Json) -> Any | None:
    """What JSON Schema has against a schema as jsonschema's error, or None.

    An everyday schema is seen to be one here: jsonschema takes a hundred times longer for it.
    RecursionError for one that is nested too deeply.
    """
    if _plain(schema):
        return None
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return error
    return None


def _plain(schema: Json) -> bool:
    """Whether a schema holds nothing but everyday keys with values of the right kind."""
    if not isinstance(schema, dict):
        return isinstance(schema, bool)
    for key, value in schema.items():
        if key in _TEXTS:
            fine = isinstance(value, str)
        elif key == "type":
            types = value if isinstance(value, list) and value else [value]
            fine = all(isinstance(one, str) and one in _TYPES for one in types)
            fine = fine and len(set(types)) == len(types)
        elif key in _MAPPINGS:
            fine = isinstance(value, dict) and all(_plain(inner) for inner in value.values())
        elif key in _SCHEMAS:
            fine = _plain(value)
        elif key in ("anyOf", "oneOf", "allOf"):
            fine = isinstance(value, list) and bool(value) and all(map(_plain, value))
        elif key == "required":
            fine = isinstance(value, list) and all(isinstance(name, str) for name in value)
            fine = fine and len(set(value)) == len(value)
        elif key in _NUMBERS:
            fine = isinstance(value, int | float) and not isinstance(value, bool)
        else:
            lists = key in ("enum", "examples") and isinstance(value, list)
            fine = lists or key in ("const", "default") or key.startswith("x-")
        if not fine:
            return False
    return True


def not_json_schema(error: Any) -> str:
    """What JSON Schema itself has against a schema; the place is told elsewhere."""
    key = next((step for step in reversed(error.path) if isinstance(step, str)), None)
    found = f"found {shown(error.instance)}"
    if key == "type":
        near = did_you_mean(str(error.instance), _TYPES) or f"; there are {', '.join(_TYPES)}"
        return f"{found}, which is no type of JSON Schema{near}"
    if key is None:
        return f"{found}, expected a JSON Schema: a mapping"
    return f"{found}, which JSON Schema does not take for {key}"


def misfit(error: Any) -> str:
    """What JSON Schema has against a value: found, and expected."""
    found = shown(error.instance)
    wanted = error.validator_value
    if error.validator == "type":
        types = wanted if isinstance(wanted, list) else [wanted]
        return f"found {found}, expected {' or '.join(types)}"
    if error.validator == "format":
        example = FORMAT_EXAMPLES.get(wanted)
        such = "" if example is None else f", such as {example}"
        return f"found {found}, expected the format {wanted}{such}"
    if error.validator == "enum":
        return f"found {found}, expected one of {', '.join(shown(value) for value in wanted)}"
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
        "minLength": "a length of at least",
        "maxLength": "a length of at most",
        "pattern": "text that matches",
        "const": "exactly",
    }
    if error.validator in words:
        return f"found {found}, expected {words[error.validator]} {wanted}"
    return str(error.message)


def shown(value: Json) -> str:
    """A value in a message: texts in quotes, lists and mappings by their kind."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return json.dumps(value, ensure_ascii=False)
