"""The windows in which a list is read: from a start to an end, a step at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from framework.definition.durations import Period
from framework.errors import RecordError

Json = Any
MAX_WINDOWS = 100_000
"""More than anybody means: a step of seconds over years."""


@dataclass(frozen=True)
class Window:
    """One asking of a list. `values` are those of its placeholders, by their text.

    `following` is where the next window starts, or where the last one ends; None where a list is
    not read in windows.
    """

    values: dict[str, Json] = field(default_factory=dict)
    following: datetime | None = None


WHOLE = Window()
"""The asking of a list that has no incremental."""


def split(
    start: datetime, end: datetime, step: Period, granularity: timedelta | None
) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Start, end as it is asked for, and start of the next, of each window; one at least.

    Steps are counted from `start`, so months keep its day. The last window ends at `end`.
    """
    begin = start
    for number in range(1, MAX_WINDOWS + 1):
        following = step.after(start, number)
        if following >= end:
            yield begin, max(begin, end), max(begin, end)
            return
        yield begin, following - (granularity or timedelta(0)), following
        begin = following
    raise RecordError(
        f"`step` would make more than {MAX_WINDOWS:,} windows from {start:%Y-%m-%d} to "
        f"{end:%Y-%m-%d}; write a longer one"
    )
