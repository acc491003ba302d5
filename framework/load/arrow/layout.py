"""The layout of a declared table: the nested Arrow type of its records, and each column's place.

Free-form values, decimals and values of several types are not part of the type: Arrow has no type
for the first and the last, and takes decimals from Python's Decimal only. They are read from the
records. In unparsed pages they are text (`free_form.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from framework.definition.schema.record_schema import Column, RecordNode, Table
from framework.definition.values.json_text import may_be_long_number

Json = Any
Fits = Callable[[Json], bool]
ReadAs = Mapping[str, pa.DataType]

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

MIXED = "mixed"
"""Stands for the type of a MixedColumn."""

RAW_READ_AS = {**READ_AS, "json": TEXT, "decimal": TEXT, MIXED: TEXT}
"""The same for unparsed pages."""

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
class MixedColumn(Column):
    """A column of a field with values of several types; those it cannot hold are in `variants`.

    `convert` returns the name of a value's column and the value as it is stored there, None if the
    table has no column for it.
    """

    variants: tuple[Column, ...] = ()
    convert: Callable[[Json], tuple[str, Json] | None] = field(
        default=lambda _: None, compare=False
    )

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return all columns of the field."""
        return (self, *self.variants)


@dataclass(frozen=True)
class ColumnPlace:
    """A column and the path of field indices to its values; None if it is not part of the type.

    `mixed` is the column of the field that it belongs to, if that has values of several types.
    """

    column: Column
    steps: tuple[int, ...] | None
    mixed: MixedColumn | None = None


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
    or below are not part of the type. The lists at `empty` have no items.
    """

    table: Table
    type: pa.DataType
    places: tuple[ColumnPlace, ...]
    lists: tuple[NestedList, ...]
    fits: Fits
    reads_records: bool
    empty: tuple[tuple[int, ...], ...] = ()

    @cached_property
    def _types(self) -> frozenset[str]:
        return frozenset(c.data_type for _, table in self.table.tables() for c in table.columns)

    def may_lose_digits(self, body: bytes) -> bool:
        """Return whether a decimal of an unparsed page may have more digits than Arrow reads."""
        return "decimal" in self._types and may_be_long_number(body)


Checks = Callable[[Column, str], Fits | None]
"""Gives the check of a plain value in a column of the table with this suffix; None if all pass."""


def layout_of(table: Table, read_as: ReadAs = READ_AS) -> Layout:
    """Return the layout of a declared table and all below it."""
    return layout_of_node(RecordNode.of(table), _number_check, read_as)


def layout_of_keys(node: RecordNode) -> Layout:
    """Return the layout of unparsed pages whose records have these keys."""
    return layout_of_node(node, _number_check, RAW_READ_AS)


def layout_of_node(node: RecordNode, checks: Checks, read_as: ReadAs = READ_AS) -> Layout:
    """Return the layout of the table whose items a node describes, and of all below it."""
    table = node.table
    if table.scalars:
        (column,) = table.columns
        is_read = column.data_type not in READ_AS
        arrow_type = pa.null() if is_read else READ_AS[column.data_type]
        place = ColumnPlace(column, None if is_read else ())
        return Layout(table, arrow_type, (place,), (), fits_of(node, checks), is_read)
    places: list[ColumnPlace] = []
    lists: list[NestedList] = []
    empty: list[tuple[int, ...]] = []
    arrow_type = _object(node, (), (), checks, read_as, places, lists, empty)
    reads = any(p.steps is None for p in places) or any(i.items.reads_records for i in lists)
    order = {column.name: number for number, column in enumerate(table.columns)}
    places.sort(key=lambda place: order[place.column.name])
    found = tuple(places), tuple(lists)
    return Layout(table, arrow_type, *found, fits_of(node, checks), reads, tuple(empty))


def _object(
    node: RecordNode,
    path: tuple[str, ...],
    steps: tuple[int, ...],
    checks: Checks,
    read_as: ReadAs,
    places: list[ColumnPlace],
    lists: list[NestedList],
    empty: list[tuple[int, ...]],
) -> pa.DataType:
    fields: list[pa.Field] = []
    for key, column in node.columns.items():
        mixed = column if isinstance(column, MixedColumn) else None
        kind = column.data_type if mixed is None else MIXED
        place = (*steps, len(fields)) if kind in read_as else None
        for one in (column,) if mixed is None else mixed.columns:
            places.append(ColumnPlace(one, place, mixed))
        if place is not None:
            fields.append(pa.field(key, read_as[kind]))
    for key, child in node.lists.items():
        items = layout_of_node(child, checks, read_as)
        lists.append(NestedList((*path, key), (*steps, len(fields)), items))
        fields.append(pa.field(key, pa.list_(items.type)))
    for key, below in node.objects.items():
        at = (*steps, len(fields))
        inner = _object(below, (*path, key), at, checks, read_as, places, lists, empty)
        fields.append(pa.field(key, inner))
    for key in node.nulls:
        fields.append(pa.field(key, pa.null()))
    for key in node.empty_lists:
        empty.append((*steps, len(fields)))
        fields.append(pa.field(key, pa.list_(pa.null())))
    return pa.struct(fields)


def fits_of(node: RecordNode, checks: Checks, *, empties: bool = False) -> Fits:
    """Return a function that checks an item: its keys, and its values with `checks`.

    With `empties`, an empty object or list may be in the place of anything.
    """
    if node.table.scalars:
        return checks(node.table.columns[0], node.suffix) or _anything
    return _object_check(node, checks, empties=empties)


def _object_check(node: RecordNode, checks: Checks, *, empties: bool) -> Fits:
    inner: list[tuple[str, Fits]] = []
    for key, column in node.columns.items():
        check = checks(column, node.suffix)
        if check is not None:
            inner.append((key, check))
    for key, child in node.lists.items():
        inner.append((key, _list(fits_of(child, checks, empties=empties))))
    for key, below in node.objects.items():
        inner.append((key, _object_check(below, checks, empties=empties)))
    inner += [(key, _nothing) for key in node.nulls]
    inner += [(key, _empty_list) for key in node.empty_lists]
    if empties:
        inner = [(key, _or_empty(check)) for key, check in inner]
    known = frozenset((*node.columns, *node.lists, *node.objects, *node.nulls, *node.empty_lists))
    return _struct(known, tuple(inner))


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


def _or_empty(check: Fits) -> Fits:
    return lambda value: value in ([], {}) or check(value)


def _anything(_: Json) -> bool:
    return True


def _nothing(_: Json) -> bool:
    return False


def _empty_list(value: Json) -> bool:
    return bool(value == [])


def _number_check(column: Column, _: str) -> Fits | None:
    return {"double": _number, "bigint": _integer}.get(column.data_type)


def _number(value: Json) -> bool:
    # Arrow would accept a boolean as a number
    return type(value) is not bool


def _integer(value: Json) -> bool:
    # Arrow would cut off a fraction
    return type(value) is not float or (value.is_integer() and abs(value) < 2**53)
