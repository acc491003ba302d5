"""The keys of records without a declared schema, and the column or child table of each.

dlt's schema knows columns by their names; which key of a record fills a column, records tell.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from framework.definition.schema.record_schema import Column, RecordNode, Table
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.load.arrow.eligibility import TYPES
from framework.load.arrow.layout import MixedColumn
from framework.load.contract import VARIANT_MARK, is_past_64_bits
from framework.runtime.dlt_internals import TableInference

Json = Any
VARIANTS = {str: "text", int: "bigint", float: "double", bool: "bool"}
"""Types of plain values, and what dlt calls them in the name of a variant column."""
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


@dataclass(frozen=True)
class SeveralTypes:
    """Plain values of several types: the column of the first, and its variants in dlt's schema."""

    column: Column


@dataclass
class ObjectKeys:
    """What the values of an object are, by key."""

    known: dict[str, Column | SeveralTypes | ObjectKeys | ListItems | Unknown] = field(
        default_factory=dict
    )


@dataclass
class ListItems:
    """The items of a list: objects, or plain values of a column."""

    table: str
    name: str
    items: ObjectKeys | Column


class InferredKeys:
    """What all keys of a resource's records are, as far as records have come.

    The first value of a key that is not null tells. Lists and objects in the place of plain values,
    and the reverse, are not part of the layout; nor are values of other types in the root's columns
    of the names in `fixed`. `is_exact` says whether a column holds a value unchanged.
    `longest_name` is the length that the destination allows for names, None for any.
    """

    def __init__(
        self,
        root: str,
        inference: TableInference,
        longest_name: int | None,
        fixed: frozenset[str],
        is_exact: Callable[[Column, Json], bool],
    ) -> None:
        self._root = root
        self._inference = inference
        self._tables: Any = inference.schema.tables
        self._longest = longest_name
        self._fixed = fixed
        self._is_exact = is_exact
        self._keys = ObjectKeys()
        self._owners: dict[tuple[str, str], tuple[str, ...]] = {}
        self._is_changed = False

    def in_schema_of(self, inference: TableInference) -> InferredKeys:
        """Return a copy that learns from another schema, which has the same tables so far."""
        other = InferredKeys(self._root, inference, self._longest, self._fixed, self._is_exact)
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
            found = self._column(table, path, name) if is_open else known
            return self._with_other(found, value, table)
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

    def _with_other(self, known: Any, value: Json, table: str) -> Any:
        """Return what a key with a plain value is: of several types if its column is of another."""
        kind = VARIANTS.get(type(value))
        if not isinstance(known, Column) or kind is None or is_past_64_bits(value):
            return known
        if known.data_type == "json" or (table == self._root and known.name in self._fixed):
            return known
        if self._is_exact(known, value):
            return known
        names = _variant_names(known)
        if any(self._is_too_long(name) for name in names):
            return known
        if not all(self._owns(table, known.path, name) for name in names):
            return known
        return SeveralTypes(known)

    def _mixed(self, column: Column, table: str) -> MixedColumn:
        variants = []
        columns = self._tables[table]["columns"]
        for kind, name in zip(VARIANTS.values(), _variant_names(column), strict=True):
            hint = columns.get(name, {})
            if hint.get("data_type") == kind and hint.keys() <= PLAIN_PROPERTIES:
                variants.append(Column(column.path, name, kind))
        names = {column.name, *(one.name for one in variants)}
        return MixedColumn(
            column.path,
            column.name,
            column.data_type,
            variants=tuple(variants),
            convert=partial(self._converted, table, column.name, names),
        )

    def _converted(
        self, table: str, name: str, names: set[str], value: Json
    ) -> tuple[str, Json] | None:
        if type(value) not in VARIANTS or (type(value) in (int, float) and abs(value) >= 2**63):
            return None
        found = self._inference.converted(table, name, value)
        return found if found is not None and found[0] in names else None

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
        columns, lists = [*self._columns(keys, table)], [*_lists(keys, ())]
        order = {column: place for place, column in enumerate(self._tables[table]["columns"])}
        columns.sort(key=lambda column: order[column.name])
        below = {
            at: self._node(one.items, one.table, at, one.name, _join(suffix, one.name))
            for at, one in lists
        }
        children = tuple(one.table for one in below.values())
        node = RecordNode(Table(path, name, tuple(columns), children), suffix)
        self._fill(node, keys, (), below, table)
        return node

    def _columns(self, keys: ObjectKeys, table: str) -> Iterator[Column]:
        for known in keys.known.values():
            if isinstance(known, Column):
                yield known
            elif isinstance(known, SeveralTypes):
                yield from self._mixed(known.column, table).columns
            elif isinstance(known, ObjectKeys):
                yield from self._columns(known, table)

    def _fill(
        self,
        node: RecordNode,
        keys: ObjectKeys,
        path: tuple[str, ...],
        below: dict[tuple[str, ...], RecordNode],
        table: str,
    ) -> None:
        for key, known in keys.known.items():
            if isinstance(known, Column):
                node.columns[key] = known
            elif isinstance(known, SeveralTypes):
                node.columns[key] = self._mixed(known.column, table)
            elif isinstance(known, ListItems):
                node.lists[key] = below[(*path, key)]
            elif isinstance(known, ObjectKeys):
                inner = node.objects[key] = RecordNode(node.table, node.suffix)
                self._fill(inner, known, (*path, key), below, table)
            elif known is Unknown.EMPTY:
                node.empty_lists.add(key)
            else:
                node.nulls.add(key)


def _join(suffix: str, name: str) -> str:
    return f"{suffix}{SEPARATOR}{name}" if suffix else name


def _variant_names(column: Column) -> list[str]:
    return [f"{column.name}{VARIANT_MARK}{kind}" for kind in VARIANTS.values()]


def _lists(keys: ObjectKeys, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ListItems]]:
    for key, known in keys.known.items():
        if isinstance(known, ListItems):
            yield (*path, key), known
        elif isinstance(known, ObjectKeys):
            yield from _lists(known, (*path, key))
