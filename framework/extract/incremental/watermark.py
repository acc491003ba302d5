"""The watermark of one list while it is read.

Records of earlier runs are skipped as by dlt's Incremental, whose state this continues. The new
watermark is valid once the list was read to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dlt.extract.utils import has_legacy_dedup_hashes

from framework.definition.values.datetimes import shifted, time_shape, write_time
from framework.errors import RecordError
from framework.extract.incremental.cursor_numbers import plain
from framework.extract.incremental.cursor_times import parse_iso_time
from framework.extract.incremental.policy import CursorPolicy, State, lag_in_dlts_units
from framework.extract.incremental.windows import Window, aligned, middle, split, split_aligned
from framework.extract.page import Record
from framework.text import json_type

Json = Any
MAX_HASHES = 20_000
"""Hashes of records that a resume point may have: the state should not grow without bound."""
Whole = Callable[[Record], Record]


def _whole_already(record: Record) -> Record:
    return record


class Watermark:
    """The watermark of one list. `state` is that of an earlier run, or None.

    `alone` marks a resource's only list. Merged records at the watermarks of many lists are read
    again, because their hashes would make the state large.
    """

    def __init__(
        self, rules: CursorPolicy, state: State | None = None, *, alone: bool = False
    ) -> None:
        if not rules.is_stateful:
            state = None
        self._rules = rules
        # the state changes exactly as that of dlt's Incremental
        self._is_plain = (
            alone and rules.times is None and not (rules.run_start and rules.row_order == "desc")
        )
        self._remembers = rules.remembers_records and (rules.appends or alone)
        self._initial = (state or {}).get("initial_value", rules.to_state(rules.initial))
        self._previous = rules.capped(rules.last(state))
        self._stored_start = (state or {}).get("start_value", rules.to_state(rules.initial))
        self._start = rules.start_after(self._previous, state)
        self._last = self._previous
        self._hashes: set[str] = set((state or {}).get("unique_hashes") or ())
        self._previous_hashes = frozenset(self._hashes)
        self._is_legacy = has_legacy_dedup_hashes(self._hashes)  # written by dlt before 1.29
        self._at_last: list[Record] = []
        self._future: dict[str, Json] = {}
        self._has_new = False
        self._previous_window: set[str] = set()
        self._window: set[str] = set()
        self._is_below = self._is_beyond = False
        self._checkpoint: tuple[Json, set[str]] | None = None
        self._is_cut = False
        self._window_end: datetime | None = None
        self._before: dict[str, Any] = {}

    def progress(self) -> dict[str, Json] | None:
        """Return as JSON how far this list was read, for `resume`; None if that is too much."""
        if len(self._hashes) + len(self._future) + len(self._previous_window) > MAX_HASHES:
            return None
        write, checkpoint = self._rules.to_state, self._checkpoint
        return {
            "last": write(self._last),
            "hashes": sorted(self._hashes),
            "future": {digest: write(value) for digest, value in self._future.items()},
            "has_new": self._has_new,
            "window": sorted(self._previous_window),
            "end": None if self._window_end is None else write_time(self._window_end, "iso"),
            "checkpoint": checkpoint and [write(checkpoint[0]), sorted(checkpoint[1])],
        }

    def resume(self, progress: Mapping[str, Json]) -> None:
        """Go on where an earlier run ended within this list; call before it is read."""
        self._before = dict(vars(self))
        parse, checkpoint = self._rules.parse, progress["checkpoint"]
        self._last, self._hashes = parse(progress["last"]), set(progress["hashes"])
        self._future = {digest: parse(value) for digest, value in progress["future"].items()}
        self._has_new, self._previous_window = progress["has_new"], set(progress["window"])
        self._at_last, self._window = [], set()
        self._window_end = progress["end"] and parse_iso_time(progress["end"])
        self._checkpoint = checkpoint and (parse(checkpoint[0]), set(checkpoint[1]))

    def restart(self) -> None:
        """Forget what `resume` set: the list is read from its start."""
        vars(self).update(self._before)

    def windows(self) -> Iterator[Window]:
        """Yield the windows in reading order; raise RecordError if `step` has no start."""
        rules, spec = self._rules, self._rules.spec
        start, end = self._start, rules.range_end
        if spec.step is None or rules.times is None:
            yield Window(self._values(start, end), None)
            return
        if start is None:
            raise RecordError(
                f"{rules.resource}: found `step` without initial_value, expected a value to start "
                "from; add initial_value"
            )
        divide = split
        if spec.align is not None:
            start, divide = aligned(start, spec.align, rules.times.zone), split_aligned
        for begin, window_end, following in divide(start, end, spec.step, spec.granularity):
            if self._window_end is not None and following <= self._window_end:
                continue  # read by the run that this one resumes
            if self._window_end is not None and begin < self._window_end:
                begin = self._window_end  # that run read a half of the window
            self._is_below = self._is_beyond = False
            yield Window(self._values(begin, window_end), following, begin)

    def halves(self, window: Window) -> tuple[Window, Window] | None:
        """Return the two halves of a window, None if it is as short as windows can be.

        That is the `granularity`, or what requests write: a day, or a second.
        """
        times, spec = self._rules.times, self._rules.spec
        begin, following = window.begin, window.following
        if times is None or begin is None or following is None:
            return None
        unit = timedelta(days=1) if times.of_days else timedelta(seconds=1)
        at = middle(begin, following, max(unit, spec.granularity or unit))
        if at is None:
            return None
        self._window = set()  # what the whole window gave comes again
        first_end = times.to_request(shifted(at, -(spec.granularity or timedelta(0))))
        first = {**window.values, "incremental.end_value": first_end}
        start = times.to_request(at)
        second = {"incremental.start_value": start, "incremental.last_value": start}
        return Window(first, at, begin), Window({**window.values, **second}, following, at)

    def _values(self, start: Json, end: Json) -> dict[str, Json]:
        write = self._rules.to_request
        return {
            "incremental.initial_value": write(self._rules.initial),
            "incremental.start_value": write(start),
            "incremental.last_value": write(start),
            "incremental.end_value": write(end),
            "incremental.lag": lag_in_dlts_units(
                self._rules.spec, self._rules.spec.arguments.get("initial_value")
            ),
        }

    def filter(self, records: list[Record], whole: Whole = _whole_already) -> list[Record]:
        """Return the new records and advance the watermark; raise RecordError for bad cursors.

        `whole` returns the complete record of one that may have no other field than its cursor.
        """
        rules = self._rules
        if rules.run_start and rules.row_order != "desc" and (self._is_plain or not rules.appends):
            return records  # all are new before the run's start
        try:
            new = records
            if not self._are_all_new(records):
                new = [record for record in records if self._is_new(record, whole)]
        except TypeError:
            raise RecordError(f"{rules.resource}: {self._incomparable(records)}") from None
        is_legacy = self._is_legacy and self._last == self._previous
        self._hashes.update(rules.digest(whole(one), legacy=is_legacy) for one in self._at_last)
        self._at_last = []
        self._has_new = self._has_new or bool(new)
        return new

    def _are_all_new(self, records: list[Record]) -> bool:
        """Return whether the greatest and the least cursor show it; then advance the watermark.

        False if only a look at each record tells.
        """
        rules = self._rules
        if rules.run_start or rules.caps or rules.spec.keep_all or not records:
            return False
        if rules.appends and rules.spec.step is not None:
            return False
        extremes = rules.extremes(records)
        if extremes is None:
            return False
        first, last, at_last = extremes
        if self._start is not None and (
            first == self._start or rules.last_of((first, self._start)) != first
        ):
            return False
        if rules.end is not None and (
            rules.last_of((last, rules.end)) != rules.end
            or (last == rules.end and not rules.closed_end)
        ):
            return False
        self._is_below = self._is_beyond = False
        for record in at_last:
            self._advance(record, last)
        return True

    def _incomparable(self, records: list[Record]) -> str:
        """Describe values of two kinds: those of two records, or a record's and the start."""
        path = self._rules.spec.cursor_path
        values = [plain(self._rules.find(record)) for record in records]
        if self._last is not self._previous:
            values.append(plain(self._last))
        kinds = {_kind(value): time_shape(value) for value in values if value is not None}
        if len(kinds) > 1:
            (one, as_one), (other, as_other) = list(kinds.items())[:2]
            return (
                f"the incremental's cursor_path `{path}` holds {one} (written as {as_one}) in one "
                f"record and {other} (written as {as_other}) in another, which cannot be compared. "
                f"Give them one type: processing_steps: [{{cast: {{{path}: integer}}}}], or "
                "`string`; or choose another cursor"
            )
        problem = f"the values at the incremental's cursor_path `{path}` cannot be compared with"
        if self._previous is None:
            return f"{problem} each other: they are {'; '.join(kinds)}. Choose another cursor"
        known = _kind(plain(self._previous))
        if self._previous == self._rules.initial:
            return (
                f"{problem} its initial_value, which is {known}; write initial_value as the API "
                "writes the field"
            )
        return (
            f"{problem} those of earlier runs, which were {known}. Give them that type in "
            "processing_steps (`cast`), or load again with --refresh"
        )

    def _is_new(self, record: Record, whole: Whole) -> bool:
        rules, start = self._rules, self._start
        value = rules.value(record, start)
        if value is None:
            return rules.missing == "include"
        if rules.spec.keep_all:
            return self._is_kept(record, value, whole)
        if rules.end is not None and not rules.run_start:
            inside = rules.last_of((value, rules.end)) == rules.end
            self._is_beyond = not inside or (value == rules.end and not rules.closed_end)
            if self._is_beyond:
                return False
        at_start = value == start
        self._is_below = (
            start is not None and not at_start and rules.last_of((value, start)) == start
        )
        if rules.run_start:
            return self._is_first(record, whole)
        if self._is_below or (at_start and not rules.closed_start):
            self._is_below = True
            return False
        if self._remembers and (at_start or rules.caps):
            digest = rules.digest(whole(record), legacy=self._is_legacy)
            if rules.caps:
                self._future[digest] = value
            if digest in self._previous_hashes:
                self._is_below = at_start
                return False
        if not self._is_first(record, whole):
            return False
        self._advance(record, value)
        return True

    def _is_kept(self, record: Record, value: Json, whole: Whole) -> bool:
        """Return whether a record of `keep_all` is new: only appended ones are known again."""
        rules, start = self._rules, self._start
        is_before = start is not None and rules.last_of((value, start)) == start
        self._is_below = is_before and value != start
        if rules.appends and self._remembers and (value == start or rules.caps):
            digest = rules.digest(whole(record), legacy=self._is_legacy)
            if rules.caps:
                self._future[digest] = value
            if digest in self._previous_hashes:
                return False
        if not self._is_first(record, whole):
            return False
        if not rules.run_start:
            self._advance(record, value)
        return True

    def _advance(self, record: Record, value: Json) -> None:
        """Move the watermark to the record's value if it is past it."""
        rules = self._rules
        if self._last is None or (
            value != self._last and rules.last_of((value, self._last)) == value
        ):
            self._last, self._hashes, self._at_last = value, set(), []
        if value == self._last and self._remembers:
            self._at_last.append(record)

    def _is_first(self, record: Record, whole: Whole) -> bool:
        """Return whether the previous window did not contain this record."""
        if not self._rules.appends or self._rules.spec.step is None:
            return True
        digest = self._rules.digest(whole(record))
        self._window.add(digest)
        return digest not in self._previous_window

    @property
    def exhausted(self) -> bool:
        """Whether the row order says that nothing new follows in this window."""
        order = self._rules.row_order
        return (order == "desc" and self._is_below) or (order == "asc" and self._is_beyond)

    def finish(self, window: Window) -> None:
        """Advance the watermark past a window that was read to its end."""
        self._previous_window, self._window = self._window, set()
        if window.following is None:
            return
        self._window_end = window.following
        last, hashes = self._last, set(self._hashes)
        if self._rules.run_start:
            last = window.following
        elif self._rules.spec.align is not None:
            last, hashes = window.following, set()  # whole periods do not overlap
        elif last is not None and last > window.following:
            # records past the window are not read yet, even if this response had some of them
            last, hashes = window.following, set()
        self._checkpoint = (last, hashes)

    @property
    def resumable(self) -> bool:
        """Whether a window was read to its end."""
        return self._checkpoint is not None

    def cut(self) -> None:
        """Leave the watermark at the end of the last complete window, as the next one failed."""
        self._is_cut = True

    @property
    def future_value(self) -> Json:
        """Return the watermark as the state stores it if it is a time in the future, else None."""
        last = self._last if self._checkpoint is None else self._checkpoint[0]
        if self._rules.caps or not self._rules.is_in_future(last):
            return None
        return self._rules.to_state(last)

    def state(self) -> State:
        """Return the watermark to store, in dlt's form."""
        rules = self._rules
        last, hashes = self._last, self._hashes
        if self._checkpoint is not None:
            last, hashes = self._checkpoint
        if self._is_cut and rules.run_start and last is not None:
            # a window may end later: with `lookahead`, or if the server's clock is behind
            last = min(last, rules.run_start_value())
        if rules.run_start and not self._is_cut:
            last, hashes = rules.run_start_value(), set()
            if self._previous is not None and not self._is_plain:
                last = rules.last_of((last, self._previous))
        elif self._previous is not None and last is not None:
            last = rules.last_of((last, self._previous))
        last = rules.capped(last)
        if rules.caps and last is not None:  # the next run gets records of the future again
            hashes = hashes | {key for key, value in self._future.items() if value >= last}
        start = rules.to_state(self._previous)
        if self._is_plain and not self._has_new:
            start = self._stored_start
        return {
            "initial_value": self._initial,
            "last_value": rules.to_state(last),
            "start_value": start,
            "unique_hashes": sorted(hashes) if self._remembers else [],
        }


def _kind(value: Json) -> str:
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    return "a number" if is_number else json_type(value)
