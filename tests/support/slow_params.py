"""Parameters for the quick suite and for the slow one (`-m slow`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def quick_first(*values: Any, quick: int = 1) -> list[Any]:
    """Return the values as parameters, all but the first `quick` marked slow.

    A tuple is the values of several parameters.
    """
    return [*map(_param, values[:quick]), *(_param(v, slow=True) for v in values[quick:])]


def slow_unless(values: Iterable[Any], quick: Iterable[str], names: Any) -> list[Any]:
    """Return the values as parameters, marked slow unless `names(value)` is in `quick`."""
    wanted = set(quick)
    return [_param(value, slow=names(value) not in wanted) for value in values]


def _param(value: Any, *, slow: bool = False) -> Any:
    values = value if isinstance(value, tuple) else (value,)
    return pytest.param(*values, marks=[pytest.mark.slow] if slow else [])
