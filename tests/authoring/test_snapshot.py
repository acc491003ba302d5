"""Tables read out of DuckDB, written, read and compared."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import duckdb
import pytest

from framework.authoring.cassettes.snapshot import compare, read_expected, snapshot, write_expected
from framework.errors import CassetteError

KEYS = {"members": ("id",), "visits": ("member_id", "day")}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "club.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            CREATE SCHEMA club_data;
            CREATE TABLE club_data._dlt_loads (load_id VARCHAR);
            CREATE TABLE club_data.members (
                id VARCHAR, name VARCHAR, joined TIMESTAMP WITH TIME ZONE, born DATE,
                wakes TIME, fee DECIMAL(38, 9), age BIGINT, score DOUBLE, active BOOLEAN,
                extra JSON, _dlt_load_id VARCHAR, _dlt_id VARCHAR);
            INSERT INTO club_data.members
                SELECT 'm' || (9 - n), 'Name ' || n, '2026-01-02 03:04:05.678+02:00',
                    '1990-05-06', '07:30:00', 49.90, 30 + n, 0.5, n % 2 = 0,
                    '{"b": [1, null], "a": "ü"}', 'load', 'row' || n
                FROM range(7) AS r(n);
            INSERT INTO club_data.members (id) VALUES ('m0');
            CREATE TABLE club_data.members__tags (
                value VARCHAR, _dlt_parent_id VARCHAR, _dlt_list_idx BIGINT, _dlt_id VARCHAR);
            INSERT INTO club_data.members__tags VALUES ('z', 'p', 0, 'x'), ('a', 'p', 1, 'y');
            CREATE TABLE club_data.visits (day DATE, member_id BIGINT, _dlt_id VARCHAR);
            CREATE SCHEMA other_data; CREATE TABLE other_data.hidden (x BIGINT);
            """
        )
    return path


def test_a_snapshot_has_what_does_not_depend_on_the_machine(database: Path) -> None:
    taken = snapshot(database, "club_data", KEYS)
    assert list(taken["tables"]) == ["members", "members__tags", "visits"]
    members = taken["tables"]["members"]
    assert members["rows"] == 8
    assert members["columns"] == {
        "active": "bool",
        "age": "bigint",
        "born": "date",
        "extra": "json",
        "fee": "decimal",
        "id": "text",
        "joined": "timestamp",
        "name": "text",
        "score": "double",
        "wakes": "time",
    }
    assert [row["id"] for row in members["first_rows"]] == ["m0", "m3", "m4", "m5", "m6"]
    assert members["first_rows"][1] == {
        "id": "m3",
        "active": True,
        "age": 36,
        "born": "1990-05-06",
        "extra": {"b": [1, None], "a": "ü"},
        "fee": "49.9",
        "joined": "2026-01-02T01:04:05.678000Z",
        "name": "Name 6",
        "score": 0.5,
        "wakes": "07:30:00",
    }
    assert set(members["first_rows"][0].values()) == {"m0", None}


def test_a_child_table_is_ordered_by_all_its_columns(database: Path) -> None:
    tags = snapshot(database, "club_data", KEYS)["tables"]["members__tags"]
    assert tags == {
        "rows": 2,
        "columns": {"value": "text"},
        "first_rows": [{"value": "a"}, {"value": "z"}],
    }


def test_an_empty_table_has_its_columns(database: Path) -> None:
    visits = snapshot(database, "club_data", KEYS)["tables"]["visits"]
    assert visits == {
        "rows": 0,
        "primary_key": ["member_id", "day"],
        "columns": {"day": "date", "member_id": "bigint"},
        "first_rows": [],
    }


def test_what_is_written_is_read_and_is_equal(database: Path, tmp_path: Path) -> None:
    path = tmp_path / "cassettes" / "club.expected.yaml"
    taken = snapshot(database, "club_data", KEYS)
    write_expected(path, taken)
    assert compare(read_expected(path, "club"), taken) == []
    first = path.read_bytes()
    write_expected(path, snapshot(database, "club_data", KEYS))
    assert path.read_bytes() == first
    assert "ü" in first.decode()


def change(taken: dict[str, Any], *path: Any, to: Any) -> dict[str, Any]:
    made = copy.deepcopy(taken)
    at: Any = made["tables"]
    for step in path[:-1]:
        at = at[step]
    if to is None and isinstance(at, dict):
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return made


DIFFERENT = [
    (("visits",), None, "table `visits` is missing, expected 0 rows"),
    (("members", "rows"), 9, "table `members`: expected 8 rows, found 9"),
    (("members", "columns", "age"), "text", "column `age`: expected type bigint, found text"),
    (("members", "columns", "age"), None, "column `age` (bigint) is missing"),
    (("members", "columns", "new"), "text", "column `new` (text) is new"),
    (
        ("members", "first_rows", 1, "name"),
        "Name 7",
        'row id="m3", column `name`: expected "Name 6", found "Name 7"',
    ),
    (("members", "first_rows", 1, "active"), 1, "column `active`: expected true, found 1"),
    (("members", "first_rows", 1, "id"), "m1", 'row id="m3" is missing from the first 5 rows'),
    (("members", "first_rows", 1, "id"), "m1", 'row id="m1" is new among the first 5 rows'),
    (("members", "primary_key"), ["name"], "expected the primary key id, found name"),
    (
        ("members__tags", "first_rows", 0, "value"),
        "b",
        'table `members__tags`: row 1, column `value`: expected "a", found "b"',
    ),
]


@pytest.mark.parametrize(("path", "to", "wanted"), DIFFERENT)
def test_a_difference_is_said_in_one_line(
    database: Path, path: tuple[Any, ...], to: Any, wanted: str
) -> None:
    taken = snapshot(database, "club_data", KEYS)
    lines = compare(taken, change(taken, *path, to=to))
    assert any(wanted in line for line in lines), lines


def test_a_new_table_is_a_difference(database: Path) -> None:
    taken = snapshot(database, "club_data", KEYS)
    assert compare(change(taken, "visits", to=None), taken) == [
        "table `visits` is new, it has 0 rows"
    ]


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (None, "there is no"),
        (b"\xff\xfe", "not UTF-8"),
        (b"tables: [", "not valid YAML"),
        (b"a: 1", "does not contain"),
        (b"format: 1\ntables: {a: 1}", "does not contain"),
        (b"", "does not contain"),
    ],
)
def test_a_broken_file_says_how_to_make_it(
    tmp_path: Path, content: bytes | None, wanted: str
) -> None:
    path = tmp_path / "club.expected.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CassetteError) as caught:
        read_expected(path, "club")
    assert wanted in str(caught.value)
    assert "framework test club --update" in str(caught.value)


def test_a_missing_database_is_said(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="cannot be read"):
        snapshot(tmp_path / "none.duckdb", "club_data", {})
