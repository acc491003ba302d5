"""Functions of times: parse, format, add and subtract.

A time is ISO 8601 text or a number of seconds since 1970; without a zone it is in UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Any

from framework.definition.expressions.function import STRING, Function, FunctionError
from framework.definition.values.datetimes import (
    TimeError,
    UnknownZone,
    format_problem,
    read_time,
    time_zone,
    write_time,
)
from framework.definition.values.durations import DurationError, parse_period

Json = Any

_TIME = ("string", "number")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC, `2026-11-23T12:00:00Z`."""
    return str(write_time(moment, "iso"))


def _format_time(time: Json, pattern: str, zone: str = "UTC") -> Json:
    moment = _moment("format_time", time)[0]
    return write_time(moment, _form("format_time", pattern), _zone("format_time", zone))


def _parse_time(text: Json, pattern: str, zone: str = "UTC") -> str:
    form, timezone = _form("parse_time", pattern), _zone("parse_time", zone)
    try:
        return iso(read_time(text, [form], timezone)[0])
    except TimeError:
        raise FunctionError(f"parse_time() expects a time written as {pattern}") from None


def _zone(function: str, name: str) -> tzinfo:
    try:
        return time_zone(name)
    except UnknownZone as error:
        raise FunctionError(f"{function}(): {error}") from None


def _timestamp(time: Json) -> int | float:
    seconds = (_moment("timestamp", time)[0] - _EPOCH).total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _shift(name: str, time: Json, duration: str, times: int) -> Json:
    """Return the time later by `times` durations: a day plus days is a day, a number a number.

    Anything else is ISO text in UTC.
    """
    moment, is_day = _moment(name, time)
    try:
        period = parse_period(duration)
        moment = period.after(moment, times)
    except DurationError as error:
        raise FunctionError(f"{name}(): {error}") from None
    if isinstance(time, (int, float)):
        return _timestamp(iso(moment))
    if is_day and not period.rest.seconds and not period.rest.microseconds:
        return moment.date().isoformat()
    return iso(moment)


def _moment(name: str, time: Json) -> tuple[datetime, bool]:
    try:
        return read_time(time, ["iso" if isinstance(time, str) else "epoch_seconds"])
    except TimeError:
        raise FunctionError(
            f"{name}() expects a time in ISO 8601 or seconds since 1970; "
            "parse_time() reads other forms"
        ) from None


def _form(name: str, pattern: str) -> str:
    problem = format_problem(pattern)
    if problem:
        raise FunctionError(f"{name}(): {problem}")
    return pattern


TIME_FUNCTIONS = (
    Function("format_time", (_TIME, STRING, STRING), 2, call=_format_time),
    Function("parse_time", (_TIME, STRING, STRING), 2, call=_parse_time),
    Function("add_time", (_TIME, STRING), 2, call=lambda time, by: _shift("add_time", time, by, 1)),
    Function(
        "subtract_time",
        (_TIME, STRING),
        2,
        call=lambda time, by: _shift("subtract_time", time, by, -1),
    ),
    Function("timestamp", (_TIME,), 1, call=_timestamp),
)
