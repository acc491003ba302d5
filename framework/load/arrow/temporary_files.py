"""Unnamed temporary files of an Arrow sink, in memory while small: its tables, and its pages."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import pyarrow as pa

from framework.extract.page import RawList, Record, as_records
from framework.load.record_sink import IN_MEMORY

TABLE_BYTES = 16 << 20
TABLE_ROWS = 100_000
"""The size of a table that dlt gets: each table costs dlt milliseconds."""


class TableFile:
    """The rows of one table.

    Later rows may have more columns than earlier ones, which get nulls there.
    """

    def __init__(self, folder: Path) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._schema: pa.Schema | None = None
        self._writer: Any = None
        self._starts: list[int] = []

    def add(self, table: pa.Table) -> None:
        """Append the rows of a table."""
        if self._schema is None or table.schema != self._schema:
            self._end()
            self._schema = table.schema
            self._starts.append(self._file.tell())
            self._writer = pa.ipc.new_stream(pa.PythonFile(self._file, "w"), self._schema)
        self._writer.write_table(table)

    def tables(self) -> Iterator[pa.Table]:
        """Yield the rows as tables of a size that suits dlt; nothing can be added any more."""
        self._end()
        batches: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in self._batches():
            batches.append(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if rows >= TABLE_ROWS or size >= TABLE_BYTES:
                yield pa.Table.from_batches(batches, self._schema)
                batches, rows, size = [], 0, 0
        if rows:
            yield pa.Table.from_batches(batches, self._schema)

    def close(self) -> None:
        """Release memory and disk space."""
        self._file.close()

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for start in self._starts:
            self._file.seek(start)
            for batch in pa.ipc.open_stream(pa.PythonFile(self._file, "r")):
                yield self._widened(batch)

    def _widened(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.schema == self._schema:
            return batch
        assert self._schema is not None
        known = set(batch.schema.names)
        columns = [
            batch.column(field.name)
            if field.name in known
            else pa.nulls(batch.num_rows, field.type)
            for field in self._schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)


class PageFile:
    """All pages of a resource as they came, for a second pass over their records."""

    def __init__(self, folder: Path) -> None:
        self._file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115

    def add(self, first: int, pages: list[RawList] | list[Record]) -> None:
        """Append the records of a batch, of which the first has this number."""
        pickle.dump((first, pages), self._file, pickle.HIGHEST_PROTOCOL)

    def records(self) -> Iterator[tuple[int, Record]]:
        """Yield all records in order, with their numbers."""
        self._file.seek(0)
        while True:
            try:
                first, pages = pickle.load(self._file)
            except EOFError:
                return
            if pages and isinstance(pages[0], RawList):
                pages = [record for raw in pages for record in as_records(raw.parse())]
            yield from enumerate(pages, first)

    def close(self) -> None:
        """Release memory and disk space."""
        self._file.close()
