"""The kind of a primary key's values, where no schema declares it: one column holds one kind.

dlt puts a value that its column cannot hold into a column beside it, which leaves the key null and
ends the whole run. Here that is told of the record, and ends its resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.common.data_types import TDataType, coerce_value, py_type_to_sc_type
from dlt.common.schema import Schema
from dlt.common.schema.utils import autodetect_sc_type

from framework.definition.model import Resource
from framework.definition.naming import normalize_identifier
from framework.load.declared_tables import loaded_table
from framework.runtime.outcomes import RecordError
from framework.shape import kind_of

Json = Any
NATURAL: Mapping[type, str] = {int: "bigint", str: "text", float: "double", bool: "bool"}
PLURALS = {"bigint": "integers", "text": "texts", "double": "numbers", "timestamp": "times"}


class KeyKinds:
    """The types of a resource's key columns: as `columns` or an earlier run have them, else as the
    first value makes them."""

    def __init__(self, resource: Resource, schema: Schema | None) -> None:
        self._resource = resource
        self._types: dict[str, TDataType] = _declared(resource)
        self._loaded = {
            name: column["data_type"]
            for name, column in loaded_table(schema, resource).get("columns", {}).items()
            if column.get("data_type")
        }

    def fitted(self, name: str, values: list[Json]) -> list[Json]:
        """The values as their column holds them. RecordError for one that it can't hold."""
        kinds = set(map(type, values))
        if not values or not kinds <= NATURAL.keys():
            return values  # no keys at all, which is told elsewhere
        column = normalize_identifier(name)
        kind = self._types.get(column) or self._loaded.get(column)
        if kind is None:
            kind = self._types[column] = _inferred(values[0])
        if all(NATURAL[one] == kind for one in kinds):
            return values
        return [self._fitted(name, column, kind, value) for value in values]

    def _fitted(self, name: str, column: str, kind: TDataType, value: Json) -> Json:
        try:
            return coerce_value(kind, py_type_to_sc_type(type(value)), value)
        except (ValueError, SyntaxError):
            anew = ", and load it anew with --refresh" if column in self._loaded else ""
            raise RecordError(
                f"{self._resource.name}: a record has {kind_of(value)} in `{name}`, which is "
                f"its primary key, and the key's column has {PLURALS.get(kind, kind)}. Make all of "
                f"them text with columns: {{{name}: {{data_type: text}}}}{anew}."
            ) from None


def _inferred(value: Json) -> TDataType:
    """The type that dlt gives a column whose first value this is."""
    kind = type(value)
    return autodetect_sc_type(["iso_timestamp"], kind, value) or py_type_to_sc_type(kind)


def _declared(resource: Resource) -> dict[str, TDataType]:
    columns = resource.hints.get("columns") or {}
    named = columns.items() if isinstance(columns, Mapping) else ((c["name"], c) for c in columns)
    return {
        normalize_identifier(name): hint["data_type"]
        for name, hint in named
        if hint.get("data_type")
    }
