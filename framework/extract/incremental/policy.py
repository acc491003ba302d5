"""The rules for all lists of a resource with an incremental.

Values are times (`cursor_times.py`) or compared unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dlt.common.jsonpath import compile_path, extract_simple_field_name, find_values
from dlt.extract.incremental.lag import apply_lag
from dlt.extract.utils import digest_dedup_value, resolve_column_value

from framework.definition.datetimes import TimeError, is_time, same_format, time_shape, write_time
from framework.definition.model import Incremental, Resource
from framework.errors import RecordError
from framework.extract.incremental.cursor_times import CursorTimes, asked_for, moment_of, run_start
from framework.extract.page import Record

Json = Any
State = dict[str, Json]
"""One watermark in dlt's form: initial_value, last_value, start_value, unique_hashes."""


@dataclass(frozen=True)
class CursorRange:
    """A range that a run reads again, as ISO times, or numbers if the cursor is one."""

    since: str | None = None
    until: str | None = None


class CursorPolicy:
    """The rules for all lists of a resource with an incremental, its values filled in."""

    def __init__(
        self, resource: Resource, spec: Incremental, now: datetime, again: CursorRange | None
    ):
        arguments = spec.arguments
        self.resource = resource.name
        self.spec = spec
        self.now = now
        initial = arguments.get("initial_value")
        self.times = CursorTimes.of(spec) if spec.timed or is_time(initial) else None
        self.find = _finder(spec.cursor_path)
        self.missing = arguments.get("on_cursor_value_missing") or "raise"
        self.last_of: Callable[[tuple[Json, Json]], Json] = (
            min if arguments.get("last_value_func") == "min" else max
        )
        self.closed_start = (arguments.get("range_start") or "closed") == "closed"
        self.closed_end = arguments.get("range_end") == "closed"
        self.row_order = arguments.get("row_order")
        self.run_start = spec.watermark == "run_start"
        self.initial = self._known(initial)
        self.end = self._known(arguments.get("end_value"))
        # a merge finds its rows itself; what is appended must not come twice
        self.appends = resource.write_disposition != "merge"
        key = arguments.get("primary_key", resource.hints.get("primary_key"))
        self._key = key if key is None or isinstance(key, (str, list)) else list(key)
        if again is not None:
            self.initial = self._asked(again.since, initial, self.initial)
            self.end = self._asked(again.until, initial, self.end)
        self.keeps = again is None and self.end is None

    def value(self, record: Record, start: Json) -> Json:
        """Return the record's cursor, None if it has none; raise RecordError if it is not valid."""
        found = self.find(record)
        if found is None:
            if self.missing == "raise":
                raise RecordError(
                    f"{self.resource}: a record has no value at the incremental's cursor_path "
                    f"`{self.spec.cursor_path}`; correct the path, or say what to do with such "
                    "records with `on_cursor_value_missing: include` or `exclude`"
                )
            return None
        if self.times is None:
            return found
        try:
            return self.times.of_record(found, start)
        except TimeError:
            raise RecordError(
                f"{self.resource}: the incremental's cursor_path `{self.spec.cursor_path}` holds "
                f"a value written as {time_shape(found)}, which is in none of the formats "
                f"{', '.join(self.times.records)}; add its format to cursor_formats"
            ) from None

    def written(self, value: Json) -> Json:
        """Return a cursor as requests send it."""
        return value if self.times is None else self.times.written(value)

    def kept(self, value: Json) -> Json:
        """Return a cursor as the state stores it."""
        return value if self.times is None else self.times.kept(value)

    def digest(self, record: Record) -> str:
        """Return a hash that tells a record from others with the same cursor, as dlt computes it.

        It is that of the key; for a merge that of the whole record, which may have changed within
        the cursor's precision.
        """
        if not self.appends:
            return str(digest_dedup_value(record))
        try:
            value = record if self._key is None else resolve_column_value(self._key, record)
        except KeyError as error:
            raise RecordError(
                f"{self.resource}: a record has no primary key `{error.args[0]}`"
            ) from None
        return str(digest_dedup_value(value))

    @property
    def tells_apart(self) -> bool:
        """Whether records at the watermark can be remembered and left out next time."""
        return self.closed_start and not self.spec.lag and self._key != []

    def start_after(self, last: Json, state: State | None) -> Json:
        """Return where a run starts if the last one ended at `last`: the lag before it.

        It is not before the initial value, or that of the state if the file's is past `last`.
        """
        lag = self.spec.lag
        if last is None or not lag or not self.keeps:
            return last
        floor = self.initial
        if floor is not None and self.last_of((floor, last)) != last:
            floor = self._known((state or {}).get("initial_value"))
        if self.times is None:
            days = lag_in_dlts_units(self.spec, self.spec.arguments.get("initial_value"))
            return apply_lag(days, floor, last, self.last_of)  # type: ignore[arg-type]
        if not isinstance(lag, timedelta):
            lag = timedelta(days=lag) if self.times.of_days else timedelta(seconds=lag)
        lagged = last - lag if self.last_of is max else last + lag
        return lagged if floor is None else self.last_of((floor, lagged))

    def started(self) -> Json:
        """Return the run's start as a cursor."""
        if self.times is not None:
            return run_start(self.now)
        return write_time(
            run_start(self.now), same_format(self.spec.arguments.get("initial_value"))
        )

    def last(self, state: State | None) -> Json:
        """Return the last value of a state, the initial value if there is none."""
        if state is None or state.get("last_value") is None:
            return self.initial
        return self._known(state["last_value"])

    def _known(self, value: Json) -> Json:
        if self.times is None:
            return value
        try:
            return self.times.known(value)
        except TimeError:
            raise RecordError(
                f"{self.resource}: the incremental's value {value} is not a time in the format "
                f"{self.times.sent}; write it so, or as 2026-01-31T12:00:00Z"
            ) from None

    def _asked(self, text: str | None, example: Json, otherwise: Json) -> Json:
        if text is None:
            return otherwise
        return asked_for(text, example) if self.times is None else moment_of(text)


def lag_in_dlts_units(spec: Incremental, initial_value: Json) -> float | None:
    """Return the lag in dlt's units: days if values are dates, else seconds."""
    if not isinstance(spec.lag, timedelta):
        return spec.lag
    if isinstance(initial_value, str) and "T" not in initial_value and ":" not in initial_value:
        return spec.lag / timedelta(days=1)
    return spec.lag.total_seconds()


def _finder(path: str) -> Callable[[Record], Json]:
    compiled = compile_path(path)
    name = extract_simple_field_name(compiled)
    if name is not None:
        return lambda record: record.get(name)
    return lambda record: next(iter(find_values(compiled, record)), None)
