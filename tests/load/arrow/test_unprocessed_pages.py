"""Pages that stay unparsed although steps change their records, beside records that are changed."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from framework.definition.model import Resource, Step
from framework.errors import RecordError
from framework.extract.page import Page, RawList
from framework.extract.records.transforms import Transforms
from framework.load.arrow.arrow_sink import ArrowSink
from framework.load.arrow.eligibility import parsed_pages_reason
from framework.load.arrow.record_types import DeclaredTypes
from framework.load.monitors.column_names import ColumnNameMonitor
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from tests.load.arrow.test_both_paths import NESTED, ODD, PLAIN
from tests.load.arrow.test_load_paths import path_of
from tests.support.both_paths import assert_same, load_both, resource, shop
from tests.support.generated_records import drawn, numbered, records_of

Json = Any
Record = dict[str, Json]
KEYS = ("a", "b", "c", "d")
CASTS = ("string", "integer", "number", "boolean")
VALUES: dict[type, tuple[Json, ...]] = {
    str: ("x", "", "12", " 7 ", "1.5", "true", "no", "ü", 'q"'),
    int: (0, 1, -7, 2**40, 2**53 + 1),
    float: (0.5, -1.25, 1e300, 3.0, 1e16),
    bool: (True, False),
}
TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}
SCHEMA: Json = {
    "type": "object",
    "properties": {k: v for k, v in NESTED["properties"].items() if k != "prices"},
}
"""Types of which Arrow reads unparsed pages."""
FREE = "free"
"""The key of an object that the schema leaves free-form."""


def value_for(draw: Random, depth: int) -> Json:
    """A sample of what is under a key: its type is that of all records."""
    kind = draw.choice(("plain", "plain", "object", "list", "plains", "free"))
    if kind == "free":
        return {FREE: 1}
    if depth == 0 or kind == "plain":
        return draw.choice(VALUES[draw.choice((str, str, int, float, bool))])
    if kind == "plains":
        return [draw.choice(VALUES[draw.choice((str, int))])]
    value = {key: value_for(draw, depth - 1) for key in draw.sample(KEYS, draw.randint(1, 3))}
    return [value] if kind == "list" else value


def schema_of(value: Json) -> Json:
    """The JSON Schema of a sample."""
    if isinstance(value, dict):
        if FREE in value:
            return {}
        return {"type": "object", "properties": {k: schema_of(v) for k, v in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": schema_of(value[0])}
    return {"type": TYPES.get(type(value), "string")}


def like(draw: Random, sample: Json, odd: float) -> Json:
    """A value of the sample's type, sometimes null, seldom of another type."""
    if draw.random() < odd:
        return draw.choice((1, "x", {}, [], {"a": 1}, [1, {"b": 2}], 2.5, True))
    if draw.random() < 0.1:
        return None
    if isinstance(sample, list):
        return [like(draw, sample[0], odd) for _ in range(draw.randint(0, 3))]
    if isinstance(sample, dict):
        if FREE in sample:
            return draw.choice(({"a": [1]}, "x", 5, [None], {"b": {"c": 1}}))
        return {key: like(draw, one, odd) for key, one in sample.items() if draw.random() < 0.8}
    return draw.choice(VALUES[type(sample)])


def paths(value: Json) -> Iterator[str]:
    """The dotted names in a sample, also those of the items of lists."""
    items = value[0] if isinstance(value, list) else value
    for key, inner in items.items() if isinstance(items, dict) and FREE not in items else ():
        yield key
        yield from (f"{key}.{rest}" for rest in paths(inner))


def steps_for(draw: Random, sample: Record) -> list[Step]:
    known = [*paths(sample), *KEYS, "a.b"]
    steps = []
    for _ in range(draw.randint(1, 3)):
        kind = draw.choice(("remove", "rename", "cast"))
        chosen = draw.sample(known, draw.randint(1, 2))
        argument: Any = tuple(chosen)
        if kind == "cast":
            argument = {path: draw.choice(CASTS) for path in chosen}
        if kind == "rename":
            argument = {old: draw.choice(("e", "f", "g.h", "e.f", *known)) for old in chosen}
        steps.append(Step(kind, None, argument, draw.choice(("null", "fail"))))
    return steps


def sink_with(one: Any, folder: Path, *pages: Page) -> ArrowSink:
    names, keys = ColumnNameMonitor(one, shortens=False), PrimaryKeyMonitor(one, None)
    sink = ArrowSink(one, DeclaredTypes(one, None), keys, folder, names)
    try:
        for page in pages:
            sink.add(page)
            sink._convert(sink._next_batch())
    except RecordError:
        sink.close()
        raise
    return sink


def rows(sink: ArrowSink) -> Json:
    """The rows of all tables and the records beside them, without keys."""
    found = {
        suffix: [row for table in file.tables() for row in table.to_pylist()]
        for suffix, file in sink._files.items()
    }
    for table in found.values():
        for row in table:
            for key in [key for key in row if key.startswith("_dlt") and key != "_dlt_list_idx"]:
                del row[key]
    return {suffix: table for suffix, table in found.items() if table}


