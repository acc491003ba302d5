"""Parse JSON without losing digits, and refuse nesting that other libraries cannot handle.

ValueError says why a body is not usable JSON; it never quotes the body.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import orjson

from framework.text import MEMBER_NAME, Digits

MAX_DEPTH = 100
"""The most objects and lists inside one another; dlt makes a table of each, orjson writes 254."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_PAST_64_BITS = re.compile(rb"(?:^|[:,\[\s])-?(?:\d{20}|9[2-9]\d{17})")
_NO_NUMBER = re.compile(rb"[:,\[\s]-?(NaN|Infinity)")


def parse_json(body: bytes | str) -> tuple[Any, bool]:
    """Return the value, and whether it is exact.

    If it has integers past 64 bits, it is not: they become Digits, since a float loses digits.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(_reason(error, body)) from None
    raw = body.encode() if isinstance(body, str) else body
    if may_be_deep(raw) and depth_of(value) > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    if may_be_past_64_bits(raw):
        return json.loads(raw, parse_int=_integer), False
    return value, True


def may_be_past_64_bits(body: bytes) -> bool:
    """Return whether something looks like an integer past 64 bits."""
    # searching for digits costs a tenth of parsing, the expression twice as much as parsing
    alike = body.translate(_DIGITS_ALIKE)
    return b"0" * 19 in alike and _PAST_64_BITS.search(body) is not None


def may_repeat_keys(body: bytes, parsed: Any) -> bool:
    """Return whether an object may have a key twice: the parsed value has fewer quotes.

    False is certain, except for text that contains the escape of a quote as text.
    """
    # this takes a quarter of the time of parsing; Digits have no quotes in the body
    numbers = orjson.OPT_PASSTHROUGH_SUBCLASS
    dumped = orjson.dumps(parsed, default=lambda _: 0, option=numbers)
    return body.count(b'"') + body.count(rb"\u0022") != dumped.count(b'"')


def repeated_keys(body: bytes) -> Counter[str]:
    """Count the objects that have a key more than once, by key. The body must be valid JSON.

    A key that is not a plain name may be personal, and is counted as `…`.
    """
    objects: Counter[str] = Counter()

    def count_repeats(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) < len(pairs):
            keys = Counter(key if MEMBER_NAME.fullmatch(key) else "…" for key, _ in pairs)
            objects.update({key: 1 for key, count in keys.items() if count > 1})

    json.loads(body, object_pairs_hook=count_repeats)
    return objects


def depth_of(value: Any) -> int:
    """Return how many objects and lists are inside one another; 0 for a scalar."""
    depth, level = 0, [value]
    while True:
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return depth
        depth += 1
        level = [x for one in level for x in (one.values() if isinstance(one, dict) else one)]


def _integer(text: str) -> int | str:
    """Return the number, or its digits if it is past 64 bits."""
    if len(text) > 20:
        return Digits(text)
    number = int(text)
    return number if -(2**63) <= number < 2**63 else Digits(text)


def may_be_deep(body: bytes) -> bool:
    """Return whether removing brackets in pairs, innermost first, leaves more than MAX_DEPTH.

    Brackets inside text count too, so True is to be checked. What wrongly passes as False meets
    orjson's own limit when it is written.
    """
    left = body.translate(None, _NOT_BRACKETS)
    rounds = 0
    while left and rounds <= MAX_DEPTH:
        fewer = left.replace(b"[]", b"").replace(b"{}", b"")
        rounds += 1
        if len(fewer) == len(left):
            break
        left = fewer
    return 2 * rounds + len(left) > MAX_DEPTH  # a round removes at most two levels


def _reason(error: orjson.JSONDecodeError, body: bytes | str) -> str:
    """Return the parser's message and place, or what the body has that JSON does not."""
    raw = body.encode("utf-8", "replace") if isinstance(body, str) else body
    word = _NO_NUMBER.search(raw)
    if word is not None:
        return f"it holds {word[1].decode()}, which JSON does not have"
    if "depth limit" in error.msg:
        return f"it is nested deeper than {MAX_DEPTH} levels"
    return f"{error.msg} at line {error.lineno}, column {error.colno}"
