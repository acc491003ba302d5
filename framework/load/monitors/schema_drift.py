"""Compare the loaded tables with what the connector declares: variant columns, undeclared fields.

dlt gives values of another type a column of their own, and lists a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dlt.common.schema import Schema

from framework.definition.model import DELETED_AT, Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import SEPARATOR, join_path, normalize_path
from framework.load.contract import VARIANT_MARK
from framework.load.declared_tables import column_path, tables_of_resource
from framework.text import count_noun

MAX_NAMED = 10
"""Fields that a warning names; the rest is left out."""

VARIANT = re.compile(
    "(.+)__v_(text|double|bool|timestamp|bigint|binary|json|decimal|wei|date|time)"
)
"""A column for values of another type than its field's own."""


def drift_warnings(schema: Schema, resource: Resource) -> list[tuple[str, str]]:
    """Return code and message of each warning on the resource's tables."""
    warnings = []
    variants = variant_columns(schema, resource)
    if variants:
        warnings.append(("variant-columns", _variant_message(variants, resource)))
    undeclared = undeclared_fields(schema, resource)
    if undeclared:
        fields = ", ".join(undeclared)
        message = f"the API returned fields that the schema does not declare: {fields}"
        warnings.append(("undeclared-fields", message))
    return warnings


def _variant_message(variants: Mapping[str, list[str]], resource: Resource) -> str:
    names = [f"`{field}` also in {', '.join(variants[field])}" for field in variants]
    more = "; …" * (len(names) > MAX_NAMED)
    is_xml = resource.endpoint.response_format.kind == "xml"
    lists = "; add an XML element that may repeat to `lists`" if is_xml else ""
    return (
        f"found values of several types in {count_noun(len(variants), 'field')}, which are in "
        f"several columns now: {'; '.join(names[:MAX_NAMED])}{more}. Declare a type that holds "
        f"them all, in `columns` or a schema, and reload with --refresh{lists}"
    )


def variant_columns(schema: Schema, resource: Resource) -> dict[str, list[str]]:
    """Return the variant columns of each field, by the field's own column.

    For a list with a table of its own, they are the columns of values that were not a list.
    """
    declared: set[str] = set(resource.columns)
    if resource.schema is not None:
        declared.update(
            column_path(suffix, column.name)
            for suffix, table in table_of(resource.schema).tables()
            for column in table.columns
        )
    variants: dict[str, list[str]] = {}
    tables = dict(tables_of_resource(schema, resource))
    for suffix, table in tables.items():
        beside = [path for path in _columns_beside(suffix, tables) if path not in declared]
        if beside:
            variants[suffix] = beside[:MAX_NAMED]
        for column, hint in table["columns"].items():
            base, path = _base_column(column), column_path(suffix, column)
            if base and hint.get("data_type") and path not in declared:
                variants.setdefault(column_path(suffix, base), []).append(path)
    return variants


def _columns_beside(suffix: str, tables: Mapping[str, Any]) -> list[str]:
    """Return columns of the tables above a list's table that have the list's name.

    They hold values of the field that came as a single item.
    """
    names = suffix.split(SEPARATOR)
    columns = []
    for depth in range(len(names)):
        above, field = SEPARATOR.join(names[:depth]), SEPARATOR.join(names[depth:])
        for column, hint in tables[above]["columns"].items() if above in tables and field else ():
            if hint.get("data_type") and (column == field or column.startswith(field + SEPARATOR)):
                columns.append(column_path(above, column))
    return columns


def _base_column(column: str) -> str | None:
    """Return the column of the field that a variant column belongs to, or None."""
    match = VARIANT.fullmatch(column)
    return None if match is None else match[1]


def undeclared_fields(schema: Schema, resource: Resource) -> list[str]:
    """Return loaded columns and lists that neither the schema nor a step of the file declares."""
    if resource.schema is None:
        return []
    allowed = set(resource.columns)
    allowed.update(normalize_path(name) for name in resource.included_columns)
    if resource.deletes is not None:
        allowed.add(DELETED_AT)  # of our own, not the API's
    declared = dict(table_of(resource.schema).tables())
    from_steps = [join_path(*path.split(".")) for path in _fields_from_steps(resource)]
    fields = []
    for suffix, table in tables_of_resource(schema, resource):
        if suffix not in declared:
            if not _is_below(suffix, from_steps):
                fields.append(f"{suffix} (a list)")
            continue
        known = {column.name for column in declared[suffix].columns} | allowed
        fields += [
            path
            for column, hint in table["columns"].items()
            if hint.get("data_type")
            and column not in known
            and not column.startswith("_dlt")
            and _base_column(column) not in known
            and not _is_below(path := column_path(suffix, column), from_steps)
        ]
    return fields


def null_fields(schema: Schema, resource: Resource, seen: Iterable[str]) -> list[str]:
    """Return the fields that records have and no table: they were null or empty in every record."""
    found: set[str] = set()
    for suffix, table in tables_of_resource(schema, resource):
        found.add(suffix)
        found.update(c for c, hint in table["columns"].items() if hint.get("data_type"))
    bases = {column.partition(VARIANT_MARK)[0] for column in found}
    missing = [
        name
        for name in seen
        if name not in bases and not any(one.startswith(name + SEPARATOR) for one in bases)
    ]
    fields = [one for one in missing if not any(_is_below(one, [o]) for o in missing if o != one)]
    return [*fields[:MAX_NAMED], "…"] if len(fields) > MAX_NAMED else fields


def _is_below(path: str, fields: Iterable[str]) -> bool:
    return any(path == field or path.startswith(f"{field}__") for field in fields)


def _fields_from_steps(resource: Resource) -> list[str]:
    """Return the dotted paths of fields that the resource's own steps write."""
    fields = []
    for step in resource.steps:
        if step.kind == "set":
            fields += list(step.argument)
        elif step.kind == "rename":
            fields += list(step.argument.values())
    return fields
