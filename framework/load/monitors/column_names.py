"""Watch the names that dlt gives columns and tables of records, if no schema declares them.

Different keys that share a column are kept apart: dlt would load one of a record's values, or mix
those of several records. A list that is nested too deep for a table of its own is an error.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from dlt.common.schema import Schema

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.errors import RecordError
from framework.extract.page import Record
from framework.load.declared_tables import column_path, loaded_table, root_table
from framework.text import count_noun

Json = Any
Path = tuple[str, ...]
"""The keys from a row down to a value."""
Collision = tuple[Path, Path, str]
"""The path that has a column, the path of a key that shares it, and the name that the key got."""
KEY = "x-framework-key"
"""Hint of a column: the path of the key that it belongs to, as a JSON list."""

EMPTY = "_empty"
"""dlt's column for an empty key."""
LONGEST_KNOWN = 55
"""Characters of a column whose key is remembered: some destinations shorten longer ones."""
LONGEST_TABLE = 200
"""Characters of a table's name: dlt names files after it, and a file name has 255 bytes."""
MAX_KEY_SETS = 1_000
"""Sets of keys that are remembered for one place: each object may have other keys."""
MAX_NAMED = 5
"""Collisions that a message names."""


class ColumnNameMonitor:
    """Watch all records that take dlt's own path, and keep keys apart that share a column.

    dlt gives the column to the key that was seen first, declared keys before others; further keys
    get a name with a hash of theirs. `known` has the keys of columns that earlier runs loaded.
    `shortens` means that dlt shortens names for the destination, so that none is too long.
    `system_columns` are names that no column may have in the `destination`.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        shortens: bool,
        known: Mapping[str, Path] | None = None,
        system_columns: frozenset[str] = frozenset(),
        destination: str = "",
    ) -> None:
        self._resource = resource.name
        self._system_columns = system_columns
        self._destination = destination
        self._root = root_table(resource)
        self._longest = None if shortens else LONGEST_TABLE
        self._deep = resource.hints.get("max_table_nesting") is None
        self._json = {f"{self._root}{SEPARATOR}{name}" for name in _json_columns(resource)}
        self._known: dict[tuple[str, Path], set[tuple[str, ...]]] = {}
        self._owners: dict[tuple[str, str], Path] = {}
        for name, path in (known or {}).items():
            self._owners[self._root, f"{self._root}{SEPARATOR}{name}"] = path
        for table, path in _declared_paths(resource, self._root):
            self._owners.setdefault((table, _place(table, path)), path)
        self._suspects = False
        self._counts: Counter[Collision] = Counter()
        self.owners: dict[str, Path] = {}
        """Paths of the keys whose columns other keys share or may share, by the root's column."""
        self.seen: dict[str, None] = {}
        """Columns of the root that records have keys for, in their order, also if they are null."""

    def apart(self, records: list[Record]) -> list[Record]:
        """Return the records, keys renamed that would share a column.

        Raise RecordError for a list nested too deep or a system column.
        """
        result = []
        for record in records:
            self._walk(record, self._root, self._root, ())
            if self._suspects:
                record = self._apart(record, self._root, self._root)
            result.append(record)
        return result

    def message(self) -> str | None:
        """Return a message on keys that share a column, or None."""
        if not self._counts:
            return None
        named = []
        for (owner, path, name), count in self._counts.most_common(MAX_NAMED):
            beside = ".".join(owner)
            named.append(
                f"`{'.'.join(path)}` in {name}, beside `{beside}` ({count_noun(count, 'time')})"
            )
        more = len(self._counts) - len(named)
        return (
            "different keys have the same column by dlt's naming, so some are loaded under another "
            f"name: {', '.join(named)}{f' and {more:,} more' if more else ''}. Give them names of "
            "their own with `rename` in processing_steps"
        )

    def _walk(self, row: Record, table: str, place: str, above: Path) -> None:
        """Learn each set of keys once.

        Records are checked one by one only after two known keys share a column.
        """
        keys, known = tuple(row), self._known.setdefault((place, above), set())
        if keys not in known:
            if len(known) >= MAX_KEY_SETS:
                known.clear()
            known.add(keys)
            self._learn(keys, table, place, above)
        for key, value in row.items() if self._deep else ():
            kind = type(value)
            if kind is dict and value:
                below = _below(place, key)
                if below not in self._json:
                    self._walk(value, table, below, (*above, key))
            elif kind is list and value:
                below = _below(place, key)
                if below not in self._json:
                    self._items(value, below)

    def _learn(self, keys: tuple[str, ...], table: str, place: str, above: Path) -> None:
        if not above and self._system_columns:
            for key in keys:
                if normalize_path(key) in self._system_columns:
                    raise _system_column(self._resource, key, self._destination)
        # the key that is written like its column has it before others
        for key in sorted(filter(normalize_path, keys), key=lambda key: key != normalize_path(key)):
            column, path = _below(place, key), (*above, key)
            if table == self._root:
                self.seen[column.removeprefix(f"{table}{SEPARATOR}")] = None
            owner = self._owners.setdefault((table, column), path)
            if owner != path:
                self._suspects = True
                self._keep(table, column, owner)
            elif not all(map(str.isascii, path)):
                self._keep(table, column, path)

    def _keep(self, table: str, column: str, path: Path) -> None:
        """Remember the owner of a column for later runs; child tables are not known by then."""
        if table == self._root:
            self.owners[column.removeprefix(f"{table}{SEPARATOR}")] = path

    def _items(self, items: list[Json], table: str) -> None:
        if self._longest is not None and len(table) > self._longest:
            field, *below = table.removeprefix(f"{self._root}{SEPARATOR}").split(SEPARATOR)
            raise RecordError(
                f"{self._resource}: `{field}` has a list {len(below)} levels down, whose table "
                f"name would be longer than {self._longest} characters. Set `max_table_nesting` on "
                "the resource (3, for example) to store deeper levels as JSON, declare the field "
                "in a schema as free-form, or flatten it with processing_steps."
            )
        for item in items:
            if type(item) is dict:
                self._walk(item, table, table, ())
            elif type(item) is list:
                self._items(item, _below(table, "list"))

    def _apart(self, row: Record, table: str, place: str, above: Path = ()) -> Record:
        """Return the row with keys renamed whose column belongs to another key."""
        result: Record = {}
        for key, value in row.items():
            column, path = _below(place, key), (*above, key)
            is_object = type(value) is dict and self._deep and column not in self._json
            name = key
            owner = self._owners.get((table, column), path)
            if not is_object and owner != path and normalize_path(key):
                if value is None:
                    continue  # dlt would put it in place of the other key's value
                name = _other_name(key)
                self._counts[owner, path, normalize_path(name)] += 1
                column = _below(place, name)
            if is_object:
                value = self._apart(value, table, column, path)
            elif type(value) is list and self._deep and column not in self._json:
                value = self._items_apart(value, column)
            result[name] = value
        return result

    def _items_apart(self, items: list[Json], table: str) -> list[Json]:
        apart: list[Json] = []
        for item in items:
            if type(item) is dict:
                item = self._apart(item, table, table)
            elif type(item) is list:
                item = self._items_apart(item, _below(table, "list"))
            apart.append(item)
        return apart


