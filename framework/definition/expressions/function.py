"""Describe a function of expressions: its name, the types of its arguments, and its Python code.

Unknown functions and wrong argument counts are found when an expression is compiled.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Json = Any

STRING, NUMBER, ARRAY, OBJECT = ("string",), ("number",), ("array",), ("object",)
ANY: tuple[str, ...] = ()
"""The accepted JMESPath types of an argument."""


class FunctionError(ValueError):
    """A call with a wrong type or value. The message names the function, not the data."""


@dataclass(frozen=True)
class Function:
    """A function that expressions may call.

    `types` are the accepted JMESPath types of each argument, of which `required` are needed; with
    `variadic` the last may be repeated. `call` is None for JMESPath's own functions.
    """

    name: str
    types: tuple[tuple[str, ...], ...]
    required: int
    variadic: bool = False
    call: Callable[..., Json] | None = None

    def arity_error(self, count: int) -> str | None:
        """Return why a call with `count` arguments is not valid, or None."""
        most = None if self.variadic else len(self.types)
        if count >= self.required and (most is None or count <= most):
            return None
        if most is None:
            expected = f"at least {self.required}"
        else:
            expected = " or ".join(str(number) for number in range(self.required, most + 1))
        plural = "" if expected in ("1", "at least 1") else "s"
        return f"{self.name}() takes {expected} argument{plural}, found {count}"


def integer(name: str, value: float) -> int:
    """Return the value as an int. Raise FunctionError if it is not whole."""
    if value != int(value):
        raise FunctionError(f"{name}() expects a whole number")
    return int(value)


def whole(name: str, value: float | None) -> int | None:
    """Return a count, or None. Raise FunctionError if it is negative or not whole."""
    if value is None:
        return None
    if value < 0:
        raise FunctionError(f"{name}() expects a number that is not negative")
    return integer(name, value)


TYPE_NAMES = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
"""The JMESPath types of plain values."""


def type_name(value: Json) -> str:
    """Return the JMESPath type of a value."""
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return TYPE_NAMES.get(type(value), "expression")
