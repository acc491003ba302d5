"""Fields whose values came in several types: dlt gives each type a column of its own."""

from __future__ import annotations

from dlt.common.schema import Schema

from framework.run.tables import base_of, table_name, tables_of_resource
from framework.spec.columns import table_of
from framework.spec.connector import Resource
from framework.spec.naming import SEPARATOR

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
    fields = f"{len(found):,} field{'s' * (len(found) != 1)}"
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
            f"{suffix}{SEPARATOR}{column.name}" if suffix else column.name
            for suffix, table in table_of(resource.schema).tables()
            for column in table.columns
        )
    root = schema.naming.normalize_table_identifier(table_name(resource))
    found: dict[str, list[str]] = {}
    for name, table in tables_of_resource(schema, resource):
        place = f"{name[len(root) + 2 :]}{SEPARATOR}" if name != root else ""
        for column, hint in table["columns"].items():
            base = base_of(column)
            if base and hint.get("data_type") and f"{place}{column}" not in declared:
                found.setdefault(f"{place}{base}", []).append(f"{place}{column}")
    return found
