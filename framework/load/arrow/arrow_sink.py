"""The sink for Arrow: pages become tables in batches, on a background thread, on disk when large.

A record that the types do not hold as it is goes to a spool of JSON lines beside the tables, for
dlt's own normalizer.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from itertools import compress, islice, repeat
from operator import itemgetter, not_
from pathlib import Path
from typing import Any

import dlt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.schema import Schema
from dlt.extract import DltResource

from framework.definition.model import Resource
from framework.definition.values.json_text import may_be_past_64_bits
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.extract.compilation.dlt_source import BATCH, batches_for_dlt
from framework.extract.page import Page, RawList, Record, shape_function
from framework.load.arrow.background_worker import BackgroundWorker
from framework.load.arrow.json_reader import records_in
from framework.load.arrow.layout import Layout
from framework.load.arrow.nested_tables import add_child_tables
from framework.load.arrow.record_types import RecordTypes
from framework.load.arrow.tables import (
    Keys,
    Misfit,
    may_be_cut,
    number_range,
    tables_in,
    tables_of,
)
from framework.load.arrow.temporary_files import PageFile, TableFile
from framework.load.declared_tables import root_table
from framework.load.monitors.column_names import ColumnNameMonitor, add_owners
from framework.load.monitors.column_types import ColumnTypeMonitor, float_warnings
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.load.persistence.dataset_schema import differing_column
from framework.load.record_sink import NulFilter, RecordSpool, as_for_dlt, with_variants

BATCH_RECORDS = 4000
BATCH_BYTES = 4 << 20
BATCH_PAGES = 1000
"""A batch is converted once it has that many records, bytes of JSON (estimated from samples) or
pages. The last limits memory: a raw page holds its response."""


class ArrowSink:
    """A `Sink` that builds the resource's table and its child tables with Arrow."""

    record_reason = None

    def __init__(
        self,
        resource: Resource,
        types: RecordTypes,
        keys: PrimaryKeyMonitor,
        folder: Path,
        column_names: ColumnNameMonitor,
        nul: NulFilter | None = None,
    ) -> None:
        self._resource = resource
        self._types = types
        self.keys = keys
        self._folder = folder
        self._nul = nul
        self._root = root_table(resource)
        self._row_keys = Keys(types.has_root_key)
        self._column_names = column_names
        self._raw_batches = self._misfits = 0
        self._column_types = ColumnTypeMonitor(resource)
        self._begin(RecordSpool(folder, column_names, self._column_types))

    def _begin(self, unusual: RecordSpool) -> None:
        """Be empty; `unusual` is for records that do not fit the tables."""
        types = self._types
        self._files: dict[str, TableFile] = {}
        self._pages = PageFile(self._folder) if types.keeps_pages else None
        self._count = 0
        self._differs = False
        self._numbers = RowNumbers()
        self._repeated_ids: list[pa.Array] = []
        self._unusual = unusual
        self._batch: list[Page] = []
        self._batch_records = self._batch_bytes = 0
        self._reads_raw = types.reads_raw
        self._worker = BackgroundWorker(self._convert)

    def following(self) -> ArrowSink:
        """Return the sink of the pages that follow in the next package; call after `finish`."""
        after = copy.copy(self)
        after.keys = self.keys.following(self._order_values)
        after._types = self._types.following(after.keys, self.keys.left_out)
        after._begin(self._unusual.following())
        return after

    @property
    def reads_raw(self) -> bool:
        """Whether Arrow reads the bodies of pages by itself."""
        return self._reads_raw

    def add(self, page: Page) -> None:
        """Store a page; raise RecordError if the contract forbids a record of an earlier one."""
        if not page.count:
            return
        if page.raw is not None and (self._reads_raw or not page.is_parsed):
            self._batch.append(page.unparsed())
            self._batch_bytes += len(page.raw.body)
        else:
            self._batch.append(page)
            self._batch_records += page.count
            self._batch_bytes += len(orjson.dumps(page.records[0])) * page.count
        if (
            self._batch_records >= BATCH_RECORDS
            or self._batch_bytes >= BATCH_BYTES
            or len(self._batch) >= BATCH_PAGES
        ):
            self._worker.put(self._next_batch())

    def finish(self, *, may_shift: bool = False) -> Iterator[tuple[str, str]]:
        """Convert the last batch; yield code and message of each warning on the records."""
        self._worker.put(self._next_batch())  # each thread has buffers of its own
        self._worker.wait()
        self.keys.end(self._numbers.all(), self._order_values)
        if self._types.contract is not None:
            yield from (("discarded", message) for message in self._types.contract.messages())
            yield from float_warnings(self._types.contract.floats)
        if self._nul is not None:
            yield from self._nul.finish()
        yield from self._unusual.finish()
        yield from self.keys.finish(may_shift=may_shift)

    def _order_values(self, numbers: pa.Array) -> Iterator[tuple[int, Any]]:
        order, layout = self.keys.order, self._types.layout
        if self._pages is not None:
            chosen = frozenset(numbers.to_pylist())
            for number, record in self._pages.records():
                if number in chosen:
                    yield number, order.value(record)
            return
        column = None if layout is None else order.column_in(layout.table)
        rows = self._numbers.of(unusual=False)
        for table in self._files[""].tables() if "" in self._files else ():
            here, rows = rows.slice(0, len(table)), rows.slice(len(table))
            is_one = pc.is_in(here, value_set=numbers)
            found = here.filter(is_one).to_pylist()
            values: Any = repeat(None)
            if column is not None:
                values = table.column(column.name).filter(is_one).to_pylist()
            yield from zip(found, values, strict=False)
        others = self._numbers.of(unusual=True)
        for place, record in self._unusual.numbered(_places(others, numbers)):
            yield others[place].as_py(), order.value(record)

    @property
    def discarded(self) -> int:
        """Return the number of rows that the schema contract discarded."""
        return 0 if self._types.contract is None else self._types.contract.rows_discarded

    @property
    def columns_seen(self) -> Iterable[str]:
        """Return the columns of records without a schema, also those that are always null."""
        return () if self._types.contract is not None else self._column_names.seen

    def fit(self, schema: Schema) -> tuple[str, str] | None:
        """Leave the rows to dlt's normalizer if their types differ from those of the tables.

        Return table and column of such a type if the records are not kept.
        """
        place = differing_column(self._types.tables(), schema)
        self._differs = place is not None
        return place if self._pages is None else None

    def prepare(self, dlt_resource: DltResource) -> None:
        """Declare the tables to dlt."""
        if not self._needs_records:
            self._types.prepare(dlt_resource)

    @property
    def _needs_records(self) -> bool:
        if self._pages is None:
            return False
        return self._differs or self._types.needs_records(self.keys.left_out)

    def rows(self) -> Iterator[Any]:
        """Yield the Arrow tables, parents first, then the records for dlt's normalizer."""
        # the very schema that dlt extracts with
        schema = dlt.current.source_schema()
        if self._needs_records:
            for batch in batches_for_dlt(self._resource, self._records(BATCH)):
                yield batch
                add_owners(schema, self._root, self._unusual.owners)
            return
        load_id = dlt.current.load_package_state()["load_id"]
        batches, contract = self.unusual(BATCH), self._types.contract
        if self._count:
            self._types.add_root(schema)
        if "" in self._files:
            unusual = with_variants(
                map(shape_function(self._resource), batches), self._resource, contract
            )
            for table in self.tables(""):
                yield _with_load_id(table, load_id)
        else:
            unusual = with_variants(
                batches_for_dlt(self._resource, batches), self._resource, contract
            )
            yield from islice(unusual, 1)
        # dlt adds the root to the schema with its first rows: now child tables can follow
        if self._root in schema.tables:
            children = self._types.children()
            add_child_tables(schema, self._resource.name, children)
            for name, _, _ in children:
                for table in self.tables(name.removeprefix(f"{self._root}{SEPARATOR}")):
                    yield dlt.mark.with_table_name(table, name)
        yield from unusual
        if not self._resource.hints.get("schema_contract"):
            add_owners(schema, self._root, self._unusual.owners)

    def _records(self, size: int) -> Iterator[list[Record]]:
        """Yield all records that are loaded, as dlt's normalizer takes them."""
        assert self._pages is not None
        left_out = frozenset(self.keys.left_out.to_pylist())
        batch: list[Record] = []
        for number, record in self._pages.records():
            if number not in left_out:
                batch.append(record)
            if len(batch) == size:
                yield self._for_dlt(batch)
                batch = []
        if batch:
            yield self._for_dlt(batch)

    def _for_dlt(self, records: list[Record]) -> list[Record]:
        names, types = self._column_names, self._column_types
        return as_for_dlt(records, names, types, sanitized=self._types.sanitizes)

    def tables(self, suffix: str) -> Iterator[pa.Table]:
        """Yield the Arrow tables of one table; "" is the resource's own.

        Repeated records are left out, and those of child tables after the resource's own.
        """
        file = self._files.get(suffix)
        if file is None:
            return
        if not len(self.keys.left_out):
            yield from file.tables()
        elif suffix:
            ids: Any = pa.chunked_array(self._repeated_ids, pa.string())
            for table in file.tables():
                is_one = pc.is_in(table.column("_dlt_root_id"), value_set=ids.combine_chunks())
                yield table.filter(pc.invert(is_one))
        else:
            rows, self._repeated_ids = self._numbers.of(unusual=False), []
            for table in file.tables():
                is_one = pc.is_in(rows.slice(0, len(table)), value_set=self.keys.left_out)
                rows = rows.slice(len(table))
                self._repeated_ids += table.column("_dlt_id").filter(is_one).chunks
                yield table.filter(pc.invert(is_one))

    def unusual(self, size: int) -> Iterator[list[Record]]:
        """Yield the records that do not fit the tables, `size` at a time."""
        without = _places(self._numbers.of(unusual=True), self.keys.left_out)
        return self._unusual.batches(size, without)

    def record_without(self, column: str) -> Record | None:
        """Return the first record for dlt's normalizer without a value in this column, or None."""
        return self._unusual.first_without(column)

    def close(self) -> None:
        """Stop the background thread; release memory and disk space."""
        self._worker.close()
        self._batch.clear()
        self._unusual.close()
        for file in (*self._files.values(), *([self._pages] if self._pages else ())):
            file.close()

    def _next_batch(self) -> list[Page]:
        batch, self._batch = self._batch, []
        self._batch_records = self._batch_bytes = 0
        return batch

    def _convert(self, batch: list[Page]) -> None:
        """Store the records of a batch as tables."""
        first, count = self._count, sum(page.count for page in batch)
        self._count += count
        raw = [page.raw for page in batch if page.raw is not None and not page.is_parsed]
        layout = self._types.raw_layout
        if layout is not None and raw and len(raw) == len(batch) and self._reads_raw:
            self._raw_batches += 1
            try:
                self._convert_raw(layout, raw, number_range(count, first))
            except Misfit:
                self._misfits += 1
            else:
                if self._pages is not None:
                    self._pages.add(first, raw)
                return
        records: list[Record] = []
        for page in batch:
            records += page.records
        if self._nul is not None:
            records = self._nul.clean(records)
        # a page also counts nulls, which are no records
        self._convert_records(records, number_range(len(records), first))
        if self._pages is not None:
            self._pages.add(first, records)
        known = self._types.raw_layout
        if known is not layout:
            self._raw_batches = self._misfits = 0
        # an API that sends undeclared fields does so in every record
        self._reads_raw = self._misfits * 2 <= self._raw_batches and self._types.reads_raw

    def _convert_raw(self, layout: Layout, lists: list[RawList], numbers: pa.Array) -> None:
        if any(layout.may_lose_digits(one.body) for one in lists):
            raise Misfit("a number loses digits")
        if self._nul is not None and any(self._nul.is_suspect(one.body) for one in lists):
            raise Misfit("a NUL")
        if self._types.free_form is not None:
            lists = list(map(self._types.free_form.rewrite, lists))
        records = records_in(lists, layout.type, len(numbers))
        tables = tables_in(layout, records, [], self._row_keys)
        if any(may_be_cut(table) for _, table in tables) and any(
            may_be_past_64_bits(one.body) for one in lists
        ):
            raise Misfit("an integer past 64 bits, which is text in a variant column")
        self._write(layout, tables, numbers)

    def _convert_records(self, records: list[Record], numbers: pa.Array) -> None:
        layout = self._types.layout
        fits = [layout is not None and layout.fits(record) for record in records]
        fitting = numbers.filter(pa.array(fits, pa.bool_()))
        others: Any = zip(numbers.to_pylist(), records, strict=True)
        # if Arrow refuses a record, only the types can tell which one it is
        if self._write_records(list(compress(records, fits)), fitting):
            if all(fits):
                return
            others = compress(others, map(not_, fits))
        plain: list[tuple[int, Record]] = []
        unusual: list[tuple[int, Record]] = []
        for number, record in others:
            result, is_plain = self._types.examine(record, number)
            if result is not None:
                (plain if is_plain else unusual).append((number, result))
        places = pa.array([number for number, _ in plain], pa.int64())
        if not self._write_records([record for _, record in plain], places):
            # Arrow is stricter than the types; dlt must see the records in their order
            unusual = sorted(plain + unusual, key=itemgetter(0))
        if unusual:
            others = [record for _, record in unusual]
            self.keys.add(others)
            self._unusual.add(others, sanitized=self._types.sanitizes)
            places = pa.array([number for number, _ in unusual], pa.int64())
            self._numbers.add(places, unusual=True)

    def _write_records(self, records: list[Record], numbers: pa.Array) -> bool:
        """Store records as tables; return False if the types do not hold one of them."""
        layout = self._types.layout
        if not records:
            return True
        try:
            assert layout is not None
            self._write(layout, tables_of(layout, records, self._row_keys), numbers)
        except Misfit:
            return False
        return True

    def _write(self, layout: Layout, tables: list[tuple[str, pa.Table]], numbers: pa.Array) -> None:
        """Store tables by suffix; raise Misfit if a record has no primary key."""
        names = map(normalize_path, self._resource.primary_key)
        columns = [c for name in names if (c := layout.table.column(name)) is not None]
        keys = [tables[0][1].column(column.name) for column in columns]
        if any(key.null_count for key in keys):
            raise Misfit("a primary key is null")
        self.keys.add_columns(keys)
        self._numbers.add(numbers, unusual=False)
        for suffix, table in tables:
            if suffix not in self._files:
                self._files[suffix] = TableFile(self._folder)
            self._files[suffix].add(table)


class RowNumbers:
    """The numbers of records as they came, in the order in which they were stored."""

    def __init__(self) -> None:
        self._chunks: list[tuple[bool, pa.Array]] = []

    def add(self, numbers: pa.Array, *, unusual: bool) -> None:
        """Add the numbers of records that went to the tables, or to the spool beside them."""
        self._chunks.append((unusual, numbers))

    def all(self) -> pa.Array:
        """Return all numbers."""
        return _joined([numbers for _, numbers in self._chunks])

    def of(self, *, unusual: bool) -> pa.Array:
        """Return the numbers of one of the two places."""
        return _joined([numbers for where, numbers in self._chunks if where == unusual])


def _joined(chunks: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays(chunks) if chunks else pa.array([], pa.int64())


def _places(numbers: pa.Array, chosen: pa.Array) -> frozenset[int]:
    """Return where the chosen numbers are."""
    return frozenset(pc.indices_nonzero(pc.is_in(numbers, value_set=chosen)).to_pylist())


def _with_load_id(table: pa.Table, load_id: str) -> pa.Table:
    place = table.num_columns - 1  # before _dlt_id, as dlt orders them
    return table.add_column(place, "_dlt_load_id", pa.repeat(load_id, table.num_rows))
