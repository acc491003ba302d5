"""Pages that stay unparsed give what parsed ones give: records, state, children and warnings."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter

from framework.errors import FrameworkError
from framework.events import WarningRaised
from framework.extract.incremental.watermark import Watermark
from framework.http.transport import make_response
from tests.support.open_resource import opened

Json = Any
NOW = datetime(2024, 6, 15, 12, tzinfo=UTC)
START = datetime(2024, 6, 1, tzinfo=UTC)
PAGE = 5


class Api(BaseAdapter):
    """A list in pages by cursor, and under each other path one record."""

    def __init__(self, records: Sequence[Json]) -> None:
        self._records = records
        self.requests: list[str] = []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        self.requests.append(request.path_url)
        first = int(parse_qs(url.query).get("after", ["0"])[0])
        if url.path == "/list":
            following = first + PAGE if first + PAGE < len(self._records) else None
            body = {"data": {"items": self._records[first : first + PAGE]}, "next": following}
        else:
            body = {"data": {"items": [{"id": 1}]}, "next": None}
        headers = [("Content-Type", "application/json")]
        return make_response(request, 200, "OK", headers, json.dumps(body).encode())

    def close(self) -> None:
        """Nothing is open."""


def connector(incremental: Json | None, child: Json | None = None, **hints: Json) -> Json:
    paginator = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
    endpoint = {"path": "/list", "paginator": paginator, "data_selector": "data.items"}
    if incremental is not None:
        endpoint["incremental"] = incremental
    base = {"name": "rows", "primary_key": "id", "write_disposition": "merge", **hints}
    below = {"path": "/of/{rows}", "paginator": "single_page", "data_selector": "data.items"}
    bound = {"rows": {"type": "resolve", "resource": "rows", "field": "place.code"}}
    others = [] if child is None else [
        {"name": "lines", "endpoint": {**below, "params": bound}, **child}
    ]  # fmt: skip
    return {
        "client": {"base_url": "http://localhost", "retry": {"backoff_factor": 0}},
        "resources": [{**base, "endpoint": endpoint}, *others],
    }


def read(
    folder: Path,
    body: Json,
    records: Sequence[Json],
    state: Json,
    *,
    raw: bool,
    limit: int | None = None,
) -> tuple[Json, int]:
    """What one run gives and tells, and the state after it; how many pages stayed unparsed."""
    api = Api(records)
    try:
        one = opened(folder, body, state=state, now=NOW, limit=limit, transport=lambda _: api)
    except FrameworkError as error:
        return str(error), 0
    names = ["rows", *(["lines"] if len(body["resources"]) > 1 else [])]
    found: dict[str, Json] = {}
    for name in names:
        one.readings.open_table(name, reads_raw=raw)
    unparsed = 0
    for name in names:
        try:
            found[name] = []
            for page in one.readings[name].open_table(reads_raw=raw):
                if not page.is_parsed and page.raw is not None:
                    unparsed += name == "rows"
                    assert page.has_steps or page.raw.parse() == page.records
                assert page.count == len(page.records)
                found[name] += page.records
        except FrameworkError as error:
            found[name] = str(error)
    reader = one.readings["rows"]
    return {
        "found": found,
        "requests": sorted(api.requests),
        "warnings": [(e.code, e.message) for e in one.heard.events if isinstance(e, WarningRaised)],
        "left out": reader.left_out,
        "read": reader.records,
        "state": state,
    }, unparsed


def assert_same(
    folder: Path, body: Json, *runs: Sequence[Json], monkeypatch: pytest.MonkeyPatch
) -> int:
    """Both ways of each run are the same, and that of today; return how many pages were raw."""
    states: list[Json] = [{}, {}, {}]
    total = 0
    for records in runs:
        raw, unparsed = read(folder, body, records, states[0], raw=True)
        parsed, none = read(folder, body, records, states[1], raw=False)
        with monkeypatch.context() as patch:
            patch.setattr(Watermark, "_are_all_new", lambda *_: False)
            one_by_one, _ = read(folder, body, records, states[2], raw=False)
        assert raw == parsed == one_by_one
        assert none == 0
        total += unparsed
    return total


def written(moment: datetime, kind: str, number: int) -> Json:
    zone = timedelta(hours=number % 3)
    return {
        "iso": f"{moment:%Y-%m-%dT%H:%M:%S}.000000Z",
        "iso digits": moment.isoformat().replace("+00:00", "Z"),
        "iso offset": f"{moment + zone:%Y-%m-%dT%H:%M:%S}+0{number % 3}:00",
        "iso naive": f"{moment:%Y-%m-%dT%H:%M:%S}",
        "day": f"{moment:%Y-%m-%d}",
        "pattern": f"{moment:%d/%m/%Y %H:%M}",
        "epoch": int(moment.timestamp()),
        "epoch text": str(int(moment.timestamp())),
        "milliseconds": int(moment.timestamp() * 1000),
        "number": int(moment.timestamp() / 1000),
        "float": moment.timestamp() / 7,
        "number or float": moment.timestamp() / 8 if number % 2 else int(moment.timestamp() / 8),
        "number text": str(int(moment.timestamp() / 1000)),
        "text": f"v{int(moment.timestamp())}",
        "mixed": number if number % 2 else f"v{number}",
    }[kind]


KINDS = (
    *("iso", "iso digits", "iso offset", "iso naive", "day", "pattern", "epoch", "epoch text"),
    *("milliseconds", "number", "float", "number or float", "number text", "text", "mixed"),
)
FORMATS = {
    "pattern": ["%d/%m/%Y %H:%M"],
    "epoch": ["epoch_seconds"],
    "epoch text": ["epoch_seconds"],
    "milliseconds": ["epoch_milliseconds"],
}


def some_incremental(draw: random.Random, kind: str) -> Json:
    """The options of an incremental, not all of which `validate` takes together."""
    spec: Json = {"cursor_path": draw.choice(["at", "meta.at"])}
    if draw.random() < 0.8:
        spec["initial_value"] = written(START, "iso" if kind in FORMATS else kind, 0)
    if kind in FORMATS:
        spec["cursor_formats"] = FORMATS[kind]
    if draw.random() < 0.4:
        spec["start_param"] = "since"
    if draw.random() < 0.2:
        spec["end_value"] = written(START + timedelta(days=8), "iso", 0)
        if kind not in FORMATS:
            spec["end_value"] = written(START + timedelta(days=8), kind, 0)
    spec |= {
        key: value
        for key, values in {
            "range_start": ["open", "closed"],
            "range_end": ["open", "closed"],
            "row_order": ["asc", "desc"],
            "last_value_func": ["min", "max"],
            "on_cursor_value_missing": ["include", "exclude", "raise"],
            "lag": ["P1D", 3600],
            "cap_at_run_start": [True],
            "watermark": ["run_start"],
            "keep_all": [True],
            "step": ["P3D"],
        }.items()
        for value in [draw.choice(values)]
        if draw.random() < (0.5 if key == "on_cursor_value_missing" else 0.15)
    }
    return spec


def some_records(draw: random.Random, kind: str, first: int) -> list[Json]:
    """Records around START and NOW, with ties; some lack their cursor or are in no order."""
    days = sorted(draw.randint(first, first + 16) for _ in range(draw.randint(0, 14)))
    order = draw.choice(["asc", "asc", "desc", "none"])
    if order == "desc":
        days.reverse()
    elif order == "none":
        draw.shuffle(days)
    records = []
    for number, day in enumerate(days):
        value: Json = written(START + timedelta(days=day), kind, number)
        if draw.random() < 0.02:
            value = draw.choice([None, "never", True, 5, {"a": 1}])
        record = {"id": first * 100 + number, "at": value, "meta": {"at": value}, "x": [number]}
        if draw.random() < 0.02:
            record["meta"] = draw.choice([None, 5, {}])
        records.append(record)
    return records


def drawn(seed: int) -> Iterator[tuple[Json, list[list[Json]]]]:
    draw = random.Random(seed)
    while True:
        kind = draw.choice(KINDS)
        hints = {"write_disposition": draw.choice(["merge", "merge", "append"])}
        if draw.random() < 0.2:
            hints["processing_steps"] = [{"filter": "id != `1` && x[0] != `3`"}]
        body = connector(some_incremental(draw, kind), **hints)
        first = some_records(draw, kind, -3)
        again = first[-3:] + some_records(draw, kind, 6)
        yield body, [first, again, again]


def compare_drawn(folder: Path, seed: int, count: int, patch: pytest.MonkeyPatch) -> int:
    unparsed = compared = 0
    for body, runs in drawn(seed):
        try:
            unparsed += assert_same(folder, copy.deepcopy(body), *runs, monkeypatch=patch)
        except AssertionError as refused:
            if "Finding" not in str(refused):
                raise AssertionError(json.dumps([body, runs])) from refused
            continue
        compared += 1
        if compared == count:
            break
    return unparsed


def test_incrementals_of_all_kinds_read_unparsed_pages_as_parsed_ones(tmp_path, monkeypatch):
    assert compare_drawn(tmp_path, 1, 25, monkeypatch) > 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 7))
def test_many_incrementals_read_unparsed_pages_as_parsed_ones(tmp_path, monkeypatch, seed):
    assert compare_drawn(tmp_path, seed, 30, monkeypatch) > 20


CHILD = {"name": "lines", "when": "size > `1`", "write_disposition": "append"}


@pytest.mark.parametrize(
    "child",
    [
        {},
        {"when": "place.more[0].y == `1`"},
        {"include_from_parent": ["size"]},
        {"include_from_parent": ["missing"]},
        {"only_changed": "size"},
        {"when": "length(keys(@)) > `3`"},
    ],
)
def test_children_get_the_same_of_unparsed_pages(tmp_path, monkeypatch, child):
    records = [
        {
            "id": number,
            "size": number % 4,
            "place": {"code": f"c{number}", "more": [{"y": number % 2}, {"z": [1]}]},
            "other": "x",
        }
        for number in range(12)
    ]
    body = connector(None, {**CHILD, **child})
    unparsed = assert_same(tmp_path, body, records, [], records[3:], monkeypatch=monkeypatch)
    assert (unparsed > 0) is ("keys" not in child.get("when", ""))
    for code in (None, {}, "x"):
        records[7]["place"] = {"code": code} if code != "x" else code
        assert_same(tmp_path, body, records, monkeypatch=monkeypatch)


STEPS: tuple[list[Json], ...] = (
    [{"remove": ["size", "place.more"]}],
    [{"rename": {"stamp": "at", "size": "weight"}}],
    [{"rename": {"stamp": "when"}}, {"rename": {"when": "at"}}, {"filter": "at > `3`"}],
    [{"rename": {"stamp": "at"}}, {"cast": {"at": "integer", "size": "string"}}],
    [{"filter": "size != `2`"}, {"rename": {"stamp": "at", "place.code": "code"}}],
    [
        {"cast": {"note": "integer"}, "on_error": "skip_record"},
        {"rename": {"stamp": "at", "note": "place.code"}},
        {"remove": ["place.more"]},
    ],
    [{"cast": {"note": "number"}, "on_error": None}, {"rename": {"note": "size", "stamp": "at"}}],
    [{"cast": {"note": "integer"}}, {"rename": {"stamp": "at"}}],
)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("child", [None, {}, {"include_from_parent": ["size"]}])
def test_steps_see_and_leave_the_same_of_unparsed_pages(tmp_path, monkeypatch, steps, child):
    records = [
        {
            "id": number,
            "stamp": number,
            "size": number % 4,
            "note": ["1", "2.5", "", 4, "x", None][number % 6],
            "place": {"code": f"c{number}", "more": [{"y": number % 2}]},
            "other": "x",
        }
        for number in range(12)
    ]
    below = None if child is None else {**CHILD, **child}
    for incremental in (None, {"cursor_path": "at", "initial_value": 2}):
        body = connector(incremental, below, processing_steps=steps)
        unparsed = assert_same(
            tmp_path, body, records, records[3:], [{"id": 1}], monkeypatch=monkeypatch
        )
        if not (steps == STEPS[-1] or (incremental and steps == STEPS[0])):
            assert unparsed > 0


@pytest.mark.parametrize(
    ("hints", "reason"),
    [
        ({}, None),
        ({"processing_steps": [{"filter": "id > `3`"}]}, None),
        ({"processing_steps": [{"filter": "keys(@)"}]}, "a `filter` reads whole records"),
        ({"processing_steps": [{"remove": ["x"]}]}, None),
        ({"processing_steps": [{"remove": ["*x"]}]}, "a `remove` with `*` in processing_steps"),
        ({"processing_steps": [{"rename_keys": "lower(@)"}]}, "`rename_keys` in processing_steps"),
    ],
)
def test_why_pages_are_parsed_is_a_text(tmp_path, hints, reason):
    one = opened(tmp_path, connector({"cursor_path": "at"}, **hints))
    found = one.readings["rows"].raw_pages
    assert (found if isinstance(found, str) else None) == reason


def test_numbers_past_64_bits_are_read_by_the_parser_that_keeps_their_digits(tmp_path, monkeypatch):
    records = [{"id": number, "at": 2**63 + number} for number in range(7)]
    for initial in (1, 2**63 + 3):
        body = connector({"cursor_path": "at", "initial_value": initial})
        assert_same(tmp_path, body, records, records[2:], monkeypatch=monkeypatch)


def test_a_limit_cuts_unparsed_pages_where_it_cuts_parsed_ones(tmp_path):
    records = [{"id": number, "at": number, "place": {"code": number}} for number in range(12)]
    body = connector({"cursor_path": "at", "initial_value": 2}, {})
    for limit in (1, 5, 7, 20):
        raw, unparsed = read(tmp_path, body, records, {}, raw=True, limit=limit)
        assert (raw, 0) == read(tmp_path, body, records, {}, raw=False, limit=limit)
        assert len(raw["found"]["rows"]) == min(limit, 10)
        assert unparsed > 0 or limit < 5
