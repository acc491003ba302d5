"""A plain YAML scalar in, a JSON value out; what YAML readers disagree about is a problem."""

from __future__ import annotations

import math
import re

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
# What YAML 1.2 reads as a number or a word of its own, and JSON does not have.
_ELSEWHERE = re.compile(
    r"(?:True|TRUE|False|FALSE|Null|NULL"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+)\Z"
)
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
}
_MAX_DIGITS = 300

Scalar = str | int | float | bool | None


def plain_scalar(text: str) -> tuple[Scalar, tuple[str, str] | None]:
    """The value of an unquoted scalar, and what is wrong with it as (code, message)."""
    if text in _WORDS:
        return _WORDS[text], None
    first = text[0]
    if not (first.isdigit() or first in "+-.TFN"):
        return text, None
    if _INTEGER.match(text):
        if len(text) > _MAX_DIGITS:
            return 0, _out_of_range(text)
        return int(text), None
    if _NUMBER.match(text):
        number = float(text)
        return (number, None) if math.isfinite(number) else (0, _out_of_range(text))
    if _NOT_FINITE.match(text):
        return 0, _out_of_range(text)
    if _ELSEWHERE.match(text):
        return text, ("ambiguous-scalar", _ambiguous(text))
    return text, None


def _out_of_range(text: str) -> tuple[str, str]:
    shown = text if len(text) <= 20 else f"{text[:20]}…"
    return "number-out-of-range", f"found {shown}, expected a finite number as in JSON"


def _ambiguous(text: str) -> str:
    meant = text.lower() if text[0] in "TFN" else "a decimal number without leading zeros or '+'"
    return (
        f"found {text}, which YAML readers understand differently; "
        f"write {meant}, or put quotes around it if text is meant"
    )
