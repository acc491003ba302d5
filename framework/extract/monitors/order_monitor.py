"""Warn of lists in another order, or from an earlier value, than the connector file asks for.

A list that is read from its newest record down to the watermark loses records in the wrong place.
A start parameter that the API ignores makes each run read everything again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from operator import gt, lt
from typing import Any

from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import Endpoint
from framework.definition.values.datetimes import EPOCHS, TimeError, read_time
from framework.events import WarningRaised
from framework.extract.incremental.cursor_numbers import comparable
from framework.extract.incremental.policy import CursorPolicy
from framework.extract.page import Record
from framework.extract.read_options import ReadOptions
from framework.text import count_noun

Json = Any
DAY = timedelta(days=1)


class OrderMonitor:
    """Watch all lists of one resource with an incremental; thread-safe."""

    def __init__(self, rules: CursorPolicy, endpoint: Endpoint, options: ReadOptions) -> None:
        self._rules = rules
        self._watch = options.on_event
        self._declared = rules.row_order
        self._sent = _carries_start(endpoint)
        self._records = 0
        self._turned: tuple[int, Json, Json] | None = None
        self._older: tuple[int, Json, Json] | None = None
        self._lock = threading.Lock()

    def of_list(self, start: Json) -> ListOrder:
        """Return the monitor of one list, requested from `start` on."""
        return ListOrder(self, self._rules, comparable(start) if self._sent else None)

    def on_end(self, future: Json = None) -> None:
        """Warn of what was seen in all lists; `future` is a watermark past the run's start."""
        for code, message in self._warnings(future):
            self._watch(WarningRaised(self._rules.resource, code, message))

    def _warnings(self, future: Json) -> Iterator[tuple[str, str]]:
        path = self._rules.spec.cursor_path
        if future is not None:
            yield (
                "cursor-in-future",
                f"the watermark is {future}, past the start of this run, because a record has that "
                f"`{path}`: the next runs do not ask for what changes before it. Set "
                "`cap_at_run_start: true` in the incremental (a cursor that is a number needs "
                "`format` too), and read again what is missing with --since",
            )
        if self._turned is not None:
            count, before, after = self._turned
            lost = "records behind such a place may be left out" if self._declared == "desc" else ""
            yield (
                "cursor-out-of-order",
                f"row_order is {self._declared}, but `{path}` goes the other way "
                f"{count_noun(count, 'time')}, at first from {before} to {after}"
                f"{': ' if lost else ''}{lost}. Ask the API for this order, or remove row_order",
            )
        if self._older is not None and not self._rules.spec.keep_all:
            count, value, start = self._older
            newer = "older" if self._rules.last_of is max else "past what was"
            yield (
                "cursor-not-honoured",
                f"{count:,} of {self._records:,} records are {newer} than asked for: `{path}` is "
                f"{value} in one, and the request says {start}. The API takes no notice of that "
                "value, or compares it with another field: correct the parameter, or cursor_path",
            )

    def add(
        self, records: int, turned: Sequence[tuple[Json, Json]], older: Sequence[Json], start: Json
    ) -> None:
        """Count what was found in one page."""
        with self._lock:
            self._records += records
            if turned:
                count, *first = self._turned or (0, *turned[0])
                self._turned = (count + len(turned), first[0], first[1])
            if older:
                count, *first = self._older or (0, older[0], start)
                self._older = (count + len(older), first[0], first[1])


class ListOrder:
    """Watch the pages of one list, in their order."""

    def __init__(self, order: OrderMonitor, rules: CursorPolicy, start: Json) -> None:
        self._order = order
        self._rules = rules
        self._start = start
        self._last: Json = None
        times = rules.times
        self._zone = UTC if times is None else times.zone
        self._formats = ("iso",) if times is None else times.records
        self._sent_formats = self._formats if times is None else (times.sent, *times.records)
        self._started = self._read(start, self._sent_formats)

    def on_records(self, records: list[Record]) -> None:
        """Check the records of a page, before known ones are left out."""
        declared = self._rules.row_order
        if not records or (declared is None and self._start is None):
            return
        values = [value for value in map(self._rules.find, records) if value is not None]
        if not values:
            return
        try:
            turned = [] if declared is None else self._turned(values, declared)
            older = [] if self._start is None or declared is not None else self._older(values)
        except TypeError:
            return  # of several kinds: the filter says so
        self._last = values[-1]
        self._order.add(len(records), turned, older, self._start)

    def _turned(self, values: list[Json], declared: str) -> list[tuple[Json, Json]]:
        """Return the neighbours in the wrong order."""
        wrong = gt if declared == "asc" else lt
        if self._last is not None:
            values = [self._last, *values]
        if self._are_ordered_as_written(values) and not any(map(wrong, values, values[1:])):
            return []
        read = [self._read(value, self._formats) for value in values]
        return [
            (one, other)
            for (one, other), (first, second) in zip(pairwise(values), pairwise(read), strict=True)
            if (wrong(first[0], second[0]) if first and second else wrong(one, other))
        ]

    def _older(self, values: list[Json]) -> list[Json]:
        """Return the values before the start."""
        latest = self._rules.last_of is max
        extreme = min if latest else max
        if self._rules.times is None:
            before = lt if latest else gt
            if not before(extreme(values), self._start):
                return []
            values = [value for value in values if before(value, self._start)]
        elif self._are_ordered_as_written(values) and not self._is_older(extreme(values)):
            return []
        return [value for value in values if self._is_older(value)]

    def _is_older(self, value: Json) -> bool:
        """Return whether a value lies before the start, by more than a day if one is a date."""
        before = lt if self._rules.last_of is max else gt
        read = self._read(value, self._formats)
        if read is None or self._started is None:
            return bool(before(value, self._start))
        (moment, is_day), (start, starts_with_day) = read, self._started
        times = self._rules.times
        grace = is_day or starts_with_day or (times is not None and times.of_days)
        return bool(before(moment, start)) and not (grace and abs(start - moment) <= DAY)

    def _are_ordered_as_written(self, values: list[Json]) -> bool:
        """Return whether the order of the values as written is that of their times."""
        if self._rules.times is None:
            return True
        types = set(map(type, values))
        if types <= {int, float}:
            return self._formats[0] in EPOCHS
        if types != {str} or len(set(map(len, values))) > 1:
            return False
        is_year_first = self._formats[0] == "iso" or self._formats[0].startswith(("%Y-%m", "%Y%m"))
        return is_year_first and {value[-1] for value in values} == {"Z"}

    def _read(self, value: Json, formats: tuple[str, ...]) -> tuple[datetime, bool] | None:
        """Return a value as a time, and whether it is a date; None if it is compared unchanged."""
        if self._rules.times is None and not isinstance(value, str):
            return None
        try:
            return read_time(value, formats, self._zone)
        except TimeError:
            return None


def _carries_start(endpoint: Endpoint) -> bool:
    """Return whether requests carry the start value."""
    incremental = endpoint.incremental
    if incremental is not None and incremental.start_param:
        return True
    parts = (endpoint.path, endpoint.params, endpoint.json, endpoint.data, endpoint.headers)
    return any("incremental." in text for text in texts_of(parts))
