"""What a value is, and what was expected, in the words of someone writing YAML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = Any

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}
_LONGEST = 60
_PLACEHOLDER = re.compile(r"(?:config|secrets|resources|incremental)\.\S+\Z")
_BOOLEANS = {"yes", "no", "on", "off", "y", "n", "true", "false"}


def found(value: Json) -> str:
    """The value as a message names it: text 'abc', the number 5, a list, nothing (null)."""
    if value is None:
        return "nothing (null)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"text '{shortened(value)}'"
    if isinstance(value, int | float):
        return f"the number {shortened(str(value))}"
    kind = "list" if isinstance(value, list) else "mapping"
    return f"a {kind}" if value else f"an empty {kind}"


def shortened(text: str) -> str:
    """One line of at most 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def types(names: str | Iterable[str]) -> str:
    """JSON Schema types as `a list, a mapping or text`; null is left out beside others."""
    listed = [names] if isinstance(names, str) else list(names)
    return alternatives(_TYPES[name] for name in listed if name != "null" or len(listed) == 1)


def values(allowed: Iterable[Json]) -> str:
    """Allowed values as `append, replace or merge`; null is left out beside others."""
    every = list(allowed)
    return alternatives(plain(value) for value in every if value is not None or len(every) == 1)


def plain(value: Json) -> str:
    """A scalar as it is written in YAML."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def alternatives(words: Iterable[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    *first, last = list(words)
    return f"{', '.join(first)} or {last}" if first else last


def together(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = list(words)
    return f"{', '.join(first)} and {last}" if first else last


def remedy(value: Json, expected: str | Iterable[str]) -> str:
    """What to do about a value of the wrong type, as the end of a message, or nothing."""
    wanted = {expected} if isinstance(expected, str) else set(expected)
    placeholder = _unquoted_placeholder(value)
    if placeholder:
        return f'; a text that starts with {{ needs quotes: "{{{placeholder}}}"'
    if isinstance(value, str):
        return _text_remedy(value, wanted)
    if isinstance(value, bool | int | float) and wanted & {"string"}:
        return f'; put quotes around it: "{plain(value)}"'
    if value is None:
        return "; write a value after the colon, or take the key away"
    if wanted - {"null"} == {"array"}:
        if isinstance(value, dict):
            return "; begin each item with `- `"
        return f"; write [{plain(value)}]"
    if isinstance(value, list) and len(value) == 1 and "object" in wanted:
        return "; take away the `- ` or the [ ]"
    return ""


def _text_remedy(value: str, wanted: set[str]) -> str:
    if "boolean" in wanted and value.lower() in _BOOLEANS:
        return f"; write {'true' if value.lower() in ('yes', 'on', 'y', 'true') else 'false'}"
    if wanted & {"integer", "number"} and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return "; take away the quotes"
    if "array" in wanted and "object" not in wanted:
        return f"; write [{shortened(value)}]"
    return ""


def _unquoted_placeholder(value: Json) -> str | None:
    """`{config.x}` without quotes is YAML for a mapping whose key has no value."""
    if isinstance(value, Mapping) and len(value) == 1:
        key, inner = next(iter(value.items()))
        if inner is None and isinstance(key, str) and _PLACEHOLDER.match(key):
            return key
    return None
