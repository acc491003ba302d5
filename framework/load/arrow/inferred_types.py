"""The types of records without a declared schema, inferred from the records themselves.

dlt's own normalizer infers them, in a copy of dlt's schema: it sees each record that has something
new, in the order in which they come. So the tables are those that dlt makes of all records.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.configuration.container import Container
from dlt.common.schema import Schema
from dlt.extract import DltResource

from framework.definition.model import Resource
from framework.definition.schema.record_schema import Column, Table
from framework.definition.values.naming import SEPARATOR, join_path, normalize_path
from framework.extract.compilation.dlt_source import add_resource_table
from framework.extract.page import Record
from framework.load.arrow.eligibility import LONGEST_NAME
from framework.load.arrow.free_form import FreeFormText
from framework.load.arrow.inferred_keys import VARIANTS, InferredKeys
from framework.load.arrow.layout import (
    MIXED,
    READ_AS,
    TEXT,
    Fits,
    Layout,
    MixedColumn,
    fits_of,
    layout_of_node,
)
from framework.load.arrow.nested_tables import NestedHints, carries_root_keys, declare_variants
from framework.load.arrow.tables import ISO
from framework.load.contract import Contract, is_past_64_bits, verdict_on
from framework.load.declared_tables import root_key_columns, root_table
from framework.load.destinations.target import Target
from framework.load.monitors.column_names import ColumnNameMonitor
from framework.load.monitors.column_types import ColumnTypeMonitor
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.load.record_sink import as_for_dlt
from framework.runtime.dlt_internals import TableInference
from framework.text import Digits

Json = Any
ISO_TIME = re.compile(ISO["timestamp"].replace("$", r"\Z"))
RAW_MIXED = {**READ_AS, MIXED: TEXT}
"""What unparsed pages are read as: JSON columns hold lists and objects only, which records tell."""
MAX_LESSONS = 500
"""Records that dlt's normalizer sees to learn what they add to the tables. Further ones are left to
it: those of an API whose keys are data, such as ids, would never end."""


class InferredTypes:
    """The types that dlt infers from the records, as far as they have come.

    A record that fits them adds nothing to the tables. `examine` has dlt infer what another one
    adds. Plain values that dlt would convert, or put into variant columns, are converted by dlt's
    own code, one by one.
    """

    contract: Contract | None = None
    free_form: FreeFormText | None = None

    def __init__(
        self,
        resource: Resource,
        inference: TableInference,
        column_names: ColumnNameMonitor,
        keys: PrimaryKeyMonitor,
        *,
        longest_name: int | None,
        loaded: Schema | None,
    ) -> None:
        self._resource = resource
        self._inference = inference
        self._column_names = column_names
        self._column_types = ColumnTypeMonitor(resource)
        self._primary_keys = keys
        self._root = root_table(resource)
        fixed = (*resource.primary_key, *filter(None, (keys.order.column,)), *resource.columns)
        self._known = InferredKeys(
            *(self._root, inference, longest_name),
            frozenset(join_path(*name.split(".")) for name in fixed),
            lambda column, value: (_exact_check(column) or _never)(value),
        )
        self._layout: Layout | None = None
        self._raw_layout: Layout | None = None
        self._is_exact: Fits = _never
        self._is_covered: Fits = _never
        self._lessons = 0
        self._is_doubtful = False
        self._inferred_from: list[int] = []
        self.keeps_pages = keys.merges
        # with hints, dlt may keep values as JSON
        self.sanitizes = not resource.columns
        merges = resource.write_disposition == "merge"
        self.has_root_key = carries_root_keys(loaded, self._root, merges=merges)

    @property
    def layout(self) -> Layout | None:
        """Return the layout of the tables, None before the first record with a column."""
        return self._layout

    @property
    def raw_layout(self) -> Layout | None:
        """Return the layout with values of several types as text."""
        return self._raw_layout

    @property
    def reads_raw(self) -> bool:
        """Return whether Arrow reads unparsed pages, as far as types are known."""
        if any(step.kind != "filter" for step in self._resource.steps):
            return False
        return self._raw_layout is None or not self._raw_layout.reads_records

    def examine(self, record: Record, number: int) -> tuple[Record | None, bool]:
        """Have dlt infer what a record adds to the tables, unless all of it is known."""
        if self._is_exact(record):
            return record, True
        if self._is_covered(record):
            if self._known.add(record):
                self._renew()
            return record, self._is_exact(record)
        if self._lessons >= MAX_LESSONS:
            return record, False
        self._lessons += 1
        self._primary_keys.check(record)
        names, types = self._column_names, self._column_types
        (kept,) = names.apart(types.fitted([record]))
        (seen,) = as_for_dlt([kept], names, types, sanitized=self.sanitizes)
        try:
            is_new = self._inference.add(self._root, seen)
        except Exception:  # dlt refuses the record: it says so when it normalizes it
            self._inferred_from.append(number)
            self._lessons = MAX_LESSONS
            return kept, False
        if is_new:
            self._inferred_from.append(number)
        if self._known.add(seen) or is_new:
            self._renew()
        return (record, True) if self._is_exact(record) else (kept, False)

    def _renew(self) -> None:
        """Make layouts of the keys that are known now."""
        node = self._known.node()
        self._is_exact = fits_of(node, _exact_check)
        self._is_covered = fits_of(node, self._covering_check, empties=True)
        self._layout = layout_of_node(node, _quick_check)
        self._raw_layout = layout_of_node(node, _quick_check, RAW_MIXED)
        self.free_form = None if self._raw_layout.reads_records else FreeFormText.of(node)
        if not self._has_keys(node.table):
            self._is_exact = self._is_covered = _never
            self._layout = self._raw_layout = None

    def _covering_check(self, column: Column, suffix: str) -> Fits:
        """Return a check that a value adds nothing to the table, although dlt may convert it."""
        name = f"{self._root}{SEPARATOR}{suffix}" if suffix else self._root
        known: Any = self._inference.schema.tables[name]["columns"]
        exact = _exact_check(column) or _never
        variants = tuple(
            kind
            for kind, data_type in VARIANTS.items()
            if column.data_type == "text"  # which every value is converted to
            or known.get(f"{column.name}__v_{data_type}", {}).get("data_type") == data_type
        )
        return lambda value: (
            exact(value) or (type(value) in variants and not is_past_64_bits(value))
        )

    def _has_keys(self, table: Table) -> bool:
        """Return whether a table has columns, and the primary key's fields in their places."""
        for name in self._resource.primary_key:
            column = table.column(normalize_path(name))
            if column is None or column.path != self._primary_keys.path(name):
                return False
        return bool(table.columns)

    def following(self, keys: PrimaryKeyMonitor, left_out: pa.Array) -> InferredTypes:
        """Return types that continue these; doubtful ones if the package needs records."""
        after = copy.copy(self)
        after._primary_keys = keys
        after._inferred_from = []
        after._is_doubtful = self.needs_records(left_out)
        after._inference = self._inference.copy()
        after._known = self._known.in_schema_of(after._inference)
        return after

    def needs_records(self, left_out: pa.Array) -> bool:
        """Return whether a column may be there because of a record that is left out."""
        if self._is_doubtful:
            return True
        told = pa.array(self._inferred_from, pa.int64())
        return bool(pc.any(pc.is_in(told, value_set=left_out), min_count=0).as_py())

    def prepare(self, dlt_resource: DltResource) -> None:
        """Declare the child tables to dlt, which takes their rows as table variants."""
        dlt_resource.apply_hints(columns=root_key_columns())
        declare_variants(dlt_resource, self.children())

    def add_root(self, schema: Schema) -> None:
        """Add the inferred columns in dlt's order, of which the first rows may have only some."""
        own: Any = self._inference.schema.tables[self._root]
        columns: Any = {name: dict(column) for name, column in own["columns"].items()}
        schema.update_table({"name": self._root, "columns": columns})

    def children(self) -> list[NestedHints]:
        """Return the child tables of the layout."""
        tables: Any = self._inference.schema.tables
        found: list[NestedHints] = []
        for suffix, _ in () if self._layout is None else self._layout.table.tables():
            if suffix:
                table = tables[f"{self._root}{SEPARATOR}{suffix}"]
                columns = [dict(column) for column in table["columns"].values()]
                found.append((table["name"], table["parent"], columns))
        return found

    def tables(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the inferred tables."""
        tables: Any = self._inference.schema.tables
        for name, table in tables.items():
            if f"{name}{SEPARATOR}".startswith(f"{self._root}{SEPARATOR}"):
                yield name, table["columns"]


def infer_types(
    resource: Resource,
    target: Target,
    loaded: Schema | None,
    column_names: ColumnNameMonitor,
    keys: PrimaryKeyMonitor,
) -> InferredTypes:
    """Return types without records yet; `loaded` is dlt's schema of the tables to continue."""
    capabilities = target.destination.capabilities()
    with Container().injectable_context(capabilities):
        schema = Schema(resource.name) if loaded is None else loaded.clone()
        add_resource_table(schema, resource)
        inference = TableInference(schema, capabilities)
    longest = LONGEST_NAME if target.profile.shortens_names else None
    return InferredTypes(
        resource, inference, column_names, keys, longest_name=longest, loaded=loaded
    )


def _never(_: Json) -> bool:
    return False


QUICK = {"text": str, "timestamp": str, "date": str, "time": str, "bool": bool, "bigint": int}


def _quick_check(column: Column, _: str = "") -> Fits | None:
    """Return a check of the JSON type alone; the conversion to Arrow refuses other values."""
    if isinstance(column, MixedColumn):
        return lambda value: type(value) in VARIANTS
    if column.data_type == "double":
        return _is_number
    if column.data_type == "json":
        return _is_nested
    kind = QUICK.get(column.data_type)
    return None if kind is None else lambda value: type(value) is kind


def _exact_check(column: Column, _: str = "") -> Fits | None:
    """Return a check that dlt loads the value as it is into such a column, or a known variant."""
    if isinstance(column, MixedColumn):
        return lambda value: column.convert(value) is not None
    data_type = column.data_type
    if data_type == "bigint":
        return lambda value: type(value) is int and not is_past_64_bits(value)
    if data_type in ("timestamp", "date", "time", "decimal"):
        return partial(_is_fitting, data_type)
    return _quick_check(column)


def _is_fitting(data_type: str, value: Json) -> bool:
    if data_type == "timestamp" and type(value) is str and ISO_TIME.match(value):
        try:
            datetime.fromisoformat(value)
        except ValueError:  # 2024-02-30
            return False
        return True
    return type(value) not in (Digits, dict, list) and verdict_on(data_type, value) == "fits"


def _is_number(value: Json) -> bool:
    return type(value) is float or (type(value) is int and abs(value) <= 2**53)


def _is_nested(value: Json) -> bool:
    return type(value) in (dict, list)
