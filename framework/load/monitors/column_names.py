"""What the keys of records come to as dlt makes columns and tables of them, where no schema says.

Records pass by unchanged. Two keys of one record that meet in one column are counted (dlt keeps
one of them), and a list that lies too deep to have a table of its own is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from framework.definition.model import Resource
from framework.definition.naming import SEPARATOR, normalize_path
from framework.definition.record_schema import table_of
from framework.errors import RecordError
from framework.extract.page import Record
from framework.load.declared_tables import column_path, root_table
from framework.text import count_noun

Json = Any
Meeting = tuple[str, tuple[str, ...]]
"""A column's name, and the paths of keys that come to it."""

LONGEST_TABLE = 200
"""Characters of a table's name: dlt's files are named after it, and a name has 255 bytes."""
MOST_SETS = 1_000
"""So many sets of keys are remembered of a place: objects may have another key each time."""
NAMED = 5
"""So many meetings a message names."""


class ColumnNameMonitor:
    """Told of all records that go dlt's own way. `shortens` says that the destination shortens
    long names, so that no table's name is too long."""

    def __init__(self, resource: Resource, *, shortens: bool) -> None:
        self._resource = resource.name
        self._root = root_table(resource)
        self._longest = None if shortens else LONGEST_TABLE
        self._deep = resource.hints.get("max_table_nesting") is None
        self._json = {f"{self._root}{SEPARATOR}{name}" for name in _kept_as_json(resource)}
        self._known: dict[str, set[tuple[str, ...]]] = {}
        self._columns: dict[str, tuple[str, str]] = {}
        self._suspects = False
        self._counts: Counter[Meeting] = Counter()

    def look(self, records: Iterable[Record]) -> None:
        """RecordError where a list lies too deep."""
        for record in records:
            self._walk(record, self._root)
            if self._suspects:
                self._count(record, self._root)

    def told(self) -> str | None:
        """The keys that met, in words, or None."""
        if not self._counts:
            return None
        named = []
        for (column, paths), count in self._counts.most_common(NAMED):
            fields = " and ".join(f"`{path}`" for path in paths)
            named.append(f"{fields} in {column} ({count_noun(count, 'time')})")
        more = len(self._counts) - len(named)
        return (
            f"keys of one record come to the same column, where only one of them is loaded: "
            f"{', '.join(named)}{f' and {more:,} more' if more else ''}. Rename or remove one of "
            "them with processing_steps"
        )

    def _walk(self, row: Record, place: str) -> None:
        """Learn each set of keys once; only where two of all keys ever seen come to one column,
        records are looked at one by one."""
        keys, known = tuple(row), self._known.setdefault(place, set())
        if keys not in known:
            if len(known) >= MOST_SETS:
                known.clear()
            known.add(keys)
            for key in keys:
                here = (place, key)
                if self._columns.setdefault(_below(place, key), here) != here:
                    self._suspects = True
        for key, value in row.items() if self._deep else ():
            kind = type(value)
            if kind is dict and value:
                below = _below(place, key)
                if below not in self._json:
                    self._walk(value, below)
            elif kind is list and value:
                below = _below(place, key)
                if below not in self._json:
                    self._items(value, below)

    def _items(self, items: list[Json], table: str) -> None:
        if self._longest is not None and len(table) > self._longest:
            field, *below = table.removeprefix(f"{self._root}{SEPARATOR}").split(SEPARATOR)
            raise RecordError(
                f"{self._resource}: `{field}` holds a list {len(below)} levels down, whose table "
                f"would have a name of more than {self._longest} characters. Write "
                "`max_table_nesting: 3`, say, on the resource, which keeps as JSON what lies "
                "deeper; declare the field in a schema as free-form; or take it apart with "
                "processing_steps."
            )
        for item in items:
            if type(item) is dict:
                self._walk(item, table)
            elif type(item) is list:
                self._items(item, _below(table, "list"))

    def _count(self, row: Record, table: str) -> None:
        """Count the keys that meet in this row and in those of its lists."""
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
        """Path, place and value of what is no object that becomes several columns."""
        for key, value in row.items():
            below = _below(place, key)
            if type(value) is dict and self._deep and below not in self._json:
                yield from self._leaves(value, below, (*above, key))
            else:
                yield (*above, key), below, value


@lru_cache(maxsize=4096)
def _below(place: str, key: str) -> str:
    return f"{place}{SEPARATOR}{normalize_path(key) or 'list'}"


def _kept_as_json(resource: Resource) -> Iterator[str]:
    """The columns that hold objects and lists as they are."""
    if resource.schema is not None:
        for suffix, table in table_of(resource.schema).tables():
            for column in table.columns:
                if column.data_type == "json":
                    yield column_path(suffix, column.name)
    written = resource.hints.get("columns") or ()
    for hint in written:
        name, rules = (
            (hint, written[hint]) if isinstance(written, Mapping) else (hint["name"], hint)
        )
        if isinstance(rules, Mapping) and rules.get("data_type") in ("json", "complex"):
            yield normalize_path(str(name))
