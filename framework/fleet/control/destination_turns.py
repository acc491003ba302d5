"""Turns at destinations: one unit at a time connects to each, in the order of requests."""

from __future__ import annotations

from collections import deque

from framework.fleet.control.control_messages import Message


class DestinationTurns:
    """Which unit has the turn at each destination, and which ones wait for it."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[tuple[str, int]]] = {}
        """The units of each destination, each with the number of its request; the first has it."""
        self._messages: list[tuple[str, Message]] = []

    def ask(self, key: str, unit: str, number: int) -> None:
        """Queue a unit."""
        queue = self._queues.setdefault(key, deque())
        queue.append((unit, number))
        if len(queue) == 1:
            self._tell_first(key)

    def end(self, key: str, unit: str) -> None:
        """Remove a unit, which has the turn or waits for it."""
        queue = self._queues.get(key, deque())
        has_turn = bool(queue) and queue[0][0] == unit
        left = deque(place for place in queue if place[0] != unit)
        if left:
            self._queues[key] = left
            if has_turn:
                self._tell_first(key)
        else:
            self._queues.pop(key, None)

    def drop(self, unit: str) -> None:
        """Remove a unit from all destinations."""
        for key in list(self._queues):
            self.end(key, unit)

    def due(self) -> list[tuple[str, Message]]:
        """Return which units are to be told that they have a turn."""
        messages, self._messages = self._messages, []
        return messages

    def _tell_first(self, key: str) -> None:
        unit, number = self._queues[key][0]
        self._messages.append((unit, {"type": "turn", "key": key, "number": number}))
