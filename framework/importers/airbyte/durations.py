"""Durations as the original writes them, in ISO 8601."""

from __future__ import annotations

import re

_OLD = re.compile(r"\s*(\d+)\s*([smhdwMy])\s*")
_PARTS = re.compile(
    r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


def iso_duration(text: str) -> str | None:
    """`30d` as `P30D`; ISO durations as they are; None for anything else."""
    old = _OLD.fullmatch(text)
    if old:
        number, unit = old.groups()
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
    """A number of seconds as a duration."""
    return f"PT{seconds:g}S"
