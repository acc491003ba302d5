"""What changed since it was loaded leaves nothing behind: lists emptied, records changed, records
that come twice in one load, with changes or without; on both paths, in DuckDB and PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.both_paths import Into, load, resource, shop

Json = Any
pytestmark = pytest.mark.slow
LEVELS: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": "string"},
        "box": {
            "type": "object",
            "properties": {
                "parts": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "no": {"type": "integer"},
                            "holes": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "properties": {
                                        "marks": {"type": "array", "items": {"type": "string"}}
                                    },
                                },
                            },
                        },
                    },
                }
            },
        },
    },
}


def deep(number: int, version: str, *, odd: bool = False) -> Json:
    """A record with rows at every depth, all of this version; an odd one takes dlt's own path."""
    hole = {"marks": [version, version]}
    part = {"no": 1, "holes": [hole, hole]}
    more = {"extra": [version]} if odd else {}
    return {"id": number, "name": version, "box": {"parts": [part, part]}, **more}


def emptied(number: int) -> Json:
    return {"id": number, "name": "emptied", "box": {"parts": [{"no": 2, "holes": []}]}}


FIRST = [deep(number, "old", odd=number % 3 == 0) for number in range(8)]
SECOND = [
    {"id": 0},
    emptied(1),
    {"id": 2, "name": "gone", "box": {"parts": None}},
    deep(3, "new"),  # was odd
    deep(4, "new", odd=True),  # was not
    deep(5, "first"),
    deep(5, "last"),
    deep(6, "odd first", odd=True),
    deep(6, "plain last"),
    deep(8, "new"),
    deep(8, "new"),
]


def test_nothing_stale_and_nothing_double_at_any_depth(
    project: Path, way: None, into: Into
) -> None:
    folder = project / project.name
    connector = shop(folder, resource("rows", LEVELS))
    options, read = into(folder)
    for records in (FIRST, SECOND, SECOND):
        report = load(connector, folder, {"rows": records}, **options)
        assert report.status == "ok", report.as_dict()
    trees = {tree["id"]: text for text in read(folder).trees["rows"] for tree in [json.loads(text)]}
    assert sorted(trees) == [str(number) for number in range(9)]
    assert json.loads(trees["0"]) == {"id": "0"}
    assert trees["1"].count("rows__box__parts") == 1
    assert json.loads(trees["2"]) == {"id": "2", "name": "gone"}
    kept = {"3": {"new"}, "4": {"new"}, "5": {"first", "last"}, "7": {"old"}, "8": {"new"}}
    for number, versions in {**kept, "6": {"odd first", "plain last"}}.items():
        name = json.loads(trees[number])["name"]
        assert name in versions
        # two parts of two holes of two marks, all of the version that was kept
        assert trees[number].count(f'"value": "{name}"') == 8 + ("rows__extra" in trees[number])
        others = (versions | {"old", "new"}) - {name}
        assert not [v for v in others if f'"{v}"' in trees[number]]


@pytest.mark.parametrize("disposition", ["append", "replace", "merge"])
def test_a_schema_given_or_taken_away_works_or_ends_before_any_request(
    project: Path, into: Into, disposition: str
) -> None:
    from framework.errors import FrameworkError

    folder = project / project.name
    options, read = into(folder)
    records = {"rows": [deep(1, "2024-01-01"), deep(2, "other")]}
    given = shop(folder, resource("rows", LEVELS, write_disposition=disposition))
    text = {"type": "object", "properties": {"id": {"type": "string"}}}
    for schema in (None, LEVELS, None, LEVELS):
        connector = shop(folder, resource("rows", schema, write_disposition=disposition))
        assert load(connector, folder, records, **options).status == "ok"
    wanted = 8 if disposition == "append" else 2
    assert len(read(folder).trees["rows"]) == wanted
    other = shop(folder, resource("rows", text, write_disposition=disposition))
    with pytest.raises(FrameworkError, match="run shop --refresh --resources rows") as caught:
        load(other, folder, {}, **options)  # there is nothing to ask for
    assert "rows: the loaded table rows has `id` as bigint" in str(caught.value)
    assert load(other, folder, records, refresh=True, **options).status == "ok"
    assert len(read(folder).trees["rows"]) == 2
    with pytest.raises(FrameworkError, match="run shop --refresh --resources rows"):
        load(given, folder, {}, **options)
