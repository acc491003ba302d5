"""Durations and periods as connector files write them, in ISO 8601 text.

A duration has a fixed length and may also be a number of seconds. A period may count months and
years, whose length depends on when they start.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from framework.errors import FrameworkError

_NUMBER = r"\d+(?:[.,]\d+)?"
_ISO = re.compile(
    rf"P(?:(?P<weeks>{_NUMBER})W|"
    rf"(?:(?P<days>{_NUMBER})D)?"
    rf"(?:T(?=\d)(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?"
    rf"(?:(?P<seconds>{_NUMBER})S)?)?)",
    re.ASCII,
)
_CALENDAR = re.compile(rf"P(?=\d)(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?(?:T.*)?", re.ASCII)
_LONGEST = timedelta(days=365 * 1000)


class DurationError(FrameworkError):
    """A text or number that is not a duration; the message says how to write one."""


def parse_duration(value: object) -> timedelta:
    """Return the length of `P30D`, `PT5M`, `PT0.5S`, `P2W`, `P1DT12H` or a number of seconds.

    Raise DurationError for anything else, and for a negative length.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DurationError(f"{_quoted(value)} is not a duration; write text such as PT5M or P30D")
    try:
        length = _from_text(value) if isinstance(value, str) else timedelta(seconds=value)
    except (OverflowError, ValueError):
        raise DurationError(f"{_quoted(value)} is too long for a duration") from None
    if length < timedelta(0):
        raise DurationError(f"{_quoted(value)} is negative; a duration is zero or more")
    if length > _LONGEST:
        raise DurationError(f"{_quoted(value)} is longer than a thousand years")
    return length


def is_duration(value: object) -> bool:
    """Return whether a value is written as a duration, even if it is too long."""
    if isinstance(value, str):
        match = _ISO.fullmatch(value)
        return match is not None and any(match.groups())
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def format_duration(value: timedelta) -> str:
    """Return the shortest ISO 8601 text: PT5M, P30D, PT0.5S."""
    seconds = value.seconds + value.microseconds / 1e6
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    clock = "".join(
        f"{amount:g}{unit}"
        for amount, unit in ((hours, "H"), (minutes, "M"), (round(seconds, 6), "S"))
        if amount
    )
    days = f"{value.days}D" if value.days else ""
    return f"P{days}{'T' + clock if clock else ''}" if days or clock else "PT0S"


def _from_text(text: str) -> timedelta:
    match = _ISO.fullmatch(text)
    parts = {name: part for name, part in match.groupdict().items() if part} if match else {}
    if not parts:
        if _CALENDAR.fullmatch(text):
            raise DurationError(
                f"`{text}` counts months or years, which have no fixed length; write days: P30D"
            )
        raise DurationError(
            f"`{text}` is not an ISO 8601 duration; write one such as P30D, PT5M or PT0.5S"
        )
    return timedelta(**{name: float(part.replace(",", ".")) for name, part in parts.items()})


def _quoted(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str | int | float) else "this value"


_PERIOD = re.compile(r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?P<rest>.*)", re.ASCII)
_MOST_MONTHS = 12 * 1000


@dataclass(frozen=True)
class Period:
    """A number of months, and a length of time after them. Falsy if it is empty."""

    months: int = 0
    rest: timedelta = timedelta(0)

    def __bool__(self) -> bool:
        return bool(self.months or self.rest)

    def after(self, moment: datetime, times: int = 1) -> datetime:
        """Return the moment `times` periods later, earlier if `times` is negative.

        Raise DurationError for a moment outside the years 1 to 9999.
        """
        try:
            month = moment.year * 12 + moment.month - 1 + self.months * times
            year, month = divmod(month, 12)
            day = min(moment.day, calendar.monthrange(year, month + 1)[1])
            return moment.replace(year=year, month=month + 1, day=day) + self.rest * times
        except (ValueError, OverflowError, calendar.IllegalMonthError):
            raise DurationError("reaches beyond the years 1 to 9999") from None


def parse_period(text: str) -> Period:
    """Return the period of `P1Y`, `P1M`, `P2W` or `P1Y6M10DT12H`.

    Years and months are whole numbers. Raise DurationError for anything else.
    """
    match = _PERIOD.fullmatch(text)
    if match is None or not (match["years"] or match["months"]):
        return Period(rest=parse_duration(text))
    months = int(match["years"] or 0) * 12 + int(match["months"] or 0)
    if months > _MOST_MONTHS:
        raise DurationError(f"`{text}` is longer than a thousand years")
    if not match["rest"]:
        return Period(months)
    if not is_duration("P" + match["rest"]):
        raise DurationError(
            f"`{text}` is not an ISO 8601 duration; write one such as P1Y, P1M, P30D or PT1H"
        )
    return Period(months, parse_duration("P" + match["rest"]))


def format_period(period: Period) -> str:
    """Return the ISO 8601 text of a period."""
    years, months = divmod(period.months, 12)
    calendar_part = f"{years}Y" * bool(years) + f"{months}M" * bool(months)
    rest = format_duration(period.rest)[1:] if period.rest or not period.months else ""
    return f"P{calendar_part}{rest}"


def is_period(text: str) -> bool:
    """Return whether a text is written as a period, even if it is too long."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        return False
    has_calendar_part = bool(match["years"] or match["months"])
    return is_duration("P" + match["rest"]) or (has_calendar_part and not match["rest"])
