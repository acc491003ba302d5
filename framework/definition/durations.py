"""Durations as connector files write them: ISO 8601 text or a number of seconds, to timedelta.

Months and years are refused: how long they are depends on when they start.
"""

from __future__ import annotations

import re
from datetime import timedelta

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
