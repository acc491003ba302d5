"""Numbers whose digits a declared decimal, or a text, has to keep."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from framework.definition.defaults import columns_by_name
from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.json_text import KeepsDigits
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.text import Digits

Json = Any


def decimal_keys(resource: Resource) -> KeepsDigits | None:
    """Return which keys of records a declared decimal may come from; None if none is declared.

    Steps may give a decimal any other name, so with steps it is every key.
    """
    names, is_any = decimal_names(resource), bool(resource.steps)
    if not names:
        return None
    return lambda key: is_any or _last_name(key) in names


def decimal_names(resource: Resource) -> frozenset[str]:
    """Return the names of the fields that are declared as decimals or texts, without parents."""
    hints = [resource.columns]
    nested = (resource.hints.get("nested_hints") or {}).values()
    hints += [columns_by_name(hint.get("columns")) for hint in nested if isinstance(hint, dict)]
    paths = [
        name
        for columns in hints
        for name, hint in columns.items()
        if hint.get("data_type") in ("decimal", "wei", "text")
    ]
    if resource.schema is not None:
        for suffix, table in table_of(resource.schema).tables():
            decimals = [c.name for c in table.columns if c.data_type == "decimal"]
            paths += [suffix] if table.scalars and decimals else decimals
    return frozenset(map(_last_name, paths))


def to_floats(value: Json, names: Collection[str], *, is_kept: bool = False) -> None:
    """Make floats of the numbers in an object or a list that are text to keep their digits.

    Those stay whose key is among `names`, those of a list that `is_kept`, and integers.
    """
    for key, item in enumerate(value) if isinstance(value, list) else value.items():
        is_long = type(item) is Digits and not item.is_integer
        if not is_long and not isinstance(item, (dict, list)):
            continue
        is_named = _last_name(key) in names if isinstance(key, str) else is_kept
        if not is_long:
            to_floats(item, names, is_kept=is_named)
        elif not is_named:
            value[key] = float(item)


def _last_name(path: str) -> str:
    return normalize_path(path).rpartition(SEPARATOR)[2]
