"""One connector loaded by both paths, and what each left behind, made comparable.

Keys that dlt draws at random are replaced by what they join: each row becomes a plain value with
its children inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pytest
import requests
from requests.adapters import BaseAdapter

import framework.run.handing as handing
from framework.build.wire import make_response
from framework.build.world import World
from framework.run.loop import run
from framework.run.options import RunOptions
from framework.run.report import Report
from framework.spec.connector import Connector
from tests.run.running import connector_of

Json = Any
Record = dict[str, Json]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Pages(BaseAdapter):
    """A wire that answers each path with its records, all on one page."""

    def __init__(self, records: Mapping[str, Sequence[Json]]) -> None:
        self._records = records

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        body = orjson.dumps({"items": list(self._records[request.path_url.strip("/")])})
        return make_response(request, 200, "OK", [("Content-Type", "application/json")], body)

    def close(self) -> None:
        """Nothing is open."""


def resource(name: str, schema: Json, **hints: Any) -> Json:
    """A resource that merges by `id` what /NAME answers, on one page."""
    endpoint = {"path": f"/{name}", "paginator": "single_page", "data_selector": "items"}
    base = {"name": name, "endpoint": endpoint, "primary_key": "id", "write_disposition": "merge"}
    return {**base, **({} if schema is None else {"schema": schema}), **hints}


def shop(folder: Path, *resources: Json) -> Connector:
    """A connector of these resources."""
    body = {"client": {"base_url": "http://localhost"}, "resources": list(resources)}
    folder.mkdir(parents=True, exist_ok=True)
    return connector_of(folder, body)


def load(
    connector: Connector, folder: Path, records: Mapping[str, Sequence[Json]], **options: Any
) -> Report:
    """One run of these records by resource into the folder."""
    chosen = RunOptions(folder=folder, pipelines=folder / "dlt", **options)
    world = World(now=NOW, wire=lambda _: Pages(records), waits=False)
    return run(connector, chosen, world)


def load_both(
    project: Path, resources: Sequence[Json], *loads: Mapping[str, Sequence[Json]]
) -> tuple[Left, Left]:
    """What these loads leave behind, by the columnar path and by dlt's own."""
    found = []
    for way in (nullcontext, by_dlt):
        folder = project / way.__name__
        connector = shop(folder, *resources)
        for records in loads:
            with way():
                report = load(connector, folder, records)
            assert report.status == "ok", report.as_dict()
        found.append(left_in(folder))
    return found[0], found[1]


@contextmanager
def by_dlt() -> Iterator[None]:
    """While this lasts every resource takes dlt's own path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handing, "columnar", lambda *_: False)
        yield


@dataclass(frozen=True)
class Left:
    """What is in a file: columns with types and nullability by table, and the rows as trees."""

    columns: dict[str, dict[str, tuple[str, str]]]
    trees: dict[str, list[str]]
    schema: dict[str, Json] = field(default_factory=dict)

    def of(self, root: str) -> Left:
        """One resource's part."""

        def part(whole: dict[str, Json]) -> dict[str, Json]:
            return {t: v for t, v in whole.items() if t == root or t.startswith(f"{root}__")}

        return Left(part(self.columns), part(self.trees), part(self.schema))


def left_in(folder: Path, name: str = "shop") -> Left:
    """Everything in the folder's DuckDB file, without what is drawn at random."""
    with duckdb.connect(str(folder / f"{name}.duckdb"), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        dataset = f"{name}_data"
        columns: dict[str, dict[str, tuple[str, str]]] = {}
        for table, column, kind, nullable in connection.execute(
            "select table_name, column_name, data_type, is_nullable "
            "from information_schema.columns where table_schema = ? "
            "order by table_name, ordinal_position",
            [dataset],
        ).fetchall():
            if not table.startswith("_dlt"):
                columns.setdefault(table, {})[column] = (kind, nullable)
        rows = {}
        for table in columns:
            cursor = connection.execute(f'select * from "{dataset}"."{table}"')
            names = [column[0] for column in cursor.description]
            rows[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        loads = {
            row[0]
            for row in connection.execute(f'select load_id from "{dataset}"._dlt_loads').fetchall()
        }
        stored = connection.execute(
            f'select schema from "{dataset}"._dlt_version where schema_name = ? '
            "order by inserted_at desc limit 1",
            [name],
        ).fetchone()
    roots = [t for t in columns if "_dlt_load_id" in columns[t]]
    trees = {root: _trees(root, rows, loads) for root in roots}
    assert stored is not None
    return Left(columns, trees, _tables(json.loads(stored[0])))


def _trees(root: str, rows: dict[str, list[Record]], loads: set[str]) -> list[str]:
    below = [table for table in rows if table.startswith(f"{root}__")]
    children: dict[str, list[tuple[str, Record]]] = {}
    for table in below:
        for row in rows[table]:
            children.setdefault(row["_dlt_parent_id"], []).append((table, row))
    used = 0
    ids: set[str] = set()

    def tree(row: Record, top: str) -> Json:
        nonlocal used
        used += 1
        assert row["_dlt_id"] not in ids, "a row key that is there twice"
        assert len(row["_dlt_id"]) >= 14
        ids.add(row["_dlt_id"])
        assert row.get("_dlt_root_id", top) == top, "a child of another root"
        own = {k: str(v) for k, v in row.items() if not k.startswith("_dlt") and v is not None}
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


def _tables(schema: Json) -> dict[str, Json]:
    """The stored schema's tables, what is said and what holds unsaid alike."""
    unsaid = {("nullable", True), ("precision", 38), ("scale", 9)}
    return {
        name: {k: v for k, v in table.items() if k != "columns"}
        | {"columns": {c: dict(set(h.items()) - unsaid) for c, h in table["columns"].items()}}
        for name, table in schema["tables"].items()
        if not name.startswith("_dlt")
    }
