"""The keys of records without a declared schema, and the column or child table of each.

dlt's schema knows columns by their names; which key of a record fills a column, records tell.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dlt.common.schema import Schema

from framework.definition.schema.record_schema import Column, RecordNode, Table
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.load.arrow.eligibility import TYPES

Json = Any
PLAIN_PROPERTIES = frozenset({"name", "data_type", "nullable", "description", "variant"}) | {
    "primary_key",
    "incremental",
    "x-framework-key",
}
"""Properties of a column of dlt's that do not change how its values are written."""


class Unknown(Enum):
    """What is known of a key without a column or a table."""

    NULL = "only null was seen"
    EMPTY = "only empty lists were seen"
    CLOSED = "dlt's normalizer must see each value"


@dataclass
class ObjectKeys:
    """What the values of an object are, by key."""

    known: dict[str, Column | ObjectKeys | ListItems | Unknown] = field(default_factory=dict)


@dataclass
class ListItems:
    """The items of a list: objects, or plain values of a column."""

    table: str
    name: str
    items: ObjectKeys | Column


class InferredKeys:
    """What all keys of a resource's records are, as far as records have come.

    The first value of a key that is not null tells. Values of another kind are not part of the
    layout. `longest_name` is the length that the destination allows for names, None for any.
    """

    def __init__(self, root: str, schema: Schema, longest_name: int | None) -> None:
        self._root = root
        self._tables: Any = schema.tables
        self._longest = longest_name
        self._keys = ObjectKeys()
        self._owners: dict[tuple[str, str], tuple[str, ...]] = {}
        self._is_changed = False

    def in_schema(self, schema: Schema) -> InferredKeys:
        """Return a copy that learns from another schema, which has the same tables so far."""
        other = InferredKeys(self._root, schema, self._longest)
        other._keys, other._owners = copy.deepcopy((self._keys, self._owners))
        return other

    def add(self, record: Json) -> bool:
        """Learn the keys of a record that dlt's schema has; return whether there were new ones."""
        self._is_changed = False
        self._add_object(self._keys, record, self._root, (), "")
        return self._is_changed

    def _add_object(
        self, node: ObjectKeys, value: Json, table: str, path: tuple[str, ...], prefix: str
    ) -> None:
        for key, item in value.items():
            here = (*path, key)
            known = node.known.get(key)
            name = f"{prefix}{normalize_path(key)}"
            found = self._value(known, item, table, here, name)
            if found is not known:
                node.known[key] = found
                self._is_changed = True

    def _value(self, known: Any, value: Json, table: str, path: tuple[str, ...], name: str) -> Any:
        """Return what a key is, given what was known of it and its value in a record."""
        if known is Unknown.CLOSED:
            return known
        if value is None:
            return Unknown.NULL if known is None else known
        is_open = known in (None, Unknown.NULL, Unknown.EMPTY, ObjectKeys())
        kind = type(value)
        column = self._tables.get(table, {}).get("columns", {}).get(name, {})
        if kind not in (dict, list) or column.get("data_type") == "json":
            return self._column(table, path, name) if is_open else known
        if kind is dict:
            node = known if isinstance(known, ObjectKeys) or not is_open else ObjectKeys()
            if isinstance(node, ObjectKeys):
                self._add_object(node, value, table, path, f"{name}{SEPARATOR}")
            return node
        return self._list(known, value, table, path, name, is_open=is_open)

    def _list(
        self,
        known: Any,
        items: list[Json],
        table: str,
        path: tuple[str, ...],
        name: str,
        *,
        is_open: bool,
    ) -> Any:
        if not items:
            return Unknown.EMPTY if is_open else known
        child = f"{table}{SEPARATOR}{name}"
        if is_open:
            first = next((item for item in items if item is not None), None)
            if first is None:
                return Unknown.NULL if known is None else known
            if self._is_too_long(child) or not self._owns(table, path, name):
                return Unknown.CLOSED
            if type(first) is dict:
                known = ListItems(child, name, ObjectKeys())
            else:
                column = self._column(child, ("value",), "value")
                if type(first) is list or not isinstance(column, Column):
                    return Unknown.CLOSED
                if column.data_type not in TYPES:
                    return Unknown.CLOSED
                return ListItems(child, name, column)
        if isinstance(known, ListItems) and isinstance(known.items, ObjectKeys):
            for item in items:
                if type(item) is dict:
                    self._add_object(known.items, item, child, (), "")
        return known

    def _column(self, table: str, path: tuple[str, ...], name: str) -> Column | Unknown:
        """Return the column of a key, CLOSED if it has none that Arrow writes like dlt."""
        hint = self._tables.get(table, {}).get("columns", {}).get(name, {})
        data_type = hint.get("data_type")
        is_plain = (
            (data_type in TYPES or data_type == "json")
            and hint.keys() <= PLAIN_PROPERTIES
            and (hint.get("nullable", True) or hint.get("primary_key"))
            and not name.startswith("_dlt")
            and not self._is_too_long(name)
        )
        if not is_plain or not self._owns(table, path, name):
            return Unknown.CLOSED
        return Column(path, name, data_type)

    def _owns(self, table: str, path: tuple[str, ...], name: str) -> bool:
        """Return whether no other key has this name."""
        return self._owners.setdefault((table, name), path) == path

    def _is_too_long(self, name: str) -> bool:
        return self._longest is not None and len(name) > self._longest

    def node(self) -> RecordNode:
        """Return the keys as the node of the root's items."""
        return self._node(self._keys, self._root, (), "", "")

    def _node(
        self, keys: ObjectKeys | Column, table: str, path: tuple[str, ...], name: str, suffix: str
    ) -> RecordNode:
        if isinstance(keys, Column):
            return RecordNode(Table(path, name, (keys,), scalars=True), suffix)
        columns, lists = [*_columns(keys)], [*_lists(keys, ())]
        order = {column: place for place, column in enumerate(self._tables[table]["columns"])}
        columns.sort(key=lambda column: order[column.name])
        below = {
            at: self._node(one.items, one.table, at, one.name, _join(suffix, one.name))
            for at, one in lists
        }
        children = tuple(one.table for one in below.values())
        node = RecordNode(Table(path, name, tuple(columns), children), suffix)
        self._fill(node, keys, (), below)
        return node

    def _fill(
        self,
        node: RecordNode,
        keys: ObjectKeys,
        path: tuple[str, ...],
        below: dict[tuple[str, ...], RecordNode],
    ) -> None:
        for key, known in keys.known.items():
            if isinstance(known, Column):
                node.columns[key] = known
            elif isinstance(known, ListItems):
                node.lists[key] = below[(*path, key)]
            elif isinstance(known, ObjectKeys):
                inner = node.objects[key] = RecordNode(node.table, node.suffix)
                self._fill(inner, known, (*path, key), below)
            elif known is Unknown.EMPTY:
                node.empty_lists.add(key)
            else:
                node.nulls.add(key)


def _join(suffix: str, name: str) -> str:
    return f"{suffix}{SEPARATOR}{name}" if suffix else name


def _columns(keys: ObjectKeys) -> Iterator[Column]:
    for known in keys.known.values():
        if isinstance(known, Column):
            yield known
        elif isinstance(known, ObjectKeys):
            yield from _columns(known)


def _lists(keys: ObjectKeys, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ListItems]]:
    for key, known in keys.known.items():
        if isinstance(known, ListItems):
            yield (*path, key), known
        elif isinstance(known, ObjectKeys):
            yield from _lists(known, (*path, key))
