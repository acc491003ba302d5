"""Casts that say how an API writes a value: a time by its format and zone, a number by its signs.

Called with a value that is not null; they raise ValueError for one that is not written so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import Any

from framework.definition.plain_data import from_plain, written_as
from framework.definition.values.datetimes import (
    EPOCHS,
    TimeError,
    has_clock,
    read_time,
    time_zone,
    write_time,
)

Json = Any
NUMBER_STYLES = {
    "1,234.56": (",", "."),
    "1.234,56": (".", ","),
    "1 234.56": (" ", "."),
    "1 234,56": (" ", ","),
    "1'234.56": ("'", "."),
}
"""What stands between thousands and before the decimals, by an example."""
SCHEMA_EPOCHS = {
    "epoch-s": "epoch_seconds",
    "epoch-ms": "epoch_milliseconds",
    "epoch-us": "epoch_microseconds",
}
"""The time format of each `format` of a JSON Schema that is a number of time units since 1970."""
_SPACES = re.compile("[\u00a0\u2009\u202f]")
"""Other spaces that stand between thousands: unbreakable, thin, and both."""
_QUOTES = re.compile("[\u2019\u02bc]")
_NO_DAY = re.compile(r"[0\s:./TZ+-]{8,}", re.ASCII)


@dataclass(frozen=True)
class TimeCast:
    """Makes a time ISO 8601 text in UTC, or a day if the format has no clock.

    `zone` is that of times which name none, UTC if it is None. Empty text, and a day that is
    0000-00-00, become null.
    """

    time_format: str = field(metadata=written_as("time"))
    zone: str | None = None

    def in_zone(self, zone: str | None) -> TimeCast:
        """Return the cast with a zone, if it has none of its own."""
        return replace(self, zone=zone) if self.zone is None else self

    @property
    def data_type(self) -> str:
        """The type of the column."""
        return "timestamp" if has_clock(self.time_format) else "date"

    def __str__(self) -> str:
        return self.time_format

    def __call__(self, value: Json) -> Json:
        """Return the time as text, or null."""
        if isinstance(value, str) and self._is_nothing(value):
            return None
        is_day = self.data_type == "date"
        try:
            zone = UTC if is_day or self.zone is None else time_zone(self.zone)
            moment, _ = read_time(value, (self.time_format,), zone)
        except TimeError:
            raise ValueError from None
        return moment.date().isoformat() if is_day else write_time(moment, "iso")

    def if_written_so(self, value: Json) -> Json:
        """Return the time as text or null, and any other value unchanged."""
        try:
            return None if value is None else self(value)
        except ValueError:
            return value

    def _is_nothing(self, text: str) -> bool:
        return not text.strip() or (
            self.time_format not in EPOCHS
            and text.count("0") >= len("00000000")
            and bool(_NO_DAY.fullmatch(text))
        )


@dataclass(frozen=True)
class NumberCast:
    """Makes a number of text such as `1.234,56`; a decimal stays text, exact to the digit.

    Either is an example of how they are written. Numbers of JSON stay as they are, empty text
    becomes null.
    """

    number: str | None = None
    decimal: str | None = None

    @property
    def data_type(self) -> str:
        """The type of the column."""
        return "double" if self.decimal is None else "decimal"

    def __str__(self) -> str:
        return f"a number such as {self.number or self.decimal}"

    def __call__(self, value: Json) -> Json:
        """Return the number, the decimal's text, or null."""
        if not isinstance(value, str):
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return value
            raise ValueError
        if not value.strip():
            return None
        text = plain_number(value, str(self.number or self.decimal))
        return float(text) if self.decimal is None else text


def plain_number(text: str, style: str) -> str:
    """Return a number as JSON writes it; its sign may stand behind it, as accounts have it.

    Raise ValueError if it is not written in this style.
    """
    thousands, point = NUMBER_STYLES[style]
    text = _QUOTES.sub("'", _SPACES.sub(" ", text.strip()))
    sign, digits = re.match(r"([+-]?)\s?(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if not sign and digits.endswith(("-", "+")):
        sign, digits = digits[-1], digits[:-1].rstrip()
    between, before = re.escape(thousands), re.escape(point)
    pattern = rf"((?:\d{{1,3}}(?:{between}\d{{3}})+)|\d+)?(?:{before}(\d+))?"
    found = re.fullmatch(pattern, digits, re.ASCII)
    if found is None or not digits:
        raise ValueError
    whole, rest = found.groups()
    if whole is None and rest is None:
        raise ValueError
    whole = (whole or "0").replace(thousands, "").lstrip("0") or "0"
    return f"{'-' if sign == '-' else ''}{whole}{'' if rest is None else f'.{rest}'}"


Cast = str | TimeCast | NumberCast
"""The name of a type, or how a value is written."""


def parse_cast(written: Json) -> Cast:
    """Return a cast of the file."""
    if not isinstance(written, Mapping):
        return str(written)
    if "time" in written:
        return from_plain(TimeCast, written)
    return from_plain(NumberCast, written)
