"""How long to wait before an attempt is made again, and who said so.

An answer and the file's settings come in, seconds come out. RFC 9110 section 10.2.3 is the source
for `Retry-After`: seconds or a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from framework.spec.connector import RateLimit


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
) -> Wait:
    """The wait after failed attempt number `attempt` (from 1).

    What the server says comes first (`Retry-After`, then on a 429 the reset header that the file
    names), then backoff_factor * 2 ** (attempt - 1): 2, 4, 8 s with a factor of 2.
    """
    told = None if response is None else _told(response, rate_limit)
    if told is None:
        return Wait(min(backoff_factor * 2 ** (attempt - 1), max_wait), "backoff")
    seconds, header = told
    if seconds > max_wait:
        return Wait(max_wait, header, asked=seconds)
    return Wait(seconds, header)


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
    if rate_limit.reset_as == "date":
        seconds = _until(value)
    else:
        seconds = _seconds(value)
        if seconds is not None and rate_limit.reset_as == "epoch":
            seconds -= datetime.now(UTC).timestamp()
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
