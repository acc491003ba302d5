"""JSON Schema 2020-12: schema check, format check, and errors as messages.

Import jsonschema from here only, when `fast_validation` cannot decide. Its optional libraries for
formats may be installed by other packages, and two of them cost seconds at import;
`string_formats` does their work.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from framework.definition.expressions.limits import (
    PatternError,
    compile_pattern,
    search_with_timeout,
)
from framework.definition.schema.fast_validation import KEYWORDS, TYPES, fits, is_plain_schema
from framework.definition.schema.string_formats import FORMAT_EXAMPLES, FORMATS
from framework.text import almost, suggest

if TYPE_CHECKING:
    from jsonschema import FormatChecker, ValidationError
    from jsonschema.exceptions import SchemaError

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


@cache
def library() -> Any:
    """Return jsonschema, imported now: most valid files are decided without it."""
    with _missing(*_FORMAT_LIBRARIES):
        import jsonschema.validators

        return jsonschema


@cache
def format_checker() -> FormatChecker:
    """Return the checker of every format that a connector file may name."""
    kind: type[FormatChecker] = library().FormatChecker
    own = ("date", "email", "idn-email", "idn-hostname", "ipv4", "ipv6", "regex", "uuid")
    checker = kind([name for name in own if name in kind.checkers])
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
        library().Draft202012Validator.check_schema(schema, format_checker())
    except library().SchemaError as error:
        return error  # type: ignore[no-any-return]
    return None


_RARE_WORDS = ("$dynamicRef", "oneOf", "patternProperties", "unevaluatedItems", "dependentSchemas")
_WORDS = {*KEYWORDS, *_RARE_WORDS, "$id", "$defs", "$anchor", "definitions"}
_ONE_SCHEMA = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedItems", "unevaluatedProperties"),
)
_FORMAT_WORDS = {*FORMATS, *("date", "email", "idn-email", "ipv4", "ipv6", "regex", "uuid", "byte")}
_NAMED_SCHEMAS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED_SCHEMAS = ("allOf", "anyOf", "oneOf", "prefixItems")
_OTHER_WORDS = ("example", "nullable", "xml", "discriminator", "externalDocs")
"""OpenAPI's own keywords, which schemas are often copied with."""


def misspelt(
    schema: Json, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Yield the place, the word and the right one of each keyword and format that is misspelt.

    JSON Schema accepts unknown words, so that their fields would have another type in silence.
    """
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        if key not in (*_WORDS, *_OTHER_WORDS) and (meant := almost(key, _WORDS)):
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
    if fits(schema, value):
        return None
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
    return library().validators.extend(library().Draft202012Validator, keywords)


def _check_pattern(_: Any, pattern: str, instance: Json, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not search_with_timeout(
        compile_pattern(pattern).search, instance
    ):
        yield library().ValidationError(f"{instance!r} does not match {pattern!r}")


def _refuse_patterned_names(*_: Any) -> None:
    raise PatternError("patternProperties is not supported")


def _check_additional(validator: Any, keyword: Any, instance: Json, schema: Any) -> Any:
    if "patternProperties" in schema:
        _refuse_patterned_names()
    check = library().Draft202012Validator.VALIDATORS["additionalProperties"]
    return check(validator, keyword, instance, schema)


def not_json_schema(error: ValidationError | SchemaError) -> str:
    """Return the message of an invalid JSON Schema; the finding names the place."""
    if not isinstance(error.validator, str):
        return str(error.message)  # our own: a bound
    keyword = next((step for step in reversed(error.path) if isinstance(step, str)), None)
    found = f"found {quote_value(error.instance)}"
    if keyword == "type":
        return f"{found}, which is not a JSON Schema type{suggest(str(error.instance), TYPES)}"
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


def misfit(error: ValidationError) -> str:
    """Return why a value does not fit its schema: what was found and what is expected."""
    found = quote_value(error.instance)
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
    return str(error.message)


def quote_value(value: Json) -> str:
    """Return a value as a message quotes it: text in quotes, lists and mappings by their type."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return json.dumps(value, ensure_ascii=False)
