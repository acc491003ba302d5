"""What loads left behind, made comparable: in a DuckDB file, in PostgreSQL, in Parquet files.

Keys that dlt draws at random are replaced by what they join: each row becomes a plain value with
its children inside.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

Json = Any
Row = dict[str, Json]
Columns = dict[str, dict[str, tuple[str, str]]]


@dataclass(frozen=True)
class Left:
    """Columns with types and nullability by table, the rows as trees, and dlt's stored schema."""

    columns: Columns
    trees: dict[str, list[str]]
    schema: dict[str, Json]

    def of(self, root: str) -> Left:
        """One resource's part."""

        def part(whole: dict[str, Json]) -> dict[str, Json]:
            return {t: v for t, v in whole.items() if t == root or t.startswith(f"{root}__")}

        return Left(part(self.columns), part(self.trees), part(self.schema))


def left_in(folder: Path, name: str = "shop") -> Left:
    """Everything in the folder's DuckDB file."""
    with duckdb.connect(str(folder / f"{name}.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")

        def ask(query: str) -> tuple[list[str], list[Any]]:
            cursor = connection.execute(query)
            return [column[0] for column in cursor.description], cursor.fetchall()

        return _left(ask, f"{name}_data", name)


def left_in_postgres(folder: str, dataset: str, name: str = "shop") -> Left:
    """Everything in the dataset of the PostgreSQL server that listens in this folder."""
    import psycopg2

    connection = psycopg2.connect(
        host=folder, user="postgres", dbname="postgres", options="-c TimeZone=UTC"
    )
    try:
        with connection.cursor() as cursor:

            def ask(query: str) -> tuple[list[str], list[Any]]:
                cursor.execute(query)
                return [column[0] for column in cursor.description], cursor.fetchall()

            return _left(ask, dataset, name)
    finally:
        connection.close()


def left_in_files(folder: Path, name: str = "shop") -> Left:
    """Everything in the Parquet files of a dataset's folder; nullability is not read."""
    columns: Columns = {}
    rows: dict[str, list[Row]] = {}
    for table in sorted(path.name for path in folder.iterdir() if path.is_dir()):
        files = f"'{folder}/{table}/*.parquet'"
        if table.startswith("_dlt") or not list((folder / table).glob("*.parquet")):
            continue
        read = duckdb.sql(f"SET TimeZone = 'UTC'; from read_parquet({files}, union_by_name=true)")
        types = zip(read.columns, map(str, read.types), strict=True)
        columns[table] = {column: (kind, "") for column, kind in types}
        rows[table] = [dict(zip(read.columns, row, strict=True)) for row in read.fetchall()]
    stored = [
        json.loads(line) for file in (folder / "_dlt_loads").iterdir() for line in _lines(file)
    ]
    versions = [
        json.loads(line) for file in (folder / "_dlt_version").iterdir() for line in _lines(file)
    ]
    own = [version for version in versions if version["schema_name"] == name]
    schema = max(own, key=lambda version: version["inserted_at"])["schema"]
    return _made(columns, rows, {load["load_id"] for load in stored}, schema)


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.suffix == ".jsonl" else []


def _left(ask: Any, dataset: str, name: str) -> Left:
    columns: Columns = {}
    for table, column, kind, nullable in ask(
        "select table_name, column_name, data_type, is_nullable from information_schema.columns "
        f"where table_schema = '{dataset}' order by table_name, ordinal_position"
    )[1]:
        if not table.startswith("_dlt"):
            columns.setdefault(table, {})[column] = (kind, nullable)
    rows = {}
    for table in columns:
        names, found = ask(f'select * from "{dataset}"."{table}"')
        rows[table] = [dict(zip(names, row, strict=True)) for row in found]
    loads = {row[0] for row in ask(f'select load_id from "{dataset}"._dlt_loads')[1]}
    stored = ask(
        f"select schema from \"{dataset}\"._dlt_version where schema_name = '{name}' "
        "order by inserted_at desc limit 1"
    )[1]
    return _made(columns, rows, loads, stored[0][0])


def _made(columns: Columns, rows: dict[str, list[Row]], loads: set[str], schema: str) -> Left:
    roots = [table for table in columns if "_dlt_load_id" in columns[table]]
    trees = {root: _trees(root, rows, loads) for root in roots}
    return Left(columns, trees, _tables(json.loads(schema)))


def _trees(root: str, rows: dict[str, list[Row]], loads: set[str]) -> list[str]:
    below = [table for table in rows if table.startswith(f"{root}__")]
    children: dict[str, list[tuple[str, Row]]] = {}
    for table in below:
        for row in rows[table]:
            children.setdefault(row["_dlt_parent_id"], []).append((table, row))
    used = 0
    ids: set[str] = set()

    def tree(row: Row, top: str) -> Json:
        nonlocal used
        used += 1
        assert row["_dlt_id"] not in ids, "a row key that is there twice"
        assert len(row["_dlt_id"]) >= 14
        ids.add(row["_dlt_id"])
        assert row.get("_dlt_root_id", top) == top, "a child of another root"
        own = {k: _text(v) for k, v in row.items() if not k.startswith("_dlt") and v is not None}
        lists: dict[str, list[Json]] = {}
        for table, child in children.get(row["_dlt_id"], []):
            place = child["_dlt_list_idx"]
            lists.setdefault(table, []).append([place, tree(child, top)])
        return {**own, **{table: sorted(lists[table], key=str) for table in lists}}

    found = []
    for row in rows[root]:
        assert row["_dlt_load_id"] in loads, "a row of no load"
        found.append(json.dumps(tree(row, row["_dlt_id"]), sort_keys=True))
    total = len(rows[root]) + sum(len(rows[table]) for table in below)
    assert used == total, "a child without its parent"
    return sorted(found)


def _text(value: Json) -> str:
    return str(value + 0.0 if isinstance(value, float) else value)  # -0.0 is 0.0


def _tables(schema: Json) -> dict[str, Json]:
    """The stored schema's tables, what is said and what holds unsaid alike."""
    unsaid = {("nullable", True), ("precision", 38), ("scale", 9)}
    return {
        name: {k: v for k, v in table.items() if k != "columns"}
        | {"columns": {c: dict(set(h.items()) - unsaid) for c, h in table["columns"].items()}}
        for name, table in schema["tables"].items()
        if not name.startswith("_dlt")
    }
