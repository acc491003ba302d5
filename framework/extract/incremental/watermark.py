"""The watermark of one list while it is read, beyond what dlt's own incremental can do.

Known records are left out by dlt's rules. The new watermark is read when the list is complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from framework.definition.durations import Period
from framework.errors import RecordError
from framework.extract.incremental.cursor_times import run_start
from framework.extract.incremental.policy import CursorPolicy, State
from framework.extract.incremental.windows import Window, split
from framework.extract.page import Record

Json = Any


class Watermark:
    """The watermark of one list. `state` is that of an earlier run, or None.

    `alone` marks a resource's only list. Of many merged lists, records at the watermarks are read
    again: remembering them would make the state large.
    """

    def __init__(
        self, rules: CursorPolicy, state: State | None = None, *, alone: bool = False
    ) -> None:
        if not rules.keeps:
            state = None
        self._rules = rules
        self._remembers = rules.tells_apart and (rules.appends or alone)
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
        """Yield the windows to read, in their order."""
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
        """Return the new records; the watermark follows them."""
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
        if at_start and self._remembers and rules.digest(record) in self._known_hashes:
            self._below = True
            return False
        if not self._is_first(record):
            return False
        if self._last is None or (
            value != self._last and rules.last_of((value, self._last)) == value
        ):
            self._last, self._hashes = value, set()
        if value == self._last and self._remembers:
            self._hashes.add(rules.digest(record))
        return True

    def _is_first(self, record: Record) -> bool:
        """Return whether the window before did not have this record too."""
        if not self._rules.appends or self._rules.spec.step is None:
            return True
        digest = self._rules.digest(record)
        self._seen.add(digest)
        return digest not in self._seen_before

    @property
    def exhausted(self) -> bool:
        """Whether the row order says that nothing new follows in this window."""
        order = self._rules.row_order
        return (order == "desc" and self._below) or (order == "asc" and self._beyond)

    def finish(self, window: Window) -> None:
        """Move the watermark past a window that was read to its end."""
        self._seen_before, self._seen = self._seen, set()
        if window.following is None:
            return
        last, hashes = self._last, set(self._hashes)
        if self._rules.run_start:
            last = window.following
        elif last is not None and last > window.following:
            # what follows the window is not read yet, even if this response had some of it
            last, hashes = window.following, set()
        self._finished = (last, hashes)

    @property
    def resumable(self) -> bool:
        """Whether a window was read to its end."""
        return self._finished is not None

    def cut(self) -> None:
        """Leave the watermark where the last complete window ended: the next one failed."""
        self._cut = True

    def state(self) -> State:
        """Return the watermark to store, in dlt's form."""
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
            "unique_hashes": sorted(hashes) if self._remembers else [],
        }