def both_sinks(folder: Path, rows_of: Resource, seed: int) -> str:
    """One resource by both ways; return "raw", "misfit" or why its pages are parsed."""
    draw = Random(seed)
    sample: Record = {key: value_for(draw, 2) for key in KEYS if draw.random() < 0.8} or {"a": 1}
    sample["id"] = 1
    steps = steps_for(draw, sample)
    try:
        (after,) = Transforms(replace(rows_of, steps=tuple(steps)))([copy.deepcopy(sample)])
    except RecordError:
        return "failed"
    if type(after.get("id")) is not int:
        return "no key"
    target = schema_of(after)
    for key in KEYS:
        if draw.random() < 0.1:
            target["properties"].setdefault(key, {"type": "string"})
    one = replace(rows_of, schema=target, steps=tuple(steps))
    reason = parsed_pages_reason(one, object())  # type: ignore[arg-type]
    if reason is not None:
        return reason
    odd = draw.choice((0, 0, 0.02))
    records: list[Record] = []
    for number in range(6):
        fields = {key: like(draw, one, odd) for key, one in sample.items() if draw.random() < 0.9}
        records.append({**fields, "id": number})
    if draw.random() < 0.2:
        records[3][draw.choice((*KEYS, "e"))] = draw.choice((None, 1, "x", {"a": "y"}))
    text = orjson.dumps({"items": records})
    steps_of = Transforms(one)
    try:
        changed = steps_of(orjson.loads(text)["items"])
    except RecordError:  # which the reader meets, by its projection
        return "failed"
    if len(changed) < len(records):
        return "skipped"
    page = Page(6, None, None, lambda: orjson.loads(text)["items"], RawList(text, ("items",)))
    try:
        parsed = sink_with(one, folder, Page.of(changed))
    except RecordError as error:
        with pytest.raises(RecordError, match=re.escape(str(error))):
            sink_with(one, folder, page.before(Transforms(one)))
        return "failed"
    raw = sink_with(one, folder, page.before(Transforms(one)))
    try:
        assert rows(raw) == rows(parsed), (seed, one.steps, target, records)
        assert list(raw.unusual(9)) == list(parsed.unusual(9)), seed
        return "misfit" if raw._misfits else "raw"
    finally:
        raw.close()
        parsed.close()


def compare(folder: Path, seeds: range) -> dict[str, int]:
    counts: dict[str, int] = {}
    rows_of = shop(folder, resource("rows", {"type": "object"})).resource("rows")
    for seed in seeds:
        found = both_sinks(folder, rows_of, seed)
        counts[found] = counts.get(found, 0) + 1
    return counts


def test_steps_in_columns_give_what_they_make_of_records(project: Path) -> None:
    counts = compare(project, range(60))
    assert counts["raw"] > 10
    assert counts["misfit"] > 3


@pytest.mark.slow
def test_many_steps_in_columns_give_what_they_make_of_records(project: Path) -> None:
    counts = compare(project, range(1000, 2500))
    assert counts["raw"] > 300


def without_ids(records: list[Record]) -> list[Record]:
    return [{key: one for key, one in record.items() if key != "id"} for record in records]


STEPS: dict[str, list[Json]] = {
    "remove": [{"remove": ["name", "place.city", "parts.no", "nothing.here"]}],
    "rename": [{"rename": {"name": "title", "place": "venue", "old": "day"}}],
    "cast": [
        {"cast": {"count": "string", "weight": "integer"}, "on_error": None},
        {"cast": {"on": "string"}},
    ],
    "all": [
        {"filter": "id != `3`"},
        {"rename": {"count": "size"}},
        {"cast": {"size": "string"}},
        {"remove": ["weight"]},
        {"rename": {"size": "name", "name": "label"}},
    ],
}


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(name, marks=() if name == "all" else pytest.mark.slow)
        for name in reversed(STEPS)
    ],
)
def test_the_tables_are_those_of_dlts_own_path(project: Path, steps: str) -> None:
    schema = copy.deepcopy(SCHEMA)
    fields = schema["properties"]
    renamed = {"rename": {"name": "title", "place": "venue"}, "all": {"name": "label"}}
    for old, new in renamed.get(steps, {}).items():
        fields[new] = fields.pop(old)
    if steps == "all":
        fields["name"] = fields.pop("count")
    if steps in ("all", "cast"):
        fields["name" if steps == "all" else "count"] = {"type": "string"}
        fields["on"] = {"type": "string"}
    plain = drawn(records_of(SCHEMA, odd=0), 60)
    odd = [one for name, ones in ODD.items() if name != "keys that meet" for one in ones]
    tables = ("plain", "odd")
    resources = [resource(name, schema, processing_steps=STEPS[steps]) for name in tables]
    loads = [
        {"plain": list(numbered(plain[:30])), "odd": list(numbered(without_ids(odd)))},
        {"plain": list(numbered(plain[30:], 15)), "odd": list(numbered(without_ids(PLAIN)))},
    ]
    ours, theirs = load_both(project, resources, *loads)
    for name in tables:
        assert_same(ours.of(name), theirs.of(name))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([{"remove": ["x", "place.city"]}, {"rename": {"title": "name"}}], None),
        ([{"cast": {"count": "integer"}}, {"filter": "count > `1`"}], None),
        ([{"rename": {"id": "day"}}], "a `rename` of `id`, which is a column as well"),
        ([{"remove": ["free.secret"]}], "a step changes parts of `free`"),
        ([{"remove": ["*_url"]}], "a `remove` with `*` in processing_steps"),
        ([{"set": {"day": "`1`"}}], "`set` in processing_steps"),
    ],
)
def test_why_pages_are_parsed(project: Path, steps: Json, reason: str | None) -> None:
    path = path_of(project, schema=SCHEMA, processing_steps=steps)
    assert path == ("arrow" if reason is None else f"arrow, from parsed pages ({reason})")
