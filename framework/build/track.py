"""The watermark of one list while it is read, where dlt's own incremental does not reach.

Values are times (`times.py`) or compared as they are. Records that are known already are left
out by dlt's rules; what the watermark becomes is asked for when the list was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dlt.common.jsonpath import compile_path, extract_simple_field_name, find_values
from dlt.extract.incremental.lag import apply_lag
from dlt.extract.utils import digest_dedup_value, resolve_column_value

from framework.build.outcomes import RecordError
from framework.build.records import Record
from framework.build.times import Times, asked_for, moment_of, run_start
from framework.build.windows import Window, split
from framework.spec.connector import Incremental, Resource
from framework.spec.periods import Period
from framework.spec.timeforms import TimeError, like, shape, write_time

Json = Any
State = dict[str, Json]
"""One watermark in dlt's form: initial_value, last_value, start_value, unique_hashes."""


@dataclass(frozen=True)
class Range:
    """A range that a run reads again, as ISO times (or numbers, where a cursor is one)."""

    since: str | None = None
    until: str | None = None


class Rules:
    """What holds for every list of a resource that has an incremental."""

    def __init__(self, resource: Resource, spec: Incremental, now: datetime, again: Range | None):
        arguments = spec.arguments
        self.resource = resource.name
        self.spec = spec
        self.now = now
        self.times = Times.of(spec) if spec.timed else None
        self.find = _finder(spec.cursor_path)
        self.missing = arguments.get("on_cursor_value_missing") or "raise"
        self.last_of: Callable[[tuple[Json, Json]], Json] = (
            min if arguments.get("last_value_func") == "min" else max
        )
        self.closed_start = (arguments.get("range_start") or "closed") == "closed"
        self.closed_end = arguments.get("range_end") == "closed"
        self.row_order = arguments.get("row_order")
        self.run_start = spec.watermark == "run_start"
        initial = arguments.get("initial_value")
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
        """The record's cursor, None where it has none. RecordError where it cannot be read."""
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
                f"a value written as {shape(found)}, which is in none of the forms "
                f"{', '.join(self.times.records)}; add its form to cursor_formats"
            ) from None

    def written(self, value: Json) -> Json:
        """A cursor as requests send it."""
        return value if self.times is None else self.times.written(value)

    def kept(self, value: Json) -> Json:
        """A cursor as the state keeps it."""
        return value if self.times is None else self.times.kept(value)

    def digest(self, record: Record) -> str:
        """What tells a record from others of the same cursor, as dlt has it."""
        try:
            value = record if self._key is None else resolve_column_value(self._key, record)
        except KeyError as error:
            raise RecordError(
                f"{self.resource}: a record has no primary key `{error.args[0]}`"
            ) from None
        return str(digest_dedup_value(value))

    @property
    def tells_apart(self) -> bool:
        """Whether records at the watermark are remembered, so that they do not come again."""
        return self.appends and self.closed_start and not self.spec.lag and self._key != []

    def start_after(self, last: Json, state: State | None) -> Json:
        """Where a run begins whose last one ended at `last`: the lag before it, but not before
        the initial value. One that has moved past `last` hides nothing: that of the state holds."""
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
        """The run's start as a cursor."""
        if self.times is not None:
            return run_start(self.now)
        return write_time(run_start(self.now), like(self.spec.arguments.get("initial_value")))

    def last(self, state: State | None) -> Json:
        """The last value of a state, the initial one where there is none."""
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
                f"{self.resource}: the incremental's value {value} is no time in the form "
                f"{self.times.sent}; write it so, or as 2026-01-31T12:00:00Z"
            ) from None

    def _asked(self, text: str | None, example: Json, otherwise: Json) -> Json:
        if text is None:
            return otherwise
        return asked_for(text, example) if self.times is None else moment_of(text)


