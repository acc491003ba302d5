"""Records of one resource kept as Arrow tables between reading and loading, on disk when many.

Records become tables in batches across pages; one that the declared types do not hold as it is
goes to a spool of JSON lines beside them, for dlt's own path.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from operator import not_
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import orjson
import pyarrow as pa

from framework.definition.json_text import may_be_past_64_bits
from framework.definition.model import Resource
from framework.definition.naming import normalize_path
from framework.definition.record_schema import Table
from framework.extract.page import Page, Record, TextPage
from framework.load.arrow.json_reader import RawPage, records_in
from framework.load.arrow.layout import layout_of
from framework.load.arrow.tables import Keys, Misfit, tables_in, tables_of
from framework.load.background_worker import BackgroundWorker
from framework.load.contract import Contract
from framework.load.monitors.column_names import ColumnNameMonitor
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.load.record_spool import IN_MEMORY, RecordSpool

BATCH_RECORDS = 4000
BATCH_BYTES = 4 << 20
BATCH_PAGES = 1000
"""Records become Arrow when so many are waiting, or so much JSON (measured on samples), or so many
pages: each that came as text holds its response."""

HANDED_BYTES = 16 << 20
HANDED_ROWS = 100_000
"""What is handed to dlt as one table: each costs dlt milliseconds of its own."""


class ArrowSpool:
    """Add lists of records, then take the tables and what is left for dlt's own path, once.

    `roots` says whether rows of child tables carry the root's key. `seen` is told of the primary
    keys of pages that came as text.
    """

    def __init__(
        self,
        resource: Resource,
        table: Table,
        folder: Path,
        key_names: ColumnNameMonitor,
        *,
        roots: bool,
    ) -> None:
        self.records = 0
        self.contract = Contract(resource, table)
        self.seen: PrimaryKeyMonitor | None = None
        self._layout = layout_of(table)
        self.roots = roots
        self._keys = Keys(roots)
        keys = {normalize_path(name) for name in resource.primary_key}
        primary = {c.name: c for c in table.columns if c.name in keys}
        self._primary = [primary[normalize_path(name)].name for name in resource.primary_key]
        self._counts = all(
            len(c.path) == 1 and c.data_type in ("text", "bigint") for c in primary.values()
        )
        self._doubles = any(
            column.data_type == "double" for _, one in table.tables() for column in one.columns
        )
        self._folder = folder
        self._files: dict[str, _TableFile] = {}
        self._unusual = RecordSpool(folder, key_names)
        self._waiting: list[RawPage | list[Record]] = []
        self._objects = self._bytes = 0
        self._reads_pages = not self._layout.reads_records
        self._batches = self._misfits = 0
        self._aside = BackgroundWorker(self._convert)

    def add(self, records: list[Record]) -> None:
        """Keep these. RecordError where the schema's contract forbids one."""
        if not records:
            return
        self.records += len(records)
        if isinstance(records, TextPage) or (isinstance(records, Page) and self._reads_pages):
            self._waiting.append(RawPage.of(records))
            self._bytes += len(records.body)
        else:
            self._waiting.append(records)
            self._objects += len(records)
            self._bytes += len(orjson.dumps(records[0])) * len(records)
        if (
            self._objects >= BATCH_RECORDS
            or self._bytes >= BATCH_BYTES
            or len(self._waiting) >= BATCH_PAGES
        ):
            self._aside.put(self._batch())

    def takes_text(self) -> bool:
        """Whether pages are better not parsed before they come here."""
        return self._reads_pages and self._counts

    @property
    def discarded(self) -> int:
        """How many rows the contract left out."""
        return self.contract.rows_discarded

    def finish(self) -> Iterator[tuple[str, str]]:
        """Everything is added: code and words of what is not loaded as it came."""
        self._aside.wait()
        self._convert(self._batch())
        yield from (("discarded", message) for message in self.contract.told())
        yield from self._unusual.finish()

    def tables(self, suffix: str) -> Iterator[pa.Table]:
        """The tables kept under this suffix ("" is the resource's own); gone after that."""
        file = self._files.pop(suffix, None)
        if file is not None:
            yield from file.read()

    @property
    def suffixes(self) -> list[str]:
        """What tables there are, parents first."""
        return list(self._files)

    def batches(self, size: int) -> Iterator[list[Record]]:
        """The records that dlt's own path has to take."""
        return self._unusual.batches(size)

    def close(self) -> None:
        """Let go of memory and disk."""
        self._aside.close()
        self._waiting.clear()
        self._unusual.close()
        for file in self._files.values():
            file.close()

    def _is_plain(self, record: Record) -> bool:
        """Whether the record, after the contract, is one for Arrow; keeps it where it is not."""
        left, plain = self.contract.apply(record)
        if left is not None and plain and self._layout.fits(left):
            return True
        if left is not None:
            self._unusual.add([left])
        return False

    def _batch(self) -> list[RawPage | list[Record]]:
        batch, self._waiting = self._waiting, []
        self._objects = self._bytes = 0
        return batch

    def _convert(self, batch: list[RawPage | list[Record]]) -> None:
        """Make tables of the batch and keep them."""
        pages = [part for part in batch if isinstance(part, RawPage)]
        if pages and len(pages) == len(batch) and self._reads_pages:
            self._batches += 1
            try:
                self._convert_pages(pages)
                return
            except Misfit:
                self._misfits += 1
                # an API that sends more than is declared does so in every record
                self._reads_pages = self._misfits * 2 <= self._batches
        records: list[Record] = []
        for part in batch:
            found = part.records() if isinstance(part, RawPage) else part
            if self.seen is not None and isinstance(part, RawPage) and part.parse is not None:
                self.seen.add(found)
            records += found
        self._convert_records(records)

    def _convert_pages(self, pages: list[RawPage]) -> None:
        if self._doubles and any(p.parse and may_be_past_64_bits(p.body) for p in pages):
            raise Misfit("an integer that loses digits as a double")
        nested = records_in(pages, self._layout.type)
        tables = tables_in(self._layout, nested, [], self._keys)
        self._keep(tables)
        if self.seen is None or not self._primary:
            return
        keys, row = tables[0][1].select(self._primary), 0
        for page in pages:
            if page.parse is not None:
                self.seen.add_columns(keys.slice(row, page.count))
            row += page.count

    def _convert_records(self, records: list[Record]) -> None:
        fits = [self._layout.fits(record) for record in records]
        if not self._write(list(compress(records, fits))):
            # which one it is, only the contract knows; dlt is to see the records in their order
            plain = [record for record in records if self._is_plain(record)]
        elif all(fits):
            return
        else:
            others = compress(records, map(not_, fits))
            plain = [record for record in others if self._is_plain(record)]
        if not self._write(plain):  # Arrow knows better than we do
            self._unusual.add(plain)

    def _write(self, records: list[Record]) -> bool:
        """Keep these as tables; False where the declared types do not hold one of them."""
        if not records:
            return True
        try:
            self._keep(tables_of(self._layout, records, self._keys))
        except Misfit:
            return False
        return True

    def _keep(self, tables: list[tuple[str, pa.Table]]) -> None:
        """Keep these tables; Misfit where a record has no key."""
        if any(tables[0][1].column(name).null_count for name in self._primary):
            raise Misfit("a primary key is null")
        for suffix, table in tables:
            if suffix not in self._files:
                self._files[suffix] = _TableFile(self._folder, table.schema)
            self._files[suffix].add(table)


class _TableFile:
    """Tables of one schema, written one after another to a file without a name."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._schema = schema
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), schema)

    def add(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def read(self) -> Iterator[pa.Table]:
        self._writer.close()
        self._file.seek(0)
        waiting: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in pa.ipc.open_stream(pa.PythonFile(self._file, "r")):
            waiting.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= HANDED_ROWS or size >= HANDED_BYTES:
                yield pa.Table.from_batches(waiting, self._schema)
                waiting, rows, size = [], 0, 0
        if rows:
            yield pa.Table.from_batches(waiting, self._schema)
        self._file.close()

    def close(self) -> None:
        self._file.close()
