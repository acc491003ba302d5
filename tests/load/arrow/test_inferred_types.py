"""Records without a declared schema by both paths: the tables that dlt infers from all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from framework.extract.page import Page, RawList, Record
from framework.load.arrow import inferred_types
from framework.load.arrow.arrow_sink import ArrowSink
from framework.load.arrow.eligibility import record_path_reason
from framework.load.destinations.target import target_of
from framework.load.monitors.primary_keys import PrimaryKeyMonitor
from framework.load.run_options import RunOptions
from framework.load.sink import open_sink
from framework.runtime.dlt_internals import TableInference
from tests.load.arrow.test_both_paths import ODD, PLAIN, WAYS
from tests.support.both_paths import (
    Into,
    assert_same,
    in_small_batches,
    into_files,
    into_postgres,
    load,
    load_both,
    resource,
    shop,
)
from tests.support.generated_records import drawn, loose_records, numbered
from tests.support.loaded_tables import Left

Json = Any

EVENTS: list[Json] = [
    {"id": 1, "name": "a", "at": "2026-01-01T10:00:00Z", "place": {"city": "Oslo", "zip": None},
     "guests": [{"mail": "x", "score": 1.5}], "tags": ["a"], "note": None, "lines": []},
    {"id": 2, "name": None, "at": None, "place": None, "guests": [], "tags": [None, "b"],
     "note": None, "lines": []},
    {"id": 3, "name": "c", "place": {"city": "Rome", "geo": {"lat": 1}}, "note": "late",
     "guests": [{"score": 2, "is_host": True}, {}], "lines": [{"no": 1, "marks": [1, 2]}]},
    {"id": 4, "at": "2026-01-01T10:00:00+02:00", "place": {}, "note": "x", "lines": [{"no": 2}]},
]  # fmt: skip
"""What an API sends: null, lists and objects that are empty at first, floats without a fraction."""


def test_records_without_a_schema_make_the_same_tables_by_both_paths(project: Path) -> None:
    resources = [resource(way, None, write_disposition=way) for way in WAYS]
    later = [{**EVENTS[2], "id": 9, "more": 1}, {**EVENTS[0], "place": {"zip": "1"}}]
    ours, theirs = load_both(
        project, resources, dict.fromkeys(WAYS, EVENTS), dict.fromkeys(WAYS, later)
    )
    assert_same(ours, theirs)
    assert {len(trees) for trees in ours.trees.values()} == {2, 5, 6}


def things(folder: Path, **hints: Any) -> tuple[Any, Any]:
    """A resource without a schema, and where it loads to."""
    connector = shop(folder, resource("things", None, **hints))
    return connector.resource("things"), target_of(connector, RunOptions(folder=folder))


def raw_page(records: list[Json]) -> Page:
    """A page as it comes from the network, that must not be parsed again."""
    body = orjson.dumps({"items": records})
    return Page(len(records), None, None, lambda: records, RawList(body, ("items",)))


def sink_of(folder: Path, *pages: Page, **hints: Any) -> ArrowSink:
    """The sink of the resource after these pages, each a batch of its own."""
    one, target = things(folder, **hints)
    sink = open_sink(one, target, None, folder)
    assert isinstance(sink, ArrowSink)
    for page in pages:
        sink.add(page)
        sink._convert(sink._next_batch())
    list(sink.finish())
    return sink


def others(sink: ArrowSink) -> list[int]:
    """The ids of the records that are left to dlt's normalizer."""
    return [record["id"] for batch in sink.unusual(10) for record in batch]


def test_arrow_takes_every_record_of_an_api_that_keeps_to_its_types(project: Path) -> None:
    sink = sink_of(project, raw_page(EVENTS[:2]), raw_page(EVENTS[2:]), raw_page(EVENTS))
    assert others(sink) == []
    ids = [one for table in sink.tables("") for one in table.column("id").to_pylist()]
    assert ids == [1, 2, 3, 4]  # of the later versions
    assert [len(table) for table in sink.tables("guests")] == [3]
    sink.close()


def test_pages_are_parsed_only_until_the_types_are_known(project: Path) -> None:
    def forbidden() -> list[Json]:
        raise AssertionError("parsed")

    known = raw_page(EVENTS)
    again = Page(4, None, None, forbidden, known.raw)
    sink = sink_of(project, known, again, again, write_disposition="append", primary_key=[])
    assert sum(len(table) for table in sink.tables("")) == 12
    sink.close()


