"""Fields whose values came in several types: dlt gives each type a column of its own."""

from __future__ import annotations

from dlt.common.schema import Schema

from framework.run.tables import base_of, column_path, tables_of_resource
from framework.spec.columns import table_of
from framework.spec.connector import Resource
from framework.spec.near import counted

NAMED = 10
"""So many fields the warning names."""


def told_variants(schema: Schema, resource: Resource) -> str | None:
    """What to say of the resource's variant columns, or None where it has none."""
    found = variant_columns(schema, resource)
    if not found:
        return None
    named = "; ".join(
        f"`{field}` also in {', '.join(found[field])}" for field in list(found)[:NAMED]
    )
    fields = counted(len(found), "field")
    return (
        f"values of several types came in {fields} and lie in several columns: {named}"
        f"{'; …' * (len(found) > NAMED)}. Declare a type that holds them all, in `columns` or a "
        "schema, and load anew with --refresh"
    )


def variant_columns(schema: Schema, resource: Resource) -> dict[str, list[str]]:
    """Columns that hold values of another type than their field's own, by the field's column."""
    declared: set[str] = set(resource.hints.get("columns") or ())
    if resource.schema is not None:
        declared.update(
            column_path(suffix, column.name)
            for suffix, table in table_of(resource.schema).tables()
            for column in table.columns
        )
    found: dict[str, list[str]] = {}
    for suffix, table in tables_of_resource(schema, resource):
        for column, hint in table["columns"].items():
            base, path = base_of(column), column_path(suffix, column)
            if base and hint.get("data_type") and path not in declared:
                found.setdefault(column_path(suffix, base), []).append(path)
    return found
