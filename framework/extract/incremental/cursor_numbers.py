"""Cursor values that are numbers, also those that an API writes as text."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

Json = Any
Number = int | float | Decimal

_WRITTEN = re.compile(r"-?\d{1,100}(?:\.\d{1,100})?", re.ASCII)


def number_in(value: Json) -> Number | None:
    """Return a number, also one that is written as text, or None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float, Decimal)):
        return value
    if isinstance(value, str) and _WRITTEN.fullmatch(value):
        return Decimal(value) if "." in value else int(value)
    return None
