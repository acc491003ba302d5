"""What a function of expressions is: its name, what it takes, and how it is called.

A table entry says what a call may look like, so that unknown functions and wrong arity are found
when an expression is compiled.
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
    """A call that cannot be answered: a wrong type or value. Names the function, not the data."""


@dataclass(frozen=True)
class Function:
    """`types` are the accepted JMESPath types of each argument, `required` how many must be
    given; with `variadic` the last may be repeated. `call` is None for JMESPath's own."""

    name: str
    types: tuple[tuple[str, ...], ...]
    required: int
    variadic: bool = False
    call: Callable[..., Json] | None = None

    def arity_error(self, given: int) -> str | None:
        """What is wrong with a call of so many arguments, or None."""
        most = None if self.variadic else len(self.types)
        if given >= self.required and (most is None or given <= most):
            return None
        if most is None:
            wanted = f"at least {self.required}"
        elif most == self.required:
            wanted = str(most)
        else:
            wanted = " or ".join(str(count) for count in range(self.required, most + 1))
        plural = "argument" if wanted in ("1", "at least 1") else "arguments"
        return f"{self.name}() takes {wanted} {plural}, found {given}"


def integer(name: str, value: float) -> int:
    """A number that is whole; FunctionError where it is not."""
    if value != int(value):
        raise FunctionError(f"{name}() wants a whole number")
    return int(value)


def whole(name: str, value: float | None) -> int | None:
    """A number that counts something, or None."""
    if value is None:
        return None
    if value < 0:
        raise FunctionError(f"{name}() wants a number that is not negative")
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
