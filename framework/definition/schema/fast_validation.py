"""JSON Schema 2020-12 in everyday cases, decided without jsonschema, which takes long to import.

Both functions are certain if they say yes; if not, jsonschema decides, and finds the words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from framework.definition.schema.string_formats import FORMATS

Json = Any

TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
_LOCAL_REFERENCE = re.compile(r"#(/[A-Za-z0-9_$.~-]+)*")
_DIALECT = re.compile(r"https?://json-schema\.org/[A-Za-z0-9./-]+#?")


def is_plain_schema(schema: Json) -> bool:
    """Return whether `schema` is certainly valid: everyday keywords, each with a fitting value."""
    if isinstance(schema, bool):
        return True
    return isinstance(schema, dict) and all(
        key.startswith("x-") or (key in KEYWORDS and KEYWORDS[key](value))
        for key, value in schema.items()
    )


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_size(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_pattern(value: Json) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError, RecursionError, OverflowError):
        return False
    return isinstance(value, str)


def _are_names(value: Json) -> bool:
    texts = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return texts and len(set(value)) == len(value)


def _are_types(value: Json) -> bool:
    if isinstance(value, str):
        return value in TYPES
    return _are_names(value) and bool(value) and set(value) <= set(TYPES)


def _are_schemas(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_plain_schema, value))


def _named(check: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _text_like(pattern: re.Pattern[str]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


KEYWORDS: Mapping[str, Callable[[Json], bool]] = {
    "type": _are_types,
    "pattern": _is_pattern,
    "$ref": _text_like(_LOCAL_REFERENCE),
    "$schema": _text_like(_DIALECT),
    **dict.fromkeys(("title", "description", "$comment", "format"), _is_text),
    **dict.fromkeys(("default", "const"), lambda _: True),
    **dict.fromkeys(("enum", "examples"), lambda value: isinstance(value, list)),
    **dict.fromkeys(("properties", "$defs", "dependentSchemas"), _named(is_plain_schema)),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _are_schemas),
    **dict.fromkeys(("items", "additionalProperties", "not", "if", "then"), is_plain_schema),
    **dict.fromkeys(("else", "contains", "propertyNames"), is_plain_schema),
    "unevaluatedProperties": is_plain_schema,
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_size),
    **dict.fromkeys(("minProperties", "maxProperties", "minContains", "maxContains"), _is_size),
    **dict.fromkeys(
        ("uniqueItems", "deprecated", "readOnly", "writeOnly"),
        lambda value: isinstance(value, bool),
    ),
    "multipleOf": lambda value: _is_number(value) and bool(value > 0),
    "required": _are_names,
    "dependentRequired": _named(_are_names),
}


class _Undecided(Exception):
    """A keyword or a value is not an everyday one."""


def fits(schema: Json, value: Json, *, is_own: bool = False) -> bool:
    """Return whether a value certainly fits a schema, which need not be valid.

    In a schema of our own, patterns are harmless, and formats are only said.
    """
    try:
        return _fits(schema, value, is_own)
    except (_Undecided, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        return False


def _fits(schema: Json, value: Json, is_own: bool) -> bool:
    """Return whether a value fits; raise _Undecided or another error if that is not certain."""
    if isinstance(schema, bool):
        return schema
    for keyword, limit in schema.items():
        if keyword in _ANNOTATIONS or keyword.startswith("x-"):
            continue
        if keyword in _RISKY and not is_own:
            raise _Undecided
        check = _CHECKS.get(keyword)
        if check is None:
            raise _Undecided
        if not check(limit, value, schema, is_own):
            return False
    return True


_ANNOTATIONS = frozenset(
    ("$id", "$comment", "title", "description", "default", "examples", "deprecated")
)
_RISKY = frozenset(("pattern", "patternProperties"))
"""Keywords that need a limit of time in schemas of connector files."""
_THIS_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _type_of(value: Json) -> str:
    if value is None:
        return "null"
    name = _TYPE_NAMES.get(type(value))
    if name is None:
        raise _Undecided
    return name


_TYPE_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string"} | {
    dict: "object",
    list: "array",
}


def _has_type(limit: Json, value: Json, _: Json, __: bool) -> bool:
    types = [limit] if isinstance(limit, str) else limit
    own = _type_of(value)
    if not set(types) <= set(TYPES) or (own == "number" and "integer" in types):
        raise _Undecided
    return own in types or (own == "integer" and "number" in types)


def _equals(one: Json, value: Json) -> bool:
    kind, other = _type_of(value), _type_of(one)
    numbers = {"integer", "number"}
    if kind != other and not {kind, other} <= numbers:
        return False
    if kind in ("object", "array"):
        raise _Undecided
    return bool(one == value)


def _check_properties(limit: Json, value: Json, _: Json, is_own: bool) -> bool:
    if not isinstance(value, dict):
        return True
    return all(_fits(part, value[name], is_own) for name, part in limit.items() if name in value)


def _check_patterned(limit: Json, value: Json, _: Json, is_own: bool) -> bool:
    if not isinstance(value, dict):
        return True
    return all(
        _fits(part, inner, is_own)
        for pattern, part in limit.items()
        for name, inner in value.items()
        if re.search(pattern, name)
    )


def _check_additional(limit: Json, value: Json, schema: Json, is_own: bool) -> bool:
    if not isinstance(value, dict):
        return True
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    if patterns and not is_own:
        raise _Undecided
    return all(
        _fits(limit, inner, is_own)
        for name, inner in value.items()
        if name not in known and not any(re.search(pattern, name) for pattern in patterns)
    )


def _check_names(limit: Json, value: Json, _: Json, is_own: bool) -> bool:
    return not isinstance(value, dict) or all(_fits(limit, name, is_own) for name in value)


def _check_items(limit: Json, value: Json, schema: Json, is_own: bool) -> bool:
    if "prefixItems" in schema:
        raise _Undecided
    return not isinstance(value, list) or all(_fits(limit, one, is_own) for one in value)


def _check_unique(limit: Json, value: Json, _: Json, __: bool) -> bool:
    if not limit or not isinstance(value, list):
        return True
    if not all(isinstance(one, str) for one in value):
        raise _Undecided
    return len(set(value)) == len(value)


def _check_required(limit: Json, value: Json, _: Json, __: bool) -> bool:
    return not isinstance(value, dict) or all(name in value for name in limit)


def _check_dependent(limit: Json, value: Json, _: Json, __: bool) -> bool:
    if not isinstance(value, dict):
        return True
    return all(other in value for name in limit if name in value for other in limit[name])


def _check_condition(limit: Json, value: Json, schema: Json, is_own: bool) -> bool:
    branch = "then" if _fits(limit, value, is_own) else "else"
    return _fits(schema.get(branch, True), value, is_own)


def _check_dialect(limit: Json, _: Json, __: Json, ___: bool) -> bool:
    if limit != _THIS_DIALECT:
        raise _Undecided
    return True


def _check_format(limit: Json, value: Json, _: Json, is_own: bool) -> bool:
    if is_own or not isinstance(value, str):
        return True
    if limit not in FORMATS:
        raise _Undecided
    return FORMATS[limit](value)


def _check_size(
    kind: type[str] | type[list[Json]] | type[dict[str, Json]], *, at_least: bool
) -> Callable[[Json, Json, Json, bool], bool]:
    def check(limit: Json, value: Json, _: Json, __: bool) -> bool:
        size = len(value) if isinstance(value, kind) else limit
        return bool(size >= limit if at_least else size <= limit)

    return check


def _check_number(
    is_over: Callable[[Json, Json], bool],
) -> Callable[[Json, Json, Json, bool], bool]:
    return lambda limit, value, _, __: not _is_number(value) or not is_over(value, limit)


_CHECKS: Mapping[str, Callable[[Json, Json, Json, bool], bool]] = {
    "type": _has_type,
    "enum": lambda limit, value, _, __: any(_equals(one, value) for one in limit),
    "const": lambda limit, value, _, __: _equals(limit, value),
    "properties": _check_properties,
    "patternProperties": _check_patterned,
    "additionalProperties": _check_additional,
    "propertyNames": _check_names,
    "items": _check_items,
    "uniqueItems": _check_unique,
    "required": _check_required,
    "dependentRequired": _check_dependent,
    "allOf": lambda limit, value, _, own: all(_fits(part, value, own) for part in limit),
    "anyOf": lambda limit, value, _, own: any(_fits(part, value, own) for part in limit),
    "not": lambda limit, value, _, own: not _fits(limit, value, own),
    "if": _check_condition,
    "then": lambda *_: True,
    "else": lambda *_: True,
    "format": _check_format,
    "$schema": _check_dialect,
    "pattern": lambda limit, value, _, __: (
        not isinstance(value, str) or re.search(limit, value) is not None
    ),
    "minLength": _check_size(str, at_least=True),
    "maxLength": _check_size(str, at_least=False),
    "minItems": _check_size(list, at_least=True),
    "maxItems": _check_size(list, at_least=False),
    "minProperties": _check_size(dict, at_least=True),
    "maxProperties": _check_size(dict, at_least=False),
    "minimum": _check_number(lambda value, limit: value < limit),
    "maximum": _check_number(lambda value, limit: value > limit),
    "exclusiveMinimum": _check_number(lambda value, limit: value <= limit),
    "exclusiveMaximum": _check_number(lambda value, limit: value >= limit),
}
