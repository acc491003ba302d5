"""Seconds to wait, read from response headers: numbers, moments and dates."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from framework.definition.model import RateLimit, WaitUnit


def seconds_until(value: str, written: WaitUnit) -> float | None:
    """Seconds from now in a text that is a number of seconds, a moment, or a date."""
    if written == "date":
        return seconds_until_date(value)
    seconds = seconds_in(value)
    if seconds is None or written == "seconds":
        return seconds
    if written == "milliseconds":
        return seconds / 1000
    return seconds - datetime.now(UTC).timestamp()


def reset_of(response: requests.Response, rate_limit: RateLimit) -> float | None:
    """Seconds until the rate limit's window ends, by the header that the file names, or None."""
    value = response.headers.get(rate_limit.reset_header or "")
    if not value:
        return None
    seconds = seconds_until(value, rate_limit.reset_as)
    return None if seconds is None else max(seconds, 0.0)


def is_number(value: str) -> bool:
    """Return whether a header's value is a finite number."""
    return seconds_in(value) is not None


def seconds_in(value: str) -> float | None:
    """Return the number in a header's value, or None."""
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if seconds == seconds and abs(seconds) < 1e12 else None


def seconds_until_date(value: str) -> float | None:
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
