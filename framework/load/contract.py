"""Apply the schema_contract to records that differ from the declared schema.

This decides on what the declared types cannot hold, before dlt sees it: `evolve` creates a variant
column, `freeze` ends the resource, `discard_value` and `discard_row` are counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from framework.definition.model import Resource
from framework.definition.schema.record_schema import Column, RecordNode, Table
from framework.definition.values.naming import SEPARATOR, join_path, normalize_path
from framework.errors import RecordError
from framework.extract.page import Record
from framework.load.arrow.layout import WRITTEN_AS
from framework.load.arrow.tables import coerce
from framework.runtime.field_paths import value_at
from framework.runtime.redaction import redact_key
from framework.text import Digits, count_noun, json_type

Json = Any


DATA_TYPES = {int: "bigint", float: "double", str: "text", Digits: "text", bool: "bool"}
EMPTY_KEY = "_empty"
"""dlt's column name for an empty key, which it does not use for lists."""

SUSPECT = re.compile(rb'\d{19}|"[\s_]*":')
"""Matches the JSON of any record that `sanitize` may change."""


def sanitize(value: Json) -> Json:
    """Return the value as dlt can write it; the containers are copies."""
    if type(value) is Digits and not value.is_integer:
        return float(value)
    if isinstance(value, list):
        return [variant("value", v) if is_past_64_bits(v) else sanitize(v) for v in value]
    if isinstance(value, dict):
        result: dict[str, Json] = {}
        for key, item in value.items():
            name = key if any(map(str.strip, key.split(SEPARATOR))) else EMPTY_KEY
            result.update(variant(name, item) if is_past_64_bits(item) else {name: sanitize(item)})
        return result
    return value


def is_past_64_bits(value: Json) -> bool:
    """Return whether a value is an integer that no column of integers holds."""
    if type(value) is int:  # set by a step of the connector file
        return not -(2**63) <= value < 2**63
    return type(value) is Digits and value.is_integer


def variant(key: str, value: Json) -> dict[str, Json]:
    """Return a plain value under dlt's name for the variant column of its type.

    An integer past 64 bits becomes text.
    """
    data_type = "text" if type(value) is int and is_past_64_bits(value) else DATA_TYPES[type(value)]
    return {f"{key}{VARIANT_MARK}{data_type}": str(value) if data_type == "text" else value}


FLAGS = (0, 1)
"""Numbers that a bool column holds."""
VARIANT_MARK = "__v_"
"""What dlt puts between the name of a column and the type of its variant."""
ENTITIES = ("tables", "columns", "data_type")


class _DropRow(Exception):
    """The contract discards the current row."""


