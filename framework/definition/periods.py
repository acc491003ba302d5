"""Periods of the calendar: ISO 8601 durations with years and months, which durations leave out.

`P1M` after the 31st of January is the last day of February.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from framework.definition.durations import (
    DurationError,
    format_duration,
    is_duration,
    parse_duration,
)

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
