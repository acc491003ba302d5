"""Turns at a destination: one process at a time connects to a place that has one writer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

TakeTurn = Callable[[str], AbstractContextManager[None]]
"""Waits for the turn at a place (a file's path or a dataset's name), which ends with the block.

It raises a FrameworkError if the run is to stop meanwhile.
"""


class DestinationTurn:
    """The turn of one run at its destination; a block within a block holds the same turn.

    Without `take` nobody else is waited for. Used on one thread: the one that loads.
    """

    def __init__(self, place: str = "", take: TakeTurn | None = None) -> None:
        self.is_shared = take is not None
        self._place = place
        self._take = take
        self._held: AbstractContextManager[None] | None = None
        self._blocks = 0

    def __enter__(self) -> None:
        """Wait for the turn, unless this run has it."""
        if self._take is not None and self._blocks == 0:
            held = self._take(self._place)
            held.__enter__()
            self._held = held
        self._blocks += 1

    def __exit__(self, *error: object) -> None:
        """End the turn at the end of the outermost block."""
        self._blocks -= 1
        if self._blocks == 0 and self._held is not None:
            held, self._held = self._held, None
            held.__exit__(None, None, None)
