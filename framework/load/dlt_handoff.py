"""What was read, handed to dlt: a resource's spool in, what its dlt resource yields out.

Knows both paths. Which one a resource takes was decided when its spool was made.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
from dlt.common.schema import Schema
from dlt.extract import DltResource

from framework.definition.model import Resource
from framework.definition.naming import normalize_path
from framework.definition.record_schema import table_of
from framework.extract.dlt_source import BATCH, batches_for_dlt
from framework.extract.page import shaper
from framework.load.arrow.eligibility import is_arrow_eligible
from framework.load.arrow.nested_tables import (
    add_nested,
    add_variants,
    carries_roots,
    declare_variants,
    nested_tables,
    root_keys,
)
from framework.load.arrow_spool import ArrowSpool
from framework.load.contract import Contract
from framework.load.declared_tables import table_name
from framework.load.destinations.target import Target
from framework.load.monitors.column_names import ColumnNameMonitor
from framework.load.record_spool import RecordSpool

AnySpool = RecordSpool | ArrowSpool
LONG_NAMES = ("duckdb", "motherduck", "filesystem")
"""Destinations for which dlt does not shorten names."""


def spool_for(resource: Resource, target: Target, schema: Schema | None, folder: Path) -> AnySpool:
    """An empty spool for the resource; `schema` is what was loaded before and stays."""
    key_names = ColumnNameMonitor(resource, shortens=target.kind not in LONG_NAMES)
    if resource.schema is None:
        return RecordSpool(folder, key_names, mend=not _keeps_json(resource))
    table = table_of(resource.schema)
    if not is_arrow_eligible(resource, target):
        return RecordSpool(folder, key_names, Contract(resource, table))
    merges = resource.write_disposition == "merge"
    roots = carries_roots(schema, _root(resource), merges=merges)
    return ArrowSpool(resource, table, folder, key_names, roots=roots)


def prepare(made: DltResource, resource: Resource, spool: AnySpool) -> None:
    """Fit dlt's resource to what its spool will yield."""
    if resource.schema is None:
        return
    # the contract was applied to the records; what is left may come in
    made.apply_hints(schema_contract={})
    if isinstance(spool, ArrowSpool):
        # with nested hints dlt would give the children the columns of the parent's Arrow table
        made.apply_hints(columns=root_keys(), nested_hints={})
        declare_variants(made, _root(resource), table_of(resource.schema), roots=spool.roots)


def yield_to_dlt(resource: Resource, spool: AnySpool) -> Iterator[Any]:
    """Everything in the spool, as dlt takes it, while dlt extracts; the spool is empty then."""
    if isinstance(spool, RecordSpool):
        yield from _by_dlt(resource, spool, batches_for_dlt(resource, spool.batches(BATCH)))
        return
    load_id = dlt.current.load_package_state()["load_id"]
    unusual = _by_dlt(resource, spool, map(shaper(resource), spool.batches(BATCH)))
    if "" in spool.suffixes:
        for table in spool.tables(""):
            yield _with_load_id(table, load_id)
    else:
        unusual = _by_dlt(resource, spool, batches_for_dlt(resource, spool.batches(BATCH)))
        yield next(unusual)
    assert resource.schema is not None
    declared = table_of(resource.schema)
    root = _root(resource)
    add_nested(
        dlt.current.source_schema(), resource.name, root, declared, roots=spool.roots
    )  # the root is in the schema since its first rows
    for name, _, _ in nested_tables(root, declared):
        for table in spool.tables(name.removeprefix(f"{root}__")):
            yield dlt.mark.with_table_name(table, name)
    yield from unusual


def _by_dlt(resource: Resource, spool: AnySpool, batches: Iterator[Any]) -> Iterator[Any]:
    """The batches; with the first, the variant columns that the contract filled: where dlt makes
    one by itself, a text that looks like a time gives it the type of a time."""
    for number, batch in enumerate(batches):
        yield batch
        if number == 0 and spool.contract is not None:
            add_variants(dlt.current.source_schema(), _root(resource), spool.contract.variants)


def _keeps_json(resource: Resource) -> bool:
    """Whether values may stay JSON as they are, in columns that `columns` or dlt choose."""
    hints = resource.hints
    return bool(hints.get("columns")) or hints.get("max_table_nesting") is not None


def _root(resource: Resource) -> str:
    return normalize_path(table_name(resource))


def _with_load_id(table: pa.Table, load_id: str) -> pa.Table:
    place = table.num_columns - 1  # before _dlt_id, as dlt has it
    return table.add_column(place, "_dlt_load_id", pa.repeat(load_id, table.num_rows))
