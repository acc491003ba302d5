"""Airbyte's datetime formats and durations in the words of a connector file."""

from __future__ import annotations

import re

_NAMED = {
    "%s": "epoch_seconds",
    "%s_as_float": "epoch_seconds",
    "%ms": "epoch_milliseconds",
    "%epoch_microseconds": "epoch_microseconds",
}
_ISO = re.compile(r"%Y-%m-%d([T ]%H:%M(:%S(\.%f|\.%_ms)?)?(%z|Z|\+00:00|\+0000)?)?")
_SHORT = re.compile(r"\s*(\d+)\s*([smhdwMy])\s*")
_PARTS = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


def time_format(text: str) -> str:
    """Return `%s` as epoch_seconds and `%ms` as epoch_milliseconds; strftime patterns stay."""
    return _NAMED.get(text, text.replace("%_ms", "%3f"))


def is_iso(text: str) -> bool:
    """Return whether a pattern writes ISO 8601, which needs no format in the connector file."""
    return bool(_ISO.fullmatch(text))


def iso_duration(text: str) -> str | None:
    """Return `30d` as `P30D`, an ISO duration as it is, and None for anything else."""
    short = _SHORT.fullmatch(text)
    if short:
        number, unit = short.groups()
        return f"PT{number}{unit.upper()}" if unit in "smh" else f"P{number}{unit.upper()}"
    text = text.strip()
    match = _PARTS.fullmatch(text)
    if not match or text in ("P", "PT") or not any(match.groups()):
        return None
    years, months, weeks, days, *_ = match.groups()
    if weeks and (years or months or days or "T" in text):
        total = int(weeks) * 7 + float(days or 0)
        text = re.sub(r"\d+W(\d+(\.\d+)?D)?", f"{total:g}D", text)
    return text.removesuffix("T")


def seconds_duration(seconds: float) -> str:
    """Return a number of seconds as a duration."""
    return f"PT{seconds:g}S"
