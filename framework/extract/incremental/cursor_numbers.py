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


class NumberText(str):
    """A number that is written as text, and compares with other text as a number."""

    number: Number

    def __new__(cls, text: str, number: Number) -> NumberText:
        """Return the text with its number."""
        self = super().__new__(cls, text)
        self.number = number
        return self

    def shifted(self, by: float) -> NumberText:
        """Return the number that is greater by so much."""
        number = Decimal(str(self.number)) + Decimal(str(by))
        number = number.to_integral_value() if number == number.to_integral_value() else number
        return NumberText(f"{number:f}", number)

    def _pair(self, other: str) -> tuple[Any, Any]:
        number = number_in(other)
        return (str(self), str(other)) if number is None else (self.number, number)

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same number."""
        if not isinstance(other, str):
            return False
        mine, others = self._pair(other)
        return bool(mine == others)

    def __ne__(self, other: object) -> bool:
        """Return whether they are not the same number."""
        return not self == other

    def __lt__(self, other: str) -> bool:
        """Compare with other text; text that is no number compares as text."""
        if not isinstance(other, str):
            return NotImplemented
        mine, others = self._pair(other)
        return bool(mine < others)

    def __gt__(self, other: str) -> bool:
        """Compare with other text."""
        if not isinstance(other, str):
            return NotImplemented
        mine, others = self._pair(other)
        return bool(mine > others)

    def __le__(self, other: str) -> bool:
        """Compare with other text."""
        return self < other or self == other

    def __ge__(self, other: str) -> bool:
        """Compare with other text."""
        return self > other or self == other

    def __hash__(self) -> int:
        """Return the number's hash."""
        return hash(self.number)


def comparable(value: Json) -> Json:
    """Return a cursor value as what compares: a number in text as NumberText, others unchanged."""
    if type(value) is str:
        number = number_in(value)
        return value if number is None else NumberText(value, number)
    return value


def plain(value: Json) -> Json:
    """Return a cursor value as the file and the API write it."""
    return str(value) if isinstance(value, NumberText) else value
