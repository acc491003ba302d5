"""DuckDB's memory: a limit of ours, the user's own instead, and none where a load needs more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framework.load import pipeline
from framework.load.destinations import duckdb as destination
from framework.load.destinations.duckdb import LimitedSqlClient
from tests.support.run_verbs import connector_of, load
from tests.support.servers.web import Web

WIDE = 150
"""Columns, each of which takes a block of 256 KB while it is filled."""
TOO_LITTLE = "12 MB"


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """DuckDB's limit in bytes before each statement of a run."""
    seen: list[int] = []
    execute = LimitedSqlClient.execute_sql

    def execute_sql(self: LimitedSqlClient, sql: Any, *args: Any, **kwargs: Any) -> Any:
        found = self.native_connection.execute("select current_setting('memory_limit')").fetchone()
        number, unit = str(found[0]).split() if found else ("0", "KiB")
        seen.append(int(float(number) * 1024 ** (1 + "KMGT".index(unit[0]))))
        return execute(self, sql, *args, **kwargs)

    monkeypatch.setattr(LimitedSqlClient, "execute_sql", execute_sql)
    return seen


def load_wide(web: Web, folder: Path, disposition: str, rows: int = 300) -> None:
    """Load records with many columns as `things`; fail unless all are there."""
    names = [f"c{number}" for number in range(WIDE)]
    items = [{"id": row, **{name: f"{name} of {row}" for name in names}} for row in range(rows)]
    web.on("/things", {"items": items})
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, **{key: {"type": "string"} for key in names}},
    }
    resource = {
        "name": "things",
        "primary_key": "id",
        "write_disposition": disposition,
        "schema": schema,
        "endpoint": {"path": "/things", "paginator": "single_page", "data_selector": "items"},
    }
    report = load(
        connector_of(folder, {"client": {"base_url": web.url}, "resources": [resource]}), folder
    )
    assert report.status == "ok", report.as_dict()
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        query = f"select count(*), count(distinct {names[-1]}) from shop_data.things"
        assert connection.execute(query).fetchone() == (rows, rows)


def test_a_run_limits_duckdb(web: Web, project: Path, limits: list[int]) -> None:
    load_wide(web, project, "append", rows=3)
    assert limits
    assert all(150e6 < limit < 250e6 for limit in limits), limits


@pytest.mark.parametrize("name", ["memory_limit", "max_memory"])
def test_the_users_limit_counts(
    web: Web, project: Path, limits: list[int], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    setting = "DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG"
    monkeypatch.setenv(setting, json.dumps({name: "640MB", "threads": 1}))
    load_wide(web, project, "append", rows=3)
    assert limits
    assert all(600e6 < limit < 680e6 for limit in limits), limits


@pytest.mark.parametrize("disposition", ["append", "merge", "replace"])
def test_a_load_that_needs_more_gets_it(
    web: Web,
    project: Path,
    limits: list[int],
    monkeypatch: pytest.MonkeyPatch,
    disposition: str,
) -> None:
    monkeypatch.setattr(destination, "MEMORY_LIMIT", TOO_LITTLE)
    load_wide(web, project, disposition)
    assert limits[0] < 20e6
    assert limits[-1] > 20e6


def test_the_users_limit_is_not_lifted(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting = "DESTINATION__DUCKDB__CREDENTIALS__GLOBAL_CONFIG"
    monkeypatch.setenv(setting, json.dumps({"memory_limit": "12MB"}))
    monkeypatch.setenv("LOAD__RAISE_ON_MAX_RETRIES", "1")
    with pytest.raises(Exception, match=r"(?i)out of memory"):
        load_wide(web, project, "append")


def test_arrow_returns_freed_memory_before_tables_are_loaded(
    web: Web, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its buffers of hundreds of pages would otherwise add to what DuckDB takes."""
    steps: list[str] = []
    create = destination.DuckDbFilesClient.create_load_job

    def create_load_job(self: Any, *args: Any, **kwargs: Any) -> Any:
        steps.append("load")
        return create(self, *args, **kwargs)

    monkeypatch.setattr(pipeline, "release_memory", lambda: steps.append("release"))
    monkeypatch.setattr(destination.DuckDbFilesClient, "create_load_job", create_load_job)
    load_wide(web, project, "append", rows=3)
    assert steps[:2] == ["release", "load"]


MERGE = """
import sys
from pathlib import Path
import dlt, pyarrow.parquet as pq
from framework.load.destinations.duckdb import DuckDbDestination

def peak():
    text = Path("/proc/self/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0]) * 1024

pipeline = dlt.pipeline(
    "memory", pipelines_dir="pipelines", destination=DuckDbDestination("events.duckdb"),
    dataset_name="data")
rows = lambda: pq.ParquetFile("rows.parquet").iter_batches(50_000)
events = dlt.resource(rows, name="events", primary_key="id", write_disposition="merge")
pipeline.extract(events, loader_file_format="parquet")
pipeline.normalize()
before = peak()
pipeline.load()
pipeline.extract(events, loader_file_format="parquet")
pipeline.normalize()
pipeline.load()
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_merging_many_rows_twice_takes_little_more_than_the_limit(tmp_path: Path) -> None:
    with pq.ParquetWriter(tmp_path / "rows.parquet", schema(), compression="none") as writer:
        for first in range(0, 300_000, 50_000):
            writer.write_table(rows(first, 50_000))
    environment = {
        **os.environ,
        "DLT_DATA_DIR": str(tmp_path / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DATA_WRITER__DISABLE_COMPRESSION": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", MERGE],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    with duckdb.connect(str(tmp_path / "events.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(*) from data.events").fetchone() == (300_000,)
    assert int(done.stdout) < 330e6  # 388 MB without a limit


def schema() -> pa.Schema:
    """Columns of a record of about 400 bytes."""
    texts = [pa.field(f"text{number}", pa.string()) for number in range(8)]
    return pa.schema([pa.field("id", pa.int64()), *texts])


def rows(first: int, count: int) -> pa.Table:
    """Rows whose texts differ, so that nothing is small by compression."""
    ids = range(first, first + count)
    texts = [[f"{number * 7919 + row * 104729:048x}" for row in ids] for number in range(8)]
    return pa.table([pa.array(ids, pa.int64()), *map(pa.array, texts)], schema=schema())
