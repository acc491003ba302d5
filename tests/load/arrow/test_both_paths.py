"""The same records by both paths: same tables, columns, types, keys and rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from framework.load.arrow.eligibility import record_path_reason
from framework.load.destinations import postgres as postgres_copies
from framework.load.destinations.target import target_of
from framework.load.run_options import RunOptions
from tests.support.both_paths import Into, assert_same, load_both, resource, shop
from tests.support.loaded_tables import Left
from tests.support.slow_params import quick_first

NESTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["string", "null"], "description": "What it is called."},
        "count": {"type": ["integer", "null"]},
        "weight": {"type": "number"},
        "price": {"type": ["string", "number", "null"], "format": "decimal"},
        "on": {"type": "boolean"},
        "at": {"type": ["string", "null"], "format": "date-time"},
        "day": {"type": "string", "format": "date"},
        "hour": {"type": "string", "format": "time"},
        "free": {},
        "odd Key-1": {"type": "string"},
        "place": {
            "type": ["object", "null"],
            "properties": {
                "city": {"type": "string"},
                "geo": {"type": "object", "properties": {"lat": {"type": "number"}, "raw": {}}},
                "tags": {"type": "array", "items": {"type": "string"}},
            },
        },
        "parts": {
            "type": ["array", "null"],
            "items": {
                "type": "object",
                "properties": {
                    "no": {"type": "integer"},
                    "cost": {"type": "string", "format": "decimal"},
                    "meta": {},
                    "made": {"type": "string", "format": "date-time"},
                    "holes": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "properties": {
                                "x": {"type": "number"},
                                "marks": {"type": "array", "items": {"type": "integer"}},
                            },
                        },
                    },
                },
            },
        },
        "prices": {"type": "array", "items": {"type": "string", "format": "decimal"}},
    },
}

PLAIN = [
    {"id": 1},
    {
        "id": 2, "name": "zwei ↔ 東京 🎉", "count": -(2**63), "weight": 1, "price": "12.50",
        "on": False, "at": "2024-02-29T23:59:59.123456Z", "day": "2024-02-29",
        "hour": "12:30:00", "free": {"a": [1, None, {"é": 1.5e30}]}, "odd Key-1": "",
        "place": {"city": "Oslo", "geo": {"lat": 59.9, "raw": 1e30}, "tags": ["a", None, "a"]},
        "parts": [
            {"no": 1, "cost": "0.1", "meta": "text", "made": "2024-01-01T00:00:00+02:00",
             "holes": [{"x": 1, "marks": [1, 2]}, {"marks": []}, {}]},
            {"no": 2, "meta": [], "holes": []},
            {},
        ],
        "prices": ["1", "2.5", None],
    },
    {
        "id": 3, "name": None, "count": 2**63 - 1, "weight": 2.5, "price": 49.5, "on": True,
        "at": "2024-01-01T10:00:00", "day": "2024-01-01T22:00:00-05:00", "hour": "10:00",
        "free": "text", "place": None, "parts": None,
    },
    {"id": 4, "free": 5, "price": 7, "at": "2024-01-01", "place": {}, "parts": []},
    {"id": 5, "free": None, "at": None, "place": {"geo": None, "tags": None}, "parts": [{}]},
    {"id": 6, "free": True, "count": 5.0, "at": "2024-01-01T10:00:00.123456789Z"},
]  # fmt: skip

ODD: dict[str, list[Any]] = {
    "a field that is not declared": [{"id": 10, "new": 5}, {"id": 11, "new": None}],
    "an undeclared time": [{"id": 10, "seen": "2024-01-01T00:00:00Z"}],
    "an undeclared object and list": [{"id": 10, "o": {"a": {"b": 1}, "l": [1]}, "l": [{"x": 1}]}],
    "empty names that meet": [{"id": 10, "o": {"": "a", "__": {"b": "c", "": True}}}],
    "undeclared below": [{"id": 10, "place": {"zip": "1"}, "parts": [{"no": 1, "new": [[1]]}]}],
    "text for a number": [{"id": 10, "count": "12", "weight": "1.5", "parts": [{"no": "7"}]}],
    "no number at all": [{"id": 10, "count": "many", "weight": True, "price": "free"}],
    "a fraction for an integer": [{"id": 10, "count": 5.5}],
    "a number for text": [{"id": 10, "name": 5, "place": {"city": 1.5, "tags": [1, True]}}],
    "past 64 bits": [{"id": 10, "count": 2**63, "new": 2**64 - 1, "free": 2**63}],
    "far past 64 bits": [{"id": 10, "count": 1e30, "new": 1e30}],
    "integers past 64 bits in lists": [
        {"id": 10, "parts": [{"holes": [{"marks": [2**63, 1]}]}], "new": [2**63]}
    ],
    "a decimal that is too fine": [{"id": 10, "price": "1.1234567891234", "prices": ["1e40"]}],
    "an integer past what a float holds": [{"id": 10, "weight": 2**60 + 1}],
    "no time at all": [{"id": 10, "at": "soon", "day": "someday", "hour": "25:00"}],
    "a time past the year 9999": [{"id": 10, "at": "10000-01-01T00:00:00Z"}],
    "a time as a number": [{"id": 10, "at": 1700000000, "day": 1700000000}],
    "an object for a value": [{"id": 10, "name": {"first": "A", "last": "B"}}],
    "a list for a value": [{"id": 10, "name": ["A", "B"], "on": []}],
    "a value for an object": [{"id": 10, "place": "Oslo"}, {"id": 11, "place": []}],
    "a list for an object": [{"id": 10, "place": [{"city": "Oslo"}]}],
    "a value for a list": [{"id": 10, "parts": "none"}, {"id": 11, "prices": 5}],
    "an object for a list": [{"id": 10, "parts": {"no": 1}, "place": {"tags": {"a": 1}}}],
    "mixed items": [{"id": 10, "parts": [{"no": 1}, 5, [6], None, "x"], "prices": ["1", {"a": 1}]}],
    "keys that meet": [{"id": 10, "Name": "A", "name": "B"}, {"id": 11, "NAME": "C"}],
    "keys with nothing in them": [{"id": 10, "": 1, " ": 2}, {"id": 11, "new": {}, "more": []}],
    "odd keys": [{"id": 10, "a.b": 1, "a__b": 2, "1st": 3, "ключ": 4, "_dlt_x": 5}],
}


LATER = [  # emptied, changed, new and doubled, at every depth
    {**PLAIN[1], "parts": [{"no": 1, "holes": [{"marks": [9]}]}], "prices": []},
    {**PLAIN[2], "parts": [{"no": 3}]},
    {"id": 20, "place": {"tags": ["x"]}},
    {"id": 20, "place": {"tags": ["x"]}},
]
WAYS = ("append", "merge", "replace")


def test_plain_records_make_the_same_tables_by_both_paths(project: Path) -> None:
    resources = [resource(way, NESTED, write_disposition=way) for way in WAYS]
    ours, theirs = load_both(
        project, resources, dict.fromkeys(WAYS, PLAIN), dict.fromkeys(WAYS, LATER)
    )
    assert_same(ours, theirs)
    assert set(ours.trees) == set(WAYS)


@pytest.fixture(scope="module")
def odd_ones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Left, Left]:
    """Each odd case as a resource of its own, loaded by both paths."""
    resources = [resource(f"odd{number}", NESTED) for number in range(len(ODD))]
    first = {f"odd{number}": [PLAIN[1], *odd] for number, odd in enumerate(ODD.values())}
    folder = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(folder))
        return load_both(folder, resources, first)


@pytest.mark.slow
@pytest.mark.xdist_group("odd records")
@pytest.mark.parametrize("odd", ODD)
def test_odd_records_make_the_same_tables_by_both_paths(
    odd: str, odd_ones: tuple[Left, Left]
) -> None:
    number = list(ODD).index(odd)
    ours, theirs = (left.of(f"odd{number}") for left in odd_ones)
    assert_same(ours, theirs)
    assert len(ours.trees[f"odd{number}"]) == 1 + len({row["id"] for row in ODD[odd]})


def test_an_undeclared_key_keeps_its_column_from_a_key_of_a_later_run(project: Path) -> None:
    things = resource("things", NESTED)
    first, second = {"id": 1, "place": {"¥": 5}}, {"id": 2, "place": {"🎉": 6}}
    ours, theirs = load_both(project, [things], {"things": [first]}, {"things": [second]})
    assert_same(ours, theirs)
    assert len([name for name in ours.columns["things"] if name.startswith("place__x")]) == 2


@pytest.mark.parametrize("value", [["a", 1], [], {"a": 1}, True])
def test_a_value_that_is_no_decimal_goes_where_dlt_puts_it(project: Path, value: Any) -> None:
    records = [{"id": 1, "price": value}, {"id": 2, "price": "1.5"}]
    ours, theirs = load_both(project, [resource("things", NESTED)], {"things": records})
    assert_same(ours, theirs)


def test_a_fraction_in_a_column_of_integers_is_not_cut_off(project: Path) -> None:
    # no other value here is left to dlt, which would take the fraction with it
    whole = {"properties": {"id": {"type": "integer"}, "count": {"type": "integer"}}}
    marks = {"type": "array", "items": {"type": "integer"}}
    resources = [
        resource("things", whole),
        resource("lists", {"properties": {"id": {"type": "integer"}, "marks": marks}}),
    ]
    records = {
        "things": [{"id": 1, "count": 5.5}, {"id": 2, "count": 2.0}, {"id": 3, "count": 1e300}],
        "lists": [{"id": 1, "marks": [1, 5.5]}],
    }
    ours, theirs = load_both(project, resources, records)
    assert_same(ours, theirs)
    assert "5.5" in str(ours.trees["things"])
    assert "5.5" in str(ours.trees["lists"])


def test_the_records_above_do_take_the_columnar_path(project: Path) -> None:
    connector = shop(project, resource("rows", NESTED))
    target = target_of(connector, RunOptions(folder=project))
    for one in connector.resources:
        assert record_path_reason(one, target.profile) is None


@pytest.mark.parametrize(
    "others", quick_first([], ["a\n\\.\nb", "\\."]), ids=["copied", "inserted"]
)
def test_no_text_is_another_one_in_any_database(
    project: Path, into: Into, others: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # a row for each, and one behind them that must not be lost
    texts = ["", None, " ", '"', '""', "NULL", "null", "\\N", "\\", ",", "a,b\r\nc", "'", *others]
    records = [
        {"id": number, "name": text, "tags": [text, text], "at": None, "weight": 0.1, "on": True}
        for number, text in enumerate([*texts, "last"])
    ]
    inserted: list[object] = []
    insert = postgres_copies._insert
    monkeypatch.setattr(
        postgres_copies, "_insert", lambda *given: inserted.append(given) or insert(*given)
    )
    schema = {
        "properties": {
            **{name: NESTED["properties"][name] for name in ("id", "name", "at", "weight", "on")},
            "tags": {"type": "array", "items": {"type": "string"}},
        }
    }
    ours, theirs = load_both(
        project, [resource("things", schema)], {"things": records}, {"things": records}, into=into
    )
    assert_same(ours, theirs)
    assert bool(inserted) == bool(others and "postgres" in str(into))
