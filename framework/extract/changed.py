"""`only_changed`: which lists of a child to ask for again, by a field of its parent's records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from framework.extract.incremental.state_codec import ONLY_CHANGED, packed_prints, unpacked_prints
from framework.extract.slices import Slice

Json = Any


class Changed:
    """What the last loaded run saw of one field of the parent, by the key of the child's list."""

    def __init__(
        self, held: dict[str, Json], field: str, *, moves: bool, asks_all: bool = False
    ) -> None:
        self._place = f"{ONLY_CHANGED}{field}"
        self._held = held
        self._moves = moves
        self._asks_all = asks_all
        self._before = unpacked_prints(held.get(self._place, ""))
        self._now: dict[str, str] = {}

    def chosen(self, slices: Iterable[Slice]) -> list[Slice]:
        """The lists to ask for; one whose parent lacks the field always is."""
        return [
            one for one in slices if self._is_new(one.key, one.bound.changed if one.bound else None)
        ]

    def _is_new(self, key: str, seen: str | None) -> bool:
        if seen is None:
            return True
        self._now[key] = seen
        return self._asks_all or self._before.get(key) != seen

    def end(self, kept: set[str] | None) -> None:
        """All lists were read; `kept` as in `Cursors.end`."""
        if not self._moves:
            return
        before = self._before
        if kept is not None:
            before = {key: seen for key, seen in before.items() if key in kept}
        self._held[self._place] = packed_prints({**before, **self._now})
