"""The rules for all lists of a resource with an incremental.

Values are either times (`cursor_times.py`) or compared unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dlt.common.jsonpath import compile_path, extract_simple_field_name, find_values
from dlt.extract.incremental.lag import apply_lag
from dlt.extract.utils import digest_dedup_value, resolve_column_value

from framework.definition.model import Incremental, Resource
from framework.definition.values.datetimes import (
    TimeError,
    is_time,
    read_time,
    same_format,
    shifted,
    time_shape,
    time_zone,
    write_time,
)
from framework.definition.values.durations import Period
from framework.errors import RecordError
from framework.extract.incremental.cursor_numbers import NumberText, comparable, number_in, plain
from framework.extract.incremental.cursor_times import (
    CursorTimes,
    parse_bound,
    parse_iso_time,
    run_start,
)
from framework.extract.incremental.windows import aligned
from framework.extract.lists.whole_read import CursorBounds
from framework.extract.page import Record
from framework.runtime.environment import ServerClock
from framework.text import json_type

Json = Any
DAY = timedelta(days=1)
_ALL_DAYS = 4_000_000
"""More days than the years 1 to 9999 have: a longer lag reaches no other moment."""
LIKELY_EPOCHS = ("epoch_seconds", "epoch_milliseconds")
EPOCHS_END = 2101
TIME_NAMES = re.compile(r"(?i)(?:at|on|time|date|stamp|ts|updated|created|modified|changed)$")
"""Names of fields whose numbers are times."""
ORDERED_TYPES = {str, NumberText, datetime}
"""Types beside numbers of which any two values compare."""
State = dict[str, Json]
"""One watermark in dlt's form: initial_value, last_value, start_value, unique_hashes."""


@dataclass(frozen=True)
class CursorRange:
    """A range to read without state, as ISO times, or numbers if the cursor is one.

    That of a scheduler is limited by the range of the file.
    """

    since: str | None = None
    until: str | None = None
    is_scheduled: bool = False


