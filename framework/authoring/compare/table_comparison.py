"""Compare the tables of two DuckDB files: columns, types, keys, and rows by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from framework.authoring.cassettes.snapshot import column_type, quoted_name
from framework.authoring.compare.version_replay import VersionReplay

Json = Any

EXAMPLES = 3
"""How many rows of each kind of difference are shown."""


@dataclass(frozen=True)
class RowExample:
    """A row that differs: its key, or all of it without one; `values` are old and new ones."""

    row: Mapping[str, Json]
    values: Mapping[str, tuple[Json, Json]] = field(default_factory=dict)


@dataclass(frozen=True)
class TableDiff:
    """How one table differs; a count of None means that this version has no such table.

    `columns` has the types of those that differ, None for a column that is not there. `by_key`
    says that rows were compared by their key; else a changed row is one removed and one added.
    """

    name: str
    rows: tuple[int | None, int | None]
    columns: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)
    keys: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    by_key: bool = False
    added: int = 0
    removed: int = 0
    changed: int = 0
    changed_columns: Mapping[str, int] = field(default_factory=dict)
    examples: Mapping[str, tuple[RowExample, ...]] = field(default_factory=dict)

    @property
    def differs(self) -> bool:
        """Return whether anything differs."""
        counts = self.added or self.removed or self.changed
        return bool(counts or self.columns or self.keys or self.rows[0] != self.rows[1])


def compare_tables(old: VersionReplay, new: VersionReplay) -> tuple[TableDiff, ...]:
    """Return the tables that differ, by name; dlt's own tables and columns are left out."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, one in (("old", old), ("new", new)):
            connection.execute(f"ATTACH {_text(one.file)} AS {name}_file (READ_ONLY)")
        both = _Tables(connection, old, new)
        found = [both.compare(name) for name in sorted({*both.old, *both.new})]
    return tuple(one for one in found if one.differs)


