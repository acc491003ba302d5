"""A compiled connector as a DltSource: each resource is a DltResource over our generator."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import chain
from typing import Any

import dlt
from dlt.common.jsonpath import extract_simple_field_name
from dlt.common.schema import Schema
from dlt.extract import DltResource, DltSource
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource

from framework.definition.defaults import columns_by_name
from framework.definition.model import DELETED_AT, Resource
from framework.definition.schema.record_schema import Table, table_of
from framework.definition.values.naming import SEPARATOR, normalize_identifier, normalize_path
from framework.extract.compilation.compiler import CompiledConnector
from framework.extract.incremental.cursor import ResourceCursors
from framework.extract.incremental.sync_tokens import ResourceTokens
from framework.extract.incremental.validators import ListValidators
from framework.extract.page import Page, Record, shape_function
from framework.extract.read_options import PageLimit, ReadOptions
from framework.extract.records.transforms import by_table
from framework.extract.resource_reader import ResourceReader

LONGEST_PARENT = 63
"""Some destinations shorten longer names, and then the parent's name is unknown here."""

Hints = dict[str, Any]
DLT_HINTS = (
    "table_name",
    "write_disposition",
    "primary_key",
    "merge_key",
    "schema_contract",
    "table_format",
    "file_format",
    "references",
    "max_table_nesting",
)
"""The keys of a resource that are keyword arguments of `dlt.resource`."""


def resource_hints(resource: Resource) -> Hints:
    """Return the hints of `dlt.resource` for this resource, without name and generator."""
    hints = {key: resource.hints[key] for key in DLT_HINTS if resource.hints.get(key) is not None}
    own: dict[str, Hints] = {name: dict(hint) for name, hint in resource.columns.items()}
    nested: dict[Any, Any] = {
        key: _with_named_columns(written)
        for key, written in (resource.hints.get("nested_hints") or {}).items()
    }
    if resource.schema is not None:
        table = table_of(resource.schema)
        columns = column_hints(table)
        own = {**columns, **{name: {**columns.get(name, {}), **own[name]} for name in own}}
        root = resource.hints.get("table_name") or resource.name
        if isinstance(root, str):
            for path, child in _nested_hints(normalize_path(root), table):
                key = path[0] if len(path) == 1 else path
                written = nested.get(key, {})
                columns = {**child["columns"], **written.get("columns", {})}
                nested[key] = {**child, **written, "columns": columns}
    cursor = _cursor_column(resource, own)
    if cursor is not None:
        # dlt marks the column of its own incremental in this way
        own = {**own, cursor: {"name": cursor, **own.get(cursor, {}), "incremental": True}}
    if resource.deletes is not None and resource.deletes.action == "mark":
        own = {**own, DELETED_AT: {"name": DELETED_AT, "data_type": "timestamp"}}
    if own:
        hints["columns"] = own
    if nested:
        hints["nested_hints"] = nested
    return hints


def _with_named_columns(hints: Hints) -> Hints:
    """Return a child table's hints with its columns by name, each with its name in it."""
    return (
        {**hints, "columns": columns_by_name(hints["columns"])} if hints.get("columns") else hints
    )


def _cursor_column(resource: Resource, columns: Hints) -> str | None:
    """Return the incremental's column as `columns` spell it; None if its path is not one column."""
    incremental = resource.endpoint.incremental
    if incremental is None:
        return None
    name = extract_simple_field_name(incremental.cursor_path)
    if name is None or name in columns:
        return name
    normalized = normalize_identifier(name)
    return normalized if normalized in columns else name


def column_hints(table: Table) -> dict[str, Hints]:
    """Return a declared table's columns as hints, by name."""
    columns = {}
    for column in table.columns:
        hint: Hints = {"name": column.name, "data_type": column.data_type}
        if column.description:
            hint["description"] = column.description
        columns[column.name] = hint
    return columns


def _nested_hints(
    root: str, table: Table, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Hints]]:
    """Yield the normalized path and hints of each nested list, outer ones first.

    An object has no table, so a list inside one names its parent: the table that holds the object.
    """
    for child in table.children:
        path = (*above, *child.name.split(SEPARATOR))
        hints: Hints = {"columns": column_hints(child)}
        if len(path) > len(above) + 1:
            parent = SEPARATOR.join((root, *above))
            if len(parent) > LONGEST_PARENT:
                continue
            hints["parent_table_name"] = parent
        yield path, hints
        yield from _nested_hints(root, child, path)


BATCH = 5000
"""Records in one batch for dlt: each batch costs dlt milliseconds of its own."""

Start = Callable[[], Iterator[Any]]
"""dlt calls it when a run begins; it returns the generator of a resource's batches."""


