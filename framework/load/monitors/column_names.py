"""Watch the names that dlt gives columns and tables of records, if no schema declares them.

Two keys of one record that share a column are counted, since dlt loads only one of them. A list
that is nested too deep for a table of its own is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from framework.definition.model import Resource
from framework.definition.schema.record_schema import table_of
from framework.definition.values.naming import SEPARATOR, normalize_path
from framework.errors import RecordError
from framework.extract.page import Record
from framework.load.declared_tables import column_path, root_table
from framework.text import count_noun

Json = Any
Collision = tuple[str, tuple[str, ...]]
"""A column's name, and the paths of keys that share it."""

LONGEST_TABLE = 200
"""Characters of a table's name: dlt names files after it, and a file name has 255 bytes."""
MAX_KEY_SETS = 1_000
"""Sets of keys that are remembered for one place: each object may have other keys."""
MAX_NAMED = 5
"""Collisions that a message names."""


class ColumnNameMonitor:
    """Watch all records that take dlt's own path.

    `shortens` means that dlt shortens names for the destination, so that none is too long.
    `system_columns` are names that no column may have in the `destination`.
    """

    def __init__(
        self,
        resource: Resource,
        *,
        shortens: bool,
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
        self._known: dict[str, set[tuple[str, ...]]] = {}
        self._columns: dict[str, tuple[str, str]] = {}
        self._suspects = False
        self._counts: Counter[Collision] = Counter()

    def look(self, records: Iterable[Record]) -> None:
        """Watch records; raise RecordError for a list nested too deep or a system column."""
        for record in records:
            self._walk(record, self._root, is_row=True)
            if self._suspects:
                self._count(record, self._root)

    def message(self) -> str | None:
        """Return a message on keys that share a column, or None."""
        if not self._counts:
            return None
        named = []
        for (column, paths), count in self._counts.most_common(MAX_NAMED):
            fields = " and ".join(f"`{path}`" for path in paths)
            named.append(f"{fields} in {column} ({count_noun(count, 'time')})")
        more = len(self._counts) - len(named)
        return (
            f"keys of one record have the same column, so only one of them is loaded: "
            f"{', '.join(named)}{f' and {more:,} more' if more else ''}. Rename or remove one of "
            "them with processing_steps"
        )

    def _walk(self, row: Record, place: str, *, is_row: bool) -> None:
        """Learn each set of keys once.

        Records are checked one by one only after two known keys share a column.
        """
        keys, known = tuple(row), self._known.setdefault(place, set())
        if keys not in known:
            if len(known) >= MAX_KEY_SETS:
                known.clear()
            known.add(keys)
            for key in keys if is_row and self._system_columns else ():
                if normalize_path(key) in self._system_columns:
                    raise _system_column(self._resource, key, self._destination)
            for key in keys:
                here = (place, key)
                if self._columns.setdefault(_below(place, key), here) != here:
                    self._suspects = True
        for key, value in row.items() if self._deep else ():
            kind = type(value)
            if kind is dict and value:
                below = _below(place, key)
                if below not in self._json:
                    self._walk(value, below, is_row=False)
            elif kind is list and value:
                below = _below(place, key)
                if below not in self._json:
                    self._items(value, below)

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
                self._walk(item, table, is_row=True)
            elif type(item) is list:
                self._items(item, _below(table, "list"))

    def _count(self, row: Record, table: str) -> None:
        """Count keys that share a column in this row and in the rows of its lists."""
        columns: dict[str, list[str]] = {}
        for path, below, value in self._leaves(row, table, ()):
            if type(value) is list and self._deep and below not in self._json:
                for item in value:
                    if type(item) is dict:
                        self._count(item, below)
                continue
            column = SEPARATOR.join(filter(None, map(normalize_path, path)))
            columns.setdefault(column, []).append(".".join(path))
        for column, paths in columns.items():
            if column and len(paths) > 1:
                self._counts[column, tuple(paths)] += 1

    def _leaves(
        self, row: Mapping[str, Json], place: str, above: tuple[str, ...]
    ) -> Iterator[tuple[tuple[str, ...], str, Json]]:
        """Yield path, place and value of everything that becomes one column or one table."""
        for key, value in row.items():
            below = _below(place, key)
            if type(value) is dict and self._deep and below not in self._json:
                yield from self._leaves(value, below, (*above, key))
            else:
                yield (*above, key), below, value


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
    return f"{place}{SEPARATOR}{normalize_path(key) or 'list'}"


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
