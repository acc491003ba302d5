"""jsonschema, imported without the second or two that two of its optional formats cost.

`rfc3987_syntax` builds a parser at import and `isoduration` brings a date library; both serve
formats that hardly any schema names. Until jsonschema is imported, stand-ins take their places,
which load the real ones when a value is first checked. Import jsonschema from here.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


class DurationFormatError(Exception):
    """A text that is no ISO 8601 duration, as the stand-in for isoduration says it."""


def _is_valid_syntax(*arguments: Any) -> Any:
    return importlib.import_module("rfc3987_syntax").is_valid_syntax(*arguments)


def _parse_duration(text: str) -> Any:
    real = importlib.import_module("isoduration")
    try:
        return real.parse_duration(text)
    except real.DurationParsingException as error:
        raise DurationFormatError(str(error)) from None


_STAND_INS: dict[str, dict[str, Any]] = {
    "rfc3987_syntax": {"is_valid_syntax": _is_valid_syntax},
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
from jsonschema.exceptions import SchemaError  # noqa: E402

__all__ = ["Draft202012Validator", "FormatChecker", "SchemaError", "ValidationError"]
