"""Places for requests in flight of one budget: units keep theirs until others wait for one.

A unit that has places for all its threads reuses them without a word. As soon as a unit waits,
places are scarce: unused ones are returned, and one that is in use as soon as its request ends.
"""

from __future__ import annotations

from framework.fleet.control.control_messages import Message


class RequestPlaces:
    """The places of one budget, granted one by one to units in turn; `most` None: no limit."""

    def __init__(self) -> None:
        self.most: int | None = None
        self._held: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        """The places that each waiting unit wants, in the order of their turns."""
        self._is_scarce = False

    def ask(self, unit: str, places: int) -> None:
        """Queue a unit for so many places more; one that is queued already keeps its turn."""
        if places:
            self._wanted[unit] = self._wanted.get(unit, 0) + places

    def give_back(self, unit: str, places: int) -> None:
        """Free places of a unit."""
        self._held[unit] = max(self._held.get(unit, 0) - places, 0)

    def drop(self, unit: str) -> None:
        """Free all places of a unit whose connection has ended."""
        self._held.pop(unit, None)
        self._wanted.pop(unit, None)

    def due(self, key: str) -> list[tuple[str, Message]]:
        """Grant what is free; return what units are to be told about the budget `key`."""
        granted: dict[str, int] = {}
        free = float("inf") if self.most is None else self.most - sum(self._held.values())
        while self._wanted and free >= 1:
            unit = next(iter(self._wanted))
            wanted = self._wanted.pop(unit)
            count = wanted if self.most is None else 1
            if wanted > count:  # the rest has its turn after the others
                self._wanted[unit] = wanted - count
            self._held[unit] = self._held.get(unit, 0) + count
            granted[unit] = granted.get(unit, 0) + count
            free -= count
        told = set(granted)
        if self._is_scarce != bool(self._wanted):
            self._is_scarce = bool(self._wanted)
            told |= self._held.keys()
        message = {"type": "places", "key": key, "is_scarce": self._is_scarce}
        return [(unit, {**message, "count": granted.get(unit, 0)}) for unit in sorted(told)]
