"""Parse and format cursor values that are times, in the file, the state and records.

An incremental without formats, steps or a lookahead does not use this: its values are compared
unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from framework.definition.model import Incremental
from framework.definition.values.datetimes import (
    EPOCHS,
    TimeError,
    begins_with_iso,
    has_clock,
    read_time,
    repeated_time,
    same_format,
    shifted,
    write_time,
)
from framework.errors import RecordError
from framework.extract.incremental.cursor_numbers import number_in

Json = Any
DAY = "2024-01-31"
"""A day of the longest form that ISO has: longer text says the hour too."""


@dataclass(frozen=True)
class CursorTimes:
    """The time formats of an incremental: `sent` for requests and state, `records` for records.

    `written` are the moments of the file's own values, which are sent as they are written there.
    `zone` is that of the API's times.
    """

    sent: str
    records: tuple[str, ...]
    written: tuple[tuple[datetime, str], ...] = ()
    zone: tzinfo = UTC

    @classmethod
    def of(cls, spec: Incremental, zone: tzinfo = UTC) -> CursorTimes:
        """Return the formats of an incremental whose placeholders are resolved."""
        initial = spec.arguments.get("initial_value")
        sent = spec.format or same_format(initial)
        # a cast of the field, or its schema, makes ISO text of what the API wrote
        records = tuple(dict.fromkeys((*(spec.cursor_formats or (sent,)), "iso")))
        bounds = [spec.arguments.get(key) for key in ("initial_value", "end_value")]
        written = []
        for bound in bounds if spec.format is None else ():
            if isinstance(bound, str):
                with suppress(TimeError):  # reported when it is parsed
                    written.append((read_time(bound, (sent, "iso"), zone)[0], bound))
        return cls(sent, records, tuple(written), zone)

    def parse(self, value: Json) -> datetime | None:
        """Parse a value of the file, state or command line; raise TimeError if it is not a time."""
        if value is None:
            return None
        # a config entry may hold ISO text, and a state may be older than the file's format
        return read_time(value, dict.fromkeys((self.sent, "iso", *self.records)), self.zone)[0]

    def parse_record(self, value: Json, start: datetime | None) -> datetime:
        """Parse a record's time; raise TimeError if it is in none of the formats.

        A date that contains `start` counts as `start`, because its hour is unknown.
        """
        moment, day = read_time(value, self.records, self.zone)
        if day and start is not None and moment < start < shifted(moment, timedelta(days=1)):
            return start
        return moment

    def ordered(self, values: Sequence[Json]) -> list[Json] | None:
        """Return what compares as the times of these values of records do; equal times are equal.

        None if only `parse_record` can tell, or if one is missing.
        """
        types = set(map(type, values))
        if types == {int} and self.records[0] in EPOCHS:
            return list(values)
        if types != {str} or not begins_with_iso(self.records) or min(map(len, values)) <= len(DAY):
            return None
        try:
            moments = list(map(datetime.fromisoformat, values))
        except ValueError:
            return None
        zoneless = {moment.tzinfo is None for moment in moments}
        # the clock of a zone does not run evenly
        is_even = zoneless == {False} or (zoneless == {True} and self.zone is UTC)
        return list(moments) if is_even else None

    def to_request(self, moment: datetime | None) -> Json:
        """Format a time for requests."""
        if moment is None:
            return None
        own = next((text for written, text in self.written if written == moment), None)
        return write_time(moment, self.sent, self.zone) if own is None else own

    def to_state(self, moment: datetime | None) -> Json:
        """Format a time for the state: as sent, or as ISO text if that would lose precision."""
        if moment is None:
            return None
        text = write_time(moment, self.sent, self.zone)
        try:
            exact = read_time(text, (self.sent,), self.zone)[0] == moment
        except TimeError:
            exact = False
        return text if exact else write_time(moment, "iso")

    def before_repeated(self, moment: datetime) -> datetime:
        """Return the moment, earlier by the hour that the zone's clock shows twice around it.

        A time of the second round looks like one of the first, so it would be before the moment.
        """
        return shifted(moment, -repeated_time(moment, self.zone))

    @property
    def of_days(self) -> bool:
        """Whether requests send dates without a time."""
        return not has_clock(self.sent)


def parse_bound(text: str, example: Json) -> Json:
    """Parse a value of the command line into the format of `example`, or a number of its type.

    Raise RecordError if it is neither a time nor such a number.
    """
    numeric = isinstance(example, (int, float)) and not isinstance(example, bool)
    if numeric:
        try:
            return type(example)(text)
        except ValueError:
            pass
    if number_in(example) is not None and number_in(text) is not None:
        return text
    return write_time(parse_iso_time(text), same_format(example))


def parse_iso_time(text: str) -> datetime:
    """Parse ISO text as a UTC time; raise RecordError if it is not valid."""
    try:
        return read_time(text, ("iso",))[0]
    except TimeError:
        raise RecordError(
            f"found {text}, expected a time such as 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None


def run_start(now: datetime) -> datetime:
    """Return the run's start rounded down to the second, so its changes are read again."""
    return now.astimezone(UTC).replace(microsecond=0)
