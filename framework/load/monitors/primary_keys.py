"""The primary keys of one resource's records, counted: how many records repeat one.

A key that is null or missing ends the resource: dlt would end the whole run with it.
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
from framework.definition.naming import normalize_identifier
from framework.errors import RecordError
from framework.extract.page import Record
from framework.extract.transforms import TABLE
from framework.load.declared_tables import loaded_table
from framework.text import Digits, json_type

Json = Any


NATURAL: Mapping[type, str] = {int: "bigint", str: "text", float: "double", bool: "bool"}
PLURALS = {"bigint": "integers", "text": "texts", "double": "numbers", "timestamp": "times"}


class KeyTypeMonitor:
    """The types of a resource's key columns: as `columns` or an earlier run have them, else as the
    first value makes them."""

    def __init__(self, resource: Resource, schema: Schema | None) -> None:
        self._resource = resource
        self._types: dict[str, TDataType] = _declared(resource)
        self._loaded = {
            name: column["data_type"]
            for name, column in loaded_table(schema, resource).get("columns", {}).items()
            if column.get("data_type")
        }

    def fitted(self, name: str, values: list[Json]) -> list[Json]:
        """The values as their column holds them. RecordError for one that it can't hold."""
        kinds = set(map(type, values))
        if not values or not kinds <= NATURAL.keys():
            return values  # no keys at all, which is told elsewhere
        column = normalize_identifier(name)
        kind = self._types.get(column) or self._loaded.get(column)
        if kind is None:
            kind = self._types[column] = _inferred(values[0])
        if all(NATURAL[one] == kind for one in kinds):
            return values
        return [self._fitted(name, column, kind, value) for value in values]

    def _fitted(self, name: str, column: str, kind: TDataType, value: Json) -> Json:
        try:
            return coerce_value(kind, py_type_to_sc_type(type(value)), value)
        except (ValueError, SyntaxError):
            anew = ", and load it anew with --refresh" if column in self._loaded else ""
            raise RecordError(
                f"{self._resource.name}: a record has {json_type(value)} in `{name}`, which is "
                f"its primary key, and the key's column has {PLURALS.get(kind, kind)}. Make all of "
                f"them text with columns: {{{name}: {{data_type: text}}}}{anew}."
            ) from None


def _inferred(value: Json) -> TDataType:
    """The type that dlt gives a column whose first value this is."""
    kind = type(value)
    return autodetect_sc_type(["iso_timestamp"], kind, value) or py_type_to_sc_type(kind)


def _declared(resource: Resource) -> dict[str, TDataType]:
    return {
        normalize_identifier(name): hint["data_type"]
        for name, hint in resource.columns.items()
        if hint.get("data_type")
    }


class PrimaryKeyMonitor:
    """Told of all records; eight bytes are kept of each key. `schema` is what was loaded before."""

    def __init__(self, resource: Resource, schema: Schema | None) -> None:
        self._resource = resource
        self._kinds = None
        if resource.schema is None and resource.tables is None:
            self._kinds = KeyTypeMonitor(resource, schema)
        self._names: tuple[str, ...] | None = None
        self._take: Callable[[Record], Json] | None = None
        self._hashes = array("q")

    def add(self, records: list[Record]) -> None:
        """Count these. RecordError where one has no key, and no schema says more of it."""
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
            # what has no key is the contract's business there
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
            held = long.args[0]
            name = next(n for n in names if any(r.get(n) == held for r in records))
            raise RecordError(
                f"{self._resource.name}: a record has a whole number of {len(str(held))} digits, "
                f"which is past 64 bits, in `{name}`, which is its primary key. Make it a text "
                f"with processing_steps: [{{cast: {{{name}: string}}}}]."
            ) from None

    def _values(self, name: str, records: list[Record]) -> list[Json]:
        values = [record[name] for record in records]
        return values if self._kinds is None else self._kinds.fitted(name, values)

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
        """How many records have a key that another one before them has."""
        if not self._hashes:
            return 0
        marks = pa.Array.from_buffers(
            pa.int64(), len(self._hashes), [None, pa.py_buffer(self._hashes)]
        )
        # sorted: counting what is distinct takes ten times the memory
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
            "primary key. Correct primary_key or data_selector, or leave such records out with "
            "processing_steps."
        )
        parent = self._resource.parent
        if parent is not None:
            message += (
                f" A field of {parent} comes by `include_from_parent: [FIELD]`, as "
                f"`_{parent}_FIELD`."
            )
        return RecordError(message)


class _Null(Exception):
    """A key is null."""


class _Long(Exception):
    """A key is a number that no column of numbers holds: the key's own would be left empty."""


class _NotPlain(Exception):
    """A key is an object or a list, which have no column."""


def _mark(value: Json) -> int:
    """An integer that tells keys apart."""
    if value is None:
        raise _Null
    if isinstance(value, (dict, list)):
        raise _NotPlain
    if type(value) is int and -(2**63) <= value < 2**63:
        return value
    return hash(value if isinstance(value, (str, float)) else str(value))


def _short(value: Json) -> int:
    """The same; _Long where dlt would put it into a column beside the key's."""
    if isinstance(value, Digits):
        raise _Long(value)
    return _mark(value)


def _names_in(record: Record, key: tuple[str, ...]) -> tuple[str, ...]:
    """The record's own names for the key's columns; empty where they are not at its top."""
    known = {normalize_identifier(name): name for name in record if name.strip()}
    names = tuple(
        name if name in record else known.get(normalize_identifier(name), name) for name in key
    )
    return () if any("__" in name and name not in record for name in names) else names
