"""Declared schemas: they can be read, and keys, cursors and columns agree with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from framework.definition.defaults import MergedResource, named_columns
from framework.definition.draft import Draft
from framework.definition.expressions.jsonpath import is_jsonpath, path_keys
from framework.definition.references import references
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.rules.write_disposition_rules import key_fields
from framework.definition.schema.annotations import cursors
from framework.definition.schema.json_schema import misspelt, not_json_schema, quote_value
from framework.definition.schema.record_schema import (
    Column,
    RecordSchema,
    Table,
    field_schema,
    may_be_null,
)
from framework.definition.values.datetimes import UnknownZone, format_problem, time_zone
from framework.definition.values.naming import normalize_path
from framework.definition.values.value_casts import TimeCast
from framework.text import did_you_mean, join_words, shorten

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_FIRST_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=\.[A-Za-z_]|\[|$)", re.ASCII)


@rule("schema-missing", "schema-unreadable", "schema-name")
def check_files(draft: Draft) -> Iterator[Breach]:
    """A schema that is named can be read."""
    for schema in _schemas(draft):
        if schema.problem is not None:
            yield schema.code or "schema-unreadable", schema.pointer, schema.problem


@rule("schema-invalid")
def check_schemas(draft: Draft) -> Iterator[Breach]:
    """A schema is a JSON Schema of one record."""
    for schema in _schemas(draft):
        if schema.problem is not None:
            continue
        where = f"{schema.file.name}: " if schema.file else ""
        types = schema.data.get("type") if isinstance(schema.data, dict) else None
        if not isinstance(schema.data, dict):
            found = quote_value(schema.data)
            yield schema.pointer, f"{where}found {found}, expected a JSON Schema: a mapping"
        elif (error := schema.error) is not None:
            inside = "/".join(str(step) for step in error.absolute_path)
            yield (
                schema.pointer if schema.file else (*schema.pointer, *error.absolute_path),
                f"{where}{not_json_schema(error)}{f' (at {inside})' if schema.file else ''}",
            )
        elif isinstance(types, str) and types != "object":
            yield (
                schema.pointer,
                f"{where}found the schema of a {types}, expected that of one record: type: object",
            )


@rule("schema-keyword", severity="warning")
def check_keywords(draft: Draft) -> Iterator[Breach]:
    """No keyword or format of a schema is misspelt: JSON Schema takes no notice of unknown ones."""
    for schema in _schemas(draft):
        for path, word, meant in misspelt(schema.usable):
            where = f"{schema.file.name}: " if schema.file else ""
            inside = f" (at {'/'.join(map(str, path))})" if schema.file else ""
            place = schema.pointer if schema.file else (*schema.pointer, *path)
            yield Key(place), f"{where}found {shorten(word)}; did you mean {meant}?{inside}"
    for name, entry in draft.section("config").items():
        for path, word, meant in misspelt(entry):
            yield (
                Key(("config", name, *path)),
                f"found {shorten(word)}; did you mean {meant}?",
            )


@rule("schema-time")
def check_times(draft: Draft) -> Iterator[Breach]:
    """`x-time-format` is a time format, and `x-zone` a zone."""
    for schema in _schemas(draft):
        tables = () if schema.table is None else schema.table.tables()
        for column in chain.from_iterable(table.columns for _, table in tables):
            problem = None if column.cast is None else _time_problem(column.cast)
            if problem is not None:
                where = f"{schema.file.name}: " if schema.file else ""
                yield schema.pointer, f"{where}{problem} (at {'/'.join(column.path)})"


def _time_problem(cast: TimeCast) -> str | None:
    problem = format_problem(cast.time_format)
    if problem is not None:
        return f"found the x-time-format {cast.time_format}: {problem}"
    try:
        time_zone(cast.zone or "UTC")
    except UnknownZone as error:
        return f"x-zone: {error}"
    return None


@rule("key-not-in-schema", "key-nullable")
def check_keys(draft: Draft) -> Iterator[Breach]:
    """The schema declares the primary key as required and not null."""
    for merged, table, schema in _declared(draft):
        place = merged.place("primary_key" if merged.data.get("primary_key") else "columns")
        parent = draft.parent_of(merged)
        for field in key_fields(merged, "primary_key"):
            column, include = _column(table, field), ""
            if parent is not None:
                prefixes = tuple(f"_{one.name}_" for one in draft.parents_of(merged))
                if column is None and field.startswith(prefixes):
                    continue  # a field of the parent has a rule of its own
                include = f"; a field of {parent.name} is added by include_from_parent: [FIELD], "
                include += f"as _{parent.name}_FIELD"
            if column is None:
                yield (
                    "key-not-in-schema",
                    place,
                    f"the schema of {merged.name} does not declare {field}, which is its primary "
                    f"key{_near(table, field)}{include}",
                )
            # a schema without `required` does not say which fields are always present
            elif column.nullable or ("required" in schema and not column.required):
                yield (
                    "key-nullable",
                    place,
                    f"the schema of {merged.name} lets its primary key {field} be null or "
                    "missing; a key must be in every record: choose another, or declare it "
                    "required and not null",
                )


@rule("cursor-not-in-schema", "cursor-nullable")
def check_cursors(draft: Draft) -> Iterator[Breach]:
    """The schema declares the cursor, not null unless the file says what happens then."""
    for merged, table, schema in _declared(draft):
        for cursor in cursors(merged)[:1]:
            path = cursor.written.get("cursor_path")
            if not isinstance(path, str) or is_jsonpath(path) or not path:
                continue
            place = (*cursor.pointer, "cursor_path")
            field = field_schema(schema, path_keys(path))
            if field is None:
                yield (
                    "cursor-not-in-schema",
                    place,
                    f"the schema of {merged.name} does not declare {path}, which is its cursor"
                    f"{_near(table, path)}",
                )
            elif (
                may_be_null(field, schema)
                and cursor.written.get("on_cursor_value_missing", "raise") == "raise"
            ):
                yield (
                    "cursor-nullable",
                    place,
                    f"the schema of {merged.name} lets its cursor {path} be null, which ends a "
                    "run; choose another, or write on_cursor_value_missing: include or exclude",
                )


@rule("parent-field-not-in-schema", severity="warning")
def check_parent_fields(draft: Draft) -> Iterator[Breach]:
    """The parent's schema declares what its children read."""
    keys = {
        merged.name: {part.path[0] for part in table.columns}
        | {part.path[0] for part in table.children}
        for merged, table, _ in _declared(draft)
        if not merged.data.get("processing_steps")
    }
    for merged in draft.resources:
        for pointer, parent, field in dict.fromkeys(_parent_fields(draft, merged)):
            key = _FIRST_KEY.match(field)
            if key is None or parent not in keys or key[0] in keys[parent]:
                continue
            near = did_you_mean(key[0], keys[parent]) or "; declare it, or name another field"
            yield (
                pointer,
                f"the schema of {parent} does not declare {key[0]}, which {merged.name} reads"
                f"{near}",
            )


