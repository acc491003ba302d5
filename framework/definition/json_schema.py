"""jsonschema, without what makes it slow: import it, and check schemas, through here.

Its optional formats cost two seconds at import (`rfc3987_syntax` builds a parser, `isoduration`
brings a date library). While jsonschema is imported, stand-ins take their places, which load the
real ones when a value of such a format is first checked.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import ModuleType
from typing import Any


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

from framework.definition.expressions.patterns import PatternError, compiled, in_time  # noqa: E402
from framework.definition.plainly import plainly_valid  # noqa: E402

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
    if isinstance(instance, str) and not in_time(compiled(pattern).search, instance):
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
