"""Records held against the declared schema, where they differ from it: the schema_contract.

A record comes in; out comes what is left of it, or None, and whether it fits the declared types
as it is. What the types cannot hold is decided here, before dlt sees it: `evolve` makes a variant
column, `freeze` ends the resource, `discard_value` and `discard_row` are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from framework.definition.model import Resource
from framework.definition.naming import SEPARATOR, join_path, normalize_path
from framework.definition.record_schema import Column, Table
from framework.errors import RecordError
from framework.extract.page import Record
from framework.load.arrow.layout import WRITTEN_AS
from framework.load.arrow.tables import coerce
from framework.runtime.field_paths import value_at
from framework.runtime.redaction import redact_key
from framework.text import Digits, json_type

Json = Any


DATA_TYPES = {int: "bigint", float: "double", str: "text", Digits: "text", bool: "bool"}
NAMELESS = "_empty"
"""What dlt calls the column of an empty key; it has no such name for a list there."""

SUSPECT = re.compile(rb'\d{19}|\de\+?\d\d|"[\s_]*":')
"""What a record looks like, written as JSON, where `storable` may have something to do."""


def storable(value: Json) -> Json:
    """The value as dlt can write it; a copy where anything had to change."""
    if isinstance(value, list):
        return [variant("value", v) if too_long(v) else storable(v) for v in value]
    if isinstance(value, dict):
        made: dict[str, Json] = {}
        for key, item in value.items():
            name = key if any(map(str.strip, key.split(SEPARATOR))) else NAMELESS
            made.update(variant(name, item) if too_long(item) else {name: storable(item)})
        return made
    return value


def too_long(value: Json) -> bool:
    """Whether dlt would take a number for 64 bits, and fail when it writes it."""
    if type(value) is float:
        return abs(value) >= 2**63
    if type(value) is int:  # of the file's own making
        return not -(2**63) <= value < 2**63
    return type(value) is Digits


def variant(key: str, value: Json) -> dict[str, Json]:
    """A plain value under the name that dlt gives one of another type than its column's; an
    integer past 64 bits is text there."""
    kind = "text" if type(value) is int and too_long(value) else DATA_TYPES[type(value)]
    return {f"{key}__v_{kind}": str(value) if kind == "text" else value}


ENTITIES = ("tables", "columns", "data_type")


class _DropRow(Exception):
    """The contract discards the row that is being looked at."""


class _Node:
    """The declared keys of an object: columns, lists and objects below."""

    def __init__(self) -> None:
        self.columns: dict[str, Column] = {}
        self.lists: dict[str, _Node] = {}
        self.objects: dict[str, _Node] = {}
        self.item: Column | None = None
        self.suffix = ""

    @classmethod
    def of(cls, table: Table, suffix: str = "") -> _Node:
        root = cls()
        root.suffix = suffix
        if table.scalars:
            root.item = table.columns[0]
            return root
        for column in table.columns:
            root._at(column.path[:-1]).columns[column.path[-1]] = column
        for child in table.children:
            below = f"{suffix}{SEPARATOR}{child.name}" if suffix else child.name
            root._at(child.path[:-1]).lists[child.path[-1]] = cls.of(child, below)
        return root

    def _at(self, path: tuple[str, ...]) -> _Node:
        node = self
        for key in path:
            node = node.objects.setdefault(key, _Node())
        return node


class Contract:
    """A resource's contract. Counts what it discards in `discarded`, by field, and keeps in
    `variants` the types of the variant columns it filled, by table's suffix and column."""

    def __init__(self, resource: Resource, table: Table) -> None:
        self.discarded: Counter[tuple[str, str]] = Counter()
        self.variants: dict[str, dict[str, str]] = {}
        self._resource = resource
        self._root = _Node.of(table)
        self._modes = modes_of(resource)
        self._others = set(resource.columns)
        self._others.update(f"_{resource.parent}_{key}" for key in resource.include_from_parent)
        named = {column.name: column.path for column in table.columns}
        keys = {name: named.get(normalize_path(name)) for name in resource.primary_key}
        self._keys = {name: path for name, path in keys.items() if path is not None}
        self._key_columns = {normalize_path(name): name for name in self._keys}
        self._suffixes = [""]
        self._record: Record = {}
        self._plain = True

    def apply(self, record: Record) -> tuple[Record | None, bool]:
        """What is left of the record, changed in place, and whether the declared types hold it
        as it is. RecordError where the contract freezes what it would change."""
        self._record, self._plain, self._suffixes = record, True, [""]
        try:
            self._object(self._root, record, ())
        except _DropRow:
            return None, True
        for name, path in self._keys.items():
            if value_at(record, path) is None:
                raise self._no_key(name, "null or nothing")
        return record, self._plain

    @property
    def rows_discarded(self) -> int:
        """How many rows it left out whole, of child tables too."""
        return sum(n for (_, mode), n in self.discarded.items() if mode == "discard_row")

    def told(self) -> Iterator[str]:
        """What was discarded, in words."""
        for (field, mode), count in self.discarded.items():
            what = "value" if mode == "discard_value" else "row"
            yield (
                f"{count:,} {what}{'s' * (count != 1)} discarded by schema_contract: `{field}` "
                "is not as the schema declares it"
            )

    def _object(self, node: _Node, holder: Record, path: tuple[str, ...]) -> None:
        for key in list(holder):
            value = holder[key]
            here = (*path, key)
            if key in node.columns:
                self._leaf(node.columns[key], holder, key, here)
            elif not path and key in self._others:
                self._plain = False
            elif value is None:
                del holder[key]
            elif key in node.objects and isinstance(value, dict):
                self._object(node.objects[key], value, here)
            elif key in node.lists and isinstance(value, list):
                self._items(node.lists[key], value, here)
            elif _is_nothing(value):
                del holder[key]
            else:
                self._undeclared(holder, key, here)

    def _items(self, node: _Node, items: list[Json], path: tuple[str, ...]) -> None:
        kept = []
        self._suffixes.append(node.suffix)
        for item in items:
            holder = {"value": item}
            try:
                if item is None:
                    pass
                elif node.item is not None and not isinstance(item, (dict, list)):
                    self._leaf(node.item, holder, "value", path)
                elif node.item is None and isinstance(item, dict):
                    self._object(node, item, path)
                else:
                    self._undeclared(holder, "value", path)
            except _DropRow:
                continue
            # a variant's row: the item under the variant's name
            kept.append(holder if holder.keys() != {"value"} else holder["value"])
        self._suffixes.pop()
        items[:] = kept

    def _undeclared(self, holder: dict[str, Json], key: str, path: tuple[str, ...]) -> None:
        meets = self._key_columns.get(join_path(*path))
        if meets is not None and len(self._suffixes) == 1:
            raise RecordError(
                f"{self._resource.name}: a record has `{'.'.join(path)}`, which has the same "
                f"column as its primary key `{meets}`. Remove or rename one with processing_steps."
            )
        entity = "tables" if isinstance(holder[key], list) else "columns"
        if not self._breaks(entity, holder, key, path, "a field that the schema does not declare"):
            self._plain = False
            holder.update(storable({key: holder.pop(key)}))

    def _leaf(self, column: Column, holder: Record, key: str, path: tuple[str, ...]) -> None:
        value = holder[key]
        if value is None or column.data_type == "json":
            return
        if isinstance(value, (dict, list)):
            if _is_nothing(value):
                del holder[key]
            else:
                self._undeclared(holder, key, path)
            return
        if type(value) is Digits:
            holder[key] = value = str(value)
        verdict = verdict_on(column.data_type, value)
        if verdict == "fits":
            return
        if verdict == "coerces":
            self._plain = False
            return
        if path in self._keys.values():
            raise self._no_key(".".join(path), f"{json_type(value)} that is no {column.data_type}")
        if self._breaks("data_type", holder, key, path, f"declared as {column.data_type}"):
            return
        self._plain = False
        made = variant(key, value)
        for name in made:
            kind = name.removeprefix(f"{key}__v_")
            self.variants.setdefault(self._suffixes[-1], {})[f"{column.name}__v_{kind}"] = kind
        holder.update(made)
        del holder[key]

    def _breaks(
        self, entity: str, holder: Record, key: str, path: tuple[str, ...], expected: str
    ) -> bool:
        """Do what the contract says; False where it lets the value through."""
        mode = self._modes[entity]
        if mode == "evolve":
            return False
        field = ".".join(path)
        if mode == "freeze":
            raise RecordError(
                f"{self._resource.name}: `{field}` holds {json_type(holder[key])}, "
                f"{expected}; schema_contract freezes {entity}. {self._named()}Change the schema "
                "or schema_contract."
            )
        self.discarded[field, mode] += 1
        if mode == "discard_row":
            raise _DropRow
        if "value" in holder and key == "value" and len(holder) == 1:
            holder[key] = None
        else:
            del holder[key]
        return True

    def _no_key(self, name: str, found: str) -> RecordError:
        return RecordError(
            f"{self._resource.name}: a record has {found} in `{name}`, which is its primary key. "
            "Correct primary_key or the schema, or leave such records out with processing_steps."
        )

    def _named(self) -> str:
        values = {name: value_at(self._record, path) for name, path in self._keys.items()}
        known = ", ".join(f"{name}={redact_key(value)}" for name, value in values.items())
        return f"The record is {known}. " if known else ""