class CursorPolicy:
    """The rules for all lists of a resource with an incremental, its values filled in."""

    def __init__(
        self,
        resource: Resource,
        spec: Incremental,
        now: datetime,
        reread: CursorRange | None,
        clock: ServerClock | None = None,
    ):
        arguments = spec.arguments
        self.resource = resource.name
        self.spec = spec
        self.now = now
        self._clock = clock or ServerClock()
        initial = arguments.get("initial_value")
        zone = time_zone(resource.zone or "UTC")
        self.times = CursorTimes.of(spec, zone) if spec.timed or is_time(initial) else None
        self.find = _finder(spec.cursor_path, as_written=self.times is None)
        self.missing = arguments.get("on_cursor_value_missing") or "raise"
        self.last_of: Callable[[tuple[Json, Json]], Json] = (
            min if arguments.get("last_value_func") == "min" else max
        )
        self.closed_start = (arguments.get("range_start") or "closed") == "closed"
        self.closed_end = arguments.get("range_end") == "closed"
        self.row_order = arguments.get("row_order")
        self.run_start = spec.watermark == "run_start"
        self.caps = spec.cap_at_run_start and not self.run_start and self.last_of is max
        self.initial = self.parse(initial)
        self.end = self.parse(arguments.get("end_value"))
        # a merge replaces its rows; appended records must not be loaded twice
        self.appends = resource.write_disposition != "merge"
        key = arguments.get("primary_key", resource.hints.get("primary_key"))
        explicit = "primary_key" in arguments and self.times is None
        self._hashes_whole = not self.appends and not explicit
        self._key = key if key is None or isinstance(key, (str, list)) else list(key)
        if reread is not None:
            first, last = self.initial, self.end
            self.initial = self._bound(reread.since, initial, first)
            self.end = self._bound(reread.until, initial, last)
            if reread.is_scheduled:
                self._check_scheduled(initial)
                if first is not None:
                    self.initial = self.last_of((first, self.initial))
                if last is not None and self.last_of((last, self.end)) == self.end:
                    self.end = last
        self.is_stateful = reread is None and self.end is None

    def _check_scheduled(self, initial: Json) -> None:
        """Raise RecordError unless the cursor's values can be compared with times."""
        numeric = isinstance(initial, (int, float)) and not isinstance(initial, bool)
        if self.times is None and not numeric:
            raise RecordError(
                f"{self.resource}: a scheduler sets the range of the incremental, whose values are "
                "not known to be times; add an initial_value that is a time or a number of "
                "seconds, or `format`"
            )

    def value(self, record: Record, start: Json) -> Json:
        """Return the record's cursor, None if it has none; raise RecordError if it is not valid."""
        cursor = self.find(record)
        if cursor is None:
            if self.missing == "raise":
                raise RecordError(
                    f"{self.resource}: a record has no value at the incremental's cursor_path "
                    f"`{self.spec.cursor_path}`; correct the path, or say what to do with such "
                    "records with `on_cursor_value_missing: include` or `exclude`"
                )
            return None
        if self.times is None:
            return cursor
        try:
            return self.times.parse_record(cursor, start)
        except TimeError:
            raise RecordError(
                f"{self.resource}: the incremental's cursor_path `{self.spec.cursor_path}` holds "
                f"a value written as {time_shape(cursor)}, which is in none of the formats "
                f"{', '.join(self.times.records)}; add its format to cursor_formats"
            ) from None

    def extremes(self, records: list[Record]) -> tuple[Json, Json, list[Record]] | None:
        """Return the first and the last cursor in the watermark's order, and the records at it.

        None if one is missing, or if only a look at each tells what it is.
        """
        cursors = list(map(self.find, records))
        ordered = cursors if self.times is None else self.times.ordered(cursors)
        if ordered is None:
            return None
        types = set(map(type, ordered))
        if not types <= {int, float} and (len(types) > 1 or not types <= ORDERED_TYPES):
            return None
        ends = [min(ordered), max(ordered)]
        if self.last_of is not max:
            ends.reverse()
        first, last = (self.value(records[ordered.index(end)], None) for end in ends)
        end = ends[1]
        at_last = [one for one, value in zip(records, ordered, strict=True) if value == end]
        return first, last, at_last

    def to_request(self, value: Json) -> Json:
        """Return a cursor as requests send it."""
        return plain(value) if self.times is None else self.times.to_request(value)

    def to_state(self, value: Json) -> Json:
        """Return a cursor as the state stores it."""
        return plain(value) if self.times is None else self.times.to_state(value)

    def digest(self, record: Record, *, legacy: bool = False) -> str:
        """Return dlt's hash of a record, which distinguishes records with the same cursor.

        Appended records are hashed by their key. Merged ones are hashed whole, because a record
        may change within the cursor's precision. `legacy` is the hash of dlt before 1.29. Raise
        RecordError if the key is missing.
        """
        if self._hashes_whole:
            return str(digest_dedup_value(record, legacy))
        try:
            value = record if self._key is None else resolve_column_value(self._key, record)
        except KeyError as error:
            raise RecordError(
                f"{self.resource}: a record has no primary key `{error.args[0]}`"
            ) from None
        return str(digest_dedup_value(value, legacy))

    @property
    def remembers_records(self) -> bool:
        """Whether the state has the hashes of records at the watermark, to skip them next time."""
        return self.closed_start and not self.spec.lag and self._key != []

    def start_after(self, last: Json, state: State | None) -> Json:
        """Return the start of a run whose predecessor ended at `last`: one lag before `last`.

        The start is never before the initial value. If the file's initial value is past `last`,
        the one of the state counts.
        """
        lag = self.spec.lag
        if last is None or not self.is_stateful:
            return last
        if self.times is not None and self.last_of is max:
            last = self.times.before_repeated(last)
        if not lag:
            return last
        floor = self.initial
        if floor is not None and self.last_of((floor, last)) != last:
            floor = self.parse((state or {}).get("initial_value"))
        if isinstance(last, NumberText):
            shift = lag_in_dlts_units(self.spec, 0) or 0
            text = last.shifted(-shift if self.last_of is max else shift)
            return text if floor is None else self.last_of((floor, text))
        if self.times is None:
            days = lag_in_dlts_units(self.spec, self.spec.arguments.get("initial_value"))
            try:
                return apply_lag(days, floor, last, self.last_of)  # type: ignore[arg-type]
            except (TypeError, ValueError):
                raise RecordError(
                    f"{self.resource}: found `lag` with a cursor that is neither a time nor a "
                    f"number: the watermark is {json_type(last)} that no lag can be taken from. "
                    "Remove `lag`, or choose another cursor_path"
                ) from None
        if not isinstance(lag, timedelta):
            days = lag if self.times.of_days else lag / DAY.total_seconds()
            lag = timedelta(days=max(-_ALL_DAYS, min(days, _ALL_DAYS)))
        lagged = shifted(last, -lag if self.last_of is max else lag)
        return lagged if floor is None else self.last_of((floor, lagged))

    def run_start_value(self) -> Json:
        """Return the run's start as a cursor value, by the server's clock if that is behind."""
        start = run_start(self.now - self._clock.behind)
        if self.times is not None:
            return start
        return write_time(start, same_format(self.spec.arguments.get("initial_value")))

    def capped(self, value: Json) -> Json:
        """Return a watermark, not past the run's start if the file caps it there.

        Raise RecordError if the cursor is not a time.
        """
        if not self.caps or value is None:
            return value
        if self.times is None and not is_time(value):
            raise RecordError(
                f"{self.resource}: found `cap_at_run_start` with a cursor that is not a time; "
                "write initial_value as a time, add `format` (such as epoch_seconds), or remove it"
            )
        return min(value, self.run_start_value())

    def is_in_future(self, value: Json) -> bool:
        """Return whether a watermark is a time more than a day past the run's start."""
        if value is None or self.run_start or self.last_of is not max or not self.is_stateful:
            return False
        formats: tuple[str, ...] = ("iso",)
        if self.times is None and number_in(value) is not None:
            if not TIME_NAMES.search(self.spec.cursor_path):
                return False  # it may count anything
            value, formats = int(number_in(value) or 0), LIKELY_EPOCHS
        for time_format in formats:
            moment = value
            if self.times is None:
                try:
                    moment = read_time(value, (time_format,))[0]
                except TimeError:
                    continue
            is_likely = formats is not LIKELY_EPOCHS or moment.year < EPOCHS_END
            if self.now + DAY < moment and is_likely:
                return True
        return False

    @property
    def range_end(self) -> Json:
        """Return the end of what a run requests, None if it requests everything that is new."""
        spec = self.spec
        if self.end is None and self.times is not None and (spec.step or spec.lookahead):
            end = (spec.lookahead or Period()).after(run_start(self.now))
        else:
            end = self.end
        if spec.align is not None and self.times is not None and end is not None:
            return aligned(end, spec.align, self.times.zone)
        return end

    def bounds(self) -> CursorBounds:
        """Return what a run requests that begins at the initial value."""
        start, end, sent = self.initial, self.range_end, self.to_request
        if self.last_of is max:
            closed = self.closed_start, self.closed_end
            return CursorBounds(self.spec.cursor_path, start, end, sent(start), sent(end), *closed)
        closed = self.closed_end, self.closed_start
        return CursorBounds(self.spec.cursor_path, end, start, sent(end), sent(start), *closed)

    def last(self, state: State | None) -> Json:
        """Return the last value of a state, the initial value if there is none."""
        if state is None or state.get("last_value") is None:
            return self.initial
        return self.parse(state["last_value"])

    def parse(self, value: Json) -> Json:
        """Return a value of the file or of the state as one that compares."""
        if self.times is None:
            return comparable(value)
        try:
            return self.times.parse(value)
        except TimeError:
            raise RecordError(
                f"{self.resource}: the incremental's value {value} is not a time in the format "
                f"{self.times.sent}; write it so, or as 2026-01-31T12:00:00Z"
            ) from None

    def _bound(self, text: str | None, example: Json, default: Json) -> Json:
        if text is None:
            return default
        if self.times is None:
            return comparable(parse_bound(text, example))
        return parse_iso_time(text)


def lag_in_dlts_units(spec: Incremental, initial_value: Json) -> float | None:
    """Return the lag in dlt's units: days if values are dates, else seconds."""
    if not isinstance(spec.lag, timedelta):
        return spec.lag
    if isinstance(initial_value, str) and "T" not in initial_value and ":" not in initial_value:
        return spec.lag / timedelta(days=1)
    return spec.lag.total_seconds()


def _finder(path: str, *, as_written: bool) -> Callable[[Record], Json]:
    """Return what finds a record's cursor; `as_written` are values that are not times."""
    compiled = compile_path(path)
    name = extract_simple_field_name(compiled)
    if name is not None:
        if as_written:
            return lambda record: comparable(record.get(name))
        return lambda record: record.get(name)
    return lambda record: comparable(next(iter(find_values(compiled, record)), None))
