"""No file that `validate` passes ends a run with exit code 3, whatever its values are."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from framework.cli.main import main
from tests.support.servers.raw import Peer, Raw

Json = Any

ODD: list[Json] = [
    None, True, False, 0, 1, -1, 2**31, 10**18, 0.5, 1e300, "", " ", "x", "é☃😀", "a b", "a.b",
    "items", "id", "@", "$", "null", "PT1S", "P1000Y", "2026-01-01", "9999-12-31T23:59:59-05:00",
    "0001-01-01", "%Y-%Y", "epoch_seconds", "/", "//", "http://127.0.0.1:1", "a" * 300, "\u202e",
    "{{x}}", "now", "[]", "{}", "utf-16", "hex", [], [1], ["id"], {}, {"a": 1}, [[]],
]  # fmt: skip
"""Values of every kind: extreme, odd, empty, of another language."""


def bodies(url: str) -> Iterator[dict[str, Json]]:
    """Yield connectors that use most keys of the format."""
    client = {
        "base_url": url,
        "headers": {"X-A": "1"},
        "timeout": "PT2S",
        "max_in_flight": 2,
        "retry": {"max_retries": 0, "backoff_factor": 0, "max_wait": "PT1S"},
        "rate_limit": {"requests": 1000, "per": "PT1S", "headers": {"reset": "X-Reset"}},
    }
    incremental = {
        "cursor_path": "at",
        "initial_value": "2026-01-01",
        "start_param": "since",
        "end_param": "until",
        "step": "P300D",
        "lag": "P1D",
    }
    first = {
        "name": "items",
        "primary_key": "id",
        "write_disposition": "merge",
        "columns": {"n": {"data_type": "bigint"}},
        "endpoint": {"path": "items", "data_selector": "items", "incremental": incremental},
    }
    paging = {"type": "page_number", "base_page": 1, "page_param": "p", "maximum_page": 2}
    child = {
        "name": "kids",
        "primary_key": ["id"],
        "write_disposition": "append",
        "when": "n",
        "include_from_parent": ["id"],
        "endpoint": {
            "path": "items/{resources.items.id}/kids",
            "params": {"a": 1, "b": [1, 2]},
            "data_selector": "items",
            "paginator": {**paging, "total_path": None},
            "response_actions": [{"status_code": 404, "action": "ignore"}],
        },
    }
    yield {"client": {**client, "paginator": "single_page"}, "resources": [first, child]}
    parts = {
        "name": "parts",
        "write_disposition": {"disposition": "replace", "strategy": "truncate-and-insert"},
        "table_name": "parts",
        "partitions": [
            {"name": "day", "dates": {"start": "2026-01-01", "end": "2026-01-03", "step": "P1D"}},
            {"name": "number", "range": {"start": 1, "stop": 3, "step": 1}},
        ],
        "processing_steps": [
            {"set": {"x": "n"}},
            {"rename": {"n": "m"}},
            {"remove": ["x"]},
            {"cast": {"m": "string"}},
            {"filter": "id"},
        ],
        "endpoint": {
            "path": "items",
            "method": "POST",
            "json": {"day": "{partition.day}", "n": "{partition.number}"},
            "data_selector": "items",
            "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "c"},
        },
    }
    table = {
        "name": "table",
        "primary_key": "id",
        "write_disposition": "merge",
        "schema": {
            "type": "object",
            "properties": {"id": {"type": "string"}, "t": {"type": "string", "format": "date"}},
            "required": ["id"],
        },
        "schema_contract": {"columns": "evolve", "data_type": "evolve"},
        "endpoint": {
            "path": "csv",
            "response_format": {"type": "csv", "delimiter": ",", "encoding": "utf-8"},
            "paginator": {"type": "offset", "limit": 5, "offset": 0, "total_path": None},
        },
    }
    yield {"client": client, "resources": [parts, table]}


def play(peer: Peer) -> None:
    """Send a CSV or a page of a record."""
    if "/csv" in peer.target:
        peer.answer(b"id,t\na,2026-01-01\n")
        return
    record = {"id": 1, "at": "2026-02-01T00:00:00Z", "n": 5}
    peer.answer(json.dumps({"items": [record], "next": None, "total": 1}).encode())


def places(value: Json, pointer: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of everything in a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for step, inner in items if isinstance(value, (dict, list)) else ():
        yield (*pointer, step)
        yield from places(inner, (*pointer, step)) if isinstance(inner, (dict, list)) else ()


def changed(body: Json, pointer: tuple[str | int, ...], value: Json) -> Json:
    """Return the body with another value at a place."""
    made = copy.deepcopy(body)
    holder = made
    for step in pointer[:-1]:
        holder = holder[step]
    holder[pointer[-1]] = value
    return made


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_what_validate_passes_never_ends_in_a_bug(
    seed: int, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chance = random.Random(seed)
    file = project / "connectors" / "shop.yaml"
    file.parent.mkdir(exist_ok=True)
    bugs, runs = [], 0
    with Raw(play) as raw:
        for body in bodies(raw.url):
            every = [
                (pointer, value)
                for pointer in places(body)
                for value in ODD
                if pointer not in (("client",), ("resources",), ("client", "base_url"))
            ]
            for pointer, value in chance.sample(every, 100):
                made = changed({"version": 1, "name": "shop", **body}, pointer, value)
                file.write_text(json.dumps(made), encoding="utf-8")
                if main(["validate", "shop", "--format", "json"]) != 0:
                    continue
                runs += 1
                name = f"d{runs}"
                code = main(["run", "shop", "-q", "--max-time", "PT5S", "--dataset", name])
                said = capsys.readouterr().err
                if code == 3:
                    bugs.append((pointer, value, said[-700:]))
    assert runs > 10
    assert bugs == []
