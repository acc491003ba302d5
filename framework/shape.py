"""What an answer is made of, in words that show none of its values."""

from __future__ import annotations

from typing import Any

from framework.definition.json_text import NAME, Digits

Json = Any
KINDS = {
    bool: "true or false",
    int: "an integer",
    Digits: "an integer",
    float: "a number",
    str: "text",
    dict: "an object",
    list: "a list",
    type(None): "null",
}
"""How a value's type is told."""


def kind_of(value: Json) -> str:
    """`text`, `a list`: the type of a value in the words of JSON."""
    return KINDS.get(type(value), type(value).__name__)


def shape_of(body: Json) -> str:
    """`its keys are a, b`, `it is a list`: the end of a message on what was not found."""
    if not isinstance(body, dict):
        return f"it is {kind_of(body)}"
    # an object may be a list by e-mail address or token: only names are shown
    names = [key if NAME.fullmatch(key) else "…" for key in body]
    keys = ", ".join(dict.fromkeys(names[:10])) + (", …" if len(names) > 10 else "")
    return f"its keys are {keys}" if keys else "it is empty"