TYPED = {"at": "2026-01-01T00:00:00Z", "count": 1, "size": 1.5, "on": True, "o": {"b": 1}}


@pytest.mark.parametrize("value", [{"a": 1}, [1], 2**63], ids=lambda value: str(value)[:5])
def test_a_value_of_another_kind_is_left_to_dlt(project: Path, value: Json) -> None:
    for key in TYPED:
        if key == "o" and type(value) is dict:
            continue
        sink = sink_of(project, Page.of([{"id": 1, **TYPED}, {"id": 2, key: value}, {"id": 3}]))
        assert others(sink) == [2], key
        sink.close()


@pytest.mark.parametrize("value", [5, 2.5, True, "soon", "7"], ids=str)
def test_a_plain_value_of_another_type_stays_in_arrow(project: Path, value: Json) -> None:
    for key in TYPED.keys() - {"o"}:
        records = [{"id": 1, **TYPED}, {"id": 2, key: value}, {"id": 3}]
        sink = sink_of(project, Page.of(records), raw_page(records))
        assert others(sink) == [], key
        assert sink._misfits == 0
        sink.close()


SCALARS: list[Json] = [
    5, 0, 1, -1, 2.0, 2.5, 1e30, True, False, "5", " 6 ", "0x1f", "1.5", "true", "no", "", "soon",
    "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T10:00:00+02:00", "10:00:00", 1767225600,
    "\u00e9\"\\ \n", None, 2**62, 2**63, -(2**63), 10**30, 99999999999999.0,
]  # fmt: skip


@pytest.mark.parametrize("first", [1, 1.5, True, "a", "2026-01-01T00:00:00Z", None], ids=str)
def test_fields_of_several_types_make_the_same_tables_by_both_paths(
    project: Path, first: Json
) -> None:
    def record(number: int, value: Json) -> Json:
        return {"id": number, "x": value, "o": {"x": value}, "l": [{"x": value}, {"x": None}]}

    values = [first, *SCALARS, *reversed(SCALARS)]
    records = [record(number, value) for number, value in enumerate(values)]
    later = [record(number, value) for number, value in enumerate(SCALARS, 20)]
    resources = [resource(way, None, write_disposition=way) for way in WAYS]
    with in_small_batches():
        ours, theirs = load_both(
            project, resources, dict.fromkeys(WAYS, records), dict.fromkeys(WAYS, later)
        )
    assert_same(ours, theirs)


def test_a_key_that_is_named_like_a_variant_leaves_its_field_to_dlt(project: Path) -> None:
    records = [{"id": 1, "x": 1, "x__v_text": "b"}, {"id": 2, "x": "a"}, {"id": 3, "x": 3}]
    sink = sink_of(project / "sink", Page.of([{**record} for record in records]))
    assert others(sink) == [2]
    sink.close()
    ours, theirs = load_both(project, [resource("things", None)], {"things": records})
    assert_same(ours, theirs)


def test_the_field_of_the_cursor_has_one_type(project: Path) -> None:
    incremental = {"cursor_path": "seen", "initial_value": 1}
    endpoint = {**resource("things", None)["endpoint"], "incremental": incremental}
    records = [{"id": 1, "seen": 5, "x": 1}, {"id": 2, "seen": "7", "x": "a"}]
    sink = sink_of(project, Page.of(records), endpoint=endpoint)
    assert others(sink) == [2]
    sink.close()


def test_what_only_a_superseded_version_has_makes_no_column(project: Path) -> None:
    # of the first versions nothing may stay: neither a column nor a type
    first = {"id": 1, "old": {"x": 1}, "gone": [1], "size": 1.5, "at": "2026-01-01T00:00:00Z"}
    records = [first, {"id": 2, "size": 2, "at": "x"}, {"id": 1, "size": 3, "new": 1}]
    ours, theirs = load_both(project, [resource("things", None)], {"things": records})
    assert_same(ours, theirs)
    assert set(ours.columns) == {"things"}
    assert ours.columns["things"]["size"] == ("BIGINT", "YES")
    assert "old__x" not in ours.columns["things"]


def test_the_greatest_cursor_is_the_last_version_whatever_its_type(project: Path) -> None:
    incremental = {"cursor_path": "seen", "initial_value": "20240101"}
    endpoint = {**resource("things", None)["endpoint"], "incremental": incremental}
    records = [
        {"id": 1, "seen": "20240303", "name": "last"},
        {"id": 1, "seen": "20240202", "name": "first"},
    ]
    ours, theirs = load_both(
        project, [resource("things", None, endpoint=endpoint)], {"things": records}
    )
    assert_same(ours, theirs)
    assert '"name": "last"' in ours.trees["things"][0]


