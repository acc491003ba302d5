"""The comparison of imports with their originals notices what differs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.imported import Comparison, _compared
from benchmarks.mutations import MUTATIONS
from benchmarks.venvs import cache_folder

ROOT = Path(__file__).resolve().parent.parent
CDK = cache_folder() / "venvs" / "airbyte-cdk" / "bin" / "python"

MANIFEST = """
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [orders]}
streams:
  - type: DeclarativeStream
    name: orders
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        {type: HttpRequester, url_base: "https://api.example.com", path: orders,
         error_handler: {type: DefaultErrorHandler, response_filters: [
           {type: HttpResponseFilter, action: RETRY, http_codes: [418]}]}}
      record_selector:
        {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [orders]}}
      paginator:
        type: DefaultPaginator
        page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}
        pagination_strategy: {type: CursorPagination, cursor_value: "{{ response.next }}"}
    transformations:
      - {type: AddFields, fields: [{type: AddedFieldDefinition, path: [kind], value: order}]}
    incremental_sync:
      type: DatetimeBasedCursor
      cursor_field: changed
      datetime_format: "%Y-%m-%d"
      start_datetime: "2026-11-01"
      lookback_window: P2D
      step: P100D
      cursor_granularity: P1D
      start_time_option: {type: RequestOption, inject_into: request_parameter, field_name: since}
"""


def exchange(query: str, body: Any, status: int = 200) -> dict[str, Any]:
    """A request of the original and its response."""
    return {
        "method": "GET",
        "url": f"https://api.example.com/orders?{query}",
        "headers": {},
        "body": "",
        "stream": "orders",
        "status": status,
        "response_headers": {"Content-Type": "application/json"},
        "response": base64.b64encode(json.dumps(body).encode()).decode(),
    }


def order(number: int, changed: str) -> dict[str, Any]:
    """A record as the API returns it."""
    return {"id": number, "changed": changed}


def run(exchanges: list[dict[str, Any]], records: list[dict[str, Any]]) -> dict[str, Any]:
    """One run of the original."""
    loaded = [{**one, "kind": "order"} for one in records]
    return {"records": {"orders": loaded}, "failed": {}, "notes": [], "exchanges": exchanges}


ORIGINAL: dict[str, Any] = {
    "failure": None,
    "config": {},
    "keys": {"orders": [["id"]]},
    "runs": [
        run(
            [
                exchange("since=2026-11-01", {"error": "again"}, 418),
                exchange("since=2026-11-01", {"orders": [order(1, "2026-11-10")], "next": 2}),
                exchange("since=2026-11-01&page=2", {"orders": [order(2, "2026-11-20")]}),
            ],
            [order(1, "2026-11-10"), order(2, "2026-11-20")],
        ),
        run(
            [exchange("since=2026-11-18", {"orders": [order(2, "2026-11-20")]})],
            [order(2, "2026-11-20")],
        ),
    ],
}


def compared(folder: Path, original: dict[str, Any] = ORIGINAL) -> Comparison:
    """Compare the manifest with what its original did."""
    file = folder / "orders.yaml"
    file.write_text(MANIFEST, encoding="utf-8")
    return _compared(file, original)


def test_the_same_requests_and_records_are_the_same(tmp_path: Path) -> None:
    found = compared(tmp_path)
    assert (found.problem, found.runs) == ("", [[], []])
    assert found.is_same


@pytest.mark.parametrize(
    "part",
    ["paging", "error handlers", "lookback", "primary keys", "cursors", "transformations"],
)
def test_a_part_of_the_importer_that_is_taken_out_is_noticed(part: str, tmp_path: Path) -> None:
    with MUTATIONS[part]():
        assert not compared(tmp_path).is_same
    assert compared(tmp_path).is_same


@pytest.mark.slow
@pytest.mark.skipif(not CDK.exists(), reason="airbyte-cdk is not installed for the benchmarks")
def test_two_manifests_are_compared_with_the_cdk(tmp_path: Path) -> None:
    more = yaml.safe_load(MANIFEST)
    more["streams"][0]["name"] = "others"
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(more), encoding="utf-8")
    (tmp_path / "orders.yaml").write_text(MANIFEST, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.imported", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1].startswith("the same: first run 2, second 2, both 2 of 2")
