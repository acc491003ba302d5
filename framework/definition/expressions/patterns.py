"""Regular expressions of a connector file: looked at with the file, bounded in time where used.

Some patterns take longer than anyone lives on a text that does not fit, and both the pattern and
the text may be a stranger's. `regex` reads Python's own patterns and can be told to give up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

SECONDS = 1.0
"""As long as one pattern may look at one text."""

_MOST_REPEATS = 1_000_000
_REPEATS = re.compile(r"\{(\d*)(?:,(\d*))?\}")

T = TypeVar("T")


class PatternError(ValueError):
    """A text that is no regular expression, or one that gives up; names no data."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
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


def in_time(look: Callable[..., T], *arguments: Any) -> T:
    """What a compiled pattern's method answers; PatternError where that takes too long."""
    try:
        return look(*arguments, timeout=SECONDS)
    except TimeoutError:
        raise PatternError(
            f"the pattern was still looking after {SECONDS:g} s; one without repeats inside "
            "repeats is faster"
        ) from None
