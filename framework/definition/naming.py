"""What dlt calls things: its snake_case naming convention, done again without importing dlt.

The source of the rules is dlt.common.normalizers.naming.snake_case; a test compares both.
"""

from __future__ import annotations

import re
from functools import lru_cache

SEPARATOR = "__"
"""Between a parent and a child, in names of tables and of flattened columns."""

_REPLACED = str.maketrans("+-*@|", "x_xal")
_NOT_WORD = re.compile(r"[^a-zA-Z\d_]+")
_LEADING_DIGITS = re.compile(r"^\d+")
_UNDERSCORES = re.compile(r"__+")
_BREAK_BEFORE_WORD = re.compile("([^_])([A-Z][a-z]+)")
_BREAK_BEFORE_UPPER = re.compile("([a-z0-9])([A-Z])")


@lru_cache(maxsize=4096)
def normalize_identifier(name: str) -> str:
    """One name as dlt writes it, `Event Type` as `event_type`; not shortened.

    Raises ValueError for a name of nothing but spaces, as dlt does.
    """
    name = name.strip()
    if not name:
        raise ValueError("a name of nothing but spaces has no normalized form")
    name = _NOT_WORD.sub("_", name.translate(_REPLACED))
    name = _BREAK_BEFORE_WORD.sub(r"\1_\2", name)
    name = _BREAK_BEFORE_UPPER.sub(r"\1_\2", name).lower()
    if _LEADING_DIGITS.match(name):
        name = "_" + name
    kept = name.rstrip("_")
    return _UNDERSCORES.sub("_", kept + "x" * (len(name) - len(kept)))


def normalize_path(path: str) -> str:
    """A name whose parts are joined by `__`, each part normalized."""
    parts = [part for part in path.split(SEPARATOR) if part.strip()]
    return SEPARATOR.join(normalize_identifier(part) for part in parts)


def join_path(*names: str) -> str:
    """Names one below the other, each normalized: `a`, `B c` as `a__b_c`."""
    return SEPARATOR.join(normalize_identifier(name) for name in names if name.strip())
