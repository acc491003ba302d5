"""Offsets of a text as a browser counts them: in UTF-16 units, not in characters."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class TextUnits:
    """A text, and where its characters are that take two units."""

    text: str

    @cached_property
    def _wide(self) -> list[int]:
        """The offsets of characters that take two units."""
        if self.text.isascii():
            return []
        return [place for place, mark in enumerate(self.text) if mark > "\uffff"]

    @cached_property
    def _wide_units(self) -> list[int]:
        return [place + index for index, place in enumerate(self._wide)]

    def units(self, offset: int) -> int:
        """Return the browser's offset of an offset in characters."""
        return offset + bisect_left(self._wide, offset)

    def offset(self, units: int) -> int:
        """Return the offset in characters of a browser's; inside a character, its beginning."""
        before = bisect_left(self._wide_units, units)
        if before and self._wide_units[before - 1] + 1 == units:
            return self._wide[before - 1]
        return min(max(units - before, 0), len(self.text))
