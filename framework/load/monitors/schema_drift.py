"""Fields whose values came in several types: dlt gives each type a column of its own, and lists a
table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.common.schema import Schema

from framework.definition.model import Resource
from framework.definition.naming import SEPARATOR
from framework.definition.record_schema import table_of
from framework.load.declared_tables import base_of, column_path, tables_of_resource
from framework.text import count_noun

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
    fields = count_noun(len(found), "field")
    xml = resource.endpoint.response_format.kind == "xml"
    lists = "; an element of XML that may come several times goes into `lists`" if xml else ""
    return (
        f"values of several types came in {fields} and lie in several columns: {named}"
        f"{'; …' * (len(found) > NAMED)}. Declare a type that holds them all, in `columns` or a "
        f"schema, and load anew with --refresh{lists}"
    )


def variant_columns(schema: Schema, resource: Resource) -> dict[str, list[str]]:
    """Columns that hold values of another type than their field's own, by the field's column; of a
    list that has a table of its own, those that hold what came as no list."""
    declared: set[str] = set(resource.columns)
    if resource.schema is not None:
        declared.update(
            column_path(suffix, column.name)
            for suffix, table in table_of(resource.schema).tables()
            for column in table.columns
        )
    found: dict[str, list[str]] = {}
    tables = dict(tables_of_resource(schema, resource))
    for suffix, table in tables.items():
        beside = [one for one in _beside(suffix, tables) if one not in declared]
        if beside:
            found[suffix] = beside[:NAMED]
        for column, hint in table["columns"].items():
            base, path = base_of(column), column_path(suffix, column)
            if base and hint.get("data_type") and path not in declared:
                found.setdefault(column_path(suffix, base), []).append(path)
    return found


def _beside(suffix: str, tables: Mapping[str, Any]) -> list[str]:
    """Columns of the tables above a list's own that are named as it is: one of its items, alone."""
    names = suffix.split(SEPARATOR)
    found = []
    for depth in range(len(names)):
        above, field = SEPARATOR.join(names[:depth]), SEPARATOR.join(names[depth:])
        for column, hint in tables[above]["columns"].items() if above in tables and field else ():
            if hint.get("data_type") and (column == field or column.startswith(field + SEPARATOR)):
                found.append(column_path(above, column))
    return found
