"""The primary keys of a resource's records: how many repeat, and which records a merge leaves out.

A key that is null or missing ends the resource; dlt would end the whole run.
"""

from __future__ import annotations

import copy
from array import array
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.data_types import TDataType, coerce_value, py_type_to_sc_type
from dlt.common.schema import Schema
from dlt.common.schema.utils import autodetect_sc_type

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import normalize_path
from framework.errors import RecordError
from framework.extract.page import Record
from framework.extract.records.transforms import TABLE
from framework.load.declared_tables import loaded_table
from framework.load.deduplication import (
    NOTHING,
    KeyHistory,
    ValuesOf,
    VersionOrder,
    path_of,
    superseded,
)
from framework.runtime.field_paths import value_at
from framework.text import Digits, json_type

Json = Any


JSON_TYPES: Mapping[type, str] = {int: "bigint", str: "text", float: "double", bool: "bool"}
PLURALS = {"bigint": "integers", "text": "texts", "double": "numbers", "timestamp": "times"}


class KeyTypeMonitor:
    """Convert keys to the type of their column: declared, loaded before, or the first value's."""

    def __init__(self, resource: Resource, schema: Schema | None) -> None:
        self._resource = resource
        self._types: dict[str, TDataType] = _declared(resource)
        self._loaded = {
            name: column["data_type"]
            for name, column in loaded_table(schema, resource).get("columns", {}).items()
            if column.get("data_type")
        }

    def convert(self, name: str, values: list[Json]) -> list[Json]:
        """Return the values as their column holds them; raise RecordError if it cannot."""
        types = set(map(type, values))
        if not values or not types <= JSON_TYPES.keys():
            return values  # not valid as keys, which the caller reports
        column = normalize_path(name)
        data_type = self._types.get(column) or self._loaded.get(column)
        if data_type is None:
            data_type = self._types[column] = _inferred(values[0])
        if all(JSON_TYPES[one] == data_type for one in types):
            return values
        return [self._convert(name, column, data_type, value) for value in values]

    def _convert(self, name: str, column: str, data_type: TDataType, value: Json) -> Json:
        try:
            return coerce_value(data_type, py_type_to_sc_type(type(value)), value)
        except (ValueError, SyntaxError):
            reload = ", and reload with --refresh" if column in self._loaded else ""
            raise RecordError(
                f"{self._resource.name}: a record has {json_type(value)} in `{name}`, which is "
                f"its primary key, and the key's column has {PLURALS.get(data_type, data_type)}. "
                f"Make all of them text with columns: {{{name}: {{data_type: text}}}}{reload}."
            ) from None


def _inferred(value: Json) -> TDataType:
    """Return the type that dlt gives a column whose first value this is."""
    python_type = type(value)
    detected = autodetect_sc_type(["iso_timestamp"], python_type, value)
    return detected or py_type_to_sc_type(python_type)


def _declared(resource: Resource) -> dict[str, TDataType]:
    types: dict[str, Any] = {}
    if resource.schema is not None:
        types = {column.name: column.data_type for column in table_of(resource.schema).columns}
    hints = resource.columns.items()
    types |= {normalize_path(name): h["data_type"] for name, h in hints if h.get("data_type")}
    return types


