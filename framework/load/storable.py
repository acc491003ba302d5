"""JSON values that dlt takes and cannot write, changed so that it can: what no schema declares.

Numbers past 64 bits get columns of their own, keys without a name get one.
"""

from __future__ import annotations

import re
from typing import Any

from framework.definition.json_text import Digits
from framework.definition.naming import SEPARATOR

Json = Any
DATA_TYPES = {int: "bigint", float: "double", str: "text", Digits: "text", bool: "bool"}
NAMELESS = "_empty"
"""What dlt calls the column of an empty key; it has no such name for a list there."""

SUSPECT = re.compile(rb'\d{19}|\de\+?\d\d|"[\s_]*":')
"""What a record looks like, written as JSON, where `storable` may have something to do."""


def storable(value: Json) -> Json:
    """The value as dlt can write it; a copy where anything had to change."""
    if isinstance(value, list):
        return [variant("value", v) if too_long(v) else storable(v) for v in value]
    if isinstance(value, dict):
        made: dict[str, Json] = {}
        for key, item in value.items():
            name = key if any(map(str.strip, key.split(SEPARATOR))) else NAMELESS
            made.update(variant(name, item) if too_long(item) else {name: storable(item)})
        return made
    return value


def too_long(value: Json) -> bool:
    """Whether dlt would take a number for 64 bits, and fail when it writes it."""
    if type(value) is float:
        return abs(value) >= 2**63
    if type(value) is int:  # of the file's own making
        return not -(2**63) <= value < 2**63
    return type(value) is Digits


def variant(key: str, value: Json) -> dict[str, Json]:
    """A plain value under the name that dlt gives one of another type than its column's; an
    integer past 64 bits is text there."""
    kind = "text" if type(value) is int and too_long(value) else DATA_TYPES[type(value)]
    return {f"{key}__v_{kind}": str(value) if kind == "text" else value}
