"""The records that the mock serves, by list: a table that can be changed while it is served."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

Json = Any
GAP = 1 << 20
"""Between the places of two records of a new list, so that there is room for others."""


@dataclass(frozen=True)
class ListKey:
    """Which list of a resource it is: what its requests have in common, whatever the page."""

    resource: str
    method: str
    path: str = field(compare=False)
    identity: Hashable = ()
    origin: str = field(default="", compare=False)

    @cached_property
    def digest(self) -> str:
        """Eight digits that tell it from other lists."""
        text = "\0".join((self.resource, self.method, repr(self.identity)))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @property
    def label(self) -> str:
        """The list as messages name it."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class WorldRecord:
    """A record in a list. `place` orders the list, and no other record ever gets it."""

    place: int
    data: Json


@dataclass
class _List:
    key: ListKey
    records: list[WorldRecord]
    used: set[int]


class World:
    """Lists of records, in the API's order. Thread-safe.

    `version` counts the changes. Data of records must not be changed in place: replace them.
    """

    def __init__(self) -> None:
        self._lists: dict[ListKey, _List] = {}
        self._digests: dict[str, ListKey] = {}
        self._added: dict[str, set[int]] = {}
        self._lock = threading.RLock()
        self.version = 0
        self._versions: Counter[str] = Counter()

    def version_of(self, resource: str) -> int:
        """Return how often the lists of a resource were changed."""
        with self._lock:
            return self._versions[resource]

    def _changed(self, key: ListKey) -> None:
        self.version += 1
        self._versions[key.resource] += 1

    def lists(self, resource: str | None = None) -> list[ListKey]:
        """Return the lists, or those of a resource."""
        with self._lock:
            return [key for key in self._lists if resource in (None, key.resource)]

    def find(self, key: ListKey) -> ListKey | None:
        """Return the list of this key as it is known, with its origin; None if there is none."""
        with self._lock:
            found = self._lists.get(key)
            return None if found is None else found.key

    def find_digest(self, digest: str) -> ListKey | None:
        """Return the list with this digest, None if there is none."""
        with self._lock:
            return self._digests.get(digest)

    def __contains__(self, key: object) -> bool:
        with self._lock:
            return key in self._lists

    def records(self, key: ListKey) -> list[WorldRecord]:
        """Return the records of a list, none for an unknown one."""
        with self._lock:
            found = self._lists.get(key)
            return [] if found is None else list(found.records)

    def snapshot(self, key: ListKey) -> tuple[int, list[WorldRecord]]:
        """Return how often the world was changed until now, and the records of a list."""
        with self._lock:
            return self.version_of(key.resource), self.records(key)

    def every(self, resource: str) -> Iterator[Json]:
        """Yield the data of all records of a resource, list by list."""
        for key in self.lists(resource):
            for record in self.records(key):
                yield record.data

    def added(self, resource: str) -> Iterator[Json]:
        """Yield the data of the records that were inserted into a resource's lists."""
        for key in self.lists(resource):
            places = self._added.get(key.digest, ())
            for record in self.records(key):
                if record.place in places:
                    yield record.data

    def put(self, key: ListKey, data: Iterable[Json]) -> None:
        """Make this the list's whole content."""
        with self._lock:
            records = [WorldRecord((n + 1) * GAP, one) for n, one in enumerate(data)]
            self._lists[key] = _List(key, records, {record.place for record in records})
            self._digests[key.digest] = key
            self._changed(key)

    def insert(self, key: ListKey, data: Json, at: int | None = None) -> WorldRecord:
        """Insert a record before the one at a position, at the end by default."""
        with self._lock:
            if key not in self._lists:
                self.put(key, ())
            found = self._lists[key]
            position = len(found.records) if at is None else at
            record = WorldRecord(_place_in(found, position), data)
            found.records.insert(position, record)
            found.used.add(record.place)
            self._added.setdefault(key.digest, set()).add(record.place)
            self._changed(key)
            return record

    def replace(self, key: ListKey, place: int, data: Json) -> None:
        """Give the record at a place other data."""
        with self._lock:
            records = self._lists[key].records
            for number, record in enumerate(records):
                if record.place == place:
                    records[number] = replace(record, data=data)
            self._changed(key)

    def remove(self, key: ListKey, place: int) -> None:
        """Remove the record at a place."""
        with self._lock:
            found = self._lists[key]
            found.records = [record for record in found.records if record.place != place]
            self._changed(key)

    def change(self, resource: str, of: Callable[[Json], Json]) -> None:
        """Replace the data of every record of a resource by what the function makes of it."""
        with self._lock:
            for key in self.lists(resource):
                for record in self.records(key):
                    self.replace(key, record.place, of(record.data))


def _place_in(found: _List, position: int) -> int:
    """Return an unused place between the neighbours of a position."""
    records = found.records
    before = records[position - 1].place if position else 0
    if position == len(records):
        return max(found.used, default=0) + GAP
    after = records[position].place
    middle = (before + after) // 2
    while middle in found.used and middle < after - 1:
        middle += 1
    if middle in (before, after) or middle in found.used:
        raise ValueError("there is no room between two records: put the list anew")
    return middle