def test_records_whose_keys_are_data_are_left_to_dlt_after_some(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inferred_types, "MAX_LESSONS", 3)
    records = [{"id": number, "by_id": {f"k{number}": number}} for number in range(12)]
    sink = sink_of(project / "sink", Page.of([{**record} for record in records]))
    assert others(sink) == list(range(3, 12))
    sink.close()
    resources = [resource(way, None, write_disposition=way) for way in WAYS]
    ours, theirs = load_both(project, resources, dict.fromkeys(WAYS, records))
    assert_same(ours, theirs)


def test_keys_that_meet_are_kept_apart_as_without_arrow(project: Path) -> None:
    records = [
        {"id": 1, "Name": "A", "ключ": 1},
        {"id": 2, "name": "B", "Name": None, "ключ": 2, "": 1},
        {"id": 3, "NAME": "C", "name": "D", "o": {"a.b": 1, "a_b": 2}},
    ]
    ours, theirs = load_both(
        project, [resource("things", None)], {"things": records[:2]}, {"things": records}
    )
    assert_same(ours, theirs)


def test_what_an_empty_key_holds_keeps_its_columns(project: Path) -> None:
    records = [{"id": 1, "o": {"": {"a": 1}}}, {"id": 2, "o": {"": {"a": 2, "b": "x"}}, "n": 1}]
    ours, theirs = load_both(project, [resource("things", None)], {"things": records})
    assert_same(ours, theirs)


def test_a_later_run_continues_the_loaded_columns(project: Path) -> None:
    first = [{"id": 1, "count": 1, "o": {"x": "a"}, "l": [{"no": 1}]}]
    second = [{"l": [{"size": 1.5, "no": 2}], "o": {"y": 1}, "id": 2, "new": True, "count": 2}]
    resources = [resource(way, None, write_disposition=way) for way in WAYS]
    loads = [dict.fromkeys(WAYS, records) for records in (first, second, first)]
    ours, theirs = load_both(project, resources, *loads)
    assert_same(ours, theirs)


def test_hints_of_columns_are_dlts(project: Path) -> None:
    columns = {
        "price": {"data_type": "decimal"}, "free": {"data_type": "json"},
        "day": {"data_type": "date"}, "code": {"data_type": "text"}, "never": {"data_type": "bool"},
    }  # fmt: skip
    records: list[Json] = [
        {"id": 1, "price": "1.50", "free": {"a": [1]}, "day": "2026-01-01", "code": "7", "x": 1},
        {"id": 2, "price": 2, "free": [], "day": None, "code": 8},
        {"id": 3, "price": "many", "free": "text", "day": "2026-01-01T00:00:00Z"},
    ]
    one = resource("things", None, columns=columns)
    ours, theirs = load_both(project, [one], {"things": records}, {"things": records[:2]})
    assert_same(ours, theirs)


def test_a_record_that_dlt_refuses_ends_the_resource_alone(project: Path) -> None:
    # the name of a variant column, with a value that it cannot hold
    bad = [{"id": 1, "x": 1, "x__v_text": 1.5}, {"id": 2, "x": "a", "x__v_text": "b"}]
    connector = shop(project, resource("bad", None), resource("good", None))
    report = load(connector, project, {"bad": bad, "good": EVENTS})
    assert report.resources["bad"].status == "failed"
    assert report.resources["good"].rows == 4


def test_what_follows_a_package_continues_its_types_without_changing_them(project: Path) -> None:
    sink = sink_of(project, raw_page(EVENTS[:2]))
    types = sink._types
    known = [name for name, _, _ in types.children()]
    after = types.following(PrimaryKeyMonitor(sink._resource, None), sink.keys.left_out)
    assert after.layout is types.layout
    assert after.examine({**EVENTS[2], "new": 1}, 0)[1]
    assert after.layout is not types.layout
    assert len(after.children()) > len(known)
    assert [name for name, _, _ in types.children()] == known
    assert not after.needs_records(pa.array([7], pa.int64()))
    # where the package needs all records, nobody knows what types dlt gives its tables
    doubtful = types.following(PrimaryKeyMonitor(sink._resource, None), pa.array([0], pa.int64()))
    assert doubtful.needs_records(pa.array([], pa.int64()))
    sink.close()


