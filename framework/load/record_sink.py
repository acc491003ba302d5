"""The sink for dlt's own normalizer: records as JSON lines, in memory while few, then on disk.

A resource is read whole before dlt gets its first record. One that fails half-way leaves nothing
behind, and all resources go into one load package.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any

import dlt
import orjson
import pyarrow as pa
from dlt.common.schema import Schema
from dlt.extract import DltResource

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import normalize_path
from framework.extract.compilation.dlt_source import BATCH, batches_for_dlt
from framework.extract.page import Page, Record
from framework.load.arrow.nested_tables import add_variant_columns
from framework.load.contract import SUSPECT, Contract, sanitize
from framework.load.declared_tables import root_table
from framework.load.monitors.column_names import ColumnNameMonitor, add_owners
from framework.load.monitors.column_types import ColumnTypeMonitor, float_warnings
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.text import count_noun

IN_MEMORY = 4 << 20
"""Bytes of JSON that a spool holds in memory; more goes to an unnamed temporary file."""


class RecordSpool:
    """Store records, then read them back in order, in batches, as often as needed."""

    def __init__(
        self, folder: Path, column_names: ColumnNameMonitor, column_types: ColumnTypeMonitor
    ) -> None:
        self._folder = folder
        self._column_names = column_names
        self._column_types = column_types
        self._file: Any = SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115

    def following(self) -> RecordSpool:
        """Return an empty spool that knows the columns of this one."""
        return RecordSpool(self._folder, self._column_names, self._column_types)

    def add(self, records: list[Record], *, sanitized: bool = False) -> None:
        """Append records. With `sanitized`, change values that dlt could not write.

        Raise RecordError if a list is nested too deep to become a table.
        """
        self._file.write(
            _lines_for_dlt(records, self._column_names, self._column_types, sanitized=sanitized)
        )

    @property
    def owners(self) -> Mapping[str, tuple[str, ...]]:
        """Return the keys of columns that later runs must know."""
        return self._column_names.owners

    @property
    def columns_seen(self) -> Iterable[str]:
        """Return the columns that records have keys for, also if they are null."""
        return self._column_names.seen

    def finish(self) -> Iterator[tuple[str, str]]:
        """Yield code and message of each warning on the records."""
        message = self._column_names.message()
        if message is not None:
            yield "keys-meet", message
        yield from float_warnings(self._column_types.floats)

    def numbered(self, numbers: Container[int]) -> Iterator[tuple[int, Record]]:
        """Yield the records of these numbers, counted from 0, with their number."""
        self._file.seek(0)
        for number, line in enumerate(self._file):
            if number in numbers:
                yield number, orjson.loads(line)

    def batches(self, size: int, without: Container[int] = ()) -> Iterator[list[Record]]:
        """Yield all records, `size` at a time.

        `without` are numbers of records to leave out, counted from 0.
        """
        self._file.seek(0)
        batch: list[Record] = []
        for number, line in enumerate(self._file):
            if without and number in without:
                continue
            batch.append(orjson.loads(line))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def first_without(self, column: str) -> Record | None:
        """Return the first record that has nothing in this column of its own, or None."""
        for records in self.batches(1):
            filled = (key for key, value in records[0].items() if value is not None)
            if column not in map(normalize_path, filled):
                return records[0]
        return None

    def close(self) -> None:
        """Release memory and disk space."""
        self._file.close()


def as_for_dlt(
    records: list[Record],
    column_names: ColumnNameMonitor,
    column_types: ColumnTypeMonitor,
    *,
    sanitized: bool,
) -> list[Record]:
    """Return copies of records as dlt's normalizer gets them from a spool."""
    lines = _lines_for_dlt(records, column_names, column_types, sanitized=sanitized)
    return [orjson.loads(line) for line in lines.split(b"\n") if line]


def _lines_for_dlt(
    records: list[Record],
    column_names: ColumnNameMonitor,
    column_types: ColumnTypeMonitor,
    *,
    sanitized: bool,
) -> bytes:
    records = column_names.apart(column_types.fitted(records))
    lines = _lines(records)
    if sanitized and SUSPECT.search(lines):
        lines = _lines(map(sanitize, records))
    return lines