class Contract:
    """Apply a resource's schema contract to its records.

    `discarded` counts by field and mode. `variants` has the data types of the variant columns
    that were filled, by suffix of the table and column. `floats` counts numbers with a fraction in
    text columns, by field.
    """

    def __init__(self, resource: Resource, table: Table) -> None:
        self.discarded: Counter[tuple[str, str]] = Counter()
        self.variants: dict[str, dict[str, str]] = {}
        self.floats: Counter[str] = Counter()
        self._resource = resource
        hints = {normalize_path(name): hint for name, hint in resource.columns.items()}
        self._root = RecordNode.of(table)
        self._decimals = {name: _decimal_type(hint) for name, hint in hints.items()}
        self._modes = modes_of(resource)
        self._others = set(resource.columns)
        self._others.update(resource.included_columns)
        named = {column.name: column.path for column in table.columns}
        keys = {name: named.get(normalize_path(name)) for name in resource.primary_key}
        self._keys = {name: path for name, path in keys.items() if path is not None}
        self._key_columns = {normalize_path(name): name for name in self._keys}
        self._suffixes = [""]
        self._record: Record = {}
        self._plain = True

    def apply(self, record: Record) -> tuple[Record | None, bool]:
        """Return the record, changed in place, and whether the declared types hold it as it is.

        Return None for a discarded record. Raise RecordError if the contract freezes a change.
        """
        self._record, self._plain, self._suffixes = record, True, [""]
        try:
            self._object(self._root, record, ())
        except _DropRow:
            return None, True
        for name, path in self._keys.items():
            if value_at(record, path) is None:
                raise self._key_error(name, "null or nothing")
        return record, self._plain

    @property
    def rows_discarded(self) -> int:
        """Return the number of discarded rows, those of child tables included."""
        return sum(n for (_, mode), n in self.discarded.items() if mode == "discard_row")

    def messages(self) -> Iterator[str]:
        """Yield a message on each discarded field."""
        for (field, mode), count in self.discarded.items():
            noun = "value" if mode == "discard_value" else "row"
            yield (
                f"schema_contract discarded {count_noun(count, noun)}: `{field}` differs from its "
                "declaration in the schema"
            )

    def _object(self, node: RecordNode, holder: Record, path: tuple[str, ...]) -> None:
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
            elif _is_empty(value):
                del holder[key]
            else:
                self._undeclared(holder, key, here)

    def _items(self, node: RecordNode, items: list[Json], path: tuple[str, ...]) -> None:
        item_column = node.table.columns[0] if node.table.scalars else None
        result = []
        self._suffixes.append(node.suffix)
        for item in items:
            holder = {"value": item}
            try:
                if item is None:
                    pass
                elif item_column is not None and not isinstance(item, (dict, list)):
                    self._leaf(item_column, holder, "value", path)
                elif item_column is None and isinstance(item, dict):
                    self._object(node, item, path)
                else:
                    self._undeclared(holder, "value", path)
            except _DropRow:
                continue
            # the row of a variant is an object: the item under the variant's name
            result.append(holder if holder.keys() != {"value"} else holder["value"])
        self._suffixes.pop()
        items[:] = result

    def _undeclared(self, holder: dict[str, Json], key: str, path: tuple[str, ...]) -> None:
        key_name = self._key_columns.get(join_path(*path))
        if key_name is not None and len(self._suffixes) == 1:
            raise RecordError(
                f"{self._resource.name}: a record has `{'.'.join(path)}`, which has the same "
                f"column as its primary key `{key_name}`. Remove or rename one with "
                "processing_steps."
            )
        entity = "tables" if isinstance(holder[key], list) else "columns"
        if not self._breaks(entity, holder, key, path, "a field that the schema does not declare"):
            self._plain = False
            holder.update(sanitize({key: holder.pop(key)}))

    def _leaf(self, column: Column, holder: Record, key: str, path: tuple[str, ...]) -> None:
        value = holder[key]
        if value is None or column.data_type == "json":
            return
        if isinstance(value, (dict, list)):
            if _is_empty(value):
                del holder[key]
            else:
                self._undeclared(holder, key, path)
            return
        if type(value) is Digits:
            is_long = value.is_integer or column.data_type != "double"
            holder[key] = value = str(value) if is_long else float(value)
        decimals = self._decimals.get(column.name) if len(self._suffixes) == 1 else None
        verdict = verdict_on(column.data_type, value, decimals)
        if verdict == "fits":
            return
        if verdict == "coerces":
            if type(value) is float and column.data_type == "text":
                self.floats[".".join(path)] += 1
            self._plain = False
            return
        if path in self._keys.values():
            problem = f"{json_type(value)} that is not valid as {column.data_type}"
            raise self._key_error(".".join(path), problem)
        if self._breaks("data_type", holder, key, path, f"declared as {column.data_type}"):
            return
        self._plain = False
        renamed = variant(key, value)
        for name in renamed:
            data_type = name.removeprefix(f"{key}{VARIANT_MARK}")
            columns = self.variants.setdefault(self._suffixes[-1], {})
            columns[f"{column.name}{VARIANT_MARK}{data_type}"] = data_type
        holder.update(renamed)
        del holder[key]

    def _breaks(
        self, entity: str, holder: Record, key: str, path: tuple[str, ...], expected: str
    ) -> bool:
        """Do what the contract says; return False if it allows the value."""
        mode = self._modes[entity]
        if mode == "evolve":
            return False
        field = ".".join(path)
        if mode == "freeze":
            raise RecordError(
                f"{self._resource.name}: `{field}` holds {json_type(holder[key])}, "
                f"{expected}; schema_contract freezes {entity}. {self._record_name()}Change the "
                "schema or schema_contract."
            )
        self.discarded[field, mode] += 1
        if mode == "discard_row":
            raise _DropRow
        if "value" in holder and key == "value" and len(holder) == 1:
            holder[key] = None
        else:
            del holder[key]
        return True

    def _key_error(self, name: str, problem: str) -> RecordError:
        return RecordError(
            f"{self._resource.name}: a record has {problem} in `{name}`, which is its primary key. "
            "Fix primary_key or the schema, or remove such records with processing_steps."
        )

    def _record_name(self) -> str:
        values = {name: value_at(self._record, path) for name, path in self._keys.items()}
        known = ", ".join(f"{name}={redact_key(value)}" for name, value in values.items())
        return f"The record is {known}. " if known else ""


