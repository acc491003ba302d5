"""An incremental's values as times: read from the file, the state and records, and written.

Where the file says nothing of formats, steps or a lookahead, values are compared as they are and
none of this is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from framework.definition.datetimes import TimeError, has_clock, read_time, same_format, write_time
from framework.definition.model import Incremental
from framework.errors import RecordError

Json = Any


@dataclass(frozen=True)
class CursorTimes:
    """`sent` is the form of requests and of the state, `records` those of records."""

    sent: str
    records: tuple[str, ...]

    @classmethod
    def of(cls, spec: Incremental) -> CursorTimes:
        """The forms of an incremental whose values are filled in."""
        initial = spec.arguments.get("initial_value")
        sent = spec.format or same_format(initial)
        return cls(sent, spec.cursor_formats or tuple(dict.fromkeys((sent, "iso"))))

    def known(self, value: Json) -> datetime | None:
        """A value of the file, the state or the command line; TimeError where it is no time."""
        if value is None:
            return None
        # a config entry may hold ISO text, and a state may be older than the file's format
        return read_time(value, dict.fromkeys((self.sent, "iso", *self.records)))[0]

    def of_record(self, value: Json, start: datetime | None) -> datetime:
        """A record's time. A day that `start` lies in counts as `start`: the hour is not known.

        TimeError where it is in none of the forms.
        """
        moment, day = read_time(value, self.records)
        if day and start is not None and moment < start < moment + timedelta(days=1):
            return start
        return moment

    def written(self, moment: datetime | None) -> Json:
        """A time as requests send it."""
        return None if moment is None else write_time(moment, self.sent)

    def kept(self, moment: datetime | None) -> Json:
        """A time as the state keeps it: as it is sent, or as ISO text where that loses some."""
        if moment is None:
            return None
        text = write_time(moment, self.sent)
        try:
            exact = read_time(text, (self.sent,))[0] == moment
        except TimeError:
            exact = False
        return text if exact else write_time(moment, "iso")

    @property
    def of_days(self) -> bool:
        """Whether what is sent says no more than the day."""
        return not has_clock(self.sent)


def asked_for(text: str, example: Json) -> Json:
    """A value of the command line, written as `example` is; numbers where that is one.

    RecordError where it is neither a time nor a number.
    """
    numeric = isinstance(example, (int, float)) and not isinstance(example, bool)
    if numeric:
        try:
            return type(example)(text)
        except ValueError:
            pass
    return write_time(moment_of(text), same_format(example))


def moment_of(text: str) -> datetime:
    """The moment of an ISO text, UTC where it names no zone; RecordError where it is none."""
    try:
        return read_time(text, ("iso",))[0].astimezone(UTC)
    except TimeError:
        raise RecordError(
            f"found {text}, expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None


def run_start(now: datetime) -> datetime:
    """The run's start in whole seconds: what changed within that second is read again."""
    return now.astimezone(UTC).replace(microsecond=0)
