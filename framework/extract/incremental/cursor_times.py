"""Read and write an incremental's values as times, in the file, the state and records.

Without formats, steps or a lookahead, values are compared unchanged and none of this is used.
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
    """`sent` is the format of requests and of the state, `records` are those of records."""

    sent: str
    records: tuple[str, ...]

    @classmethod
    def of(cls, spec: Incremental) -> CursorTimes:
        """Return the formats of an incremental whose values are filled in."""
        initial = spec.arguments.get("initial_value")
        sent = spec.format or same_format(initial)
        return cls(sent, spec.cursor_formats or tuple(dict.fromkeys((sent, "iso"))))

    def known(self, value: Json) -> datetime | None:
        """Return a value of the file, state or command line; raise TimeError if it is not a time."""
        if value is None:
            return None
        # a config entry may hold ISO text, and a state may be older than the file's format
        return read_time(value, dict.fromkeys((self.sent, "iso", *self.records)))[0]

    def of_record(self, value: Json, start: datetime | None) -> datetime:
        """Return a record's time; raise TimeError if it is in none of the formats.

        A date that contains `start` counts as `start`: its hour is not known.
        """
        moment, day = read_time(value, self.records)
        if day and start is not None and moment < start < moment + timedelta(days=1):
            return start
        return moment

    def written(self, moment: datetime | None) -> Json:
        """Return a time as requests send it."""
        return None if moment is None else write_time(moment, self.sent)

    def kept(self, moment: datetime | None) -> Json:
        """Return a time as the state stores it: as sent, or as ISO text if that loses precision."""
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
        """Whether requests send dates without a time."""
        return not has_clock(self.sent)


def asked_for(text: str, example: Json) -> Json:
    """Return a value of the command line in the format of `example`, or as a number like it.

    Raise RecordError if it is neither a time nor a number.
    """
    numeric = isinstance(example, (int, float)) and not isinstance(example, bool)
    if numeric:
        try:
            return type(example)(text)
        except ValueError:
            pass
    return write_time(moment_of(text), same_format(example))


def moment_of(text: str) -> datetime:
    """Return the time of an ISO text, UTC without a zone; raise RecordError if it is not valid."""
    try:
        return read_time(text, ("iso",))[0].astimezone(UTC)
    except TimeError:
        raise RecordError(
            f"found {text}, expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None


def run_start(now: datetime) -> datetime:
    """Return the run's start in whole seconds: changes within that second are read again."""
    return now.astimezone(UTC).replace(microsecond=0)
