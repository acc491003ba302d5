"""Messages of the control channel as they arrive: what has not the shape expected is refused.

A message is an object with a `type`. A report of a unit is about one budget, and has any of: ages
of ended requests in milliseconds, tokens and places returned, numbers learned, a pause, tokens and
places wanted.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

Message = dict[str, Any]
LARGEST = 1 << 40
"""The largest number of a message."""


class InvalidMessage(Exception):
    """A message has not the shape expected."""


def text_of(message: Message, name: str) -> str:
    """Return a text of the message."""
    value = message.get(name)
    if not isinstance(value, str):
        raise InvalidMessage(f"{name} is not a text")
    return value


def integer_of(message: Message, name: str) -> int:
    """Return a count of the message."""
    value = message.get(name)
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise InvalidMessage(f"{name} is not a count")
    return value


def object_of(message: Message, name: str) -> dict[str, Any]:
    """Return an object of the message."""
    value = message.get(name)
    if not isinstance(value, dict):
        raise InvalidMessage(f"{name} is not an object")
    return value


def list_of(value: Any, length: int | None = None) -> list[Any]:
    """Return a value of a message that is a list, of that length if it is given."""
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise InvalidMessage("found no list of the expected length")
    return value


def number_of(value: Any) -> float:
    """Return a value of a message that is a number, not negative."""
    if type(value) not in (int, float) or not isfinite(value) or not 0 <= value <= LARGEST:
        raise InvalidMessage("found no number of 0 or more")
    return float(value)


def optional_count_of(value: Any) -> int | None:
    """Return a value of a message that is a number or null, without its fraction."""
    return None if value is None else int(number_of(value))