def modes_of(resource: Resource) -> dict[str, str]:
    """What the resource's schema_contract says of tables, columns and data types."""
    written = resource.hints.get("schema_contract") or "evolve"
    if isinstance(written, Mapping):
        return {entity: str(written.get(entity) or "evolve") for entity in ENTITIES}
    return dict.fromkeys(ENTITIES, str(written))


def verdict_on(data_type: str, value: Json) -> str:
    """fits: as it is. coerces: dlt makes it fit. variant: dlt makes a variant column. breaks: dlt
    takes it and fails to write it."""
    kind = type(value)
    if kind is bool:
        return "fits" if data_type == "bool" else "coerces" if data_type == "text" else "variant"
    if data_type == "text":
        return "fits" if kind is str else "coerces"
    if data_type == "bool":
        return "coerces" if _coerces(data_type, value) else "variant"
    if data_type == "double":
        if kind is float or (kind is int and abs(value) <= 2**53):
            return "fits"
        return "coerces" if _coerces(data_type, value) else "variant"
    if data_type == "bigint":
        return _integer(value)
    try:
        made = coerce(data_type, value)
    except (ValueError, TypeError, OverflowError, SyntaxError):
        return "variant"
    try:
        pa.scalar(made, WRITTEN_AS[data_type])
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return "breaks"
    return "fits" if kind is str or data_type == "decimal" else "coerces"


def _integer(value: Json) -> str:
    try:
        made = coerce("bigint", value)
    except (ValueError, TypeError, OverflowError, SyntaxError):
        return "variant"
    if not -(2**63) <= made < 2**63:
        return "breaks"
    return "coerces" if isinstance(value, str) else "fits"


def _coerces(data_type: str, value: Json) -> bool:
    try:
        coerce(data_type, value)
    except (ValueError, TypeError, OverflowError, SyntaxError):
        return False
    return True


def _is_nothing(value: Json) -> bool:
    """Whether dlt makes no column and no row of it."""
    if isinstance(value, dict):
        return all(item is None or _is_nothing(item) for item in value.values())
    return bool(value == [])
