"""JSON Schema 2020-12: fast import, schema check, format check, and errors as messages.

Import jsonschema from here only. Its optional libraries for formats may be installed by other
packages, and two of them cost seconds at import; `string_formats` does their work.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from framework.definition.expressions.limits import (
    PatternError,
    compile_pattern,
    search_with_timeout,
)
from framework.definition.schema.string_formats import FORMAT_EXAMPLES, FORMATS
from framework.definition.values.value_casts import SCHEMA_EPOCHS
from framework.text import almost, json_type, suggest

Json = Any


_FORMAT_LIBRARIES = (
    "fqdn",
    "isoduration",
    "jsonpointer",
    "rfc3339_validator",
    "rfc3986_validator",
    "rfc3987",
    "rfc3987_syntax",
    "uri_template",
    "webcolors",
)


@contextmanager
def _missing(*libraries: str) -> Iterator[None]:
    """Make libraries that are not loaded yet count as not installed while the block runs."""
    hidden = [name for name in libraries if name not in sys.modules]
    modules: dict[str, Any] = sys.modules
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


with _missing(*_FORMAT_LIBRARIES):
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError
    from jsonschema.exceptions import SchemaError
    from jsonschema.validators import extend

__all__ = ["Draft202012Validator", "SchemaError", "ValidationError"]

_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")
_LOCAL_REFERENCE = re.compile(r"#(/[A-Za-z0-9_$.~-]+)*")
_DIALECT = re.compile(r"https?://json-schema\.org/[A-Za-z0-9./-]+#?")


@cache
def format_checker() -> FormatChecker:
    """Return the checker of every format that a connector file may name."""
    own = ("date", "email", "idn-email", "idn-hostname", "ipv4", "ipv6", "regex", "uuid")
    checker = FormatChecker([name for name in own if name in FormatChecker.checkers])
    for name, check in FORMATS.items():
        checker.checks(name)(_only_text(check))
    return checker


def _only_text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def schema_error(schema: Json) -> SchemaError | None:
    """Return what makes `schema` invalid as a JSON Schema, or None.

    Raise RecursionError if it is nested too deeply. jsonschema takes 10 ms and more for the
    schema of a record, so most schemas are accepted by `is_plain_schema` first.
    """
    if is_plain_schema(schema):
        return None
    try:
        Draft202012Validator.check_schema(schema, format_checker())
    except SchemaError as error:
        return error
    return None


def is_plain_schema(schema: Json) -> bool:
    """Return whether `schema` is certainly valid: everyday keywords, each with a fitting value."""
    if isinstance(schema, bool):
        return True
    return isinstance(schema, dict) and all(
        key.startswith("x-") or (key in _KEYWORDS and _KEYWORDS[key](value))
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
        return value in _TYPES
    return _are_names(value) and bool(value) and set(value) <= set(_TYPES)


def _are_schemas(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(map(is_plain_schema, value))


def _named(check: Callable[[Json], bool]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _text_like(pattern: re.Pattern[str]) -> Callable[[Json], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_KEYWORDS: Mapping[str, Callable[[Json], bool]] = {
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


_WORDS = {*_KEYWORDS, *Draft202012Validator.VALIDATORS, "$id", "$defs", "$anchor", "definitions"}
_ONE_SCHEMA = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_FORMAT_WORDS = {
    *FORMATS,
    *SCHEMA_EPOCHS,
    *("date", "email", "idn-email", "ipv4", "ipv6", "regex", "uuid", "byte"),
}
_NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")
_OTHER_WORDS = ("example", "nullable", "xml", "discriminator", "externalDocs")
"""OpenAPI's own keywords, which schemas are often copied with."""
_KNOWN_WORDS = frozenset({*_WORDS, *_OTHER_WORDS})


@lru_cache(maxsize=1024)
def _meant(word: str) -> str | None:
    """Return the keyword that an unknown one must be: the same few are in most schemas."""
    return almost(word, _WORDS)


