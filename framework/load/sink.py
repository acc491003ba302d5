"""The sink of a resource: stores its pages while it is read, then yields them to dlt.

There are two: `RecordSink` leaves nesting and typing to dlt, `ArrowSink` builds the tables itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from dlt.common.schema import Schema
from dlt.extract import DltResource

from framework.definition.model import Resource
from framework.extract.page import Page, Record
from framework.load.arrow.arrow_sink import ArrowSink
from framework.load.arrow.eligibility import record_path_reason
from framework.load.arrow.inferred_types import infer_types
from framework.load.arrow.record_types import DeclaredTypes, RecordTypes
from framework.load.destinations.target import Target
from framework.load.monitors.column_names import (
    ColumnNameMonitor,
    known_owners,
    refuse_system_columns,
)
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.load.record_sink import NulFilter, RecordSink


class Sink(Protocol):
    """Store the pages of one resource, then yield their rows to dlt, until it is closed.

    After `finish`, `keys` knows the keys of all records, and which records are left out.
    """

    keys: PrimaryKeyMonitor

    @property
    def record_reason(self) -> str | None:
        """Why dlt's own normalizer makes the rows; None if Arrow does."""

    @property
    def reads_raw(self) -> bool:
        """Whether pages should come with their body and unparsed records."""

    def add(self, page: Page) -> None:
        """Store a page; raise RecordError if a record cannot become rows."""

    def finish(self, *, may_shift: bool = False) -> Iterator[tuple[str, str]]:
        """Process what is pending after the last page; yield code and message of each warning.

        `may_shift` means that records may have moved between pages while they were read.
        """

    def following(self) -> Sink:
        """Return the sink of the pages that follow in the next package; call after `finish`.

        What concerns the whole run is counted on: `discarded` and the warnings.
        """

    @property
    def discarded(self) -> int:
        """Return the number of rows that the schema contract discarded."""

    @property
    def columns_seen(self) -> Iterable[str]:
        """Return the columns of records for dlt's normalizer, also those that are always null."""

    def fit(self, schema: Schema) -> tuple[str, str] | None:
        """Adapt the rows to dlt's schema of the tables, which is newer than that of `open_sink`.

        Return table and column of a type that differs, None if the rows can be loaded.
        """

    def prepare(self, dlt_resource: DltResource) -> None:
        """Adapt the hints of dlt's resource to the rows that this sink yields."""

    def rows(self) -> Iterator[Any]:
        """Yield all rows while dlt extracts; again if the first package could not be loaded."""

    def record_without(self, column: str) -> Record | None:
        """Return the first record for dlt's normalizer that has nothing in this column, or None."""

    def close(self) -> None:
        """Release memory, disk space and threads."""


def open_sink(
    resource: Resource,
    target: Target,
    schema: Schema | None,
    folder: Path,
    *,
    shares_table: bool = False,
) -> Sink:
    """Return an empty sink for the resource.

    `schema` is dlt's schema of the tables that this run keeps; temporary files go to `folder`.
    `shares_table` means that other resources fill its tables, too. Raise RecordError if the
    resource declares a column that the destination cannot have.
    """
    profile = target.profile
    refuse_system_columns(resource, profile.system_columns, target.kind)
    names = ColumnNameMonitor(
        resource,
        shortens=profile.shortens_names,
        known=known_owners(schema, resource),
        system_columns=profile.system_columns,
        destination=target.kind,
    )
    nul = NulFilter(target.kind) if profile.refuses_nul else None
    reason = record_path_reason(resource, profile, shares_table=shares_table)
    if reason is not None:
        return RecordSink(resource, schema, folder, names, nul, reason)
    keys = PrimaryKeyMonitor(resource, schema)
    types: RecordTypes
    if resource.schema is not None:
        types = DeclaredTypes(resource, schema)
    else:
        types = infer_types(resource, target, schema, names, keys)
    return ArrowSink(resource, types, keys, folder, names, nul)