class Track:
    """One list and its watermark. `state` is what an earlier run left, or None."""

    def __init__(self, rules: Rules, state: State | None = None) -> None:
        if not rules.keeps:
            state = None
        self._rules = rules
        self._begun = (state or {}).get("initial_value", rules.kept(rules.initial))
        self._before = rules.last(state)
        self._start = rules.start_after(self._before, state)
        self._last = self._before
        self._hashes: set[str] = set((state or {}).get("unique_hashes") or ())
        self._known_hashes = frozenset(self._hashes)
        self._seen_before: set[str] = set()
        self._seen: set[str] = set()
        self._below = self._beyond = False
        self._finished: tuple[Json, set[str]] | None = None
        self._cut = False

    def windows(self) -> Iterator[Window]:
        """What to ask for, one after the other."""
        rules, spec = self._rules, self._rules.spec
        start, end = self._start, rules.end
        if end is None and rules.times is not None and (spec.step or spec.lookahead):
            end = (spec.lookahead or Period()).after(run_start(rules.now))
        if spec.step is None or rules.times is None:
            yield Window(self._values(start, end), None)
            return
        if start is None:
            raise RecordError(f"{rules.resource}: `step` wants an initial_value to begin from")
        for begin, asked, following in split(start, end, spec.step, spec.granularity):
            self._below = self._beyond = False
            yield Window(self._values(begin, asked), following)

    def _values(self, start: Json, end: Json) -> dict[str, Json]:
        write = self._rules.written
        return {
            "incremental.initial_value": write(self._rules.initial),
            "incremental.start_value": write(start),
            "incremental.last_value": write(start),
            "incremental.end_value": write(end),
        }

    def filter(self, records: list[Record]) -> list[Record]:
        """The records that are new; the watermark follows them."""
        rules = self._rules
        if rules.run_start and rules.row_order != "desc" and not rules.appends:
            return records  # all of them: nothing is known before this run's end
        try:
            return [record for record in records if self._is_new(record)]
        except TypeError:
            raise RecordError(
                f"{self._rules.resource}: the values at the incremental's cursor_path "
                f"`{self._rules.spec.cursor_path}` cannot be compared with its initial_value; "
                "write initial_value as the API writes the field"
            ) from None

    def _is_new(self, record: Record) -> bool:
        rules, start = self._rules, self._start
        value = rules.value(record, start)
        if value is None:
            return rules.missing == "include"
        if rules.end is not None and not rules.run_start:
            inside = rules.last_of((value, rules.end)) == rules.end
            self._beyond = not inside or (value == rules.end and not rules.closed_end)
            if self._beyond:
                return False
        at_start = value == start
        self._below = start is not None and not at_start and rules.last_of((value, start)) == start
        if rules.run_start:
            return self._is_first(record)
        if self._below or (at_start and not rules.closed_start):
            self._below = True
            return False
        if at_start and rules.tells_apart and rules.digest(record) in self._known_hashes:
            self._below = True
            return False
        if not self._is_first(record):
            return False
        if self._last is None or (
            value != self._last and rules.last_of((value, self._last)) == value
        ):
            self._last, self._hashes = value, set()
        if value == self._last and rules.tells_apart:
            self._hashes.add(rules.digest(record))
        return True

    def _is_first(self, record: Record) -> bool:
        """Whether the window before did not give this record too."""
        if not self._rules.appends or self._rules.spec.step is None:
            return True
        digest = self._rules.digest(record)
        self._seen.add(digest)
        return digest not in self._seen_before

    @property
    def exhausted(self) -> bool:
        """Whether the list's order says that nothing new follows in this window."""
        order = self._rules.row_order
        return (order == "desc" and self._below) or (order == "asc" and self._beyond)

    def finish(self, window: Window) -> None:
        """The window was read to its end."""
        self._seen_before, self._seen = self._seen, set()
        if window.following is None:
            return
        last, hashes = self._last, set(self._hashes)
        if self._rules.run_start:
            last = window.following
        elif last is not None and last > window.following:
            # not read yet, whatever this answer held of it
            last, hashes = window.following, set()
        self._finished = (last, hashes)

    @property
    def resumable(self) -> bool:
        """Whether some window was read to its end."""
        return self._finished is not None

    def cut(self) -> None:
        """A window failed: the watermark is where the one before it ended."""
        self._cut = True

    def state(self) -> State:
        """The watermark to keep."""
        rules = self._rules
        last, hashes = self._last, self._hashes
        if self._finished is not None:
            last, hashes = self._finished
        if rules.run_start and not self._cut:
            last, hashes = rules.started(), set()
            if self._before is not None:
                last = rules.last_of((last, self._before))
        elif self._before is not None and last is not None:
            last = rules.last_of((last, self._before))
        return {
            "initial_value": self._begun,
            "last_value": rules.kept(last),
            "start_value": rules.kept(self._before),
            "unique_hashes": sorted(hashes) if rules.tells_apart else [],
        }


def lag_in_dlts_units(spec: Incremental, initial_value: Json) -> float | None:
    """The lag in dlt's units: days where values are dates, else seconds."""
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
