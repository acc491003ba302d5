"""jsonschema, without what makes it slow: import it, and check schemas, through here.

Its optional formats cost two seconds at import (`rfc3987_syntax` builds a parser, `isoduration`
brings a date library). While jsonschema is imported, stand-ins take their places, which load the
real ones when a value of such a format is first checked.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any

from framework.definition.expressions.limits import (
    PatternError,
    compile_pattern,
    search_with_timeout,
)
from framework.text import did_you_mean

Json = Any


class DurationFormatError(Exception):
    """A text that is no ISO 8601 duration, as the stand-in for isoduration says it."""


def _is_valid_syntax(*arguments: Any) -> Any:
    return importlib.import_module("rfc3987_syntax").is_valid_syntax(*arguments)


def _validate_rfc3986(*arguments: Any, **named: Any) -> Any:
    return importlib.import_module("rfc3986_validator").validate_rfc3986(*arguments, **named)


def _parse_duration(text: str) -> Any:
    real = importlib.import_module("isoduration")
    try:
        return real.parse_duration(text)
    except real.DurationParsingException as error:
        raise DurationFormatError(str(error)) from None


_STAND_INS: dict[str, dict[str, Any]] = {
    "rfc3987_syntax": {"is_valid_syntax": _is_valid_syntax},
    "rfc3986_validator": {"validate_rfc3986": _validate_rfc3986},
    "isoduration": {
        "parse_duration": _parse_duration,
        "DurationParsingException": DurationFormatError,
    },
}


def _import_without_waiting() -> None:
    if "jsonschema" in sys.modules:
        return
    placed: list[str] = []
    try:
        for name, members in _STAND_INS.items():
            if name not in sys.modules and importlib.util.find_spec(name) is not None:
                module = ModuleType(name)
                vars(module).update(members)
                sys.modules[name] = module
                placed.append(name)
        importlib.import_module("jsonschema")
    finally:
        for name in placed:
            del sys.modules[name]


_import_without_waiting()

from jsonschema import Draft202012Validator, FormatChecker, ValidationError  # noqa: E402
from jsonschema import validators as _validators  # noqa: E402
from jsonschema.exceptions import SchemaError  # noqa: E402

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


def _plain_pattern(value: Json) -> bool:
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
    "pattern": _plain_pattern,
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


__all__ = [
    "Draft202012Validator",
    "FormatChecker",
    "SchemaError",
    "ValidationError",
    "check_schema",
    "misfit_of",
]


def check_schema(schema: Any) -> None:
    """Raise SchemaError where `schema` is no JSON Schema (2020-12).

    As `Draft202012Validator.check_schema`, which takes 10 ms and more for the schema of a
    record; most schemas are plainly right and need no such search.
    """
    if not plainly_valid(schema):
        Draft202012Validator.check_schema(schema)


def misfit_of(schema: Mapping[str, Any], value: Any) -> ValidationError | None:
    """The first thing in which a value does not fit a schema of a connector file, or None.

    PatternError where a pattern in it looks too long; other errors where the schema leads nowhere.
    """
    validator = _bounded()(schema, format_checker=FormatChecker())
    return next(iter(validator.iter_errors(value)), None)


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not search_with_timeout(
        compile_pattern(pattern).search, instance
    ):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _refuse_named_by_pattern(*_: Any) -> None:
    raise PatternError("names of keys cannot be given by a pattern")


def _additional(validator: Any, wanted: Any, instance: Any, schema: Any) -> Any:
    if "patternProperties" in schema:
        _refuse_named_by_pattern()
    return Draft202012Validator.VALIDATORS["additionalProperties"](
        validator, wanted, instance, schema
    )


@lru_cache(maxsize=1)
def _bounded() -> Any:
    keywords = {
        "pattern": _pattern,
        "patternProperties": _refuse_named_by_pattern,
        "additionalProperties": _additional,
    }
    return _validators.extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]


_TEXTS = {"$schema", "$ref", "title", "description", "format", "$comment"}
_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
_MAPPINGS = {"properties", "$defs"}
_SCHEMAS = {"items", "additionalProperties"}
_TYPE_WORDS = ("string", "integer", "number", "boolean", "object", "array", "null")
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
            fine = all(isinstance(one, str) and one in _TYPE_WORDS for one in types)
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
        near = (
            did_you_mean(str(error.instance), _TYPE_WORDS)
            or f"; there are {', '.join(_TYPE_WORDS)}"
        )
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
