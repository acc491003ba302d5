"""Deduplicate the records of a merge: of several versions of one key in a run, the last stays.

The last version is the one with the greatest cursor of the incremental, else the one that came
last. dlt's own merge keeps any of them, and its `upsert`, `insert-only` and `scd2` keep all.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import gt, lt
from os import SEEK_END
from tempfile import TemporaryFile
from typing import Any
from weakref import finalize

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.jsonpath import compile_path, find_values

from framework.definition.model import Resource
from framework.definition.schema.record_schema import Column, Table
from framework.definition.values.datetimes import TimeError, is_time, read_time
from framework.definition.values.naming import (
    SEPARATOR,
    join_path,
    normalize_identifier,
    normalize_path,
)
from framework.extract.incremental.cursor_numbers import number_in
from framework.extract.incremental.cursor_times import CursorTimes
from framework.extract.page import Record
from framework.runtime.field_paths import value_at

Json = Any
OrderKey = tuple[Any, ...]


class VersionOrder:
    """The order of the versions of one key, by `column`; by arrival if that is None.

    `dedup_sort` of a column counts more than the incremental's cursor, as in dlt's merge.
    """

    def __init__(self, resource: Resource) -> None:
        self._times: CursorTimes | None = None
        self.takes_least = False
        self.column: str | None = None
        self._path: Any = None
        for name, hint in resource.columns.items():
            if hint.get("dedup_sort"):
                self.column, self.takes_least = name, hint["dedup_sort"] == "asc"
        incremental = resource.endpoint.incremental
        if self.column is None and incremental is not None:
            self.column = incremental.cursor_path
            self._path = compile_path(self.column)
            if incremental.timed or is_time(incremental.arguments.get("initial_value")):
                self._times = CursorTimes.of(incremental)
            self.takes_least = incremental.arguments.get("last_value_func") == "min"

    def value(self, record: Record) -> Json:
        """Return what a record is ordered by, None if it has nothing there."""
        if self.column is None:
            return None
        if self._path is None:
            return value_at(record, path_of(record, self.column))
        return next(iter(find_values(self._path, record)), None)

    def column_in(self, table: Table) -> Column | None:
        """Return the declared column that records are ordered by, or None."""
        name = None if self.column is None else join_path(*self.column.split("."))
        return None if name is None else table.column(name)

    def key(self, value: Json) -> OrderKey:
        """Return a value as something that compares with those of all other versions."""
        if value is None or isinstance(value, bool):
            return (0,)
        if isinstance(value, date):
            return (2, _moment(value))
        number = number_in(value)
        if number is not None and self._times is None:
            return (1, number)
        try:
            formats = ("iso",) if self._times is None else self._times.records
            return (2, read_time(value, formats)[0])
        except TimeError:
            return (3, str(value)) if number is None else (1, number)


def _moment(day: date) -> datetime:
    """Return a date or time of an Arrow table as a time in UTC."""
    if not isinstance(day, datetime):
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    return day.replace(tzinfo=UTC) if day.tzinfo is None else day


def path_of(record: Record, name: str) -> tuple[str, ...]:
    """Return the path of the record's keys to the column of a name; the name if there is none."""
    if name in record:
        return (name,)
    column = normalize_path(name)
    for key, value in record.items():
        if not key.strip():
            continue
        known = normalize_identifier(key)
        if known == column:
            return (key,)
        if column.startswith(f"{known}{SEPARATOR}") and isinstance(value, dict):
            below = path_of(value, column.removeprefix(f"{known}{SEPARATOR}"))
            if value_at(value, below) is not None:
                return (key, *below)
    return (name,)


@dataclass(frozen=True)
class Superseded:
    """What deduplication leaves out: the numbers of the records, and how many of them are equal
    to another version in what they are ordered by, so that they are no older version.
    """

    numbers: pa.Array
    alike: int


SORTED_AT_ONCE = 1 << 17
PARTS = 16
MIXER = pa.scalar(-7046029254386353131, pa.int64())
"""Spreads keys that count in steps, too: 2**64 divided by the golden ratio, as a signed number."""

NOTHING = Superseded(pa.array([], pa.int64()), 0)


ValuesOf = Callable[[pa.Array], Iterable[tuple[int, Json]]]
"""Gives number and order value of the numbered records; called only if a key repeats."""


def superseded(
    marks: pa.Array, numbers: pa.Array | None, order: VersionOrder | None, values_of: ValuesOf
) -> Superseded:
    """Return which records are not the last version of their key.

    `marks` identify the keys of all records, `numbers` count the records as they came; None if
    they are in that order. Without an `order`, the last version is the one that came last.
    """
    rows = _repeated_rows(marks)
    if not len(rows):
        return NOTHING
    found = rows.cast(pa.int64()) if numbers is None else numbers.take(rows)
    table = pa.table(
        {"mark": marks.take(rows), "place": _places(found, order, values_of), "number": found}
    ).sort_by([("mark", "ascending"), ("place", "ascending"), ("number", "ascending")])
    keys, places, found = (table.column(name).combine_chunks() for name in table.column_names)
    before = len(keys) - 1
    is_older = pc.equal(keys.slice(0, before), keys.slice(1))
    is_alike = pc.and_(is_older, pc.equal(places.slice(0, before), places.slice(1)))
    alike = pc.sum(is_alike, min_count=0).as_py()
    return Superseded(found.slice(0, before).filter(is_older), alike)


