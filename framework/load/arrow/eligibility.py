"""Whether a resource's records may go to dlt as Arrow tables: a list of what is allowed.

Everything else takes dlt's own path, which loads the same tables more slowly.
"""

from __future__ import annotations

from collections.abc import Mapping

from framework.definition.model import Resource
from framework.definition.schema.record_schema import Table, table_of
from framework.definition.values.naming import normalize_path
from framework.events import ignore_event
from framework.extract.compilation.compiler import CompiledConnector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.raw_pages import RawPages
from framework.extract.read_options import ReadOptions
from framework.load.arrow.layout import layout_of_keys
from framework.load.arrow.unprocessed_keys import NotInColumns, unprocessed_keys
from framework.load.declared_tables import shares_table, table_name
from framework.load.destinations.profiles import DestinationProfile
from framework.runtime.environment import Environment

HINTS = frozenset(
    {"name", "table_name", "write_disposition", "primary_key", "columns", "schema_contract"}
    | {"selected", "parallelized", "processing_steps", "endpoint", "schema", "description"}
)
"""Keys of a resource that the Arrow path handles like dlt."""
INFERRED_HINTS = HINTS - {"schema_contract"}
"""The same without a schema."""

COLUMN_HINTS = frozenset({"name", "data_type", "description"})
TYPES = frozenset({"text", "timestamp", "date", "time", "decimal", "bigint", "double", "bool"})
LONGEST_NAME = 55
"""Some destinations shorten longer names, each in its own way."""


def record_path_reason(
    resource: Resource, profile: DestinationProfile, *, shares_table: bool = False
) -> str | None:
    """Return why the resource takes dlt's own path to a destination; None for the Arrow path.

    `shares_table` means that other resources fill its tables, too.
    """
    if not profile.has_arrow_path:
        return "the destination has no Arrow path"
    declared = resource.schema is not None
    hints = HINTS if declared else INFERRED_HINTS
    for key, value in resource.hints.items():
        if value is not None and key not in hints:
            return f"`{key}`"
    if not _has_plain_disposition(resource):
        return "`write_disposition` is neither append, replace nor a merge by primary key"
    for name, hint in resource.columns.items():
        for key in hint.keys() - COLUMN_HINTS:
            return f"`{key}` in `columns.{name}`"
    return _declared_reason(resource) if declared else _inferred_reason(resource, shares_table)


def parsed_pages_reason(resource: Resource, raw: RawPages | str) -> str | None:
    """Return why pages are parsed before Arrow gets their records; None if they are not.

    `raw` is what the reader says of it.
    """
    if isinstance(raw, str):
        return raw
    if resource.schema is None:
        kinds = [step.kind for step in resource.steps if step.kind != "filter"]
        return f"`{kinds[0]}` in processing_steps, and no schema" if kinds else None
    try:
        layout = layout_of_keys(unprocessed_keys(resource))
    except NotInColumns as reason:
        return str(reason)
    return "the schema has a list of decimals" if layout.reads_records else None


def path_text(record_reason: str | None, parsed_reason: str | None) -> str:
    """Return how records become rows, and why not in the fastest way."""
    if record_reason is not None:
        return f"records ({record_reason})"
    return "arrow" if parsed_reason is None else f"arrow, from parsed pages ({parsed_reason})"


def load_paths(compiled: CompiledConnector, profile: DestinationProfile) -> dict[str, str]:
    """Return how the records of each resource become rows, if all that are selected are read."""
    options = ReadOptions(Environment(), ignore_event, compiled.redactor, 1, None, {})
    selected = {name for name, plan in compiled.plans.items() if plan.resource.selected}
    readers = ResourceReaders(compiled, options, selected)
    paths = {}
    for name, plan in compiled.plans.items():
        reason = parsed_pages_reason(plan.resource, readers[name].raw_pages)
        shared = shares_table(compiled.connector, plan.resource)
        records = record_path_reason(plan.resource, profile, shares_table=shared)
        paths[name] = path_text(records, reason)
    return paths


def _declared_reason(resource: Resource) -> str | None:
    assert resource.schema is not None
    if resource.include_from_parent:
        return "`include_from_parent`"
    root = table_of(resource.schema)
    names = {column.name for column in root.columns}
    if not _has_plain_tables(root, table_name(resource)):
        return "the schema has names that are long or meet, or types other than Arrow's"
    for name, hint in resource.columns.items():
        column = root.column(normalize_path(name))
        if column is None or hint.get("data_type", column.data_type) != column.data_type:
            return f"`columns.{name}` differs from the schema"
    for key in resource.primary_key:
        if normalize_path(key) not in names:
            return f"the schema does not declare the primary key `{key}`"
    return None


def _inferred_reason(resource: Resource, shares_table: bool) -> str | None:
    if resource.tables is not None:
        return "each list has a table of its own"
    if shares_table:
        return "resources without a schema share a table"
    if len(table_name(resource)) > LONGEST_NAME:
        return "the table has a long name"
    return None


def _has_plain_disposition(resource: Resource) -> bool:
    disposition = resource.hints.get("write_disposition") or "append"
    if isinstance(disposition, Mapping):
        strategy = disposition.get("strategy", "delete-insert")
        if not disposition.keys() <= {"disposition", "strategy"} or strategy != "delete-insert":
            return False
    if resource.write_disposition == "merge":
        return bool(resource.primary_key)
    return resource.write_disposition in ("append", "replace")


def _has_plain_tables(root: Table, name: str) -> bool:
    """Return whether all names are unique and short, and all types are ones that we write."""
    if not root.columns or root.columns[0].path == ("value",):
        return False
    suffixes = [suffix for suffix, _ in root.tables()]
    if len(set(suffixes)) < len(suffixes):
        return False
    longest = max(len(suffix) for suffix in suffixes)
    return len(name) + 2 + longest <= LONGEST_NAME and all(_is_plain(t) for _, t in root.tables())


def _is_plain(table: Table) -> bool:
    names = [column.name for column in table.columns]
    lists = {child.name for child in table.children}
    if len(set(names) | lists) < len(names) + len(lists):
        return False
    types = TYPES if table.scalars else TYPES | {"json"}
    return all(
        column.data_type in types
        and len(column.name) <= LONGEST_NAME
        and not column.name.startswith("_dlt")
        for column in table.columns
    )
