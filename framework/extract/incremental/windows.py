"""Windows: split the range of an incremental into steps that are read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from framework.definition.model import WEEKDAYS
from framework.definition.values.datetimes import shifted
from framework.definition.values.durations import DurationError, Period
from framework.errors import RecordError

Json = Any
MAX_WINDOWS = 100_000
"""A limit against mistakes such as a step of seconds over years."""


@dataclass(frozen=True)
class Window:
    """One read of a list. `values` are the values of its placeholders by name.

    `begin` is its start, `following` that of the next window or the end of the last one; both are
    None without windows.
    """

    values: dict[str, Json] = field(default_factory=dict)
    following: datetime | None = None
    begin: datetime | None = None


WHOLE = Window()
"""The window of a list without an incremental."""


def split(
    start: datetime, end: datetime, step: Period, granularity: timedelta | None
) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Yield each window as its start, its requested end and the next one's start; at least one.

    Steps are counted from `start`, so months keep its day. The last window ends at `end`. Raise
    RecordError if there are more than MAX_WINDOWS.
    """
    begin = start
    for number in range(1, MAX_WINDOWS + 1):
        try:
            following = step.after(start, number)
        except DurationError:  # past the year 9999, so past the end
            following = end
        if following >= end:
            yield begin, max(begin, end), max(begin, end)
            return
        yield begin, shifted(following, -(granularity or timedelta(0))), following
        begin = following
    raise RecordError(
        f"`step` would make more than {MAX_WINDOWS:,} windows from {start:%Y-%m-%d} to "
        f"{end:%Y-%m-%d}; write a longer one"
    )


def aligned(moment: datetime, unit: str, zone: tzinfo) -> datetime:
    """Return the beginning of the day, week or month in which a moment lies, by a zone's clock.

    A week is named by the day that it begins with.
    """
    local = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    if unit == "month":
        return local.replace(day=1)
    since = 0 if unit == "day" else (local.weekday() - WEEKDAYS.index(unit)) % 7
    return shifted(local, -timedelta(days=since))


def split_aligned(
    start: datetime, end: datetime, step: Period, granularity: timedelta | None
) -> Iterator[tuple[datetime, datetime, datetime]]:
    """Yield windows as `split` does, without one that has not ended; none if there is none.

    `start` and `end` are aligned, so that all windows are.
    """
    if start >= end:
        return
    for begin, until, following in split(start, end, step, granularity):
        if following == end:
            until = shifted(end, -(granularity or timedelta(0)))
        yield begin.astimezone(UTC), until.astimezone(UTC), following.astimezone(UTC)


def middle(begin: datetime, end: datetime, unit: timedelta) -> datetime | None:
    """Return where a window is divided: whole units after its start; None if it has only one."""
    units = (end - begin) // unit
    return begin + unit * (units // 2) if units > 1 else None
