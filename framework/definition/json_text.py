"""A body's bytes in, its JSON out, with no digit lost and no nesting that others cannot bear.

ValueError says why a body is no JSON that can be used; the text of the body is never in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import orjson

from framework.text import MEMBER_NAME, Digits

MAX_DEPTH = 100
"""Objects and lists inside one another; dlt makes a table of each list, orjson writes 254."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"0" * 9)
_PAST_64_BITS = re.compile(rb"(?:^|[:,\[\s])-?(?:\d{20}|9[2-9]\d{17})")
_NO_NUMBER = re.compile(rb"[:,\[\s]-?(NaN|Infinity)")


def parse_json(body: bytes | str) -> tuple[Any, bool]:
    """The value, and whether it is what stands there. Integers past 64 bits are given as Digits:
    as numbers they would lose digits."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(_reason(error, body)) from None
    raw = body.encode() if isinstance(body, str) else body
    if may_be_deep(raw) and depth_of(found) > MAX_DEPTH:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")
    if may_be_past_64_bits(raw):
        return json.loads(raw, parse_int=_integer), False
    return found, True


def may_be_past_64_bits(body: bytes) -> bool:
    """Whether something looks like an integer that 64 bits do not hold."""
    # looking for digits costs a tenth of parsing, the expression twice as much as parsing
    alike = body.translate(_DIGITS_ALIKE)
    return b"0" * 19 in alike and _PAST_64_BITS.search(body) is not None


def may_repeat_keys(body: bytes, parsed: Any) -> bool:
    """Whether what was parsed has other quotes than the body: a key that an object has twice is
    not there any more. False is sure, but for texts that have the escape of a quote as text."""
    # writing and counting take a quarter of the time of parsing; Digits are no text in the body
    numbers = orjson.OPT_PASSTHROUGH_SUBCLASS
    written = orjson.dumps(parsed, default=lambda _: 0, option=numbers)
    return body.count(b'"') + body.count(rb"\u0022") != written.count(b'"')


def repeated_keys(body: bytes) -> Counter[str]:
    """How many objects have a key more than once, by key. A key that is no name may be somebody's:
    it is counted as `…`. The body has to be JSON."""
    found: Counter[str] = Counter()

    def made(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) < len(pairs):
            twice = Counter(key if MEMBER_NAME.fullmatch(key) else "…" for key, _ in pairs)
            found.update({key: 1 for key, count in twice.items() if count > 1})

    json.loads(body, object_pairs_hook=made)
    return found


def depth_of(value: Any) -> int:
    """How many objects and lists are inside one another; 0 for a plain value."""
    depth, level = 0, [value]
    while True:
        level = [one for one in level if isinstance(one, (dict, list))]
        if not level:
            return depth
        depth += 1
        level = [x for one in level for x in (one.values() if isinstance(one, dict) else one)]


def _integer(text: str) -> int | str:
    """The number where 64 bits hold it, else its digits."""
    if len(text) > 20:
        return Digits(text)
    number = int(text)
    return number if -(2**63) <= number < 2**63 else Digits(text)


def may_be_deep(body: bytes) -> bool:
    """Whether brackets taken away in pairs, innermost first, leave more than the limit allows.

    Brackets inside of texts count too, so it is a guess: true is looked into, and what passes
    without being true meets orjson's own limit when it is kept.
    """
    left = body.translate(None, _NOT_BRACKETS)
    rounds = 0
    while left and rounds <= MAX_DEPTH:
        fewer = left.replace(b"[]", b"").replace(b"{}", b"")
        rounds += 1
        if len(fewer) == len(left):
            break
        left = fewer
    return 2 * rounds + len(left) > MAX_DEPTH  # a round takes at most two levels


def _reason(error: orjson.JSONDecodeError, body: bytes | str) -> str:
    """The parser's words and the place, with a word for what JSON does not have."""
    raw = body.encode("utf-8", "replace") if isinstance(body, str) else body
    word = _NO_NUMBER.search(raw)
    if word is not None:
        return f"it holds {word[1].decode()}, which JSON does not have"
    if "depth limit" in error.msg:
        return f"it is nested deeper than {MAX_DEPTH} levels"
    return f"{error.msg} at line {error.lineno}, column {error.colno}"