class _Tables:
    def __init__(self, connection: Any, old: VersionReplay, new: VersionReplay) -> None:
        self._connection = connection
        self._versions = {"old": old, "new": new}
        self.old, self.new = self._columns("old"), self._columns("new")

    def _columns(self, version: str) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        rows = self._connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = ? AND schema_name = ? ORDER BY table_name, column_index",
            [f"{version}_file", self._versions[version].dataset],
        ).fetchall()
        for table, column, kind in rows:
            if not table.startswith("_dlt_"):
                columns = found.setdefault(table, {})
                if not column.startswith("_dlt_"):
                    columns[column] = kind
        return found

    def compare(self, name: str) -> TableDiff:
        """Return how a table differs."""
        old, new = self.old.get(name), self.new.get(name)
        rows = (self._count("old", name, old), self._count("new", name, new))
        if old is None or new is None:
            return TableDiff(name, rows)
        types = {
            column: (_type(old.get(column)), _type(new.get(column)))
            for column in sorted({*old, *new})
        }
        keys = (self._key("old", name, old), self._key("new", name, new))
        common = [column for column in old if column in new]
        key = keys[0] if keys[0] == keys[1] else ()
        is_unique = bool(key) and all(self._is_unique(one, name, key) for one in ("old", "new"))
        parts = (
            self._by_key(name, key, common, types)
            if is_unique
            else self._by_row(name, common, types)
        )
        return TableDiff(
            name,
            rows,
            {column: pair for column, pair in types.items() if pair[0] != pair[1]},
            keys if keys[0] != keys[1] else None,
            is_unique,
            **parts,
        )

    def _key(self, version: str, name: str, columns: Mapping[str, str]) -> tuple[str, ...]:
        key = self._versions[version].keys.get(name, ())
        return tuple(column for column in key if column in columns)

    def _source(self, version: str, name: str) -> str:
        dataset = quoted_name(self._versions[version].dataset)
        return f"{version}_file.{dataset}.{quoted_name(name)}"

    def _count(self, version: str, name: str, columns: Mapping[str, str] | None) -> int | None:
        if columns is None:
            return None
        return int(self._one(f"SELECT count(*) FROM {self._source(version, name)}")[0])

    def _one(self, sql: str) -> tuple[Any, ...]:
        row: tuple[Any, ...] = self._connection.execute(sql).fetchone()
        return row

    def _is_unique(self, version: str, name: str, key: Sequence[str]) -> bool:
        columns = ", ".join(map(quoted_name, key))
        counts = f"SELECT count(*), count(DISTINCT ({columns})) FROM {self._source(version, name)}"
        total, distinct = self._one(counts)
        return bool(total == distinct)

    def _by_key(
        self,
        name: str,
        key: Sequence[str],
        common: Sequence[str],
        types: Mapping[str, tuple[str | None, str | None]],
    ) -> dict[str, Any]:
        old, new = self._source("old", name), self._source("new", name)
        same = " AND ".join(f"o.{_q(c)} IS NOT DISTINCT FROM n.{_q(c)}" for c in key)
        shown = ", ".join(f"{{0}}.{_q(column)}::VARCHAR" for column in key)
        others = [column for column in common if column not in key]
        differ = {
            column: f"{_value('o', column, types)} IS DISTINCT FROM {_value('n', column, types)}"
            for column in others
        }
        one_side = {
            "added": f"FROM {new} n ANTI JOIN {old} o ON {same}",
            "removed": f"FROM {old} o ANTI JOIN {new} n ON {same}",
        }
        found: dict[str, Any] = {}
        examples: dict[str, tuple[RowExample, ...]] = {}
        for kind, source in one_side.items():
            columns = shown.format("n" if kind == "added" else "o")
            found[kind] = int(self._one(f"SELECT count(*) {source}")[0])
            rows = self._rows(f"SELECT {columns} {source} ORDER BY ALL LIMIT {EXAMPLES}")
            examples[kind] = tuple(RowExample(dict(zip(key, row, strict=True))) for row in rows)
        if differ:
            source = f"FROM {old} o JOIN {new} n ON {same} WHERE {' OR '.join(differ.values())}"
            counts = ", ".join(f"count_if({one})" for one in differ.values())
            found["changed"], *by_column = self._one(f"SELECT count(*), {counts} {source}")
            found["changed_columns"] = {
                column: count for column, count in zip(others, by_column, strict=True) if count
            }
            values = ", ".join(
                f"{side}.{_q(column)}::VARCHAR" for column in others for side in "on"
            )
            rows = self._rows(
                f"SELECT {shown.format('o')}, {values} {source} ORDER BY ALL LIMIT {EXAMPLES}"
            )
            examples["changed"] = tuple(_changed_row(key, others, row) for row in rows)
        return {**found, "examples": {kind: rows for kind, rows in examples.items() if rows}}

    def _by_row(
        self,
        name: str,
        common: Sequence[str],
        types: Mapping[str, tuple[str | None, str | None]],
    ) -> dict[str, Any]:
        if not common:
            return {}
        columns = ", ".join(f"{_value('t', column, types)} AS {_q(column)}" for column in common)
        shown = ", ".join(f"{_q(column)}::VARCHAR" for column in common)
        old, new = (
            f"SELECT {columns} FROM {self._source(version, name)} t" for version in ("old", "new")
        )
        found: dict[str, Any] = {}
        examples: dict[str, tuple[RowExample, ...]] = {}
        for kind, source in (
            ("added", f"({new} EXCEPT ALL {old})"),
            ("removed", f"({old} EXCEPT ALL {new})"),
        ):
            found[kind] = int(self._one(f"SELECT count(*) FROM {source}")[0])
            rows = self._rows(f"SELECT {shown} FROM {source} ORDER BY ALL LIMIT {EXAMPLES}")
            examples[kind] = tuple(RowExample(dict(zip(common, row, strict=True))) for row in rows)
        return {**found, "examples": {kind: rows for kind, rows in examples.items() if rows}}

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._connection.execute(sql).fetchall()
        return rows


def _changed_row(key: Sequence[str], others: Sequence[str], row: Sequence[Json]) -> RowExample:
    values = row[len(key) :]
    pairs = {
        column: (values[2 * number], values[2 * number + 1]) for number, column in enumerate(others)
    }
    return RowExample(
        dict(zip(key, row, strict=False)),
        {column: pair for column, pair in pairs.items() if pair[0] != pair[1]},
    )


def _value(side: str, column: str, types: Mapping[str, tuple[str | None, str | None]]) -> str:
    """Return a column to compare: as text if its type differs, or if it is JSON."""
    old, new = types[column]
    return f"{side}.{_q(column)}" + ("::VARCHAR" if old != new or old == "json" else "")


def _q(name: str) -> str:
    return quoted_name(name)


def _type(kind: str | None) -> str | None:
    return None if kind is None else column_type(kind)


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
