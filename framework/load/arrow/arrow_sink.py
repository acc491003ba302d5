"""The sink for Arrow: pages become tables in batches, on a background thread, on disk when large.

A record that the declared types do not hold as it is goes to a spool of JSON lines beside the
tables, for dlt's own normalizer.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from operator import not_
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
from framework.load.arrow.tables import Keys, Misfit, tables_in, tables_of
from framework.load.contract import Contract
from framework.load.declared_tables import child_tables, root_key_columns, root_table
from framework.load.monitors.column_names import ColumnNameMonitor
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.load.record_sink import IN_MEMORY, RecordSpool, with_variants

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
    ) -> None:
        assert resource.schema is not None
        self._resource = resource
        self._folder = folder
        self._table = table_of(resource.schema)
        self._root = root_table(resource)
        self._layout = layout_of(self._table)
        self._contract = Contract(resource, self._table)
        merges = resource.write_disposition == "merge"
        self._has_root_key = carries_root_keys(schema, self._root, merges=merges)
        self._row_keys = Keys(self._has_root_key)
        names = [normalize_path(name) for name in resource.primary_key]
        self._key_columns = [c for name in names if (c := self._table.column(name)) is not None]
        self._keys = PrimaryKeyMonitor(resource, schema)
        self._has_doubles = any(
            column.data_type == "double"
            for _, table in self._table.tables()
            for column in table.columns
        )
        self._files: dict[str, _TableFile] = {}
        self._unusual = RecordSpool(folder, column_names)
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

    def finish(self) -> Iterator[tuple[str, str]]:
        """Convert the last batch; yield code and message of each warning on the records."""
        self._worker.wait()
        self._convert(self._next_batch())
        yield from (("discarded", message) for message in self._contract.messages())
        yield from self._unusual.finish()
        yield from self._keys.finish()

    @property
    def discarded(self) -> int:
        """Return the number of rows that the schema contract discarded."""
        return self._contract.rows_discarded

    def prepare(self, dlt_resource: DltResource) -> None:
        """Declare the child tables to dlt, which takes their rows as table variants."""
        # the contract was already applied to the records; nested hints would give the child
        # tables the columns of the resource's Arrow table
        dlt_resource.apply_hints(schema_contract={}, columns=root_key_columns(), nested_hints={})
        declare_variants(dlt_resource, self._root, self._table, has_root_key=self._has_root_key)

    def rows(self) -> Iterator[Any]:
        """Yield the Arrow tables, parents first, then the records for dlt's normalizer."""
        load_id = dlt.current.load_package_state()["load_id"]
        batches = self._unusual.batches(BATCH)
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
        """Yield the Arrow tables of one table; "" is the resource's own."""
        file = self._files.get(suffix)
        if file is not None:
            yield from file.read()

    def unusual(self, size: int) -> Iterator[list[Record]]:
        """Yield the records that do not fit the tables, `size` at a time."""
        return self._unusual.batches(size)

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
        """Count the primary keys of a batch and store its records as tables."""
        raw = [page.raw for page in batch if page.raw is not None and not page.is_parsed]
        if raw and len(raw) == len(batch) and self._reads_raw:
            self._raw_batches += 1
            try:
                self._convert_raw(raw, sum(page.count for page in batch))
                return
            except Misfit:
                self._misfits += 1
                # an API that sends undeclared fields does so in every record
                self._reads_raw = self._misfits * 2 <= self._raw_batches
        records: list[Record] = []
        for page in batch:
            records += page.records
        self._keys.add(records)
        self._convert_records(records)

    def _convert_raw(self, lists: list[RawList], count: int) -> None:
        if self._has_doubles and any(may_be_past_64_bits(one.body) for one in lists):
            raise Misfit("an integer loses digits as a double")
        records = records_in(lists, self._layout.type, count)
        self._write(tables_in(self._layout, records, [], self._row_keys))
        if all(len(column.path) == 1 for column in self._key_columns):
            columns = [pc.struct_field(records, list(c.path)) for c in self._key_columns]
            self._keys.add_columns(columns)

    def _convert_records(self, records: list[Record]) -> None:
        fits = [self._layout.fits(record) for record in records]
        if not self._write_records(list(compress(records, fits))):
            # only the contract can tell which record it is; dlt must see them in their order
            plain = [record for record in records if self._is_plain(record)]
        elif all(fits):
            return
        else:
            others = compress(records, map(not_, fits))
            plain = [record for record in others if self._is_plain(record)]
        if not self._write_records(plain):  # Arrow is stricter than the contract
            self._unusual.add(plain)

    def _is_plain(self, record: Record) -> bool:
        """Apply the contract; return whether Arrow takes the result, and spool it otherwise."""
        result, plain = self._contract.apply(record)
        if result is not None and plain and self._layout.fits(result):
            return True
        if result is not None:
            self._unusual.add([result])
        return False

    def _write_records(self, records: list[Record]) -> bool:
        """Store records as tables; return False if the declared types do not hold one of them."""
        if not records:
            return True
        try:
            self._write(tables_of(self._layout, records, self._row_keys))
        except Misfit:
            return False
        return True

    def _write(self, tables: list[tuple[str, pa.Table]]) -> None:
        """Store tables by suffix; raise Misfit if a record has no primary key."""
        if any(tables[0][1].column(column.name).null_count for column in self._key_columns):
            raise Misfit("a primary key is null")
        for suffix, table in tables:
            if suffix not in self._files:
                self._files[suffix] = _TableFile(self._folder, table.schema)
            self._files[suffix].add(table)


class _TableFile:
    """An unnamed temporary file of tables with one schema, in memory while small."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._schema = schema
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), schema)

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def read(self) -> Iterator[pa.Table]:
        """Yield the rows as tables of a size that suits dlt."""
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