def _repeated_rows(marks: pa.Array) -> pa.Array:
    """Return the places of all marks that occur more than once.

    Sorting takes about 90 bytes of memory a mark, so many marks are sorted a part at a time.
    """
    if len(marks) <= SORTED_AT_ONCE:
        return _repeated_of(marks)
    slices = (marks.slice(start, SORTED_AT_ONCE) for start in range(0, len(marks), SORTED_AT_ONCE))
    parts = pa.concat_arrays([_part_of(some) for some in slices])
    found = []
    for part in range(-PARTS // 2, PARTS // 2):
        places = pc.indices_nonzero(pc.equal(parts, part))
        found.append(places.take(_repeated_of(marks.take(places))))
    return pa.concat_arrays(found)


def _part_of(marks: pa.Array) -> pa.Array:
    """Return which part each mark belongs to: the upper bits of its product with a large number."""
    shift = 64 - (PARTS - 1).bit_length()
    return pc.shift_right(pc.multiply(marks, MIXER), pa.scalar(shift, pa.int64())).cast(pa.int8())


def _repeated_of(marks: pa.Array) -> pa.Array:
    by_mark = pc.array_sort_indices(marks)
    ordered = marks.take(by_mark)
    same = pc.equal(ordered.slice(1), ordered.slice(0, max(len(ordered) - 1, 0)))
    if not pc.any(same, min_count=0).as_py():
        return by_mark.slice(0, 0)
    no = pa.array([False])
    return by_mark.filter(pc.or_(pa.concat_arrays([same, no]), pa.concat_arrays([no, same])))


def _places(numbers: pa.Array, order: VersionOrder | None, values_of: ValuesOf) -> pa.Array:
    """Return the place of each record in the order, greater for later versions."""
    if order is None or order.column is None:
        return pa.repeat(pa.scalar(0, pa.int64()), len(numbers))
    keys = _order_keys(numbers, order, values_of)
    places = {key: place for place, key in enumerate(sorted(set(keys.values())))}
    sign = -1 if order.takes_least else 1
    return pa.array([sign * places[keys[number]] for number in numbers.to_pylist()], pa.int64())


@dataclass(frozen=True)
class SupersededBefore:
    """What `KeyHistory` leaves out: the numbers of records of which a later version is loaded.

    `repeated` of the records have a key that is loaded, `alike` are no older version.
    """

    numbers: pa.Array
    repeated: int = 0
    alike: int = 0


class KeyHistory:
    """The keys in the packages that a run has loaded so far, eight bytes each.

    What orders their versions is on disk, and only read if a key comes again.
    """

    def __init__(self) -> None:
        self._marks: list[pa.Array] = []
        self._file: Any = None

    def add(
        self,
        marks: pa.Array,
        numbers: pa.Array | None,
        order: VersionOrder | None,
        values: ValuesOf,
    ) -> None:
        """Add the records of a package; arguments as in `superseded`."""
        if not len(marks):
            return
        if order is not None and order.column is not None:
            if self._file is None:
                self._file = TemporaryFile()  # noqa: SIM115
                finalize(self, self._file.close)
            known = _order_keys(_numbers(marks, numbers), order, values)
            self._file.seek(0, SEEK_END)
            pickle.dump([known[n] for n in _numbers(marks, numbers).to_pylist()], self._file)
        self._marks.append(marks)

    def superseding(
        self,
        marks: pa.Array,
        numbers: pa.Array | None,
        order: VersionOrder | None,
        values: ValuesOf,
    ) -> SupersededBefore:
        """Return which records are older than one that is loaded; arguments as in `superseded`."""
        is_known = pc.is_in(marks, value_set=pa.concat_arrays(self._marks or [marks.slice(0, 0)]))
        again = marks.filter(is_known)
        if not len(again):
            return SupersededBefore(NOTHING.numbers)
        found = _numbers(marks, numbers).filter(is_known)
        if order is None or order.column is None:
            return SupersededBefore(NOTHING.numbers, len(again), len(again))
        loaded, own = self._loaded(again, order), _order_keys(found, order, values)
        is_older = gt if order.takes_least else lt
        older, alike = [], 0
        for number, mark in zip(found.to_pylist(), again.to_pylist(), strict=True):
            if is_older(own[number], loaded[mark]):
                older.append(number)
            alike += own[number] == loaded[mark]
        return SupersededBefore(pa.array(older, pa.int64()), len(again), alike)

    def _loaded(self, marks: pa.Array, order: VersionOrder) -> dict[int, OrderKey]:
        """Return the order key of the version that is loaded, by mark."""
        best = min if order.takes_least else max
        found: dict[int, OrderKey] = {}
        self._file.seek(0)
        for part in self._marks:
            keys = pickle.load(self._file)
            for row in pc.indices_nonzero(pc.is_in(part, value_set=marks)).to_pylist():
                mark = part[row].as_py()
                found[mark] = best(found.get(mark, keys[row]), keys[row])
        return found


def _numbers(marks: pa.Array, numbers: pa.Array | None) -> pa.Array:
    return pa.array(range(len(marks)), pa.int64()) if numbers is None else numbers


def _order_keys(numbers: pa.Array, order: VersionOrder, values_of: ValuesOf) -> dict[int, OrderKey]:
    return {number: order.key(value) for number, value in values_of(numbers)}
