"""Declared schemas: that they can be read, and that keys, cursors and columns agree with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from framework.definition.annotations import cursors
from framework.definition.defaults import MergedResource, named_columns
from framework.definition.draft import Draft
from framework.definition.expressions.jsonpath import is_jsonpath, path_keys
from framework.definition.json_schema import not_json_schema, quote_value
from framework.definition.naming import normalize_path
from framework.definition.record_schema import (
    Column,
    RecordSchema,
    Table,
    field_schema,
    may_be_null,
)
from framework.definition.references import references
from framework.definition.rules.write_disposition_rules import key_fields
from framework.findings import Finding
from framework.text import did_you_mean

Json = Any

_INCLUDED = "; a field of {0} comes by include_from_parent: [FIELD], as _{0}_FIELD"
_FIRST_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?=\.[A-Za-z_]|\[|$)", re.ASCII)


def check_files(draft: Draft) -> Iterator[Finding]:
    """A schema that is missing, unreadable, or no JSON Schema."""
    seen: set[object] = set()
    for merged in draft.resources:
        schema = draft.schema(merged)
        if schema is None or schema.pointer in seen:
            continue
        seen.add(schema.pointer)
        if schema.problem is not None:
            yield draft.document.finding(
                schema.pointer, schema.code or "schema-unreadable", schema.problem
            )
        else:
            yield from _valid(draft, schema)


def check_keys(draft: Draft) -> Iterator[Finding]:
    """A primary key that the schema does not declare, or lets be null."""
    for merged, table, schema in _declared(draft):
        for field in key_fields(merged, "primary_key"):
            place = merged.place("primary_key" if merged.data.get("primary_key") else "columns")
            column, parent = _column(table, field), draft.parent_of(merged)
            if column is None and parent is not None and field.startswith(f"_{parent.name}_"):
                continue  # a field of the parent, which is judged by itself
            if column is None:
                above = "" if parent is None else _INCLUDED.format(parent.name)
                yield draft.document.finding(
                    place,
                    "key-not-in-schema",
                    f"the schema of {merged.name} declares no {field}, which is its primary key"
                    f"{_near(table, field)}{above}",
                )
            elif _may_miss(column, schema):
                yield draft.document.finding(
                    place,
                    "key-nullable",
                    f"the schema of {merged.name} lets its primary key {field} be null or "
                    "missing; a key must be there in every record: choose another, or declare it "
                    "required and without null",
                )


def check_cursor_fields(draft: Draft) -> Iterator[Finding]:
    """A cursor that the schema does not declare, or lets be null."""
    for merged, table, schema in _declared(draft):
        for cursor in cursors(merged)[:1]:
            path = cursor.written.get("cursor_path")
            if not isinstance(path, str) or is_jsonpath(path) or not path:
                continue
            pointer = (*cursor.pointer, "cursor_path")
            found = field_schema(schema, path_keys(path))
            if found is None:
                yield draft.document.finding(
                    pointer,
                    "cursor-not-in-schema",
                    f"the schema of {merged.name} declares no {path}, which is its cursor"
                    f"{_near(table, path)}",
                )
            elif (
                may_be_null(found, schema)
                and cursor.written.get("on_cursor_value_missing", "raise") == "raise"
            ):
                yield draft.document.finding(
                    pointer,
                    "cursor-nullable",
                    f"the schema of {merged.name} lets its cursor {path} be null, which ends a "
                    "run; choose another, or say on_cursor_value_missing: include or exclude",
                )


def check_parent_fields(draft: Draft) -> Iterator[Finding]:
    """A child reads a field that its parent's schema does not declare."""
    declared = {
        merged.name: table
        for merged, table, _ in _declared(draft)
        if not merged.data.get("processing_steps")
    }
    for merged in draft.resources:
        read = [(r.pointer, r.parent, r.expression) for r in references(merged)]
        nearest = draft.parent_of(merged)
        included = merged.data.get("include_from_parent")
        for position, field in enumerate(included if isinstance(included, list) else []):
            if isinstance(field, str) and nearest is not None:
                read.append((merged.place("include_from_parent", position), nearest.name, field))
        changed = merged.data.get("only_changed")
        if isinstance(changed, str) and nearest is not None:
            read.append((merged.place("only_changed"), nearest.name, changed))
        for pointer, parent, field in dict.fromkeys(read):
            key = _FIRST_KEY.match(field)
            table = declared.get(parent)
            if key is None or table is None or key[0] in _top_keys(table):
                continue
            near = did_you_mean(key[0], _top_keys(table)) or "; declare it, or name another field"
            yield draft.document.finding(
                pointer,
                "parent-field-not-in-schema",
                f"the schema of {parent} declares no {key[0]}, which {merged.name} reads{near}",
                severity="warning",
            )


def check_columns(draft: Draft) -> Iterator[Finding]:
    """Where `columns` and `schema` say different things; `columns` wins."""
    for merged, table, _ in _declared(draft):
        for name, hints, step in named_columns(merged.data.get("columns")):
            column = _column(table, name)
            if column is None:
                continue
            written = hints.get("data_type")
            if isinstance(written, str) and written != column.data_type:
                yield draft.document.finding(
                    (*merged.place("columns", step), "data_type"),
                    "columns-differ",
                    f"columns makes {name} {written}, the schema {column.data_type}; columns "
                    "wins: say it in one place",
                    severity="warning",
                )
            if hints.get("nullable") is False and column.nullable:
                yield draft.document.finding(
                    (*merged.place("columns", step), "nullable"),
                    "columns-differ",
                    f"columns says that {name} is never null, the schema lets it be; columns "
                    "wins: say it in one place",
                    severity="warning",
                )


def _valid(draft: Draft, schema: RecordSchema) -> Iterator[Finding]:
    where = f"{schema.file.name}: " if schema.file else ""
    if not isinstance(schema.data, dict):
        yield draft.document.finding(
            schema.pointer,
            "schema-invalid",
            f"{where}found {quote_value(schema.data)}, expected a JSON Schema: a mapping",
        )
        return
    error = schema.error
    if error is not None:
        inside = "/".join(str(step) for step in error.absolute_path)
        pointer = schema.pointer if schema.file else (*schema.pointer, *error.absolute_path)
        yield draft.document.finding(
            pointer,
            "schema-invalid",
            f"{where}{not_json_schema(error)}{f' (at {inside})' if schema.file else ''}",
        )
        return
    types = schema.data.get("type")
    if isinstance(types, str) and types != "object":
        yield draft.document.finding(
            schema.pointer,
            "schema-invalid",
            f"{where}found the schema of a {types}, expected that of one record: type: object",
        )


def _declared(draft: Draft) -> Iterator[tuple[MergedResource, Table, Mapping[str, Json]]]:
    for merged in draft.resources:
        schema = draft.schema(merged)
        if schema is None or schema.usable is None or schema.error is not None:
            continue
        if schema.table is not None:
            yield merged, schema.table, schema.usable


def _top_keys(table: Table) -> set[str]:
    return {part.path[0] for part in table.columns} | {part.path[0] for part in table.children}


def _column(table: Table, name: str) -> Column | None:
    try:
        return table.column(normalize_path(name.replace(".", "__")))
    except ValueError:
        return None


def _may_miss(column: Column, schema: Mapping[str, Json]) -> bool:
    """Null, or left out by a schema that does say which fields are always there."""
    return column.nullable or ("required" in schema and not column.required)


def _near(table: Table, field: str) -> str:
    names = [".".join(column.path) for column in table.columns]
    return did_you_mean(field, names) or "; declare it, or name another field"