def modes_of(resource: Resource) -> dict[str, str]:
    """Return the mode of the resource's schema_contract for tables, columns and data types."""
    contract = resource.hints.get("schema_contract") or "evolve"
    if isinstance(contract, Mapping):
        return {entity: str(contract.get(entity) or "evolve") for entity in ENTITIES}
    return dict.fromkeys(ENTITIES, str(contract))


def _decimal_type(hint: Mapping[str, Json]) -> pa.DataType | None:
    """Return the Arrow type of a decimal column whose hint has digits of its own, else None."""
    precision, scale = hint.get("precision"), hint.get("scale")
    if hint.get("data_type") != "decimal" or (precision is None and scale is None):
        return None
    usual = WRITTEN_AS["decimal"]
    digits = usual.precision if precision is None else precision
    kind = pa.decimal128 if digits <= usual.precision else pa.decimal256
    try:
        return kind(digits, usual.scale if scale is None else scale)
    except ValueError:  # digits that no column has: the destination says so
        return None


def verdict_on(data_type: str, value: Json, decimals: pa.DataType | None = None) -> str:
    """Return what happens to a value in a column of this type.

    `decimals` is the type of a decimal column with digits of its own.

    fits: stored as it is. coerces: dlt converts it. variant: dlt creates a variant column.
    breaks: dlt accepts it and fails to write it.
    """
    kind = type(value)
    if kind is bool:
        return "fits" if data_type == "bool" else "coerces" if data_type == "text" else "variant"
    if data_type == "text":
        return "fits" if kind is str else "coerces"
    if data_type == "bool":
        is_flag = kind is str or value in FLAGS
        return "coerces" if is_flag and _coerces(data_type, value) else "variant"
    if data_type == "double":
        if kind is float or (kind is int and abs(value) <= 2**53):
            return "fits"
        return "coerces" if _coerces(data_type, value) else "variant"
    if data_type == "bigint":
        return _integer(value)
    try:
        coerced = coerce(data_type, value)
    except (ValueError, TypeError, OverflowError, SyntaxError):
        return "variant"
    try:
        written_as = decimals if decimals and data_type == "decimal" else WRITTEN_AS[data_type]
        pa.scalar(coerced, written_as)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return "breaks"
    return "fits" if kind is str or data_type == "decimal" else "coerces"


def _integer(value: Json) -> str:
    try:
        coerced = coerce("bigint", value)
    except (ValueError, TypeError, OverflowError, SyntaxError):
        return "variant"
    if not -(2**63) <= coerced < 2**63:
        return "breaks"
    return "coerces" if isinstance(value, str) else "fits"


def _coerces(data_type: str, value: Json) -> bool:
    try:
        coerce(data_type, value)
    except (ValueError, TypeError, OverflowError, SyntaxError):
        return False
    return True


def _is_empty(value: Json) -> bool:
    """Return whether dlt creates neither a column nor a row for the value."""
    if isinstance(value, dict):
        return all(item is None or _is_empty(item) for item in value.values())
    return bool(value == [])