class ResourceReaders:
    """The readers of one run, by resource; a source that is used again gets new ones.

    `read` are the resources that will be read, None for all, beside those above them: a parent
    binds nothing for others.
    """

    def __init__(
        self, compiled: CompiledConnector, options: ReadOptions, read: Collection[str] | None = None
    ) -> None:
        self._compiled = compiled
        self._options = options
        names = list(compiled.plans if read is None else read)
        above = compiled.connector.ancestors
        self._read = {one.name for name in names for one in above(compiled.plans[name].resource)}
        self._read.update(names)
        self._started: set[str] = set()
        self._round = self._begin()

    def __getitem__(self, name: str) -> ResourceReader:
        return self._round[name]

    def open_table(self, name: str, *, reads_raw: bool = False) -> Iterator[Page]:
        """Return the pages that will be loaded; begin a new round if they were read before."""
        if name in self._started:
            self._round = self._begin()
            self._started.clear()
        self._started.add(name)
        return self._round[name].open_table(reads_raw=reads_raw)

    def _begin(self) -> dict[str, ResourceReader]:
        readers: dict[str, ResourceReader] = {}
        for name, plan in self._compiled.plans.items():
            state = None
            incremental = plan.endpoint.incremental
            changed = plan.resource.only_changed or plan.resource.only_new
            token = plan.endpoint.sync_token
            conditional = plan.endpoint.conditional
            if self._options.state is not None and (incremental or changed or token or conditional):
                state = self._options.state.setdefault(name, {})
            cursors = None
            if incremental is not None:
                environment, again = self._options.environment, self._options.again
                cursors = ResourceCursors(
                    plan.resource,
                    incremental,
                    environment.now,
                    state,
                    again,
                    environment.server_clock,
                )
            parents = [readers[parent] for parent in plan.resource.parents]
            client = self._compiled.client
            tokens = None if token is None else ResourceTokens(name, token, state)
            sends = self._options.again is None and self._options.sample is None
            validators = ListValidators(plan, state, sends=sends) if conditional else None
            reader = ResourceReader(
                plan, client, parents, cursors, self._options, state, tokens, validators
            )
            readers[name] = reader
            for parent, line in zip(parents, plan.lines, strict=False):
                if name in self._read:
                    parent.add_child(reader, line)
        return readers


def build_source(compiled: CompiledConnector, starts: dict[str, Start]) -> DltSource:
    """Return the source, named after the connector; `starts` has a generator for each resource."""
    resources: list[str | EndpointResource | DltResource] = [
        _resource(plan.resource, starts[name]) for name, plan in compiled.plans.items()
    ]
    return rest_api_source(
        {"client": {"base_url": compiled.client.base_url}, "resources": resources},
        name=compiled.connector.name,
    )


ReadColumns = Callable[[Resource], Mapping[str, Mapping[str, Any]]]
"""Reads the columns that `columns_from` declares, when a resource begins."""


def reading_source(
    compiled: CompiledConnector, options: ReadOptions, read_columns: ReadColumns = lambda _: {}
) -> DltSource:
    """Return a source that reads while dlt runs it, for the user's own pipelines."""
    readers = ResourceReaders(compiled, options)
    starts = {name: _starter(readers, name, read_columns) for name in compiled.plans}
    return build_source(compiled, starts)


def _resource(resource: Resource, start: Start) -> DltResource:
    dlt_resource: DltResource = dlt.resource(
        start, name=resource.name, selected=resource.selected, **resource_hints(resource)
    )
    return dlt_resource


def add_resource_table(schema: Schema, resource: Resource) -> None:
    """Add the resource's own table to a schema, as far as its hints describe it."""
    table: Any = _resource(resource, lambda: iter(())).compute_table_schema()
    schema.update_table(table)


def _starter(readers: ResourceReaders, name: str, read_columns: ReadColumns) -> Start:
    def start() -> Iterator[Any]:
        # dlt calls this for all selected resources before it reads any of them, so every reader
        # knows in time whether its records will be loaded
        pages = readers.open_table(name)
        reader, limit = readers[name], _page_limit(name)
        if limit is None:
            batches = _batches(pages)
        elif reader.plan.resource.parent is not None:
            # dlt limits no transformers, which children are to it: they get all, as one item
            batches = _batches(pages, size=None)
        elif limit.most == 0:
            batches = iter(())
        else:
            reader.limit_pages(limit)
            batches = _batches(pages, size=0)
        return chain(declared(), batches_for_dlt(reader.plan.resource, batches))

    def declared() -> Iterator[Any]:
        columns: Any = read_columns(readers[name].plan.resource)  # dlt's type, with pydantic's
        if columns:
            yield dlt.mark.with_hints([], dlt.mark.make_hints(columns=columns))

    return start


def _page_limit(name: str) -> PageLimit | None:
    """Return what the user's `add_limit` says of a resource, None if there is no limit."""
    resource = dlt.current.source().resources.get(name)  # not in a source that only reads from it
    limit = None if resource is None else resource.limit
    if limit is None:
        return None
    most = None if limit.max_items < 0 else limit.max_items
    return PageLimit(most, limit.count_rows, limit.max_time)


def _batches(pages: Iterator[Page], size: int | None = BATCH) -> Iterator[list[Record]]:
    """Yield the records of the pages in batches of at least `size`; all in one for None."""
    batch: list[Record] = []
    for page in pages:
        batch += page.records
        if size is not None and len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def batches_for_dlt(resource: Resource, batches: Iterator[list[Record]]) -> Iterator[Any]:
    """Yield batches shaped by the declared schema, or the table's schema if there are none."""
    shape = shape_function(resource)
    empty = True
    for batch in batches:
        empty = False
        if resource.tables is None:
            yield shape(batch)
            continue
        for table, records in by_table(batch):
            yield dlt.mark.with_table_name(records, table)
    if empty and resource.schema is not None and _has_typed_keys(resource):
        yield dlt.mark.materialize_table_schema()


def _has_typed_keys(resource: Resource) -> bool:
    """Return whether the columns of the primary key have types before any row.

    Without them dlt refuses the table. Those from a parent's record are not in the schema.
    """
    columns: Hints = resource_hints(resource).get("columns") or {}
    typed = {normalize_path(name) for name, hint in columns.items() if hint.get("data_type")}
    return typed.issuperset(map(normalize_path, resource.primary_key))
