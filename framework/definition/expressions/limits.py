"""How much larger than its data an expression's answer can be, judged from its syntax tree.

`[@, @] | [@, @] | ...` doubles with each part: forty of them would fill any memory. Functions whose
answer depends on a number or on two texts have bounds of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import prod
from typing import Any, TypeVar

Json = Any


MAX_RESULT_SIZE = 100_000
"""As many times as large as its data an answer may be."""

_CHAINS = ("subexpression", "pipe", "index_expression", "projection", "value_projection")
_CHOICES = ("or_expression", "and_expression")
_TRUTHS = ("comparator", "not_expression")
_TOGETHER = ("merge", "zip")
"""Functions whose answer holds all of their arguments; those of others hold one, or a text."""
_MANY: Mapping[str, int] = {"range": 1_000}
"""Functions that make a list of nothing, and as how long it counts."""


def growth(node: Mapping[str, Json]) -> int:
    """How many copies of its data the largest value on the way can hold, at most MOST + 1;
    RecursionError where the tree is too deep to be judged."""
    return _weighed(node)[1]


def _weighed(node: Mapping[str, Json]) -> tuple[int, int]:
    """The weight of a node's own value, and of the heaviest one below it."""
    children = [child for child in node.get("children", ()) if isinstance(child, dict)]
    below = [_weighed(child) for child in children]
    own = min(_own(node, [weight for weight, _ in below]), MAX_RESULT_SIZE + 1)
    return own, max([own, *(most for _, most in below)])


def _own(node: Mapping[str, Json], weights: list[int]) -> int:
    kind = node["type"]
    if kind == "literal":
        return size_of(node["value"], MAX_RESULT_SIZE)
    if not weights or kind in _TRUTHS:
        return _MANY.get(str(node.get("value")), 1) if kind == "function_expression" else 1
    if kind in _CHAINS:
        return prod(weights)
    if kind == "filter_projection":  # what is left, what becomes of it, what it is chosen by
        return weights[0] * max(weights[1:])
    if kind in _CHOICES:
        return max(weights)
    if kind != "function_expression":
        return sum(weights)
    if any(child.get("type") == "expref" for child in node["children"]):
        return prod(weights)
    together = sum(weights) if node["value"] in _TOGETHER else max(weights)
    return max(together, _MANY.get(node["value"], 1))


def size_of(value: Json, most: int) -> int:
    """How many values are in a value, itself counted; counting ends at `most` + 1."""
    count, level = 0, [value]
    while level and count <= most:
        one = level.pop()
        count += 1
        if isinstance(one, dict):
            level.extend(one.values())
        elif isinstance(one, list):
            level.extend(one)
    return count


SECONDS = 1.0
"""As long as one pattern may look at one text."""

_MOST_REPEATS = 1_000_000
_REPEATS = re.compile(r"\{(\d*)(?:,(\d*))?\}")

T = TypeVar("T")


class PatternError(ValueError):
    """A text that is no regular expression, or one that gives up; names no data."""


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """The pattern, ready to be used; PatternError where it is none."""
    import regex  # 30 ms that most connectors do not need

    try:
        re.compile(pattern)
        # `regex` writes repeats out: (a{1000}){1000} and more would take all memory
        if math.prod(int(n) for pair in _REPEATS.findall(pattern) for n in pair if n not in "0") > (
            _MOST_REPEATS
        ):
            raise PatternError(f"it repeats more than {_MOST_REPEATS:,} times")
        return regex.compile(pattern)
    except (re.error, regex.error, RecursionError, OverflowError) as error:
        raise PatternError(str(error)) from None


def search_with_timeout(look: Callable[..., T], *arguments: Any) -> T:
    """What a compiled pattern's method answers; PatternError where that takes too long."""
    try:
        return look(*arguments, timeout=SECONDS)
    except TimeoutError:
        raise PatternError(
            f"the pattern was still looking after {SECONDS:g} s; one without repeats inside "
            "repeats is faster"
        ) from None
