"""The layout of a declared table: the nested Arrow type of its records, and each column's place.

Free-form values and decimals are not part of the type: Arrow has no type for the first and takes
the second from Python's Decimal only. They are read from the records.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from framework.definition.schema.record_schema import Column, RecordNode, Table

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
"""Arrow types that JSON is read as; times are text until they are parsed."""

WRITTEN_AS = {
    **READ_AS,
    "timestamp": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "decimal": pa.decimal128(38, 9),
    "json": TEXT,
}
"""Arrow types that dlt writes into Parquet; JSON is text."""


@dataclass(frozen=True)
class ColumnPlace:
    """A column and the path of field indices to its values; None if it is not part of the type."""

    column: Column
    steps: tuple[int, ...] | None


@dataclass(frozen=True)
class NestedList:
    """A list of a record and the layout of its items."""

    path: tuple[str, ...]
    steps: tuple[int, ...]
    items: Layout


@dataclass(frozen=True)
class Layout:
    """The layout of one table.

    `type` is the Arrow type of an item. `fits` checks that an item has no undeclared keys, and no
    object, list or boolean in the place of another type. `reads_records` means that columns here
    or below are not part of the type.
    """

    table: Table
    type: pa.DataType
    places: tuple[ColumnPlace, ...]
    lists: tuple[NestedList, ...]
    fits: Fits
    reads_records: bool


def layout_of(table: Table) -> Layout:
    """Return the layout of a declared table and all below it."""
    return _layout(RecordNode.of(table))


def _layout(node: RecordNode) -> Layout:
    table = node.table
    if table.scalars:
        (column,) = table.columns
        is_read = column.data_type not in READ_AS
        arrow_type = pa.null() if is_read else READ_AS[column.data_type]
        place = ColumnPlace(column, None if is_read else ())
        return Layout(table, arrow_type, (place,), (), _scalar(column.data_type), is_read)
    places: list[ColumnPlace] = []
    lists: list[NestedList] = []
    arrow_type, fits = _object(node, (), (), places, lists)
    reads = any(p.steps is None for p in places) or any(i.items.reads_records for i in lists)
    order = {column.name: number for number, column in enumerate(table.columns)}
    places.sort(key=lambda place: order[place.column.name])
    return Layout(table, arrow_type, tuple(places), tuple(lists), fits, reads)


def _object(
    node: RecordNode,
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
        items = _layout(child)
        lists.append(NestedList((*path, key), (*steps, len(fields)), items))
        fields.append(pa.field(key, pa.list_(items.type)))
        inner.append((key, _list(items.fits)))
    for key, below in node.objects.items():
        arrow_type, fits = _object(below, (*path, key), (*steps, len(fields)), places, lists)
        fields.append(pa.field(key, arrow_type))
        inner.append((key, fits))
    known = frozenset((*node.columns, *node.lists, *node.objects))
    return pa.struct(fields), _struct(known, tuple(inner))


def _struct(known: frozenset[str], inner: tuple[tuple[str, Fits], ...]) -> Fits:
    def fits(value: Json) -> bool:
        if type(value) is not dict or not known.issuperset(value):
            return False
        for key, check in inner:
            inner_value = value.get(key)
            if inner_value is not None and not check(inner_value):
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
    # Arrow would accept a boolean as a number
    return type(value) is not bool
