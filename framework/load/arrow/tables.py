"""Convert records to Arrow tables, one for the resource and one for each list, as dlt would.

Structs are flattened, lists split, row keys numbered. A batch that does not fit the layout raises
Misfit, and the caller handles its records one by one.
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

from framework.definition.schema.record_schema import Column
from framework.extract.page import Record
from framework.load.arrow.layout import TEXT, WRITTEN_AS, ColumnPlace, Layout, MixedColumn
from framework.runtime.field_paths import value_at
from framework.text import Digits

Json = Any
YEAR = r"([1-8]\d{3}|9[0-8]\d{2}|99[0-8]\d|999[0-8])"
"""From 1000 to 9998: an offset can move the end of 9999 into a year that dlt does not have."""
ISO = {
    "timestamp": rf"^{YEAR}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{{1,6}})?(Z|[+-]\d\d:\d\d)$",
    "date": rf"^{YEAR}-\d\d-\d\d$",
}
"""Texts that Arrow parses like dlt; others go through dlt's own parser."""


class Misfit(Exception):
    """A batch has values that the declared types do not hold as they are."""


@dataclass
class Keys:
    """Row keys of one load: numbers after a random prefix. `root` adds `_dlt_root_id`."""

    root: bool
    _prefix: str = field(default_factory=lambda: token_hex(7))
    _used: int = 0

    def take(self, rows: int) -> pa.Array:
        """Return that many new keys."""
        numbers = number_range(rows, self._used).cast(TEXT)
        self._used += rows
        return pc.binary_join_element_wise(self._prefix, numbers, "")


def number_range(rows: int, first: int = 0) -> pa.Array:
    """Return that many consecutive numbers, computed without Python's global lock."""
    return pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), rows), start=first - 1)


def may_be_cut(table: pa.Table) -> bool:
    """Return whether a floating-point number may have been an integer past 64 bits."""
    for column in table.columns:
        if column.type == pa.float64():
            ends = pc.min_max(column)
            if max(-(ends["min"].as_py() or 0), ends["max"].as_py() or 0) >= 2**63:
                return True
    return False


def tables_of(layout: Layout, records: list[Record], keys: Keys) -> list[tuple[str, pa.Table]]:
    """Return suffix and table for these records; parents first, "" is the resource's own.

    `layout.fits` must hold for every record. Raise Misfit if a value does not fit.
    """
    try:
        nested = pa.array(records, type=layout.type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise Misfit(str(error)) from error
    return tables_in(layout, nested, records, keys)


def tables_in(
    layout: Layout, nested: pa.Array, records: list[Record], keys: Keys
) -> list[tuple[str, pa.Table]]:
    """Return suffix and table for records in an Arrow array of the layout's type.

    `records` are the same records; they may be empty unless `layout.reads_records`.
    """
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
        places = pc.subtract(number_range(len(flat)), starts.take(parents))
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
    for steps in layout.empty:
        if pc.max(pc.list_value_length(_field(nested, steps)), min_count=0).as_py():
            raise Misfit("items in a list that has been empty")
    columns: dict[str, pa.Array] = {}
    for place in layout.places:
        if place.mixed is None:
            columns[place.column.name] = _column(layout, place, nested, records)
        elif place.column.name not in columns:
            columns |= _mixed_columns(place.mixed, place.steps, nested, records)
    names = [place.column.name for place in layout.places]
    return [columns[name] for name in names], names


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


def _mixed_columns(
    mixed: MixedColumn, steps: tuple[int, ...] | None, nested: pa.Array, records: list[Json]
) -> dict[str, pa.Array]:
    """Return all columns of a field with values of several types."""
    if steps is None:
        values = [value_at(record, mixed.path) for record in records]
    else:
        texts = _field(nested, steps).to_pylist()
        values = [None if text is None else _parsed(text) for text in texts]
    found: dict[str, list[Json]] = {one.name: [None] * len(values) for one in mixed.columns}
    for place, value in enumerate(values):
        if value is not None:
            stored = mixed.convert(value)
            if stored is None:
                raise Misfit(f"{mixed.name}: a value of a new type")
            found[stored[0]][place] = stored[1]
    try:
        return {
            one.name: pa.array(found[one.name], WRITTEN_AS[one.data_type]) for one in mixed.columns
        }
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise Misfit(f"{mixed.name}: {error}") from error


def _parsed(text: str) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Misfit(str(error)) from error


def json_text(value: Json) -> str:
    """Return a free-form value as dlt writes it."""
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return json.dumps(value, ensure_ascii=False)


def _field(nested: pa.Array, steps: tuple[int, ...]) -> pa.Array:
    return pc.struct_field(nested, list(steps)) if steps else nested


def _typed(column: Column, values: pa.Array) -> pa.Array:
    """Parse text as the declared time or decimal; return other types unchanged."""
    if column.data_type == "decimal":
        return _coerced(column, [v if v is None else orjson.loads(v) for v in values.to_pylist()])
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
    """Convert values one by one with dlt's own parser."""
    try:
        coerced = [None if v is None else coerce(column.data_type, v) for v in values]
        return pa.array(coerced, WRITTEN_AS[column.data_type])
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise Misfit(f"{column.name}: {error}") from error


def coerce(data_type: str, value: Json) -> Json:
    """Return a JSON value as dlt converts it to this type; raise ValueError if it cannot."""
    kinds = {str: "text", Digits: "text", int: "bigint", float: "double"}
    kind = kinds.get(type(value))
    if kind is None:
        raise ValueError(value)
    try:
        coerced: Json = coerce_value(data_type, kind, value)  # type: ignore[arg-type]
    except OSError as error:  # a number that no clock counts to
        raise ValueError(value) from error
    return normalize_timezone(coerced, True) if data_type == "timestamp" else coerced
