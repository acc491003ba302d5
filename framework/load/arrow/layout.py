"""A declared table as Arrow reads it: the nested type of its records, and where each column lies.

Free-form values and decimals stand aside: Arrow has no type for the first and takes the second
from Python's Decimal only, so they are taken from the records themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from framework.definition.record_schema import Column, Table

Json = Any
Fits = Callable[[Json], bool]

TEXT = pa.string()
READ_AS = {
    "text": TEXT,
    "timestamp": TEXT,
    "date": TEXT,
    "time": TEXT,
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
}
"""What JSON values are read as; times are text until they are parsed."""

WRITTEN_AS = {
    **READ_AS,
    "timestamp": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "decimal": pa.decimal128(38, 9),
    "json": TEXT,
}
"""What dlt writes into Parquet for the same types; JSON as its text."""


@dataclass(frozen=True)
class ColumnPlace:
    """A column and where its values lie: `steps` into the Arrow type, None where it stands
    aside."""

    column: Column
    steps: tuple[int, ...] | None


@dataclass(frozen=True)
class NestedList:
    """A list and the layout of its items."""

    path: tuple[str, ...]
    steps: tuple[int, ...]
    items: Layout


@dataclass(frozen=True)
class Layout:
    """One table's. `type` is an item's Arrow type, `fits` tells whether one has no other keys
    and no objects, lists or truth values where the schema has none; `reads_records` whether
    columns here or below stand aside."""

    table: Table
    type: pa.DataType
    places: tuple[ColumnPlace, ...]
    lists: tuple[NestedList, ...]
    fits: Fits
    reads_records: bool


class _Node:
    """An object of the record while its layout is made."""

    def __init__(self) -> None:
        self.objects: dict[str, _Node] = {}
        self.columns: dict[str, Column] = {}
        self.lists: dict[str, Table] = {}

    def at(self, path: tuple[str, ...]) -> _Node:
        node = self
        for key in path:
            node = node.objects.setdefault(key, _Node())
        return node


def layout_of(table: Table) -> Layout:
    """The layout of a declared table and all below it."""
    if table.scalars:
        (column,) = table.columns
        aside = column.data_type not in READ_AS
        kind = pa.null() if aside else READ_AS[column.data_type]
        place = ColumnPlace(column, None if aside else ())
        return Layout(table, kind, (place,), (), _scalar(column.data_type), aside)
    root = _Node()
    for column in table.columns:
        root.at(column.path[:-1]).columns[column.path[-1]] = column
    for child in table.children:
        root.at(child.path[:-1]).lists[child.path[-1]] = child
    places: list[ColumnPlace] = []
    lists: list[NestedList] = []
    kind, fits = _object(root, (), (), places, lists)
    reads = any(p.steps is None for p in places) or any(i.items.reads_records for i in lists)
    order = {column.name: number for number, column in enumerate(table.columns)}
    places.sort(key=lambda place: order[place.column.name])
    return Layout(table, kind, tuple(places), tuple(lists), fits, reads)


def _object(
    node: _Node,
    path: tuple[str, ...],
    steps: tuple[int, ...],
    places: list[ColumnPlace],
    lists: list[NestedList],
) -> tuple[pa.DataType, Fits]:
    fields: list[pa.Field] = []
    inner: list[tuple[str, Fits]] = []
    for key, column in node.columns.items():
        if column.data_type in READ_AS:
            places.append(ColumnPlace(column, (*steps, len(fields))))
            fields.append(pa.field(key, READ_AS[column.data_type]))
            if column.data_type == "double":
                inner.append((key, _number))
        else:
            places.append(ColumnPlace(column, None))
    for key, child in node.lists.items():
        items = layout_of(child)
        lists.append(NestedList((*path, key), (*steps, len(fields)), items))
        fields.append(pa.field(key, pa.list_(items.type)))
        inner.append((key, _list(items.fits)))
    for key, below in node.objects.items():
        kind, fits = _object(below, (*path, key), (*steps, len(fields)), places, lists)
        fields.append(pa.field(key, kind))
        inner.append((key, fits))
    known = frozenset((*node.columns, *node.lists, *node.objects))
    return pa.struct(fields), _struct(known, tuple(inner))


def _struct(known: frozenset[str], inner: tuple[tuple[str, Fits], ...]) -> Fits:
    def fits(value: Json) -> bool:
        if type(value) is not dict or not known.issuperset(value):
            return False
        for key, check in inner:
            found = value.get(key)
            if found is not None and not check(found):
                return False
        return True

    return fits


def _list(items: Fits) -> Fits:
    def fits(value: Json) -> bool:
        if type(value) is not list:
            return False
        return all(item is None or items(item) for item in value)

    return fits


def _scalar(data_type: str) -> Fits:
    return _number if data_type == "double" else lambda _: True


def _number(value: Json) -> bool:
    # Arrow would take a truth value for a number
    return type(value) is not bool