def test_values_that_dlt_converts_teach_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Record] = []
    add = TableInference.add
    monkeypatch.setattr(
        TableInference,
        "add",
        lambda self, table, record: seen.append(record) or add(self, table, record),
    )
    records = [{"id": 1, "no": 1, "name": "a", "o": {"x": 1}}]
    records += [{"id": number, "no": "x", "name": 5, "o": []} for number in range(2, 9)]
    sink = sink_of(project, Page.of(records))
    assert others(sink) == list(range(2, 9))  # of the list in place of an object
    assert [record["id"] for record in seen] == [1, 2]
    sink.close()


def test_why_a_resource_without_a_schema_takes_dlts_own_path(project: Path) -> None:
    one, target = things(project)
    profile = target.profile
    assert record_path_reason(one, profile) is None
    assert "share" in str(record_path_reason(one, profile, shares_table=True))
    for hints in (
        {"max_table_nesting": 1},
        {"schema_contract": "freeze"},
        {"columns": {"x": {"precision": 3}}},
        {"write_disposition": {"disposition": "merge", "strategy": "scd2"}},
        {"merge_key": "name"},
    ):
        other, _ = things(project, **hints)
        assert record_path_reason(other, profile) is not None, hints


def test_keys_that_meet_are_renamed_once(project: Path) -> None:
    records = [{"id": 1, "x": {"": "a", "__": {"b": "c"}}}, {"id": 2, "x": {"": 5, "__": {"b": 1}}}]
    ours, theirs = load_both(project, [resource("things", None)], {"things": records})
    assert_same(ours, theirs)


def test_resources_that_share_a_table_take_dlts_own_path(project: Path) -> None:
    resources = [
        resource("first", None, table_name="both"),
        resource("second", None, table_name="both"),
        resource("both_l", None, table_name="both__l"),
    ]
    records = {
        "first": [{"id": 1, "x": 1, "l": [1]}],
        "second": [{"id": 2, "x": "a", "y": 1.5}],
        "both_l": [],
    }
    ours, theirs = load_both(project, resources, records)
    assert_same(ours, theirs)


@pytest.fixture(scope="module")
def odd_ones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Left, Left]:
    """Each odd case as a resource of its own, before and after plain records."""
    resources, first = [], {}
    for number, odd in enumerate(ODD.values()):
        for place, records in (("a", [*odd, *PLAIN]), ("b", [*PLAIN, *odd, *PLAIN[:2]])):
            resources.append(resource(f"odd{number}{place}", None))
            first[f"odd{number}{place}"] = records
    folder = tmp_path_factory.mktemp("odd")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(folder))
        return load_both(folder, resources, first)


@pytest.mark.slow
@pytest.mark.xdist_group("odd records without a schema")
@pytest.mark.parametrize("place", ["a", "b"])
@pytest.mark.parametrize("odd", ODD)
def test_odd_records_make_the_same_tables_by_both_paths(
    odd: str, place: str, odd_ones: tuple[Left, Left]
) -> None:
    ours, theirs = (left.of(f"odd{list(ODD).index(odd)}{place}") for left in odd_ones)
    assert_same(ours, theirs)


EACH = 40
SHAPES = (2, 3)


def generated(ways: tuple[str, ...]) -> tuple[list[Json], list[dict[str, list[Record]]]]:
    """Resources of several shapes for each way, and their records in two loads."""
    resources: list[Json] = []
    loads: list[dict[str, list[Record]]] = [{}, {}]
    for shape in SHAPES:
        pool = drawn(loose_records(shape), 2 * EACH, shape)
        for way in ways:
            table = f"{way}{shape}"
            resources.append(resource(table, None, write_disposition=way))
            loads[0][table] = list(numbered(pool[:EACH]))
            loads[1][table] = list(numbered(pool[EACH:], EACH // 2))
    return resources, loads


def compare(folder: Path, ways: tuple[str, ...], into: Into | None = None) -> None:
    resources, loads = generated(ways)
    with in_small_batches():
        ours, theirs = load_both(folder, resources, *loads, into=into)
    for one in resources:
        assert_same(ours.of(one["name"]), theirs.of(one["name"]))


@pytest.mark.slow
def test_generated_records_into_duckdb(project: Path) -> None:
    compare(project, WAYS)


@pytest.mark.slow
def test_generated_records_into_postgres(
    project: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(project / "loose", WAYS, into_postgres(postgres, monkeypatch))


@pytest.mark.slow
def test_generated_records_into_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(project, ("append", "replace"), into_files(monkeypatch))
