"""The form of a cursor in the API's records: how the API writes a moment, and how fine it is.

It is the API's own view of its values. The connector's view, which may be wrong, is in
`framework/extract/incremental`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal

from framework.definition.values.datetimes import TimeError, read_time, same_format, write_time
from framework.extract.incremental.cursor_numbers import number_in

Json = Any
LEAST_SECONDS = 100_000_000
"""A number from here on is a time since 1970; a smaller one counts something."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO_LIKE = re.compile(r"\d{4}-\d\d(-\d\d.*)?|\d{8}", re.ASCII)
_PATTERNS = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%Y/%m/%d"),
    *("%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S"),
    *("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p"),
    *("%d %b %Y", "%b %d, %Y", "%a, %d %b %Y %H:%M:%S GMT", "%a, %d %b %Y %H:%M:%S %z"),
)
"""Forms of times that are not ISO 8601, which APIs write."""


@dataclass(frozen=True)
class CursorForm:
    """How an API writes a cursor: a time in `pattern`, or a number that grows by `seconds`.

    `unit` is the least difference of two values. `zero` is the moment at which a number that is
    not a time is `base`. `zone` is that of times which name none.
    """

    kind: Literal["time", "number"]
    unit: timedelta
    pattern: str = "iso"
    as_text: bool = False
    base: int = 0
    zero: datetime = _EPOCH
    zone: tzinfo = UTC

    def floor(self, moment: datetime) -> datetime:
        """Return the moment at the precision of the form."""
        if self.pattern == "%Y-%m":
            return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return moment - (moment - _EPOCH) % self.unit

    def write(self, moment: datetime) -> Json:
        """Return a moment as the API writes it."""
        if self.kind == "number":
            value: Json = self.base + (moment - self.zero) // self.unit
        else:
            zone = UTC if self.pattern == "iso" else self._zone_of(self.pattern)
            value = write_time(moment, self.pattern, zone)
        return str(value) if self.as_text else value

    def read(self, value: Json) -> datetime | None:
        """Return the moment of a value of this form or of a similar one; None if it has none."""
        if self.kind == "number":
            number = number_in(value)
            if number is None:
                return None
            return self.zero + (int(number) - self.base) * self.unit
        for pattern in (self.pattern, "iso", *_named(value)):
            try:
                given = int(value) if pattern.startswith("epoch") and _is_digits(value) else value
                return read_time(given, (pattern,), self._zone_of(pattern))[0]
            except (TimeError, ValueError, OverflowError):
                continue
        return None

    def _zone_of(self, pattern: str) -> tzinfo:
        return UTC if pattern.endswith(("Z", "GMT", "%z")) else self.zone

    @property
    def is_day(self) -> bool:
        """Whether values are days."""
        return self.unit >= timedelta(days=1)


def form_of(samples: Sequence[Json], formats: Iterable[str], zero: datetime) -> CursorForm | None:
    """Return the form of these values, None if it is not known.

    `formats` are those of the file, if it names any. `zero` is when the account's history begins.
    """
    values = [one for one in samples if one is not None and not isinstance(one, bool)]
    if not values:
        return None
    numbers = [number_in(one) for one in values]
    named = tuple(formats)
    if all(one is not None for one in numbers) and not any("%" in one for one in named):
        as_text = isinstance(values[0], str)
        greatest = int(max(one for one in numbers if one is not None))
        epoch = next((one for one in named if one.startswith("epoch")), _epoch(greatest))
        if epoch is None:
            return CursorForm("number", timedelta(seconds=1), "", as_text, greatest, zero)
        return CursorForm("time", _UNITS[epoch], epoch, as_text)
    texts = [one for one in values if isinstance(one, str)]
    if len(texts) < len(values):
        return None
    candidates = [*(one for one in named if one != "iso" and "%" in one)]
    if all(_ISO_LIKE.fullmatch(one) for one in texts):
        candidates.append(same_format(max(texts, key=len)))
    for pattern in (*candidates, *_PATTERNS):
        if all(_fits(one, pattern) for one in texts):
            return CursorForm("time", _unit_of(pattern, texts), pattern)
    # times of a zone have its offset, which summer changes: their form writes that of UTC
    zoned = next((one for one in candidates if one.endswith(("+00:00", "+0000"))), None)
    if zoned is not None and all(_fits(one, "iso") for one in texts):
        return CursorForm("time", _unit_of(zoned, texts), zoned)
    return None


_UNITS = {
    "epoch_seconds": timedelta(seconds=1),
    "epoch_milliseconds": timedelta(milliseconds=1),
    "epoch_microseconds": timedelta(microseconds=1),
}


def _epoch(number: int) -> str | None:
    if number < LEAST_SECONDS:
        return None
    if number < LEAST_SECONDS * 1000:
        return "epoch_seconds"
    return "epoch_milliseconds" if number < LEAST_SECONDS * 1_000_000 else "epoch_microseconds"


def _named(value: Json) -> tuple[str, ...]:
    number = number_in(value)
    epoch = None if number is None else _epoch(int(number))
    return () if epoch is None else (epoch,)


def _is_digits(value: Json) -> bool:
    return isinstance(value, str) and value.isdigit()


def _fits(value: str, pattern: str) -> bool:
    try:
        read_time(value, (pattern,))
    except (TimeError, ValueError):
        return False
    return True


def _unit_of(pattern: str, texts: Sequence[str]) -> timedelta:
    if pattern == "%Y-%m":
        return timedelta(days=31)
    if pattern == "iso":
        pattern = same_format(texts[0])
    if "%3f" in pattern:
        return timedelta(milliseconds=1)
    if "%f" in pattern:
        return timedelta(microseconds=1)
    if "%S" in pattern or pattern == "iso":
        return timedelta(seconds=1)
    return timedelta(minutes=1) if "%M" in pattern else timedelta(days=1)
