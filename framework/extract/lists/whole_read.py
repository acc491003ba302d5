"""What one run has read completely of a resource, so that a record that is missing is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True)
class CursorBounds:
    """The values of an incremental's cursor that a run has requested, from `low` to `high`.

    They are as they compare: times, numbers or texts; None is no bound. `low_sent` and `high_sent`
    are the same as requests send them.
    """

    path: str
    low: Json = None
    high: Json = None
    low_sent: Json = None
    high_sent: Json = None
    includes_low: bool = True
    includes_high: bool = False


@dataclass(frozen=True)
class WholeRead:
    """What was read completely: all lists, or those whose records have these values.

    `lists` are the values of the columns that `include_from_parent` adds, one mapping a list; None
    means all lists that there are.
    """

    lists: tuple[Mapping[str, Json], ...] | None = None
    bounds: CursorBounds | None = None
