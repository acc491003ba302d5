"""Where a list begins anew (`restart_after`): at the greatest cursor of its records.

Records with that cursor come again then. If they do not, some of them may never come. Nor do those
that an unsorted list has after the limit of its API.
"""

from __future__ import annotations

from typing import Any

from framework.errors import RecordError
from framework.extract.incremental.policy import CursorPolicy
from framework.extract.page import Record

Json = Any


class Keyset:
    """The place in one list, or in one of its windows. `gap` is the cursor of a possible gap."""

    def __init__(self, rules: CursorPolicy) -> None:
        self.gap: Json = None
        self._rules = rules
        self._last: Json = None
        self._turned: tuple[Json, Json] | None = None
        self._begun_at: Json = None
        self._overlaps = True

    def add(self, records: list[Record]) -> None:
        """Note the cursors of a page, in the API's order; raise RecordError for bad ones."""
        rules = self._rules
        for record in records:
            value = rules.value(record, None)
            if value is None:
                continue
            if not self._overlaps:
                self._overlaps = True
                if rules.last_of((value, self._begun_at)) == value != self._begun_at:
                    self.gap = rules.to_request(self._begun_at)
            last = self._last
            if last is None or rules.last_of((value, last)) == value:
                self._last = value
            elif self._turned is None and not self._is_near(value, last):
                self._turned = last, value

    def _before_repeated(self, value: Json) -> Json:
        times = self._rules.times
        return value if times is None else times.before_repeated(value)

    def _is_near(self, value: Json, last: Json) -> bool:
        """Return whether a clock that shows an hour twice may show the value after the last."""
        return bool(self._rules.last_of((value, self._before_repeated(last))) == value)

    def restart(self, begun_at: Json) -> Json:
        """Return where the list begins anew, which began at `begun_at`, both as requests have it.

        Raise RecordError if it would be the same list again, or if records would be lost.
        """
        rules, write = self._rules, self._rules.to_request
        if self._turned is not None:
            last, value = map(write, self._turned)
            raise RecordError(
                f"{rules.resource}: the list cannot begin anew at its last record, as it is not "
                f"sorted by `{rules.spec.cursor_path}`: {value} comes after {last}. Ask the API "
                "for this order"
            )
        start = None if self._last is None else self._before_repeated(self._last)
        if start is None or write(start) == begun_at:
            raise RecordError(
                f"{rules.resource}: the API pages only so far, and the list cannot go on "
                f"after the records with the cursor {begun_at}: there are as many of them as "
                "`restart_after` allows, or more. Read it in smaller parts (partitions, `step`), "
                "or by another cursor"
            )
        self._begun_at, self._last, self._overlaps = start, None, False
        return write(start)

    def end(self) -> None:
        """Note the end of the list."""
        if not self._overlaps:
            self._overlaps, self.gap = True, self._rules.to_request(self._begun_at)
