"""The sink for Arrow: pages become tables in batches, on a background thread, on disk when large.

A record that the declared types do not hold as it is goes to a spool of JSON lines beside the
tables, for dlt's own normalizer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress, repeat
from operator import itemgetter, not_
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import dlt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from dlt.common.schema import Schema
from dlt.extract import DltResource

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.json_text import may_be_past_64_bits
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.extract.compilation.dlt_source import BATCH, batches_for_dlt
from framework.extract.page import Page, RawList, Record, shape_function
from framework.load.arrow.background_worker import BackgroundWorker
from framework.load.arrow.json_reader import records_in
from framework.load.arrow.layout import layout_of
from framework.load.arrow.nested_tables import (
    add_child_tables,
    carries_root_keys,
    declare_variants,
)
from framework.load.arrow.tables import Keys, Misfit, number_range, tables_in, tables_of
from framework.load.contract import Contract
from framework.load.declared_tables import child_tables, root_key_columns, root_table
from framework.load.monitors.column_names import ColumnNameMonitor
from framework.load.monitors.column_types import ColumnTypeMonitor, float_warnings
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.load.record_sink import IN_MEMORY, NulFilter, RecordSpool, with_variants

BATCH_RECORDS = 4000
BATCH_BYTES = 4 << 20
BATCH_PAGES = 1000
"""A batch is converted once it has that many records, bytes of JSON (estimated from samples) or
pages. The last limits memory: a raw page holds its response."""

TABLE_BYTES = 16 << 20
TABLE_ROWS = 100_000
"""The size of a table that dlt gets: each table costs dlt milliseconds."""


class ArrowSink:
    """A `Sink` that builds the resource's table and its child tables with Arrow."""

    def __init__(
        self,
        resource: Resource,
        schema: Schema | None,
        folder: Path,
        column_names: ColumnNameMonitor,
        nul: NulFilter | None = None,
    ) -> None:
        assert resource.schema is not None
        self._resource = resource
        self._folder = folder
        self._nul = nul
        self._table = table_of(resource.schema)
        self._root = root_table(resource)
        self._layout = layout_of(self._table)
        self._contract = Contract(resource, self._table)
        merges = resource.write_disposition == "merge"
        self._has_root_key = carries_root_keys(schema, self._root, merges=merges)
        self._row_keys = Keys(self._has_root_key)
        names = [normalize_path(name) for name in resource.primary_key]
        self._key_columns = [c for name in names if (c := self._table.column(name)) is not None]
        self.keys = PrimaryKeyMonitor(resource, schema)
        self._has_doubles = any(
            column.data_type == "double"
            for _, table in self._table.tables()
            for column in table.columns
        )
        self._files: dict[str, _TableFile] = {}
        self._count = 0
        self._numbers = RowNumbers()
        self._repeated_ids: list[pa.Array] = []
        self._unusual = RecordSpool(folder, column_names, ColumnTypeMonitor(resource))
        self._batch: list[Page] = []
        self._batch_records = self._batch_bytes = 0
        self._reads_raw = not self._layout.reads_records
        self._raw_batches = self._misfits = 0
        self._worker = BackgroundWorker(self._convert)

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
        self._worker.wait()
        self._convert(self._next_batch())
        self.keys.end(self._numbers.all(), self._order_values)
        yield from (("discarded", message) for message in self._contract.messages())
        yield from float_warnings(self._contract.floats)
        if self._nul is not None:
            yield from self._nul.finish()
        yield from self._unusual.finish()
        yield from self.keys.finish(may_shift=may_shift)

    def _order_values(self, numbers: pa.Array) -> Iterator[tuple[int, Any]]:
        order = self.keys.order
        column, rows = order.column_in(self._table), self._numbers.of(unusual=False)
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
        return self._contract.rows_discarded

    @property
    def columns_seen(self) -> Iterable[str]:
        """Return nothing: the schema has all columns."""
        return ()

    def prepare(self, dlt_resource: DltResource) -> None:
        """Declare the child tables to dlt, which takes their rows as table variants."""
        # the contract was already applied to the records; nested hints would give the child
        # tables the columns of the resource's Arrow table
        dlt_resource.apply_hints(schema_contract={}, columns=root_key_columns(), nested_hints={})
        declare_variants(dlt_resource, self._root, self._table, has_root_key=self._has_root_key)

    def rows(self) -> Iterator[Any]:
        """Yield the Arrow tables, parents first, then the records for dlt's normalizer."""
        load_id = dlt.current.load_package_state()["load_id"]
        batches = self.unusual(BATCH)
        if "" in self._files:
            unusual = with_variants(
                map(shape_function(self._resource), batches), self._resource, self._contract
            )
            for table in self.tables(""):
                yield _with_load_id(table, load_id)
        else:
            unusual = with_variants(
                batches_for_dlt(self._resource, batches), self._resource, self._contract
            )
            yield next(unusual)
        # dlt adds the root to the schema with its first rows: now child tables can follow
        schema = dlt.current.source_schema()
        add_child_tables(
            schema,
            self._resource.name,
            self._root,
            self._table,
            has_root_key=self._has_root_key,
        )
        for name, _, _ in child_tables(self._root, self._table):
            for table in self.tables(name.removeprefix(f"{self._root}{SEPARATOR}")):
                yield dlt.mark.with_table_name(table, name)
        yield from unusual

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
        for file in self._files.values():
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
        if raw and len(raw) == len(batch) and self._reads_raw:
            self._raw_batches += 1
            try:
                self._convert_raw(raw, number_range(count, first))
                return
            except Misfit:
                self._misfits += 1
                # an API that sends undeclared fields does so in every record
                self._reads_raw = self._misfits * 2 <= self._raw_batches
        records: list[Record] = []
        for page in batch:
            records += page.records
        if self._nul is not None:
            records = self._nul.clean(records)
        # a page also counts nulls, which are no records
        self._convert_records(records, number_range(len(records), first))

    def _convert_raw(self, lists: list[RawList], numbers: pa.Array) -> None:
        if self._has_doubles and any(may_be_past_64_bits(one.body) for one in lists):
            raise Misfit("an integer loses digits as a double")
        if self._nul is not None and any(self._nul.is_suspect(one.body) for one in lists):
            raise Misfit("a NUL")
        records = records_in(lists, self._layout.type, len(numbers))
        self._write(tables_in(self._layout, records, [], self._row_keys), numbers)

    def _convert_records(self, records: list[Record], numbers: pa.Array) -> None:
        fits = [self._layout.fits(record) for record in records]
        fitting = numbers.filter(pa.array(fits, pa.bool_()))
        others: Any = zip(numbers.to_pylist(), records, strict=True)
        # if Arrow refuses a record, only the contract can tell which one it is
        if self._write_records(list(compress(records, fits)), fitting):
            if all(fits):
                return
            others = compress(others, map(not_, fits))
        plain: list[tuple[int, Record]] = []
        unusual: list[tuple[int, Record]] = []
        for number, record in others:
            result, is_plain = self._contract.apply(record)
            if result is not None:
                is_plain = is_plain and self._layout.fits(result)
                (plain if is_plain else unusual).append((number, result))
        places = pa.array([number for number, _ in plain], pa.int64())
        if not self._write_records([record for _, record in plain], places):
            # Arrow is stricter than the contract; dlt must see the records in their order
            unusual = sorted(plain + unusual, key=itemgetter(0))
        if unusual:
            self.keys.add([record for _, record in unusual])
            self._unusual.add([record for _, record in unusual])
            places = pa.array([number for number, _ in unusual], pa.int64())
            self._numbers.add(places, unusual=True)

    def _write_records(self, records: list[Record], numbers: pa.Array) -> bool:
        """Store records as tables; return False if the declared types do not hold one of them."""
        if not records:
            return True
        try:
            self._write(tables_of(self._layout, records, self._row_keys), numbers)
        except Misfit:
            return False
        return True

    def _write(self, tables: list[tuple[str, pa.Table]], numbers: pa.Array) -> None:
        """Store tables by suffix; raise Misfit if a record has no primary key."""
        keys = [tables[0][1].column(column.name) for column in self._key_columns]
        if any(key.null_count for key in keys):
            raise Misfit("a primary key is null")
        self.keys.add_columns(keys)
        self._numbers.add(numbers, unusual=False)
        for suffix, table in tables:
            if suffix not in self._files:
                self._files[suffix] = _TableFile(self._folder, table.schema)
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


class _TableFile:
    """An unnamed temporary file of tables with one schema, in memory while small."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._schema = schema
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), schema)

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows as tables of a size that suits dlt; nothing can be added any more."""
        self._writer.close()
        self._file.seek(0)
        batches: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in pa.ipc.open_stream(pa.PythonFile(self._file, "r")):
            batches.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= TABLE_ROWS or size >= TABLE_BYTES:
                yield pa.Table.from_batches(batches, self._schema)
                batches, rows, size = [], 0, 0
        if rows:
            yield pa.Table.from_batches(batches, self._schema)

    def close(self) -> None:
        self._file.close()


def _with_load_id(table: pa.Table, load_id: str) -> pa.Table:
    place = table.num_columns - 1  # before _dlt_id, as dlt orders them
    return table.add_column(place, "_dlt_load_id", pa.repeat(load_id, table.num_rows))