class PrimaryKeyMonitor:
    """Remember all records by key, in eight bytes a key. `schema` is what was loaded before.

    `order` tells which version of a key is the last; with `merges`, only that one is loaded.
    `left_out` are the numbers of the records that are not loaded, because another version is.
    """

    def __init__(self, resource: Resource, schema: Schema | None) -> None:
        self._resource = resource
        self._types = None if resource.tables is not None else KeyTypeMonitor(resource, schema)
        self._paths: dict[str, tuple[str, ...]] = {}
        self._earlier = KeyHistory()
        self._count = 0
        self._marks = array("q")
        self._numbers: pa.Array | None = None
        self.left_out = NOTHING.numbers
        self._repeated = self._alike = 0
        self.order = VersionOrder(resource)
        self.merges = resource.write_disposition == "merge" and bool(resource.primary_key)

    def check(self, record: Record) -> None:
        """Raise RecordError if a record has no key, and convert its key, without adding it."""
        known = len(self._marks)
        self.add([record])
        del self._marks[known:]

    def path(self, name: str) -> tuple[str, ...] | None:
        """Return the path of a field of the key in the records; None before the first one."""
        return self._paths.get(name)

    def add(self, records: list[Record]) -> None:
        """Add records; raise RecordError if one has no key."""
        if not self._resource.primary_key or not records:
            return
        if not self._paths:
            self._paths = {name: path_of(records[0], name) for name in self._resource.primary_key}
            if self._resource.tables is not None:
                self._paths[TABLE] = (TABLE,)
        paths = self._paths
        mark = _mark if self._resource.schema is not None else _short
        try:
            columns = [self._values(name, path, records) for name, path in paths.items()]
            if len(columns) == 1:
                self._marks.extend(map(mark, columns[0]))
            else:
                self._marks.extend(
                    hash(str([*map(mark, key)])) for key in zip(*columns, strict=True)
                )
        except KeyError as missing:
            raise self._without(str(missing.args[0])) from None
        except _Null:
            raise self._without(self._first(records, lambda value: value is None)) from None
        except _NotPlain:
            name = self._first(records, lambda value: isinstance(value, (dict, list)))
            raise self._without(name, "an object or a list") from None
        except _Long as long:
            value = long.args[0]
            name = self._first(records, lambda other: other == value)
            raise RecordError(
                f"{self._resource.name}: a record has an integer of {len(str(value))} digits, past "
                f"64 bits, in `{name}`, which is its primary key. Convert it to text with "
                f"processing_steps: [{{cast: {{{name}: string}}}}]."
            ) from None

    def _values(self, name: str, path: tuple[str, ...], records: list[Record]) -> list[Json]:
        if len(path) == 1:
            key = path[0]
            values = [record[key] for record in records]
        else:
            values = [value_at(record, path) for record in records]
        if self._types is None:
            return values
        converted = self._types.convert(name, values)
        if converted is not values and self.merges and len(path) == 1:
            # dlt must find the type that it would have found with the versions left out
            for record, value in zip(records, converted, strict=True):
                if type(value) in JSON_TYPES:
                    record[path[0]] = value
        return converted

    def _first(self, records: list[Record], is_one: Callable[[Json], bool]) -> str:
        """Return the name of the key's first field that has such a value in a record."""
        return next(
            ".".join(path)
            for path in self._paths.values()
            if any(is_one(value_at(record, path)) for record in records)
        )

    def add_columns(self, keys: list[pa.ChunkedArray]) -> None:
        """Add keys that Arrow read: a column for each field of the key, without nulls."""
        if len(keys) == 1 and pa.types.is_int64(keys[0].type):
            for chunk in keys[0].chunks:
                self._marks.frombytes(chunk.buffers()[1].slice(8 * chunk.offset, 8 * len(chunk)))
            return
        columns = [column.to_pylist() for column in keys]
        if len(columns) == 1 and pa.types.is_string(keys[0].type):
            self._marks.extend(map(hash, columns[0]))
        elif len(columns) == 1:
            self._marks.extend(map(_mark, columns[0]))
        elif columns:
            self._marks.extend(hash(str([*map(_mark, key)])) for key in zip(*columns, strict=True))

    def end(self, numbers: pa.Array | None, values_of: ValuesOf) -> None:
        """Find the records that a merge leaves out; call after the last record.

        `numbers` count the records as they came, in the order in which they were added; None if
        that is the same order. `values_of` has what `superseded` says.
        """
        self._numbers = numbers
        order = self.order if self.merges else None
        own = superseded(self.marks, numbers, order, values_of)
        older = self._earlier.superseding(self.marks, numbers, order, values_of)
        if self.merges:
            self.left_out = pc.unique(pa.concat_arrays([own.numbers, older.numbers]))
        self._repeated += len(own.numbers) + older.repeated
        self._alike += own.alike + older.alike
        self._count += len(self._marks)

    def following(self, values_of: ValuesOf) -> PrimaryKeyMonitor:
        """Return the monitor of the records that follow in the next package; call after `end`."""
        after = copy.copy(self)
        order = self.order if self.merges else None
        after._earlier.add(self.marks, self._numbers, order, values_of)
        after._marks, after._numbers, after.left_out = array("q"), None, NOTHING.numbers
        return after

    @property
    def marks(self) -> pa.Array:
        """The marks of the keys of all records: integers that identify them."""
        return pa.Array.from_buffers(
            pa.int64(), len(self._marks), [None, pa.py_buffer(self._marks)]
        )

    def leave_out(self, marks: pa.Array) -> None:
        """Leave out the records whose keys have these marks, too; call after `end`."""
        is_one = pc.is_in(self.marks, value_set=marks)
        if self._numbers is not None:
            numbers = self._numbers.filter(is_one)
        else:
            numbers = pc.indices_nonzero(is_one).cast(pa.int64())
        self.left_out = pc.unique(pa.concat_arrays([self.left_out, numbers]))

    def finish(self, *, may_shift: bool) -> Iterator[tuple[str, str]]:
        """Yield the code and message of a warning if keys are repeated.

        Versions of a record that differ in their cursor are no reason for one, unless the API's
        data may have shifted between pages.
        """
        repeated = self._repeated
        if not repeated or (self.merges and not self._alike and not may_shift):
            return
        key, by = ", ".join(self._resource.primary_key), self.order.column
        outcome = "the table holds all of them"
        if self.merges:
            least = "least" if self.order.takes_least else "greatest"
            last = f"the one with the {least} `{by}`" if by else "the one that came last"
            outcome = f"of each key, {last} is loaded"
        yield (
            "keys-repeated",
            f"{repeated:,} of {self._count:,} records repeat a primary key (`{key}`) of this "
            f"run: {outcome}. If the key is right, check the paginator: where data changes or is "
            "not sorted by a unique field while it is paged, as many other records may be missing",
        )

    def _without(self, name: str, found: str = "null or nothing") -> RecordError:
        message = (
            f"{self._resource.name}: a record has {found} in `{name}`, which is its "
            "primary key. Fix primary_key or data_selector, or remove such records with "
            "processing_steps."
        )
        parent = self._resource.parent
        if parent is not None:
            message += (
                f" To use a field of {parent}, add `include_from_parent: [FIELD]`; it is named "
                f"`_{parent}_FIELD`."
            )
        return RecordError(message)


class _Null(Exception):
    """A key is null."""


class _Long(Exception):
    """A key is an integer past 64 bits: its column would stay empty."""


class _NotPlain(Exception):
    """A key is an object or a list, which has no column."""


def _mark(value: Json) -> int:
    """Return an integer that identifies a key."""
    if value is None:
        raise _Null
    if isinstance(value, (dict, list)):
        raise _NotPlain
    if isinstance(value, (float, Decimal)) and value == value // 1:
        value = int(value)  # the hash of -1.0 is that of -2.0
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    return hash(str(value) if isinstance(value, (int, Digits)) else value)


def _short(value: Json) -> int:
    """Return the same; raise _Long if dlt would store the key in a variant column."""
    if isinstance(value, Digits):
        raise _Long(value)
    return _mark(value)
