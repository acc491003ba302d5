"""Of several versions of one key in a run the last stays, on both paths, in each destination."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from framework.load.deduplication import VersionOrder
from tests.support.both_paths import Into, load, resource, shop

Json = Any
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "state": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
HINTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "delete": {"columns": {"gone": {"hard_delete": True, "data_type": "bool"}}},
    "upsert": {"write_disposition": {"disposition": "merge", "strategy": "upsert"}},
    "insert": {"write_disposition": {"disposition": "merge", "strategy": "insert-only"}},
    "scd": {
        "write_disposition": {"disposition": "merge", "strategy": "scd2"},
        "merge_key": "id",
    },
}


def version(number: int, day: int, state: str, **more: Any) -> Json:
    tags = [state, f"{state}{day}"]
    return {"id": number, "state": state, "at": f"2026-01-{day:02}T00:00:00Z", "tags": tags, **more}


def things(name: str, schema: Json, **hints: Any) -> Json:
    made = resource(name, schema, **hints)
    made["endpoint"]["incremental"] = {"cursor_path": "at", "initial_value": "2026-01-01T00:00:00Z"}
    return made


def states(trees: dict[str, list[str]], table: str) -> dict[int, tuple[str, list[str]]]:
    """State and tags of each row by its id, of the active rows."""
    found = {}
    for tree in map(json.loads, trees[table]):
        below = next((tree[key] for key in tree if key.endswith("__tags")), [])
        assert tree["id"] not in found, tree
        found[int(tree["id"])] = tree["state"], [row["value"] for _, row in below]
    return found


RECORDS = [
    version(1, 9, "new"),
    version(1, 2, "old", odd=1),  # goes beside the tables
    version(2, 2, "old", odd=1),
    version(3, 2, "old"),
    version(2, 9, "new"),
    version(3, 9, "new", odd=1),
    version(3, 3, "older"),
    *(version(number, 3, "alone") for number in range(4, 9)),
]
LAST = {1: "new", 2: "new", 3: "new", **dict.fromkeys(range(4, 9), "alone")}


@pytest.mark.slow
@pytest.mark.usefixtures("way")
def test_the_last_version_stays_with_its_children(project: Path, into: Into) -> None:
    connector = shop(
        project / "last",
        *(things(name, SCHEMA, **hints) for name, hints in HINTS.items()),
        things("untyped", None),
    )
    options, read = into(project / "last")
    names = [*HINTS, "untyped"]
    for _ in range(2):
        report = load(connector, project / "last", dict.fromkeys(names, RECORDS), **options)
        assert report.status == "ok", report.as_dict()
    trees = read(project / "last").trees
    for name in names:
        found = states(trees, name)
        assert {number: state for number, (state, _) in found.items()} == LAST, name
        assert found[1][1] == ["new", "new9"], name
        codes = {warning.code for warning in report.resources[name].warnings}
        assert "keys-repeated" not in codes, name


@pytest.mark.slow
@pytest.mark.usefixtures("way")
def test_an_update_a_deletion_and_a_new_creation_in_one_run(project: Path, into: Into) -> None:
    records = [
        version(1, 1, "made", gone=False),
        version(1, 2, "gone", gone=True),
        version(2, 3, "again", gone=False),
        version(2, 2, "gone", gone=True),
        version(2, 1, "made", gone=False),
    ]
    schema = {**SCHEMA, "properties": {**SCHEMA["properties"], "gone": {"type": "boolean"}}}
    columns = {"gone": {"hard_delete": True}}
    connector = shop(
        project / "gone",
        things("typed", schema, columns=columns),
        things("untyped", None, columns=columns),
    )
    options, read = into(project / "gone")
    load(connector, project / "gone", {"typed": records, "untyped": records}, **options)
    trees = read(project / "gone").trees
    for name in ("typed", "untyped"):
        assert states(trees, name) == {2: ("again", ["again", "again3"])}


@pytest.mark.parametrize(
    ("values", "incremental"),
    [
        (["9", "10"], {}),
        ([None, "2026-01-01T12:00:00+14:00", "2026-01-01"], {}),
        (["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.1Z"], {}),
        ([4.5, 5], {}),
        (["a", "b"], {}),
        (["01.02.2026", "02.01.2027"], {"format": "%d.%m.%Y", "initial_value": "01.01.2026"}),
    ],
)
def test_versions_are_compared_as_what_they_are(
    project: Path, values: list[Json], incremental: Json
) -> None:
    made = things("things", None)
    made["endpoint"]["incremental"] = {"cursor_path": "at", **incremental}
    order = VersionOrder(shop(project, made).resource("things"))
    keys = [order.key(order.value({"at": value})) for value in values]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
