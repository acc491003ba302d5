"""How times are written: by name (`iso`, `epoch_seconds` ...) or as a pattern.

A form and a moment give what is sent; a record's value and its forms give a moment. Moments are
in UTC; a time that names no zone is taken as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any

from framework.errors import FrameworkError

Json = Any

NAMED_FORMATS = ("iso", "epoch_seconds", "epoch_milliseconds", "epoch_microseconds")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {
    "epoch_seconds": timedelta(seconds=1),
    "epoch_milliseconds": timedelta(milliseconds=1),
    "epoch_microseconds": timedelta(microseconds=1),
}
_DIRECTIVE = re.compile(r"%(3f|.?)", re.DOTALL)
_DIRECTIVES = {"3f", *"aAbBdfHIjmMpSUWwyYzZGuVcxX%"}
_OF_A_CLOCK = {"3f", *"fHIMpScX"}
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
_SHORT = (
    (re.compile(r"\d{8}", re.ASCII), "%Y%m%d"),
    (re.compile(r"\d{4}-\d\d", re.ASCII), "%Y-%m"),
)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{8}", re.ASCII)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


class TimeError(FrameworkError):
    """A value that is no time in any of the forms; names its shape, not the value."""


def format_problem(form: str) -> str | None:
    """Why a text is no form, or None."""
    if form in NAMED_FORMATS:
        return None
    named = [match[1] for match in _DIRECTIVE.finditer(form)]
    if not named:
        return f"expected {', '.join(NAMED_FORMATS)} or a pattern such as %Y-%m-%d"
    for letter in named:
        if letter not in _DIRECTIVES:
            return f"%{letter} is no directive; %Y, %m, %d, %H, %M, %S, %f, %3f and %z are"
    return None


def unit_meant(value: Json, form: str) -> str | None:
    """The form of the unit that a number is counted in, where read in its own form it lies far
    from our time and in that one near it; else None."""
    if form not in _UNITS or _lies(value, form, 1971, 2200):
        return None
    return next((other for other in _UNITS if _lies(value, other, 2000, 2100)), None)


def _lies(value: Json, form: str, first: int, last: int) -> bool:
    found = _read(value, form)
    return found is not None and first <= found[0].year <= last


def same_format(example: Json) -> str:
    """The form in which an example is written: its digits of a second, its zone, its space or T.

    `iso` where it is no time that can be told.
    """
    if isinstance(example, (int, float)) and not isinstance(example, bool):
        return "epoch_seconds"
    if not isinstance(example, str):
        return "iso"
    written = _ISO.fullmatch(example)
    if written is None:
        return next((form for short, form in _SHORT if short.fullmatch(example)), "iso")
    between, fraction, zone = written.groups(default="")
    if not between:
        return "%Y-%m-%d"
    if zone and zone != "Z":
        zone = "+00:00" if ":" in zone else "+0000"
    second = "%S" if not fraction else "%S.%3f" if len(fraction) == 4 else "%S.%f"
    return f"%Y-%m-%d{between}%H:%M:{second}{zone}"


def write_time(moment: datetime, form: str, zone: tzinfo = UTC) -> Json:
    """The moment in that form, cut to what the form can say; `%3f` are milliseconds."""
    moment = moment.astimezone(zone)
    unit = _UNITS.get(form)
    if unit is not None:
        return (moment - _EPOCH) // unit
    if form == "iso":
        return moment.isoformat().replace("+00:00", "Z")
    milliseconds = f"{moment.microsecond // 1000:03d}"
    return moment.strftime(
        _DIRECTIVE.sub(
            lambda match: {"3f": milliseconds, "Y": f"{moment.year:04d}"}.get(match[1], match[0]),
            form,
        )
    )


def read_time(value: Json, forms: Iterable[str]) -> tuple[datetime, bool]:
    """The moment that a value means in the first form that fits, and whether it is a day only.

    Raises TimeError.
    """
    for form in forms:
        found = _read(value, form)
        if found is not None:
            return found
    raise TimeError(f"a value written as {time_shape(value)} is no time in any of its forms")


def _read(value: Json, form: str) -> tuple[datetime, bool] | None:
    unit = _UNITS.get(form)
    if unit is not None:
        return _from_epoch(value, unit)
    if not isinstance(value, str):
        return None
    try:
        if form == "iso":
            moment, day = datetime.fromisoformat(value), bool(_ISO_DATE.fullmatch(value))
        else:
            moment, day = _parsed(value, form), not has_clock(form)
    except ValueError:
        return None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)), day


def _parsed(value: str, form: str) -> datetime:
    return datetime.strptime(value, _pattern(form))


@lru_cache(maxsize=200)
def _pattern(form: str) -> str:
    return _DIRECTIVE.sub(lambda match: "%f" if match[1] == "3f" else match[0], form)


def _from_epoch(value: Json, unit: timedelta) -> tuple[datetime, bool] | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if not isinstance(value, (int, float)):
        return None
    try:
        return _EPOCH + unit * value, False
    except OverflowError:
        return None


def is_time(value: Json) -> bool:
    """Whether a value of the file is a day or a time in ISO 8601."""
    return isinstance(value, str) and bool(_ISO.fullmatch(value) or _read(value, "iso"))


@lru_cache(maxsize=200)
def has_clock(form: str) -> bool:
    """Whether a form says more than the day."""
    if form in NAMED_FORMATS:
        return True
    return any(match[1] in _OF_A_CLOCK for match in _DIRECTIVE.finditer(form))


def time_shape(value: Json) -> str:
    """How a value is written, without the value: digits as 9, letters as a."""
    if value is None or isinstance(value, (bool, list, dict)):
        return {type(None): "null", bool: "true or false", list: "a list"}.get(type(value), "a map")
    text = str(value)[:40]
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text))
