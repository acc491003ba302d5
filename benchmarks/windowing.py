"""The window of time that a request asks for, read from its own text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus

from framework.definition.model import Incremental
from framework.definition.values.datetimes import TimeError, read_time

_TIMES = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|(?<!\d)1\d{9}(?:\d{3})?(?!\d)"
)
_DIGITS = {"Y": r"\d{4}", "f": r"\d{6}", "3f": r"\d{3}", "z": r"(?:Z|[+-]\d\d:?\d\d)"}


def window_of(incremental: Incremental, text: str) -> Callable[[datetime], bool]:
    """Whether a moment is in the window between the earliest and the latest time in a request.

    One time alone is where the list begins; without any, everything is in it.
    """
    found = [_moment(one) for one in _TIMES.findall(unquote_plus(text))]
    form = incremental.format or ""
    if form.startswith("%") and not form.startswith("%Y-%m-%d"):
        found = [_moment(one, form) for one in _pattern(form).findall(unquote_plus(text))]
    moments = sorted(one for one in found if one is not None)
    if not moments:
        return lambda _moment: True
    first, last = moments[0][0], moments[-1]
    if len(moments) == 1:
        return lambda moment: moment >= first
    if incremental.granularity is None and first != last[0]:
        return lambda moment: first <= moment < last[0]
    end = last[0] + (timedelta(days=1) if last[1] else timedelta(seconds=1))
    return lambda moment: first <= moment < end


def _moment(text: str, form: str = "") -> tuple[datetime, bool] | None:
    if text.isdigit() and not form:
        form = "epoch_seconds" if len(text) == 10 else "epoch_milliseconds"
    try:
        moment, day = read_time(text, [form or "iso"])
    except TimeError:
        return None
    return moment.astimezone(UTC), day


def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split(r"%(3f|.)", form)
    return re.compile(
        "".join(
            _DIGITS.get(part, r"\d{1,2}") if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
    )
