"""Bounds of expressions: how far a result can outgrow its data, and how long a pattern may run.

`[@, @] | [@, @] | ...` doubles with each part: forty of them would fill any memory. Functions whose
result depends on a number or on two texts have bounds of their own.
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
"""The most times that a result may be larger than its data."""

_CHAINS = ("subexpression", "pipe", "index_expression", "projection", "value_projection")
_CHOICES = ("or_expression", "and_expression")
_TRUTHS = ("comparator", "not_expression")
_TOGETHER = ("merge", "zip")
"""Functions whose result holds all of their arguments; that of others holds one, or text."""
_MANY: Mapping[str, int] = {"range": 1_000}
"""Functions that return a list without data, and the length that it counts as."""


def growth(node: Mapping[str, Json]) -> int:
    """Return how many copies of its data the largest intermediate value can hold.

    Counting ends at MAX_RESULT_SIZE + 1. Raise RecursionError if the tree is too deep.
    """
    return _weights(node)[1]


def _weights(node: Mapping[str, Json]) -> tuple[int, int]:
    """Return the weight of a node's own value, and that of the heaviest node in it."""
    children = [child for child in node.get("children", ()) if isinstance(child, dict)]
    below = [_weights(child) for child in children]
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
    if kind == "filter_projection":
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
    """Return the number of values in a value, itself included; counting ends at `most` + 1."""
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
"""The most time that one pattern may take on one text."""

_MOST_REPEATS = 1_000_000
_REPEATS = re.compile(r"\{(\d*)(?:,(\d*))?\}")

T = TypeVar("T")


class PatternError(ValueError):
    """A regular expression is not valid or takes too long. The message does not name the data."""


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """Return the compiled pattern. Raise PatternError if it is not valid."""
    import regex  # 30 ms that most connectors do not need

    try:
        re.compile(pattern)
        # `regex` expands repeats: (a{1000}){1000} and more would take all memory
        if math.prod(int(n) for pair in _REPEATS.findall(pattern) for n in pair if n not in "0") > (
            _MOST_REPEATS
        ):
            raise PatternError(f"it repeats more than {_MOST_REPEATS:,} times")
        return regex.compile(pattern)
    except (re.error, regex.error, RecursionError, OverflowError) as error:
        raise PatternError(str(error)) from None


def search_with_timeout(search: Callable[..., T], *arguments: Any) -> T:
    """Call a method of a compiled pattern. Raise PatternError if it takes too long."""
    try:
        return search(*arguments, timeout=SECONDS)
    except TimeoutError:
        raise PatternError(
            f"the pattern was still searching after {SECONDS:g} s; one without repeats inside "
            "repeats is faster"
        ) from None