class NulFilter:
    """Remove the character NUL from the texts and keys of records: the destination refuses it."""

    def __init__(self, destination: str) -> None:
        self._destination = destination
        self._records = 0

    @staticmethod
    def is_suspect(json_text: bytes) -> bool:
        """Return whether JSON may have a NUL in a text."""
        return rb"\u0000" in json_text

    def clean(self, records: list[Record]) -> list[Record]:
        """Return the records, those without a NUL as they are."""
        if not self.is_suspect(orjson.dumps(records)):
            return records
        cleaned = [_without_nul(record) for record in records]
        changed = sum(new != old for new, old in zip(cleaned, records, strict=True))
        self._records += changed
        return cleaned

    def finish(self) -> Iterator[tuple[str, str]]:
        """Yield code and message of a warning if something was removed."""
        if self._records:
            yield (
                "nul-removed",
                f"removed the character NUL from the texts of {count_noun(self._records, 'record')}"
                f": {self._destination} cannot store it",
            )


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "") if "\0" in value else value
    if isinstance(value, list):
        return [_without_nul(item) for item in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value


class RecordSink:
    """A `Sink` that leaves nesting and typing of records to dlt."""

    def __init__(
        self,
        resource: Resource,
        schema: Schema | None,
        folder: Path,
        column_names: ColumnNameMonitor,
        nul: NulFilter | None = None,
        record_reason: str = "",
    ) -> None:
        self.record_reason = record_reason
        self._resource = resource
        self._nul = nul
        self._contract = None
        if resource.schema is not None:
            self._contract = Contract(resource, table_of(resource.schema))
        self._sanitizes = self._contract is None and not _keeps_json(resource)
        self.keys = PrimaryKeyMonitor(resource, schema)
        self._spool = RecordSpool(folder, column_names, ColumnTypeMonitor(resource))

    @property
    def reads_raw(self) -> bool:
        """Return False: this sink needs the records."""
        return False

    def add(self, page: Page) -> None:
        """Store what the contract leaves of a page; raise RecordError if it forbids a record."""
        records = page.records if self._nul is None else self._nul.clean(page.records)
        if self._contract is not None:
            results = (self._contract.apply(record)[0] for record in records)
            records = [record for record in results if record is not None]
        self.keys.add(records)
        self._spool.add(records, sanitized=self._sanitizes)

    def finish(self, *, may_shift: bool = False) -> Iterator[tuple[str, str]]:
        """Find repeated keys; yield code and message of each warning on the records."""
        self.keys.end(None, self._order_values)
        if self._contract is not None:
            yield from (("discarded", message) for message in self._contract.messages())
            yield from float_warnings(self._contract.floats)
        if self._nul is not None:
            yield from self._nul.finish()
        yield from self._spool.finish()
        yield from self.keys.finish(may_shift=may_shift)

    def following(self) -> RecordSink:
        """Return the sink of the pages that follow in the next package; call after `finish`."""
        after = copy.copy(self)
        after.keys = self.keys.following(self._order_values)
        after._spool = self._spool.following()
        return after

    def _order_values(self, numbers: pa.Array) -> Iterator[tuple[int, Any]]:
        for number, record in self._spool.numbered(frozenset(numbers.to_pylist())):
            yield number, self.keys.order.value(record)

    @property
    def discarded(self) -> int:
        """Return the number of rows that the schema contract discarded."""
        return 0 if self._contract is None else self._contract.rows_discarded

    @property
    def columns_seen(self) -> Iterable[str]:
        """Return the columns that records have keys for, also if they are null."""
        return self._spool.columns_seen

    def fit(self, schema: Schema) -> None:
        """Do nothing: dlt's normalizer knows the tables that it makes rows for."""

    def prepare(self, dlt_resource: DltResource) -> None:
        """Allow dlt to take all rows: the contract was already applied to the records."""
        if self._contract is not None:
            dlt_resource.apply_hints(schema_contract={})

    def rows(self) -> Iterator[Any]:
        """Yield batches of records."""
        left_out = frozenset(self.keys.left_out.to_pylist())
        batches = batches_for_dlt(self._resource, self._spool.batches(BATCH, left_out))
        for number, batch in enumerate(with_variants(batches, self._resource, self._contract)):
            yield batch
            if number == 0 and not self._resource.hints.get("schema_contract"):
                schema = dlt.current.source_schema()
                add_owners(schema, root_table(self._resource), self._spool.owners)

    def record_without(self, column: str) -> Record | None:
        """Return the first record that has nothing in this column, or None."""
        return self._spool.first_without(column)

    def close(self) -> None:
        """Release memory and disk space."""
        self._spool.close()


def with_variants(
    batches: Iterator[Any], resource: Resource, contract: Contract | None
) -> Iterator[Any]:
    """Yield the batches; after the first, declare the variant columns that the contract filled.

    If dlt created them, a text that looks like a time would give the column the type of a time.
    """
    for number, batch in enumerate(batches):
        yield batch
        if number == 0 and contract is not None:
            add_variant_columns(
                dlt.current.source_schema(), root_table(resource), dict(contract.variants)
            )


def _keeps_json(resource: Resource) -> bool:
    """Return whether `columns` or nesting limits may store values as JSON, unchanged."""
    hints = resource.hints
    return bool(hints.get("columns")) or hints.get("max_table_nesting") is not None


def _lines(records: Iterable[Record]) -> bytes:
    return b"".join(orjson.dumps(r, option=orjson.OPT_APPEND_NEWLINE) for r in records)
