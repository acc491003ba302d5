"""A run that commits while it reads leaves the tables of one that loads all at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter

from framework.events import Committed, Event
from framework.http.transport import make_response
from framework.load.run_options import CommitEvery, RunOptions
from framework.load.runner import run
from framework.runtime.environment import Environment
from tests.load.arrow.test_both_paths import NESTED
from tests.support.both_paths import NOW, assert_same, resource, shop
from tests.support.generated_records import drawn, numbered, records_of
from tests.support.loaded_tables import Left, left_in

Json = Any
SIZE = 4


class NumberedPages(BaseAdapter):
    """A wire that answers each path with its records, a few on each page."""

    def __init__(self, records: Mapping[str, Sequence[Json]]) -> None:
        self._records = records

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        url = urlsplit(str(request.url))
        page = int(parse_qs(url.query)["page"][0])
        records = self._records[url.path.strip("/")][page * SIZE : page * SIZE + SIZE]
        body = json.dumps({"items": list(records)}).encode()
        return make_response(request, 200, "OK", [("Content-Type", "application/json")], body)

    def close(self) -> None:
        """Nothing is open."""


def left_by(
    folder: Path,
    resources: Sequence[Json],
    loads: Sequence[Mapping[str, Sequence[Json]]],
    every: CommitEvery | None,
) -> tuple[Left, int]:
    """What these loads leave behind, and the number of commits before their ends."""
    connector, heard = shop(folder, *resources), list[Event]()
    for records in loads:
        options = RunOptions(folder=folder, pipelines=folder / "dlt", commit_every=every)
        wire = NumberedPages(records)
        environment = Environment(now=NOW, transport=lambda _, wire=wire: wire, waits=False)
        report = run(connector, options, environment, heard.append)
        assert report.status == "ok", [part.error for part in report.resources.values()]
    return left_in(folder), sum(isinstance(event, Committed) for event in heard)


@pytest.mark.slow
@pytest.mark.parametrize("schema", [NESTED, None], ids=["declared", "without a schema"])
@pytest.mark.parametrize(("odd", "seed"), [(0, 0), (12, 3)])
def test_tables_are_those_of_one_package(project: Path, schema: Json, odd: int, seed: int) -> None:
    records = drawn(records_of(NESTED, odd=odd), 120, 100 * seed + odd)
    first, second = list(numbered(records[:80])), list(numbered(records[80:], 60))
    endpoint = {
        "data_selector": "items",
        "paginator": {"type": "page_number", "base_page": 0, "total_path": None},
    }
    resources = [
        resource(name, schema, endpoint={"path": f"/{name}", **endpoint}, **hints)
        for name, hints in {
            "merged": {},
            "appended": {"write_disposition": "append"},
            "replaced": {"write_disposition": "replace"},
        }.items()
    ]
    loads = [dict.fromkeys(("merged", "appended", "replaced"), part) for part in (first, second)]
    ours, commits = left_by(project / "ours", resources, loads, CommitEvery(records=20))
    whole, none = left_by(project / "whole", resources, loads, None)
    assert commits >= 2
    assert none == 0
    assert_same(ours, whole)
