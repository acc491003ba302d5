"""One connector loaded by both paths."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
import requests
from requests.adapters import BaseAdapter

from framework.definition.model import Connector
from framework.extract.page import Page, RawList
from framework.http.transport import make_response
from framework.load import sink
from framework.load.arrow.arrow_sink import ArrowSink
from framework.load.report import Report
from framework.load.run_options import RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.support.loaded_tables import Left, left_in, left_in_files, left_in_postgres
from tests.support.postgres import CREDENTIALS, address
from tests.support.run_verbs import connector_of

Json = Any
Record = dict[str, Json]
PLAIN_ONLY = orjson.OPT_PASSTHROUGH_SUBCLASS
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Pages(BaseAdapter):
    """A wire that answers each path with its records, all on one page."""

    def __init__(self, records: Mapping[str, Sequence[Json]]) -> None:
        self._records = records

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        body = json.dumps({"items": list(self._records[request.path_url.strip("/")])}).encode()
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
    environment = Environment(now=NOW, transport=lambda _: Pages(records), waits=False)
    return run(connector, chosen, environment)


def load_both(
    project: Path,
    resources: Sequence[Json],
    *loads: Mapping[str, Sequence[Json]],
    into: Into | None = None,
) -> tuple[Left, Left]:
    """What these loads leave behind, by the columnar path and by dlt's own."""
    found = []
    for way, name in ((nullcontext, "ours"), (by_dlt, "theirs")):
        folder = project / name
        connector = shop(folder, *resources)
        options, read = ({}, left_in) if into is None else into(folder)
        for records in loads:
            with way():
                report = load(connector, folder, records, **options)
            assert report.status == "ok", report.as_dict()
        found.append(read(folder))
    return found[0], found[1]


Into = Callable[[Path], tuple[dict[str, Any], Callable[[Path], Left]]]
"""Where a load from this folder goes: options of the run, and what reads what it left."""


def into_postgres(server: str, patch: pytest.MonkeyPatch) -> Into:
    """Into a schema of their own in the PostgreSQL that listens in this folder."""

    def into(folder: Path) -> tuple[dict[str, Any], Callable[[Path], Left]]:
        patch.setenv(CREDENTIALS, address(server))
        dataset = f"{folder.parent.name}_{folder.name}"
        options = {"destination": "postgres", "dataset": dataset}
        return options, lambda _: left_in_postgres(server, dataset)

    return into


def into_files(patch: pytest.MonkeyPatch) -> Into:
    """Into Parquet files in the folder."""

    def into(folder: Path) -> tuple[dict[str, Any], Callable[[Path], Left]]:
        patch.setenv("DESTINATION__FILESYSTEM__BUCKET_URL", str(folder / "files"))
        return {"destination": "filesystem"}, lambda _: left_in_files(folder / "files/shop_data")

    return into


def assert_same(ours: Left, theirs: Left) -> None:
    """The same tables, columns, types, rows and stored schema; a failure names the first row."""
    assert ours.columns == theirs.columns
    for table, trees in ours.trees.items():
        others = set(theirs.trees[table])
        assert [tree for tree in trees if tree not in others][:1] == [], table
    assert ours.trees == theirs.trees
    assert without_keys(ours.schema) == without_keys(theirs.schema)


def without_keys(value: Json) -> Json:
    """A stored schema without the keys of shared columns, which only our sinks store.

    dlt's own path also notes the names of such columns of which it has seen nulls only.
    """
    if isinstance(value, dict):
        parts = {name: without_keys(one) for name, one in value.items()}
        return {
            name: one
            for name, one in parts.items()
            if name != "x-framework-key" and one != {"name": name}
        }
    return [without_keys(one) for one in value] if isinstance(value, list) else value


@contextmanager
def in_small_batches() -> Iterator[None]:
    """While this lasts the columnar path gets few records at a time, most as the page's text."""
    add = ArrowSink.add

    def add_parts(self: ArrowSink, page: Page) -> None:
        random, rest = Random(page.count), page.items
        while rest:
            count = random.choice((1, 2, 5, 9))
            part, rest = rest[:count], rest[count:]
            body = orjson.dumps({"items": part})
            is_exact = page.raw is not None and _is_json(part)
            add(self, Page.of(part, RawList(body, ("items",)) if is_exact else None))
            if random.random() < 0.7:
                self._worker.put(self._next_batch())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ArrowSink, "add", add_parts)
        yield


def _is_json(records: list[Record]) -> bool:
    """Whether orjson reads what it writes of them: digits of a long number become text."""
    try:
        return bool(orjson.loads(orjson.dumps(records, option=PLAIN_ONLY)) == records)
    except TypeError:
        return False


@contextmanager
def by_dlt() -> Iterator[None]:
    """While this lasts every resource takes dlt's own path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sink, "record_path_reason", lambda *_, **__: "a test")
        yield
