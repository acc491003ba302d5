"""What children bind, kept until all of their parent was read: in memory while little, then on
disk, in a file without a name."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, Generic, TypeVar
from weakref import finalize

T = TypeVar("T")
BATCH = 1000
"""So many are objects at once; the rest is bytes."""
IN_MEMORY = 4 << 20
"""Bytes from which they are on disk."""


class Kept(Generic[T]):
    """Add values, then go through them, in their order and as often as needed, one at a time."""

    def __init__(self) -> None:
        self._last: list[T] = []
        self._batches = 0
        self._file: Any = None

    def add(self, value: T) -> None:
        """Keep this after those that were added before."""
        self._last.append(value)
        if len(self._last) == BATCH:
            if self._file is None:
                self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
                finalize(self, self._file.close)
            pickle.dump(self._last, self._file, pickle.HIGHEST_PROTOCOL)
            self._batches += 1
            self._last = []

    def __len__(self) -> int:
        return self._batches * BATCH + len(self._last)

    def __iter__(self) -> Iterator[T]:
        place = 0
        for _ in range(self._batches):
            self._file.seek(place)
            batch: list[T] = pickle.load(self._file)
            place = self._file.tell()
            yield from batch
        yield from self._last

    def __contains__(self, value: object) -> bool:
        return any(one == value for one in self)

    def first(self, count: int) -> list[T]:
        """So many of them, or all."""
        return list(islice(self, count))
