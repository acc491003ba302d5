"""Columns that an API describes itself: read from its metadata before anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from framework.definition.model import ColumnsFrom, Connector, Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import normalize_path
from framework.errors import BindingError, FrameworkError, Interrupted, RecordError, ResourceSkipped
from framework.events import EventHandler, WarningRaised
from framework.extract.compilation.compiler import CompiledConnector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.read_options import ReadOptions
from framework.runtime.field_paths import value_at
from framework.text import join_words, json_type

Json = Any
Columns = Mapping[str, Mapping[str, Json]]
"""The hints of columns, by name."""


@dataclass
class MetadataColumns:
    """Columns by the resource that they are of, and errors of those that have none.

    `skipped` has the reasons of those whose metadata a `skip_resource` skipped.
    """

    columns: dict[str, Columns] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def declared(self, connector: Connector) -> Connector:
        """Return the connector with the columns; those that the file declares win."""
        resources = tuple(
            replace(one, columns={**self.columns.get(one.name, {}), **one.columns})
            for one in connector.resources
        )
        return replace(connector, resources=resources)

    def failed(self, compiled: CompiledConnector) -> CompiledConnector:
        """Return the compiled connector, in which resources without their columns fail.

        If the metadata was skipped, they are skipped for the same reason.
        """
        problems: dict[str, BindingError | ResourceSkipped] = {
            **{name: BindingError(message) for name, message in self.errors.items()},
            **{name: ResourceSkipped(name, reason) for name, reason in self.skipped.items()},
        }
        plans = {
            name: replace(plan, problem=plan.problem or problems.get(name))
            for name, plan in compiled.plans.items()
        }
        return replace(compiled, plans=plans)


def metadata_of(connector: Connector, resources: Iterable[Resource]) -> dict[str, str]:
    """Return the resources that are read for columns, each with the first that they are of."""
    known = {one.name for one in connector.resources}
    found: dict[str, str] = {}
    for one in resources:
        source = one.columns_from
        if source is None or source.resource not in known:
            continue
        metadata = connector.resource(source.resource)
        for name in (metadata.name, *(above.name for above in connector.ancestors(metadata))):
            found.setdefault(name, one.name)
    return found


def read_columns(
    compiled: CompiledConnector, resources: Iterable[Resource], options: ReadOptions
) -> MetadataColumns:
    """Read the metadata of these resources, each list once; their own state is not touched."""
    result = MetadataColumns()
    wanted = [
        (one, one.columns_from)
        for one in resources
        if one.columns_from is not None and one.columns_from.resource in compiled.plans
    ]
    names = list(dict.fromkeys(source.resource for _, source in wanted))
    if not names:
        return result
    readers = ResourceReaders(compiled, replace(options, state={}), names)
    opened = {name: readers.open_table(name) for name in names}
    records: dict[str, list[Json]] = {}
    errors: dict[str, Exception] = {}
    for name, pages in opened.items():
        try:
            records[name] = [record for page in pages for record in page.records]
        except Interrupted:
            raise
        except (FrameworkError, ResourceSkipped) as error:
            errors[name] = error
    for resource, source in wanted:
        cause = errors.get(source.resource)
        if isinstance(cause, ResourceSkipped):
            result.skipped[resource.name] = str(cause)
        try:
            if cause is not None:
                raise RecordError(str(cause))
            result.columns[resource.name] = columns_of(
                resource, source, records[source.resource], options.on_event
            )
        except RecordError as refusal:
            result.errors[resource.name] = (
                f"{resource.name}: cannot read its columns from {source.resource}: {refusal}"
            )
    return result


def columns_for_dlt(
    compiled: CompiledConnector, options: ReadOptions, resource: Resource
) -> Columns:
    """Return the columns of one resource that dlt is about to read. Raise RecordError for none."""
    read = read_columns(compiled, [resource], options)
    if read.errors:
        raise RecordError(read.errors[resource.name])
    columns = read.columns.get(resource.name, {})
    return {name: hint for name, hint in columns.items() if name not in resource.columns}


def columns_of(
    resource: Resource, source: ColumnsFrom, records: Iterable[Json], on_event: EventHandler
) -> Columns:
    """Return the columns that records of metadata declare, without those that are to infer.

    Warn once of words that the file does not know. Raise RecordError for a record without a name.
    """
    own = set()
    if resource.schema is not None:
        own = {column.name for column in table_of(resource.schema).columns}
    columns: dict[str, Mapping[str, Json]] = {}
    unknown: dict[str, str] = {}
    for record in records:
        name = value_at(record, source.name.split("."))
        word = str(value_at(record, source.type.split(".")))
        if not isinstance(name, str) or not name:
            raise RecordError(
                f"found {json_type(name)} at `{source.name}` of a record, expected a column's name"
            )
        if word not in source.types:
            unknown.setdefault(word, name)
        data_type = source.types.get(word)
        if data_type is not None and normalize_path(name) not in own:
            columns[name] = {"name": name, "data_type": data_type}
    if unknown:
        words = join_words(f"{word} ({name})" for word, name in unknown.items())
        message = (
            f"{source.resource} has types that `columns_from.types` does not: {words}; they are "
            "inferred from the values. Add each with a data type, or with null"
        )
        on_event(WarningRaised(resource.name, "unknown-column-type", message))
    return columns
