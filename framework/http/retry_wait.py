"""How long to wait before a retry, from the file's rules and the response's headers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import requests

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.expressions.limits import (
    PatternError,
    compile_pattern,
    search_with_timeout,
)
from framework.definition.model import RateLimit, WaitRule, WaitUnit
from framework.runtime.context import Context, with_response
from framework.runtime.environment import ServerClock

NO_RULE = WaitRule()
LONGEST_AGE = 1e9
"""More seconds are a time since 1970, not how long something takes."""
_MOST_DOUBLINGS = 64
"""More would be past any maximum, and at last past what a number can hold."""


@dataclass(frozen=True)
class Wait:
    """A wait in seconds, bounded. `requested` is what the server wants if that is more."""

    seconds: float
    why: str
    requested: float | None = None


def wait_before(
    attempt: int,
    response: requests.Response | None,
    *,
    backoff_factor: float,
    max_wait: float,
    rate_limit: RateLimit | None,
    rule: WaitRule = NO_RULE,
    context: Context | None = None,
) -> Wait:
    """Return the wait after failed attempt number `attempt` (from 1).

    First of: the header or expression of the rule, `Retry-After`, the rate limit's reset header
    (on a 429), the rule's backoff, and backoff_factor * 2 ** (attempt - 1).
    """
    requested = None
    if response is not None:
        requested = _by_rule(response, rule, context or {}) or _by_server(response, rate_limit)
    if requested is None:
        seconds = backoff_factor * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS)
        if rule.backoff is not None:
            seconds = rule.backoff.total_seconds()
        return Wait(min(seconds, max_wait), "backoff")
    seconds, source = requested
    if seconds > max_wait:
        return Wait(max_wait, source, requested=seconds)
    return Wait(seconds, source)


LAST_SECOND = 1e11
"""A greater number of seconds since 1970 is past the year 5000: it counts milliseconds."""
GREATEST = 1e15


def reset_of(response: requests.Response, rate_limit: RateLimit) -> float | None:
    """Return the seconds until the rate limit's window ends, by its reset header, or None."""
    value = response.headers.get(rate_limit.reset_header or "")
    seconds = _seconds_until(value, rate_limit.reset_as, response) if value else None
    return None if seconds is None else max(seconds, 0.0)


def _by_rule(
    response: requests.Response, rule: WaitRule, context: Context
) -> tuple[float, str] | None:
    """Return seconds and source by the file's rule; None if the response has nothing for it."""
    if rule.header is not None:
        value = response.headers.get(rule.header)
        if value is not None and rule.pattern is not None:
            value = _match(rule.pattern, value)
        seconds = None if value is None else _seconds_until(value, rule.header_as, response)
        return None if seconds is None else (max(seconds, 0.0), rule.header)
    if rule.expression is None:
        return None
    context = with_response(context, response)
    try:
        result = rule.expression.search(context, context)
    except ExpressionError:
        return None  # a function on a field that this response lacks: it requests no wait
    seconds = None if result is None or isinstance(result, bool) else _number(str(result))
    return None if seconds is None else (max(seconds, 0.0), "the response")


def _by_server(
    response: requests.Response, rate_limit: RateLimit | None
) -> tuple[float, str] | None:
    """Return seconds and header of what the server requests by standard headers, or None."""
    value = response.headers.get("Retry-After")
    if value:
        seconds = _number(value)
        seconds = _seconds_until_date(value, response) if seconds is None else seconds
        if seconds is not None and seconds > 0:
            return seconds, "Retry-After"
    if rate_limit is None or rate_limit.reset_header is None or response.status_code != 429:
        return None
    seconds = reset_of(response, rate_limit)
    # A window that has just ended still needs a moment: an immediate attempt meets the same 429.
    return None if seconds is None else (seconds or 1.0, rate_limit.reset_header)


def _match(pattern: str, value: str) -> str | None:
    """Return the pattern's first group or whole match; None without one, or after the timeout."""
    try:
        match = search_with_timeout(compile_pattern(pattern).search, value)
    except PatternError:
        return None
    part: str | None = None if match is None else match[1] if match.re.groups else match[0]
    return part


def _seconds_until(value: str, unit: WaitUnit, response: requests.Response) -> float | None:
    """Return the seconds from now in a header: a number of seconds, a timestamp or a date."""
    if unit == "date":
        return _seconds_until_date(value, response)
    number = _number(value)
    if number is None or unit == "seconds":
        return number
    if unit == "milliseconds":
        return number / 1000
    if number > LAST_SECOND:
        number /= 1000
    return number - _now(response).timestamp()


def _number(value: str) -> float | None:
    """Return the finite number in a header's value, or None."""
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < GREATEST else None  # never true of NaN


def _seconds_until_date(value: str, response: requests.Response) -> float | None:
    """Return the seconds until a date as in HTTP or in ISO 8601."""
    date = _date(value)
    try:
        return None if date is None else (date - _now(response)).total_seconds()
    except OverflowError:  # its zone reaches past the years 1 to 9999
        return None


def _date(value: str) -> datetime | None:
    """Return a date with its zone, UTC if it has none; None for what is no date."""
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError, LookupError):  # LookupError: a bug of the standard library
        try:
            date = datetime.fromisoformat(value)
        except ValueError:
            return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date


def _now(response: requests.Response) -> datetime:
    """Return the time by the server's clock, which it counts its dates by; else by ours."""
    now = datetime.now(UTC)
    server = server_time(response)
    return now if server is None or abs(server - now) > ServerClock.LARGEST else server


def server_time(response: requests.Response) -> datetime | None:
    """Return when the server sent the response by its own clock (`Date`, and `Age` in a cache)."""
    date = _date(response.headers.get("Date", ""))
    age = _number(response.headers.get("Age", "0"))
    if date is None or age is None or not 0 <= age < LONGEST_AGE:
        return date
    try:
        return date + timedelta(seconds=age)
    except OverflowError:
        return None


def too_long(seconds: float, source: str, longest: float) -> str:
    """Return in words that a wait is not begun because it is longer than `max_wait`."""
    return (
        f"The API asks to wait {_until(seconds)}({seconds:,.0f} s by {source}), which is longer "
        f"than retry.max_wait ({longest:,.0f} s). Run again after that, or raise max_wait"
    )


def no_request_left(seconds: float, longest: float, used_up: str) -> str:
    """Return in words why no request may be sent for so many seconds.

    `used_up` is the limit that this side has counted, "" if the API has reported it by its headers.
    """
    if used_up:
        return (
            f"{used_up} is used up {_until(seconds)}({seconds:,.0f} s), which is longer than "
            f"retry.max_wait ({longest:,.0f} s). Run again after that"
        )
    text = too_long(seconds, "the rate limit's reset header", longest)
    return (
        f"the API reports that no request is left. {text}, or correct rate_limit.headers and "
        "reset_as"
    )


def _until(seconds: float) -> str:
    try:
        return f"until {datetime.now(UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S} UTC "
    except OverflowError:
        return ""
