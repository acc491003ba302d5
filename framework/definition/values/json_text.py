"""Parse JSON without losing digits, and refuse nesting that other libraries cannot handle.

ValueError says why a body is not usable JSON; it never quotes the body.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import orjson

from framework.text import MEMBER_NAME, Digits

KeepsDigits = Callable[[str], bool]
"""Whether the numbers under a key must keep all their digits."""

MAX_DEPTH = 100
"""The most objects and lists inside one another; dlt makes a table of each, orjson writes 254."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_DIGITS_AND_POINTS_ALIKE = bytes.maketrans(b"123456789.", b"0" * 10)
_LONE_SURROGATE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""Matches every escape; group 1 is one of half a character."""
_PAST_64_BITS = re.compile(rb"(?:^|[:,\[\s])-?(?:\d{20}|9[2-9]\d{17})")
_DIGITS = re.compile(rb"\d+")
_NO_NUMBER = re.compile(rb"[:,\[\s]-?(NaN|Infinity)")
_NUMBER_OR_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"|-?\b(?:NaN|Infinity)\b', re.DOTALL)
_GUARD = re.compile(r"^\s*(?:\)\]\}'?,?|while\s*\(1\);|for\s*\(;;\);)\s*")


def without_guard(text: str) -> str:
    """Return JSON without what some APIs write before it, so that browsers do not run it."""
    return _GUARD.sub("", text)


def with_nulls(text: str) -> str:
    """Return JSON with null in place of the numbers that it does not have, such as NaN."""
    return _NUMBER_OR_STRING.sub(lambda found: found[0] if found[0][0] == '"' else "null", text)


def parse_json(body: bytes | str, decimals: KeepsDigits | None = None) -> tuple[Any, bool]:
    """Return the value, and whether it is exact.

    It is not if it has integers past 64 bits, which become Digits, since a float loses digits; so
    do other numbers that a float does not hold, under the keys that `decimals` names. Half of a
    surrogate pair becomes U+FFFD, and the value is not exact either.
    """
    raw = body.encode() if isinstance(body, str) else body
    is_whole = True
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if not has_lone_surrogates(raw):
            raise ValueError(_reason(error, body)) from None
        raw, is_whole = _LONE_SURROGATE.sub(_replace_lone, raw), False
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as other:
            raise ValueError(_reason(other, raw)) from None
    if may_be_deep(raw) and depth_of(value) > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    if decimals is not None and may_be_long_number(raw):
        hook = partial(_with_floats, decimals)
        return json.loads(raw, parse_int=_integer, parse_float=_number, object_hook=hook), False
    if may_be_past_64_bits(raw):
        return json.loads(raw, parse_int=_integer), False
    return value, is_whole


def has_lone_surrogates(body: bytes) -> bool:
    """Return whether a text has the escape of half a character, as one that was cut has."""
    if rb"\u" not in body:
        return False
    return any(found[1] for found in _LONE_SURROGATE.finditer(body))


def _replace_lone(found: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if found[1] else found[0]


def may_be_long_number(body: bytes) -> bool:
    """Return whether something has more digits than every float holds."""
    return b"0" * 17 in body.translate(_DIGITS_AND_POINTS_ALIKE)


def _with_floats(keeps: KeepsDigits, record: dict[str, Any]) -> dict[str, Any]:
    """Make a float of each number that is not an integer and whose digits need not be kept."""
    for key, value in record.items():
        if type(value) is Digits:
            if not value.is_integer and not keeps(key):
                record[key] = float(value)
        elif type(value) is list and not keeps(key):
            record[key] = [float(x) if type(x) is Digits and not x.is_integer else x for x in value]
    return record


def _number(text: str) -> float | str:
    """Return the number as a float if that has its digits, else the digits."""
    number = float(text)
    return number if Decimal(repr(number)) == Decimal(text) else Digits(text)


def may_be_past_64_bits(body: bytes) -> bool:
    """Return whether something looks like an integer past 64 bits."""
    # finding long runs of digits costs a tenth of parsing, the expression ten times as much as it
    alike, end = body.translate(_DIGITS_ALIKE), 0
    while (start := alike.find(b"0" * 19, end)) >= 0:
        for before in (start - 2, start - 1):  # with a sign, and without
            if _PAST_64_BITS.match(body, max(before, 0)):
                return True
        run = _DIGITS.match(alike, start)
        assert run is not None
        end = run.end()
    return False


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