def misspelt(
    schema: Json, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield the place, the word and the right one of each keyword and format that is misspelt.

    JSON Schema accepts unknown words, so that their fields would have another type in silence.
    """
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key not in _KNOWN_WORDS and (meant := _meant(key)):
            yield (*path, key), key, meant
        elif key == "format" and isinstance(value, str) and value not in _FORMAT_WORDS:
            if meant := almost(value, _FORMAT_WORDS):
                yield (*path, key), value, meant
        elif key in _ONE_SCHEMA:
            yield from misspelt(value, (*path, key))
        elif key in _NAMED_SCHEMAS and isinstance(value, dict):
            for name, inner in value.items():
                yield from misspelt(inner, (*path, key, name))
        elif key in _LISTED_SCHEMAS and isinstance(value, list):
            for position, inner in enumerate(value):
                yield from misspelt(inner, (*path, key, position))


def misfit_of(schema: Mapping[str, Json], value: Json) -> ValidationError | None:
    """Return the first reason why a value does not fit a schema of a connector file, or None.

    Raise PatternError if one of its patterns takes too long; a broken `$ref` raises other errors.
    """
    validator = _validator_class()(schema, format_checker=format_checker())
    return next(iter(validator.iter_errors(value)), None)


@cache
def _validator_class() -> Any:
    """Return jsonschema's validator with patterns that end in time."""
    keywords = {
        "pattern": _check_pattern,
        "patternProperties": _refuse_patterned_names,
        "additionalProperties": _check_additional,
    }
    return extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]


def _check_pattern(_: Any, pattern: str, instance: Json, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not search_with_timeout(
        compile_pattern(pattern).search, instance
    ):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _refuse_patterned_names(*_: Any) -> None:
    raise PatternError("patternProperties is not supported")


def _check_additional(validator: Any, keyword: Any, instance: Json, schema: Any) -> Any:
    if "patternProperties" in schema:
        _refuse_patterned_names()
    check = Draft202012Validator.VALIDATORS["additionalProperties"]
    return check(validator, keyword, instance, schema)


def not_json_schema(error: ValidationError | SchemaError) -> str:
    """Return the message of an invalid JSON Schema; the finding names the place."""
    if not isinstance(error.validator, str):
        return str(error.message)  # our own: a bound
    keyword = next((step for step in reversed(error.path) if isinstance(step, str)), None)
    found = f"found {quote_value(error.instance)}"
    if keyword == "type":
        return f"{found}, which is not a JSON Schema type{suggest(str(error.instance), _TYPES)}"
    if keyword is None:
        return f"{found}, expected a JSON Schema: a mapping"
    return f"{found}, which is not valid for `{keyword}` in JSON Schema"


_LIMITS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "more than",
    "exclusiveMaximum": "less than",
    "minLength": "a length of at least",
    "maxLength": "a length of at most",
    "pattern": "text that matches",
    "const": "exactly",
}


def misfit(error: ValidationError, *, quoted: bool = True) -> str:
    """Return why a value does not fit its schema: what was found and what is expected.

    The value is described by its type alone if it must not be `quoted`.
    """
    found = quote_value(error.instance) if quoted else json_type(error.instance)
    keyword = str(error.validator)
    limit: Json = error.validator_value
    if keyword == "type":
        types = limit if isinstance(limit, list) else [limit]
        return f"found {found}, expected {' or '.join(types)}"
    if keyword == "format":
        example = FORMAT_EXAMPLES.get(limit)
        such = "" if example is None else f", such as {example}"
        return f"found {found}, expected the format {limit}{such}"
    if keyword == "enum":
        return f"found {found}, expected one of {', '.join(map(quote_value, limit))}"
    if keyword in _LIMITS:
        return f"found {found}, expected {_LIMITS[keyword]} {limit}"
    return str(error.message) if quoted else f"found {found} that does not fit `{keyword}`"


def quote_value(value: Json) -> str:
    """Return a value as a message quotes it: text in quotes, lists and mappings by their type."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return json.dumps(value, ensure_ascii=False)
