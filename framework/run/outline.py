"""What the keys of records come to as dlt makes columns and tables of them, where no schema says.

Records pass by unchanged. Two keys of one record that meet in one column are counted (dlt keeps
one of them), and a list that lies too deep to have a table of its own is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from framework.build.outcomes import RecordError
from framework.build.records import Record
from framework.run.tables import table_name
from framework.spec.columns import table_of
from framework.spec.connector import Resource
from framework.spec.naming import SEPARATOR, normalize_path

Json = Any
Shape = tuple[Any, ...]
"""The keys of an object and of the objects in it; a list's key stands in a tuple of its own."""
Meeting = tuple[str, tuple[str, ...]]
"""A column's name, and the paths of keys that come to it."""

LONGEST_TABLE = 200
"""Characters of a table's name: dlt's files are named after it, and a name has 255 bytes."""
MOST_SHAPES = 10_000
"""So many are remembered: objects may have another key each time."""
NAMED = 5
"""So many meetings a message names."""


class Outline:
    """Told of all records that go dlt's own way. `shortens` says that the destination shortens
    long names, so that no table's name is too long."""

    def __init__(self, resource: Resource, *, shortens: bool) -> None:
        self._resource = resource.name
        self._root = normalize_path(table_name(resource))
        self._longest = None if shortens else LONGEST_TABLE
        self._deep = resource.hints.get("max_table_nesting") is None
        self._json = {f"{self._root}{SEPARATOR}{name}" for name in _kept_as_json(resource)}
        self._meetings: dict[tuple[str, Shape], tuple[Meeting, ...]] = {}
        self._counts: Counter[Meeting] = Counter()

    def look(self, records: Iterable[Record]) -> None:
        """RecordError where a list lies too deep."""
        for record in records:
            self._row(record, self._root)

    def told(self) -> str | None:
        """The keys that met, in words, or None."""
        if not self._counts:
            return None
        named = [
            f"{' and '.join(f'`{path}`' for path in paths)} in {column} "
            f"({count:,} time{'s' * (count != 1)})"
            for (column, paths), count in self._counts.most_common(NAMED)
        ]
        more = len(self._counts) - len(named)
        return (
            f"keys of one record come to the same column, where only one of them is loaded: "
            f"{', '.join(named)}{f' and {more:,} more' if more else ''}. Rename or remove one of "
            "them with processing_steps"
        )

    def _row(self, row: Record, table: str) -> None:
        shape = _shape(row)
        meetings = self._meetings.get((table, shape))
        if meetings is None:
            if len(self._meetings) >= MOST_SHAPES:
                self._meetings.clear()
            meetings = self._meetings[table, shape] = tuple(self._met(row, table))
        for meeting in meetings:
            self._counts[meeting] += 1
        if self._deep:
            self._lists(row, table)

    def _met(self, row: Record, table: str) -> Iterator[Meeting]:
        columns: dict[str, list[str]] = {}
        for path in self._leaves(row, table, ()):
            column = SEPARATOR.join(filter(None, map(normalize_path, path)))
            columns.setdefault(column, []).append(".".join(path))
        for column, paths in columns.items():
            if column and len(paths) > 1:
                yield column, tuple(paths)

    def _leaves(
        self, row: Mapping[str, Json], place: str, above: tuple[str, ...]
    ) -> Iterator[tuple[str, ...]]:
        """The paths of keys that become columns of the row."""
        for key, value in row.items():
            below = _below(place, key)
            whole = not self._deep or below in self._json
            if type(value) is dict and not whole:
                yield from self._leaves(value, below, (*above, key))
            elif type(value) is not list or whole:
                yield (*above, key)

    def _lists(self, row: Mapping[str, Json], place: str) -> None:
        for key, value in row.items():
            if value and type(value) in (dict, list):
                below = _below(place, key)
                if below in self._json:
                    continue
                if type(value) is dict:
                    self._lists(value, below)
                else:
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
                self._row(item, table)
                continue
            if type(item) is list:
                self._items(item, _below(table, "list"))


def _shape(row: Mapping[str, Json]) -> Shape:
    return tuple(
        [
            key
            if type(value) not in (dict, list)
            else (key, _shape(value))
            if type(value) is dict
            else (key,)
            for key, value in row.items()
        ]
    )


@lru_cache(maxsize=4096)
def _below(place: str, key: str) -> str:
    return f"{place}{SEPARATOR}{normalize_path(key) or 'list'}"


def _kept_as_json(resource: Resource) -> Iterator[str]:
    """The columns that hold objects and lists as they are."""
    if resource.schema is not None:
        for suffix, table in table_of(resource.schema).tables():
            for column in table.columns:
                if column.data_type == "json":
                    yield f"{suffix}{SEPARATOR}{column.name}" if suffix else column.name
    written = resource.hints.get("columns") or ()
    for hint in written:
        name, rules = (
            (hint, written[hint]) if isinstance(written, Mapping) else (hint["name"], hint)
        )
        if isinstance(rules, Mapping) and rules.get("data_type") in ("json", "complex"):
            yield normalize_path(str(name))
