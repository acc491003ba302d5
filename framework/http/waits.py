"""How long to wait before an attempt is made again, and who said so.

The file's own words come first, then the server's, then a backoff.

An answer and the file's settings come in, seconds come out. RFC 9110 section 10.2.3 is the source
for `Retry-After`: seconds or a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.definition.expressions.patterns import PatternError, compiled, in_time
from framework.definition.model import RateLimit, WaitRule, WaitUnit
from framework.runtime.context import Context, with_response

NO_RULE = WaitRule()


@dataclass(frozen=True)
class Wait:
    """`seconds` to wait, after the bound; `asked` is what the server wanted where that is more."""

    seconds: float
    why: str
    asked: float | None = None


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
    """The wait after failed attempt number `attempt` (from 1).

    What the file names comes first (a header, an expression), then what the server says
    (`Retry-After`, then on a 429 the reset header that the file names), then the rule's backoff,
    else backoff_factor * 2 ** (attempt - 1): 2, 4, 8 s with a factor of 2.
    """
    told = None
    if response is not None:
        told = _ruled(response, rule, context or {}) or _told(response, rate_limit)
    if told is None:
        seconds = backoff_factor * 2 ** (attempt - 1)
        if rule.backoff is not None:
            seconds = rule.backoff.total_seconds()
        return Wait(min(seconds, max_wait), "backoff")
    seconds, header = told
    if seconds > max_wait:
        return Wait(max_wait, header, asked=seconds)
    return Wait(seconds, header)


def _ruled(
    response: requests.Response, rule: WaitRule, context: Context
) -> tuple[float, str] | None:
    """What the file says how to read; None where the answer has nothing of the kind."""
    if rule.header is not None:
        value = response.headers.get(rule.header)
        if value is not None and rule.pattern is not None:
            value = _part(rule.pattern, value)
        seconds = None if value is None else _read(value, rule.header_as)
        return None if seconds is None else (max(seconds, 0.0), rule.header)
    if rule.expression is None:
        return None
    context = with_response(context, response)
    try:
        given = rule.expression.search(context, context)
    except ExpressionError:
        return None  # a function on what this answer has not: it says nothing about waiting
    seconds = None if given is None or isinstance(given, bool) else _seconds(str(given))
    return None if seconds is None else (max(seconds, 0.0), "the answer")


def _part(pattern: str, value: str) -> str | None:
    """The pattern's first group, or all that it finds; None where it finds nothing in time."""
    try:
        found = in_time(compiled(pattern).search, value)
    except PatternError:
        return None
    part: str | None = None if found is None else found[1] if found.re.groups else found[0]
    return part


def _read(value: str, written: WaitUnit) -> float | None:
    """Seconds from now in a text that is a number of seconds, a moment, or a date."""
    if written == "date":
        return _until(value)
    seconds = _seconds(value)
    if seconds is None or written == "seconds":
        return seconds
    if written == "milliseconds":
        return seconds / 1000
    return seconds - datetime.now(UTC).timestamp()


def _told(response: requests.Response, rate_limit: RateLimit | None) -> tuple[float, str] | None:
    value = response.headers.get("Retry-After")
    if value:
        seconds = _seconds(value) if _is_number(value) else _until(value)
        if seconds is not None and seconds > 0:
            return seconds, "Retry-After"
    if rate_limit is None or rate_limit.reset_header is None or response.status_code != 429:
        return None
    seconds = reset_of(response, rate_limit)
    # A window that has just ended still needs a moment: an attempt at once meets the same 429.
    return None if seconds is None else (seconds or 1.0, rate_limit.reset_header)


def reset_of(response: requests.Response, rate_limit: RateLimit) -> float | None:
    """Seconds until the rate limit's window ends, by the header that the file names, or None."""
    value = response.headers.get(rate_limit.reset_header or "")
    if not value:
        return None
    seconds = _read(value, rate_limit.reset_as)
    return None if seconds is None else max(seconds, 0.0)


def _is_number(value: str) -> bool:
    return _seconds(value) is not None


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if seconds == seconds and abs(seconds) < 1e12 else None


def _until(value: str) -> float | None:
    """Seconds until a date, in the form of HTTP or of ISO 8601."""
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - datetime.now(UTC)).total_seconds()