def known_owners(schema: Schema | None, resource: Resource) -> dict[str, Path]:
    """Return the paths of keys that earlier runs loaded, by column of the resource's own table."""
    columns: Mapping[str, Any] = loaded_table(schema, resource).get("columns", {})
    return {name: tuple(json.loads(hint[KEY])) for name, hint in columns.items() if KEY in hint}


def add_owners(schema: Schema, root: str, owners: Mapping[str, Path]) -> None:
    """Write the keys of columns into the schema that dlt extracts with, for later runs."""
    columns: Any = {
        name: {"name": name, KEY: json.dumps(path, ensure_ascii=False)}
        for name, path in owners.items()
        if len(name) <= LONGEST_KNOWN
    }
    if root in schema.tables and columns:
        schema.update_table({"name": root, "columns": columns})


def _declared_paths(resource: Resource, root: str) -> Iterator[tuple[str, Path]]:
    """Yield table and path of each key that the file names.

    A name outside of the schema that is written like a column may stand for any of its keys.
    """
    if resource.schema is not None:
        for suffix, table in table_of(resource.schema).tables():
            name = f"{root}{SEPARATOR}{suffix}" if suffix else root
            for column in table.columns:
                yield name, column.path
            for child in table.children:
                yield name, child.path
    incremental = resource.endpoint.incremental
    cursor = () if incremental is None else (incremental.cursor_path,)
    for name in (*resource.primary_key, *resource.columns, *cursor):
        if name.strip() and name != normalize_path(name):
            yield root, (name,)


def _place(table: str, path: Path) -> str:
    for key in path:
        table = _below(table, key)
    return table


def _other_name(key: str) -> str:
    """Return a name for a key whose column belongs to another one; always the same."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{normalize_path(key)}_{digest}"


def refuse_system_columns(
    resource: Resource, system_columns: frozenset[str], destination: str
) -> None:
    """Raise RecordError if the resource declares a column with the name of a system column."""
    declared = [*map(normalize_path, resource.columns)]
    if resource.schema is not None:
        tables = table_of(resource.schema).tables()
        declared += [column.name for _, table in tables for column in table.columns]
    for name in declared:
        if name in system_columns:
            raise _system_column(resource.name, name, destination)


def _system_column(resource: str, key: str, destination: str) -> RecordError:
    return RecordError(
        f"{resource}: `{key}` is the name of a system column in {destination}, which no other "
        f"column can have. Rename it with processing_steps: [{{rename: {{{key}: {key}_value}}}}]."
    )


@lru_cache(maxsize=4096)
def _below(place: str, key: str) -> str:
    return f"{place}{SEPARATOR}{normalize_path(key) or EMPTY}"


def _json_columns(resource: Resource) -> Iterator[str]:
    """Yield the columns that store objects and lists as JSON."""
    if resource.schema is not None:
        for suffix, table in table_of(resource.schema).tables():
            for column in table.columns:
                if column.data_type == "json":
                    yield column_path(suffix, column.name)
    for name, hint in resource.columns.items():
        if hint.get("data_type") in ("json", "complex"):
            yield normalize_path(name)
