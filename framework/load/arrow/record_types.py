"""The types of a resource's records: what the Arrow sink asks of a schema, declared or inferred."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

import pyarrow as pa
from dlt.common.schema import Schema
from dlt.extract import DltResource

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import normalize_path
from framework.extract.compilation.dlt_source import column_hints, resource_hints
from framework.extract.page import Record
from framework.load.arrow.free_form import FreeFormText
from framework.load.arrow.layout import Layout, layout_of, layout_of_keys
from framework.load.arrow.nested_tables import (
    NestedHints,
    carries_root_keys,
    declare_variants,
    nested_hints,
)
from framework.load.arrow.unprocessed_keys import NotInColumns, unprocessed_keys
from framework.load.contract import Contract
from framework.load.declared_tables import child_tables, root_key_columns, root_table
from framework.load.monitors.primary_keys import PrimaryKeyMonitor


class RecordTypes(Protocol):
    """Say which records become Arrow tables, and what dlt must know of their tables."""

    contract: Contract | None
    has_root_key: bool
    """Whether rows of child tables carry the root's key."""
    keeps_pages: bool
    """Whether the pages must be kept until it is known which records are left out."""
    sanitizes: bool
    """Whether values that dlt could not write are changed in records for its normalizer."""

    free_form: FreeFormText | None
    """Rewrites unparsed pages for `raw_layout`."""

    @property
    def reads_raw(self) -> bool:
        """Return whether unparsed pages can be read, as far as the types are known."""

    @property
    def layout(self) -> Layout | None:
        """Return the layout of the tables, None while there is none."""

    @property
    def raw_layout(self) -> Layout | None:
        """Return the layout of unparsed pages."""

    def examine(self, record: Record, number: int, /) -> tuple[Record | None, bool]:
        """Return a record, maybe changed, and whether the tables hold it; None to leave it out.

        The layout may become larger. Raise RecordError if the record cannot be loaded.
        """

    def needs_records(self, left_out: pa.Array, /) -> bool:
        """Return whether dlt must see all records, because records of these numbers are gone."""

    def following(self, keys: PrimaryKeyMonitor, left_out: pa.Array, /) -> RecordTypes:
        """Return the types of what a run reads after this package, from which `left_out` is gone.

        What they learn does not change these.
        """

    def prepare(self, dlt_resource: DltResource) -> None:
        """Declare the tables to dlt's resource."""

    def add_root(self, schema: Schema) -> None:
        """Add to the schema that dlt extracts with what it must know before the first row."""

    def children(self) -> list[NestedHints]:
        """Return the child tables that Arrow tables may have rows of, parents first."""

    def tables(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the name of each table that these types are of, and dlt's columns by name."""


class DeclaredTypes:
    """The types of a declared schema. Its contract decides on records that differ."""

    keeps_pages = sanitizes = False

    def __init__(self, resource: Resource, schema: Schema | None) -> None:
        assert resource.schema is not None
        self._root = root_table(resource)
        self._hints = resource_hints(resource).get("columns", {})
        self._table = table_of(resource.schema)
        self._layout = layout_of(self._table)
        self._raw_layout: Layout | None = None
        self.free_form: FreeFormText | None = None
        with suppress(NotInColumns):
            node = unprocessed_keys(resource)
            self._raw_layout = layout_of_keys(node)
            self.free_form = FreeFormText.of(node)
        self.contract: Contract | None = Contract(resource, self._table)
        merges = resource.write_disposition == "merge"
        self.has_root_key = carries_root_keys(schema, self._root, merges=merges)

    @property
    def layout(self) -> Layout | None:
        """Return the layout of the declared tables."""
        return self._layout

    @property
    def raw_layout(self) -> Layout | None:
        """Return the layout before the steps, with free-form values as text."""
        return self._raw_layout

    @property
    def reads_raw(self) -> bool:
        """Return whether the types and steps are such that Arrow reads unparsed pages."""
        return self._raw_layout is not None and not self._raw_layout.reads_records

    def examine(self, record: Record, _: int) -> tuple[Record | None, bool]:
        """Apply the contract."""
        assert self.contract is not None
        result, is_plain = self.contract.apply(record)
        return result, is_plain and result is not None and self._layout.fits(result)

    def needs_records(self, _: pa.Array) -> bool:
        """Return False: no record tells a type."""
        return False

    def following(self, _: PrimaryKeyMonitor, __: pa.Array) -> DeclaredTypes:
        """Return the same types."""
        return self

    def prepare(self, dlt_resource: DltResource) -> None:
        """Declare the child tables to dlt, which takes their rows as table variants."""
        # the contract was already applied to the records; nested hints would give the child
        # tables the columns of the resource's Arrow table
        dlt_resource.apply_hints(schema_contract={}, columns=root_key_columns(), nested_hints={})
        declare_variants(dlt_resource, self.children())

    def add_root(self, schema: Schema) -> None:
        """Add nothing: the resource's hints are the declared columns."""

    def children(self) -> list[NestedHints]:
        """Return all declared child tables."""
        return nested_hints(self._root, self._table, has_root_key=self.has_root_key)

    def tables(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the declared tables."""
        yield self._root, {normalize_path(name): hint for name, hint in self._hints.items()}
        for name, _, child in child_tables(self._root, self._table):
            yield name, column_hints(child)
