"""Time formats: a name (`iso`, `epoch_seconds` ...) or a pattern of `%` directives.

Moments are in UTC. A time without a zone is read as UTC, or in the zone that is given: an hour
that a clock shows twice is the first one, an hour that it leaves out is the one after. 24:00 is
the end of its day, as in ISO 8601.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta, tzinfo
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from framework.errors import FrameworkError

Json = Any

NAMED_FORMATS = ("iso", "epoch_seconds", "epoch_milliseconds", "epoch_microseconds", "rfc2822")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {
    "epoch_seconds": timedelta(seconds=1),
    "epoch_milliseconds": timedelta(milliseconds=1),
    "epoch_microseconds": timedelta(microseconds=1),
}
EPOCHS = tuple(_UNITS)
_DIRECTIVE = re.compile(r"%(3f|.?)", re.DOTALL)
_DIRECTIVES = {"3f", *"aAbBdfHIjmMpSUWwyYzZGuVcxX%"}
_CLOCK_DIRECTIVES = {"3f", *"fHIMpScX"}
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_SHORT = (
    (re.compile(r"\d{8}", re.ASCII), "%Y%m%d"),
    (re.compile(r"\d{4}-\d\d", re.ASCII), "%Y-%m"),
)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}", re.ASCII)
_LIKE_ISO = re.compile(r"%Y-%m-%d(?:[T ]%H:%M:%S(?:\.%3?f)?(?:Z|%z|\+00:?00)?)?|%Y%m%d")
_DIGITS_OF = {
    "Y": r"(?P<year>\d{4})",
    "m": r"(?P<month>\d\d)",
    "d": r"(?P<day>\d\d)",
    "H": r"(?P<hour>\d\d)",
    "M": r"(?P<minute>\d\d)",
    "S": r"(?P<second>\d\d)",
    "f": r"(?P<microsecond>\d{1,6})",
    "3f": r"(?P<microsecond>\d{1,6})",
}
"""Directives that are digits only, as most values have them: all digits are there."""
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


class TimeError(FrameworkError):
    """A value that is not a time in any of the formats; the message shows its shape only."""


class UnknownZone(FrameworkError):
    """A text that is not the name of a time zone."""


def time_zone(name: str) -> tzinfo:
    """Return the zone of a name in the IANA database; raise UnknownZone if there is none."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UnknownZone(
            f"found {name}, expected the name of a time zone such as Europe/Stockholm"
        ) from None


def repeated_time(moment: datetime, zone: tzinfo) -> timedelta:
    """Return how long the clock of a zone shows again what it shows at a moment; mostly nothing.

    A time of the second round, which has no zone, is read so much too early.
    """
    local = moment.astimezone(zone).replace(tzinfo=None)
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert first is not None
    assert second is not None
    return max(first - second, timedelta(0))


def format_problem(time_format: str) -> str | None:
    """Return why a text is not a time format, or None."""
    if time_format in NAMED_FORMATS:
        return None
    named = [match[1] for match in _DIRECTIVE.finditer(time_format)]
    if not named:
        return f"expected {', '.join(NAMED_FORMATS)} or a pattern such as %Y-%m-%d"
    for letter in named:
        if letter not in _DIRECTIVES:
            return f"%{letter} is not a directive; use %Y, %m, %d, %H, %M, %S, %f, %3f or %z"
    return None


def probable_unit(value: Json, time_format: str) -> str | None:
    """Return the epoch unit that a number is probably counted in, or None.

    That is if the number is far from our time in its own format, and near it in the other one.
    """
    if time_format not in _UNITS or _is_between(value, time_format, 1971, 2200):
        return None
    return next((other for other in _UNITS if _is_between(value, other, 2000, 2100)), None)


def _is_between(value: Json, time_format: str, first: int, last: int) -> bool:
    moment = _read(value, time_format)
    return moment is not None and first <= moment[0].year <= last


def same_format(example: Json) -> str:
    """Return the format of an example: its digits of a second, its zone, its space or T.

    It is `iso` for an example that is not a time.
    """
    if isinstance(example, (int, float)) and not isinstance(example, bool):
        return "epoch_seconds"
    if not isinstance(example, str):
        return "iso"
    written = _ISO.fullmatch(example)
    if written is None:
        return next(
            (time_format for short, time_format in _SHORT if short.fullmatch(example)), "iso"
        )
    between, fraction, zone = written.groups(default="")
    if not between:
        return "%Y-%m-%d"
    if zone and zone != "Z":
        zone = "+00:00" if ":" in zone else "+0000"
    second = "%S" if not fraction else "%S.%3f" if len(fraction) == 4 else "%S.%f"
    return f"%Y-%m-%d{between}%H:%M:{second}{zone}"


def shifted(moment: datetime, by: timedelta) -> datetime:
    """Return the moment later by a length, or earlier by a negative one.

    A result outside the years 1 to 9999, which a datetime cannot hold, is their first or last
    moment: an API's "never" is a time there, and its zone may reach beyond.
    """
    try:
        return moment + by
    except OverflowError:
        return _nearest_moment(by < timedelta(0), moment.tzinfo)


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return _nearest_moment(moment.year == 1, zone)


def _nearest_moment(first: bool, zone: tzinfo | None) -> datetime:
    return (datetime.min if first else datetime.max).replace(tzinfo=zone)


