"""Durations as connector files write them: ISO 8601 text or a number of seconds, to timedelta.

Months and years are refused: how long they are depends on when they start.
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
    """A text or number that is no duration; the message says how to write one."""


def parse_duration(value: object) -> timedelta:
    """`P30D`, `PT5M`, `PT0.5S`, `P2W`, `P1DT12H`, or a number of seconds; never negative.

    Raises DurationError.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise DurationError(f"{_shown(value)} is no duration; write text such as PT5M or P30D")
    try:
        found = _from_text(value) if isinstance(value, str) else timedelta(seconds=value)
    except (OverflowError, ValueError):
        raise DurationError(f"{_shown(value)} is too long for a duration") from None
    if found < timedelta(0):
        raise DurationError(f"{_shown(value)} is negative; a duration is zero or more")
    if found > _LONGEST:
        raise DurationError(f"{_shown(value)} is longer than a thousand years")
    return found


def is_duration(value: object) -> bool:
    """Whether a value has the form of a duration, be it too long or not."""
    if isinstance(value, str):
        match = _ISO.fullmatch(value)
        return match is not None and any(match.groups())
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def format_duration(value: timedelta) -> str:
    """The shortest ISO 8601 text: PT5M, P30D, PT0.5S."""
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
            f"`{text}` is no ISO 8601 duration; write one such as P30D, PT5M or PT0.5S"
        )
    return timedelta(**{name: float(part.replace(",", ".")) for name, part in parts.items()})


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if isinstance(value, str | int | float) else "this value"


_PERIOD = re.compile(r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?P<rest>.*)", re.ASCII)
_MOST_MONTHS = 12 * 1000


@dataclass(frozen=True)
class Period:
    """So many months, and a length of time after them. Falsy where it is nothing."""

    months: int = 0
    rest: timedelta = timedelta(0)

    def __bool__(self) -> bool:
        return bool(self.months or self.rest)

    def after(self, moment: datetime, times: int = 1) -> datetime:
        """The moment that many periods later (earlier where `times` is negative).

        DurationError where no calendar has it.
        """
        try:
            month = moment.year * 12 + moment.month - 1 + self.months * times
            year, month = divmod(month, 12)
            day = min(moment.day, calendar.monthrange(year, month + 1)[1])
            return moment.replace(year=year, month=month + 1, day=day) + self.rest * times
        except (ValueError, OverflowError, calendar.IllegalMonthError):
            raise DurationError("reaches beyond the years 1 to 9999") from None


def parse_period(text: str) -> Period:
    """`P1Y`, `P1M`, `P2W`, `P1Y6M10DT12H`: years and months are whole numbers.

    Raises DurationError.
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
            f"`{text}` is no ISO 8601 duration; write one such as P1Y, P1M, P30D or PT1H"
        )
    return Period(months, parse_duration("P" + match["rest"]))


def format_period(period: Period) -> str:
    """The ISO 8601 text of a period."""
    years, months = divmod(period.months, 12)
    calendar_part = f"{years}Y" * bool(years) + f"{months}M" * bool(months)
    rest = format_duration(period.rest)[1:] if period.rest or not period.months else ""
    return f"P{calendar_part}{rest}"


def is_period(text: str) -> bool:
    """Whether a text has the form of a period, be it too long or not."""
    match = _PERIOD.fullmatch(text)
    if match is None:
        return False
    counts = bool(match["years"] or match["months"])
    return is_duration("P" + match["rest"]) or (counts and not match["rest"])
