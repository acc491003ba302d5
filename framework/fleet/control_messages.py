"""Messages of the control channel as they arrive: what has not the shape expected is refused.

A message is an object with a `type`. A report of a unit is about one budget, and has any of: ages
of ended requests in milliseconds, tokens returned, numbers learned, a pause, tokens wanted.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

from framework.fleet.budgets import Budgets, Message

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


def declare_limit(budgets: Budgets, unit: str, message: Message) -> None:
    """Add a unit to a budget on the terms that it declares."""
    per = _number(message.get("per"))
    if not per:
        raise InvalidMessage("per is 0")
    budgets.declare(
        text_of(message, "key"),
        unit,
        requests=_optional_count(message.get("requests")),
        per=per,
        per_day=_optional_count(message.get("per_day")),
        max_in_flight=_optional_count(message.get("max_in_flight")),
    )


def apply_report(budgets: Budgets, unit: str, message: Message) -> None:
    """Pass what a unit reports about a budget to the budgets."""
    key = text_of(message, "key")
    if "ended" in message:
        budgets.end(key, unit, [_number(age) / 1000 for age in _list(message["ended"])])
    if "returned" in message:
        budgets.give_back(key, unit, integer_of(message, "returned"))
    if "learned" in message:
        allowed, remaining, reset = _list(message["learned"], 3)
        budgets.learn(
            key,
            _optional_count(allowed),
            _optional_count(remaining),
            None if reset is None else _number(reset),
        )
    if "pause" in message:
        seconds, why = _list(message["pause"], 2)
        budgets.pause(key, _number(seconds), str(why))
    if "wanted" in message:
        budgets.ask(key, unit, integer_of(message, "wanted"))


def _list(value: Any, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or (length is not None and len(value) != length):
        raise InvalidMessage("not a list of the length expected")
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value) or not 0 <= value <= LARGEST:
        raise InvalidMessage("not a number from 0")
    return float(value)


def _optional_count(value: Any) -> int | None:
    return None if value is None else int(_number(value))