def write_time(moment: datetime, time_format: str, zone: tzinfo = UTC) -> Json:
    """Return the moment in a format, cut to its precision; `%3f` are milliseconds."""
    moment = _in_zone(moment, zone)
    unit = _UNITS.get(time_format)
    if unit is not None:
        return (moment - _EPOCH) // unit
    if time_format == "iso":
        return moment.isoformat().replace("+00:00", "Z")
    if time_format == "rfc2822":
        return format_datetime(moment)
    milliseconds = f"{moment.microsecond // 1000:03d}"
    return moment.strftime(
        _DIRECTIVE.sub(
            lambda match: {"3f": milliseconds, "Y": f"{moment.year:04d}"}.get(match[1], match[0]),
            time_format,
        )
    )


def read_time(value: Json, formats: Iterable[str], zone: tzinfo = UTC) -> tuple[datetime, bool]:
    """Return the moment of a value in the first format that fits, and whether it is a day only.

    `zone` is that of a value which names none. Raise TimeError if no format fits.
    """
    if type(value) is str and type(formats) is tuple and begins_with_iso(formats):
        moment = _read(value, "iso", zone)
        if moment is not None:
            return moment
    for time_format in formats:
        moment = _read(value, time_format, zone)
        if moment is not None:
            return moment
    raise TimeError(f"a value written as {time_shape(value)} is not a time in any of its formats")


def _read(value: Json, time_format: str, zone: tzinfo = UTC) -> tuple[datetime, bool] | None:
    unit = _UNITS.get(time_format)
    if unit is not None:
        return _from_epoch(value, unit)
    if type(value) is int and time_format != "iso":
        value = str(value)  # 20260131 is as good as its text
    if not isinstance(value, str):
        return None
    try:
        moment = _parse(value, time_format)
    except (ValueError, re.error):  # a directive that is twice in the format is a re.error
        end = _end_of_day(value, time_format)
        if end is None:
            return None
        moment = end
    day = bool(_ISO_DATE.fullmatch(value)) if time_format == "iso" else not has_clock(time_format)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return (moment if moment.tzinfo is UTC else _in_zone(moment, UTC)), day


def _end_of_day(value: str, time_format: str) -> datetime | None:
    """Return the moment of a value with the hour 24, None if it has another or cannot be read."""
    if "24:00" not in value:
        return None
    try:
        moment = _parse(value.replace("24:00", "00:00", 1), time_format)
    except (ValueError, re.error):
        return None
    return shifted(moment, timedelta(days=1)) if moment.time() == time(0) else None


@lru_cache(maxsize=200)
def begins_with_iso(formats: tuple[str, ...]) -> bool:
    """Return whether ISO text has the moment of the first format that fits it.

    That is so if all formats up to `iso` are other ways to write it.
    """
    for time_format in formats:
        if time_format == "iso":
            return True
        if not _LIKE_ISO.fullmatch(time_format):
            return False
    return False


def _parse(value: str, time_format: str) -> datetime:
    if time_format == "iso":
        return datetime.fromisoformat(value)
    if time_format == "rfc2822":
        moment = parsedate_to_datetime(value)
        # -0000 is UTC without a word about the zone of the writer
        return moment.replace(tzinfo=UTC) if value.rstrip().endswith("-0000") else moment
    # strptime takes ten times as long, because it looks up the locale
    digits = _digits_pattern(time_format)
    found = None if digits is None else digits.fullmatch(value)
    if found is None:
        return datetime.strptime(value, _pattern(time_format))
    parts = found.groupdict()
    if "microsecond" in parts:
        parts["microsecond"] = parts["microsecond"].ljust(6, "0")
    return datetime(**{name: int(part) for name, part in parts.items()})  # type: ignore[arg-type]


@lru_cache(maxsize=200)
def _digits_pattern(time_format: str) -> re.Pattern[str] | None:
    """Return the pattern of a format whose directives are digits, each once, with a whole date.

    What it does not match may still fit the format: single digits, for example.
    """
    named = [match[1] for match in _DIRECTIVE.finditer(time_format)]
    letters = [name[-1] for name in named]
    if len(set(letters)) < len(letters) or not {"Y", "m", "d"} <= set(letters) <= _DIGITS_OF.keys():
        return None
    between = _DIRECTIVE.split(time_format)[::2]
    parts = [re.escape(between[0])]
    for name, text in zip(named, between[1:], strict=True):
        parts += [_DIGITS_OF[name], re.escape(text)]
    return re.compile("".join(parts), re.ASCII)


@lru_cache(maxsize=200)
def _pattern(time_format: str) -> str:
    return _DIRECTIVE.sub(lambda match: "%f" if match[1] == "3f" else match[0], time_format)


def _from_epoch(value: Json, unit: timedelta) -> tuple[datetime, bool] | None:
    if isinstance(value, bool):
        return None
    try:
        if isinstance(value, str) and _NUMBER.fullmatch(value):
            value = float(value) if "." in value else int(value)
        return (_EPOCH + unit * value, False) if isinstance(value, (int, float)) else None
    except (OverflowError, ValueError):  # int() refuses thousands of digits
        return None


def is_time(value: Json) -> bool:
    """Return whether a value of the file is a day or a time in ISO 8601."""
    return isinstance(value, str) and bool(_ISO.fullmatch(value) or _read(value, "iso"))


@lru_cache(maxsize=200)
def has_clock(time_format: str) -> bool:
    """Return whether a format says more than the day."""
    if time_format in NAMED_FORMATS:
        return True
    return any(match[1] in _CLOCK_DIRECTIVES for match in _DIRECTIVE.finditer(time_format))


def time_shape(value: Json) -> str:
    """Return how a value is written, without the value: digits as 9, letters as a."""
    if value is None or isinstance(value, (bool, list, dict)):
        return {type(None): "null", bool: "true or false", list: "a list"}.get(type(value), "a map")
    text = str(value)[:40]
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text))
