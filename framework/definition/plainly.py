"""Whether a JSON Schema is plainly right: a quick yes, or a no that means "look closer".

Mirrors the 2020-12 metaschema for the keywords that people use; anything else is a no.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Json = Any

_LOCAL = re.compile(r"#(/[A-Za-z0-9_$.~-]+)*")
_TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}


def plainly_valid(schema: Json) -> bool:
    """True only where the metaschema has nothing against `schema`."""
    if isinstance(schema, bool):
        return True
    if not isinstance(schema, dict):
        return False
    return all(_fits(key, value) for key, value in schema.items())


def _fits(key: str, value: Json) -> bool:
    if key.startswith("x-"):
        return True
    check = _KEYWORDS.get(key)
    return check is not None and check(value)


def _anything(value: Json) -> bool:  # noqa: ARG001
    return True


def _text(value: Json) -> bool:
    return isinstance(value, str)


def _pattern(value: Json) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError, RecursionError, OverflowError):
        return False
    return isinstance(value, str)


def _reference(value: Json) -> bool:
    return isinstance(value, str) and _LOCAL.fullmatch(value) is not None


def _dialect(value: Json) -> bool:
    return bool(value == "https://json-schema.org/draft/2020-12/schema")


def _flag(value: Json) -> bool:
    return isinstance(value, bool)


def _list(value: Json) -> bool:
    return isinstance(value, list)


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _positive(value: Json) -> bool:
    return _number(value) and bool(value > 0)


def _size(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _names(value: Json) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(name, str) for name in value)
        and len(set(value)) == len(value)
    )


def _type(value: Json) -> bool:
    if isinstance(value, str):
        return value in _TYPES
    return _names(value) and bool(value) and set(value) <= _TYPES


def _schemas(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(map(plainly_valid, value))


def _named_schemas(value: Json) -> bool:
    return isinstance(value, dict) and all(map(plainly_valid, value.values()))


def _named_names(value: Json) -> bool:
    return isinstance(value, dict) and all(map(_names, value.values()))


_KEYWORDS: dict[str, Callable[[Json], bool]] = {
    "type": _type,
    "pattern": _pattern,
    "$ref": _reference,
    "$schema": _dialect,
    **dict.fromkeys(("title", "description", "$comment", "format"), _text),
    **dict.fromkeys(("default", "const"), _anything),
    **dict.fromkeys(("enum", "examples"), _list),
    **dict.fromkeys(("properties", "$defs", "dependentSchemas"), _named_schemas),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _schemas),
    **dict.fromkeys(("items", "additionalProperties", "not", "if", "then", "else"), plainly_valid),
    **dict.fromkeys(("contains", "propertyNames", "unevaluatedProperties"), plainly_valid),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _size),
    **dict.fromkeys(("minProperties", "maxProperties", "minContains", "maxContains"), _size),
    **dict.fromkeys(("uniqueItems", "deprecated", "readOnly", "writeOnly"), _flag),
    "multipleOf": _positive,
    "required": _names,
    "dependentRequired": _named_names,
}
