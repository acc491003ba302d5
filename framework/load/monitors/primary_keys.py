"""Count the primary keys of a resource's records: how many records repeat one.

A key that is null or missing ends the resource; dlt would end the whole run.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.data_types import TDataType, coerce_value, py_type_to_sc_type
from dlt.common.schema import Schema
from dlt.common.schema.utils import autodetect_sc_type

from framework.definition.model import Resource
from framework.definition.values.naming import normalize_identifier
from framework.errors import RecordError
from framework.extract.page import Record
from framework.extract.transforms import TABLE
from framework.load.declared_tables import loaded_table
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
        column = normalize_identifier(name)
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
    return {
        normalize_identifier(name): hint["data_type"]
        for name, hint in resource.columns.items()
        if hint.get("data_type")
    }


class PrimaryKeyMonitor:
    """Count all records by key, in eight bytes a key. `schema` is what was loaded before."""

    def __init__(self, resource: Resource, schema: Schema | None) -> None:
        self._resource = resource
        self._types = None
        if resource.schema is None and resource.tables is None:
            self._types = KeyTypeMonitor(resource, schema)
        self._names: tuple[str, ...] | None = None
        self._take: Callable[[Record], Json] | None = None
        self._hashes = array("q")

    def add(self, records: list[Record]) -> None:
        """Count records. Raise RecordError if one has no key and there is no declared schema."""
        if not self._resource.primary_key or not records:
            return
        if self._names is None:
            self._names = _names_in(records[0], self._resource.primary_key)
            if self._names and self._resource.tables is not None:
                self._names = (*self._names, TABLE)
        names = self._names
        if not names:
            return
        if self._resource.schema is not None:
            # the contract handles records without a key
            records = [r for r in records if all(r.get(name) is not None for name in names)]
        mark = _mark if self._resource.schema is not None else _short
        try:
            columns = [self._values(name, records) for name in names]
            if len(columns) == 1:
                self._hashes.extend(map(mark, columns[0]))
            else:
                self._hashes.extend(
                    hash(str([*map(mark, key)])) for key in zip(*columns, strict=True)
                )
        except KeyError as missing:
            raise self._without(str(missing.args[0])) from None
        except _Null:
            nulls = (name for name in names if any(r.get(name) is None for r in records))
            raise self._without(next(nulls)) from None
        except _NotPlain:
            of_many = (n for n in names if any(isinstance(r.get(n), (dict, list)) for r in records))
            raise self._without(next(of_many), "an object or a list") from None
        except _Long as long:
            value = long.args[0]
            name = next(n for n in names if any(r.get(n) == value for r in records))
            raise RecordError(
                f"{self._resource.name}: a record has an integer of {len(str(value))} digits, past "
                f"64 bits, in `{name}`, which is its primary key. Convert it to text with "
                f"processing_steps: [{{cast: {{{name}: string}}}}]."
            ) from None

    def _values(self, name: str, records: list[Record]) -> list[Json]:
        values = [record[name] for record in records]
        return values if self._types is None else self._types.convert(name, values)

    def add_columns(self, keys: list[pa.Array]) -> None:
        """Count keys that Arrow read: an array for each column of the key, without nulls."""
        columns = [column.to_pylist() for column in keys]
        if not columns:
            return
        if len(columns) == 1:
            self._hashes.extend(map(_mark, columns[0]))
        else:
            self._hashes.extend(hash(str([*map(_mark, key)])) for key in zip(*columns, strict=True))

    @property
    def repeated(self) -> int:
        """Return how many records have a key that an earlier record has."""
        if not self._hashes:
            return 0
        marks = pa.Array.from_buffers(
            pa.int64(), len(self._hashes), [None, pa.py_buffer(self._hashes)]
        )
        # sort: counting distinct values takes ten times the memory
        ordered = marks.take(pc.array_sort_indices(marks))
        same = pc.equal(ordered.slice(1), ordered.slice(0, len(ordered) - 1))
        return int(pc.sum(same).as_py() or 0)

    def finish(self) -> Iterator[tuple[str, str]]:
        """Yield the code and message of a warning if keys are repeated."""
        repeated = self.repeated
        if not repeated:
            return
        key = ", ".join(self._resource.primary_key)
        merges = self._resource.write_disposition == "merge"
        outcome = "a merge keeps one of each" if merges else "the table holds all of them"
        yield (
            "keys-repeated",
            f"{repeated:,} of {len(self._hashes):,} records repeat a primary key (`{key}`) of this "
            f"run: {outcome}. Check primary_key and the paginator, or ignore this if the API's "
            "data changed between pages",
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
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    return hash(value if isinstance(value, (str, float)) else str(value))


def _short(value: Json) -> int:
    """Return the same; raise _Long if dlt would store the key in a variant column."""
    if isinstance(value, Digits):
        raise _Long(value)
    return _mark(value)


def _names_in(record: Record, key: tuple[str, ...]) -> tuple[str, ...]:
    """Return the record's names of the key's columns; empty if they are not top-level keys."""
    known = {normalize_identifier(name): name for name in record if name.strip()}
    names = tuple(
        name if name in record else known.get(normalize_identifier(name), name) for name in key
    )
    return () if any("__" in name and name not in record for name in names) else names