@rule("columns-from")
def check_metadata(draft: Draft) -> Iterator[Breach]:
    """Columns come from another resource, which has none from a third."""
    for merged in draft.resources:
        written = merged.data.get("columns_from")
        source = written.get("resource") if isinstance(written, dict) else None
        if not isinstance(source, str) or not source:
            continue
        place = merged.place("columns_from", "resource")
        others = [name for name in draft.names if name != merged.name]
        if source not in others:
            near = did_you_mean(source, others)
            there_are = f"; there are {join_words(others) or 'no other resources'}"
            yield place, f"there is no other resource {source} to read{near or there_are}"
        elif any(one.name == source and one.data.get("columns_from") for one in draft.resources):
            yield (
                place,
                f"{source} has `columns_from` too, and is read before all columns; remove it there",
            )


@rule("columns-differ", severity="warning")
def check_columns(draft: Draft) -> Iterator[Breach]:
    """`columns` and `schema` agree; if not, `columns` wins."""
    for merged, table, _ in _declared(draft):
        for name, hints, step in named_columns(merged.data.get("columns")):
            column, place = _column(table, name), merged.place("columns", step)
            if column is None:
                continue
            data_type = hints.get("data_type")
            if isinstance(data_type, str) and data_type != column.data_type:
                yield (
                    (*place, "data_type"),
                    f"columns makes {name} {data_type}, the schema {column.data_type}; columns "
                    "wins: declare it in one place",
                )
            if hints.get("nullable") is False and column.nullable:
                yield (
                    (*place, "nullable"),
                    f"columns says that {name} is never null, the schema lets it be; columns "
                    "wins: declare it in one place",
                )


def _schemas(draft: Draft) -> list[RecordSchema]:
    """Return the schemas of all resources, each place of the document once."""
    schemas: dict[Pointer, RecordSchema] = {}
    for merged in draft.resources:
        schema = draft.schema(merged)
        if schema is not None:
            schemas.setdefault(schema.pointer, schema)
    return list(schemas.values())


def _declared(draft: Draft) -> Iterator[tuple[MergedResource, Table, Mapping[str, Json]]]:
    """Yield each resource whose schema is valid, with the schema and its table."""
    for merged in draft.resources:
        schema = draft.schema(merged)
        if schema is None or schema.usable is None or schema.error is not None:
            continue
        if schema.table is not None:
            yield merged, schema.table, schema.usable


def _parent_fields(draft: Draft, merged: MergedResource) -> Iterator[tuple[Pointer, str, str]]:
    """Yield what a child reads of its parents: the place, the parent and the expression."""
    for reference in references(merged):
        yield reference.pointer, reference.parent, reference.expression
    nearest = draft.parent_of(merged)
    if nearest is None:
        return
    for position, parent, field in draft.included(merged):
        if parent is not None:
            yield merged.place("include_from_parent", position), parent, field
    changed = merged.data.get("only_changed")
    if isinstance(changed, str):
        yield merged.place("only_changed"), nearest.name, changed


def _paths(table: Table) -> Iterator[tuple[str, ...]]:
    yield from (column.path for column in table.columns)
    yield from (child.path for child in table.children)


def _column(table: Table, name: str) -> Column | None:
    try:
        return table.column(normalize_path(name.replace(".", "__")))
    except ValueError:
        return None


def _near(table: Table, field: str) -> str:
    names = [".".join(column.path) for column in table.columns]
    return did_you_mean(field, names) or "; declare it, or name another field"
