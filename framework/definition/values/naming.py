"""dlt's snake_case naming convention, without importing dlt.

The rules are those of dlt.common.normalizers.naming.snake_case; a test compares both.
"""

from __future__ import annotations

import re
from functools import lru_cache

SEPARATOR = "__"
"""Between a parent and a child, in names of tables and of flattened columns."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""What users may call an account: its name becomes part of a dataset's."""

_REPLACED = str.maketrans("+-*@|", "x_xal")
_NOT_WORD = re.compile(r"[^a-zA-Z\d_]+")
_LEADING_DIGITS = re.compile(r"^\d+")
_UNDERSCORES = re.compile(r"__+")
_BREAK_BEFORE_WORD = re.compile("([^_])([A-Z][a-z]+)")
_BREAK_BEFORE_UPPER = re.compile("([a-z0-9])([A-Z])")


@lru_cache(maxsize=4096)
def normalize_identifier(name: str) -> str:
    """Return a name as dlt writes it, `Event Type` as `event_type`; not shortened.

    Raise ValueError for a name of spaces only, as dlt does.
    """
    name = name.strip()
    if not name:
        raise ValueError("found a name of spaces only, expected a letter or digit")
    name = _NOT_WORD.sub("_", name.translate(_REPLACED))
    name = _BREAK_BEFORE_WORD.sub(r"\1_\2", name)
    name = _BREAK_BEFORE_UPPER.sub(r"\1_\2", name).lower()
    if _LEADING_DIGITS.match(name):
        name = "_" + name
    stem = name.rstrip("_")
    return _UNDERSCORES.sub("_", stem + "x" * (len(name) - len(stem)))


def normalize_path(path: str) -> str:
    """Return a name whose parts are joined by `__`, each part normalized."""
    parts = [part for part in path.split(SEPARATOR) if part.strip()]
    return SEPARATOR.join(normalize_identifier(part) for part in parts)


def join_path(*names: str) -> str:
    """Return the path of nested names, each normalized: `a`, `B c` as `a__b_c`.

    dlt keeps a `__` in a field's own name.
    """
    return SEPARATOR.join(normalize_path(name) for name in names if name.strip())


_DEVICES = re.compile(r"con|prn|aux|nul|(?:com|lpt)\d")
_OWN_PREFIX = "_dlt_"


def reserved_table(name: str) -> str | None:
    """Return why dlt cannot load into a table of this name, or None.

    Raise ValueError for a name of spaces only.
    """
    table = normalize_path(name)
    if _DEVICES.fullmatch(table):
        return (
            f"found the table {table}, which Windows reserves for a device: dlt names its files "
            "by their tables, and refuses the name on every system"
        )
    if table.startswith(_OWN_PREFIX):
        return f"found the table {table}, but dlt's own tables begin with {_OWN_PREFIX}"
    return None
