"""`deletes`: rows can be told to be gone, and some run reads the whole list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from framework.definition.defaults import MergedResource, named_columns
from framework.definition.draft import Draft
from framework.definition.expressions.placeholders import TemplateError, placeholders
from framework.definition.model import DELETED_AT
from framework.definition.references import references
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.rules.write_disposition_rules import disposition, key_fields
from framework.definition.schema.annotations import cursors
from framework.definition.schema.record_schema import table_of
from framework.text import mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer


def _action(merged: MergedResource) -> str | None:
    """Return what `deletes` says to do, None if rows stay."""
    written = merged.data.get("deletes")
    action = written.get("action") if isinstance(written, Mapping) else written
    return action if action in ("mark", "remove") else None


def _with_deletes(draft: Draft) -> Iterator[tuple[MergedResource, Pointer]]:
    for merged in draft.resources:
        if _action(merged) is not None:
            yield merged, merged.place("deletes")


@rule("deletes-without-merge")
def check_merges(draft: Draft) -> Iterator[Breach]:
    """Rows are told by a merge with a primary key, which loads each record that is there again."""
    for merged, place in _with_deletes(draft):
        kind, strategy = disposition(merged)
        if kind == "merge" and strategy in (None, "delete-insert", "upsert"):
            if key_fields(merged, "primary_key") or mentions(merged.data, "primary_key"):
                continue
            found, remedy = "no primary_key", "write primary_key"
        elif kind == "replace":
            found = "replace, whose rows go anyway if they come no more"
            remedy = "remove `deletes`, or write write_disposition: merge with a primary_key"
        elif strategy == "scd2":
            found = "the strategy scd2, which retires rows that come no more by itself"
            remedy = "remove `deletes`"
        else:
            found = f"{kind}{f' with the strategy {strategy}' if strategy else ''}"
            remedy = "write write_disposition: merge with a primary_key"
        is_unset = merged.data.get("write_disposition") is None
        if is_unset and mentions(merged.data, "write_disposition"):
            continue
        yield Key(place), f"{merged.name} has `deletes`, and {found}; {remedy}"


@rule("deletes-of-several")
def check_tables(draft: Draft) -> Iterator[Breach]:
    """The rows of a table are of one resource: another's would look as if they were gone."""
    tables: dict[str, list[str]] = {}
    for merged in draft.resources:
        tables.setdefault(str(merged.data.get("table_name") or merged.name), []).append(merged.name)
    for merged, place in _with_deletes(draft):
        table = merged.data.get("table_name")
        others = [one for one in tables[str(table or merged.name)] if one != merged.name]
        if others:
            yield (
                Key(place),
                f"{merged.name} has `deletes`, and shares its table with {others[0]}, whose rows "
                "would look as if they were gone; give them a table each, or remove `deletes`",
            )
        elif isinstance(table, str) and _is_template(table):
            yield (
                Key(place),
                f"{merged.name} has `deletes`, and a table for each list; write one table_name, "
                "or remove `deletes`",
            )


def _is_template(text: str) -> bool:
    try:
        return bool(placeholders(text))
    except TemplateError:
        return False


@rule("deletes-never", severity="warning")
def check_whole_reads(draft: Draft) -> Iterator[Breach]:
    """Some run other than the first reads the whole list, or whole lists of some parents."""
    by_name = {merged.name: merged for merged in draft.resources}
    for merged, place in _with_deletes(draft):
        if _reads_changes(merged):
            yield (
                Key(place),
                f"{merged.name} has `deletes`, and only its first run reads the whole list; write "
                "full_read_every in its incremental, such as full_read_every: P7D",
            )
            continue
        above = [by_name[name] for name in draft.above(merged.name) if name in by_name]
        partly = [one.name for one in above if _reads_changes(one)]
        partly += [one.name for one in above if one.data.get("only_changed")]
        if (partly or merged.data.get("only_changed")) and not _knows_lists(draft, merged):
            source = partly[0] if partly else "its parent"
            yield (
                Key(place),
                f"{merged.name} has `deletes`, and is read for what changed of {source} only; its "
                "rows do not say which list they are of: write include_from_parent with the fields "
                "of the parent that the request takes, or full_read_every in the incremental",
            )


def _reads_changes(merged: MergedResource) -> bool:
    """Return whether all runs but the first read only what is new."""
    for cursor in cursors(merged)[:1]:
        written = cursor.written
        return not (mentions(written, "full_read_every") or mentions(written, "end_value"))
    return False


def _knows_lists(draft: Draft, merged: MergedResource) -> bool:
    """Return whether rows hold all that the request takes from the one parent.

    A resource with `from` has no request: the key of the parent's record says which list it is.
    """
    parents = {one.parent for one in references(merged)}
    bound = {one.expression for one in references(merged)}
    if isinstance(merged.endpoint.get("from"), str):
        keys = [key_fields(one, "primary_key") for one in draft.resources if one.name in parents]
        bound = {name for key in keys for name in key}
    included = {field for _, _, field in draft.included(merged)}
    return len(parents) == 1 and bool(bound) and bound <= included


@rule("deletes-column")
def check_column(draft: Draft) -> Iterator[Breach]:
    """The column of the mark is not one of the records."""
    for merged, place in _with_deletes(draft):
        if _action(merged) != "mark":
            continue
        schema = draft.schema(merged)
        names = {name for name, _, _ in named_columns(merged.data.get("columns"))}
        if schema is not None and schema.usable is not None:
            names |= {column.name for column in table_of(schema.usable).columns}
        if DELETED_AT in names:
            yield (
                Key(place),
                f"{merged.name} marks rows in {DELETED_AT}, and declares a column of that name; "
                f"rename the field in processing_steps: [{{rename: {{{DELETED_AT}: deleted_at}}}}]",
            )
