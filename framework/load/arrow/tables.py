"""Records in, Arrow tables out: one for the resource and one for each list in it, as dlt has them.

Structs are flattened, lists split, keys counted up. What does not fit the layout is a Misfit: the
batch is then looked at record by record, elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.data_types.type_helpers import coerce_value
from dlt.common.time import normalize_timezone

from framework.definition.record_schema import Column
from framework.extract.page import Record
from framework.load.arrow.layout import TEXT, WRITTEN_AS, ColumnPlace, Layout
from framework.runtime.field_paths import value_at

Json = Any
ISO = {
    "timestamp": r"^[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$",
    "date": r"^[1-9]\d{3}-\d\d-\d\d$",
}
"""What Arrow parses as dlt does; all else goes through dlt's own parser."""


class Misfit(Exception):
    """A batch holds values that the declared types do not take as they are."""


@dataclass
class Keys:
    """Row keys of one load, counted up behind a random start; `root` adds `_dlt_root_id`."""

    root: bool
    _start: str = field(default_factory=lambda: token_hex(7))
    _given: int = 0

    def take(self, rows: int) -> pa.Array:
        """So many keys that were not given before."""
        numbers = _counted(rows, self._given).cast(TEXT)
        self._given += rows
        return pc.binary_join_element_wise(self._start, numbers, "")


def _counted(rows: int, first: int = 0) -> pa.Array:
    """So many numbers from `first` on, made outside of Python's lock."""
    return pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), rows), start=first - 1)


def tables_of(layout: Layout, records: list[Record], keys: Keys) -> list[tuple[str, pa.Table]]:
    """The tables of these records by suffix ("" is the resource's own), children after parents.

    Raises Misfit where a value does not fit; `layout.fits` has to hold for every record.
    """
    try:
        nested = pa.array(records, type=layout.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise Misfit(str(error)) from error
    return tables_in(layout, nested, records, keys)


def tables_in(
    layout: Layout, nested: pa.Array, records: list[Record], keys: Keys
) -> list[tuple[str, pa.Table]]:
    """The tables of records that Arrow holds already, of the layout's type; `records` are the
    same ones, and may be empty where the layout reads none."""
    ids = keys.take(len(nested))
    columns, names = _columns(layout, nested, records)
    own = pa.Table.from_arrays([*columns, ids], [*names, "_dlt_id"])
    return [("", own), *_children(layout, "", nested, records, ids, ids, keys)]


def _children(
    layout: Layout,
    prefix: str,
    nested: pa.Array,
    records: list[Record],
    ids: pa.Array,
    roots: pa.Array,
    keys: Keys,
) -> Iterator[tuple[str, pa.Table]]:
    for listed in layout.lists:
        items = listed.items
        lists = _field(nested, listed.steps)
        parents = pc.list_parent_indices(lists)
        flat = pc.list_flatten(lists)
        below = list(_items(records, listed.path)) if items.reads_records else []
        lengths = pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int64())
        starts = pc.subtract(pc.cumulative_sum(lengths), lengths)
        places = pc.subtract(_counted(len(flat)), starts.take(parents))
        own, above = keys.take(len(flat)), roots.take(parents)
        columns, names = _columns(items, flat, below)
        columns += [above] if keys.root else []
        names += ["_dlt_root_id"] if keys.root else []
        columns += [ids.take(parents), places, own]
        names += ["_dlt_parent_id", "_dlt_list_idx", "_dlt_id"]
        suffix = f"{prefix}__{items.table.name}" if prefix else items.table.name
        yield suffix, pa.Table.from_arrays(columns, names)
        yield from _children(items, suffix, flat, below, own, above, keys)


def _items(records: list[Json], path: tuple[str, ...]) -> Iterator[Json]:
    for record in records:
        yield from value_at(record, path) or ()


def _columns(
    layout: Layout, nested: pa.Array, records: list[Json]
) -> tuple[list[pa.Array], list[str]]:
    columns = [_column(layout, place, nested, records) for place in layout.places]
    return columns, [place.column.name for place in layout.places]


def _column(layout: Layout, place: ColumnPlace, nested: pa.Array, records: list[Json]) -> pa.Array:
    column = place.column
    if place.steps is not None:
        return _typed(column, _field(nested, place.steps))
    if layout.table.scalars:
        values = records
    else:
        values = [value_at(record, column.path) for record in records]
    if column.data_type == "json":
        return pa.array([None if value is None else json_text(value) for value in values], TEXT)
    return _coerced(column, values)


def json_text(value: Json) -> str:
    """A free-form value as dlt writes it."""
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return json.dumps(value, ensure_ascii=False)


def _field(nested: pa.Array, steps: tuple[int, ...]) -> pa.Array:
    return pc.struct_field(nested, list(steps)) if steps else nested


def _typed(column: Column, values: pa.Array) -> pa.Array:
    """Text parsed where a time is declared, everything else as it is."""
    if column.data_type not in ("timestamp", "date", "time"):
        return values
    pattern = ISO.get(column.data_type)
    if (
        pattern is not None
        and pc.all(pc.match_substring_regex(values, pattern)).as_py() is not False
    ):
        try:
            return values.cast(WRITTEN_AS[column.data_type])
        except pa.ArrowInvalid:  # 2024-02-30
            pass
    return _coerced(column, values.to_pylist())


def _coerced(column: Column, values: list[Json]) -> pa.Array:
    """Values through dlt's own parser, one by one."""
    try:
        made = [None if v is None else coerce(column.data_type, v) for v in values]
        return pa.array(made, WRITTEN_AS[column.data_type])
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise Misfit(f"{column.name}: {error}") from error


def coerce(data_type: str, value: Json) -> Json:
    """A JSON value as dlt understands it where this type is declared; ValueError where it does
    not."""
    if type(value) is bool:
        raise ValueError(value)
    kinds = {str: "text", int: "bigint", float: "double"}
    made: Json = coerce_value(data_type, kinds[type(value)], value)  # type: ignore[arg-type]
    return normalize_timezone(made, True) if data_type == "timestamp" else made
