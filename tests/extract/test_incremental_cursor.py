"""Incrementals: dlt's own state, lags as durations, and the watermark at the run's start."""

from datetime import UTC, datetime, timedelta

import pytest
from dlt.extract.utils import digest_dedup_value

from framework.definition.model import Incremental
from framework.definition.values.datetimes import same_format, write_time
from framework.errors import FrameworkError
from framework.extract.incremental.cursor_times import run_start
from framework.extract.incremental.policy import lag_in_dlts_units
from tests.support.open_resource import one_list, opened

NOW = datetime(2024, 6, 15, 12, 30, tzinfo=UTC)


def feed(url, incremental, **endpoint):
    body = one_list(url, {"incremental": {"cursor_path": "at", **incremental}, **endpoint})
    body["resources"][0].update({"write_disposition": "merge", "primary_key": "id"})
    return body


def sent(web, name="since"):
    return [asked.param(name) for asked in web.asked]


def record(number, at):
    return {"id": number, "at": at}


@pytest.mark.parametrize(
    ("lag", "initial", "expected"),
    [
        (None, None, None),
        (5, "2024-01-01", 5),
        (timedelta(days=30), "2024-01-01T00:00:00Z", 30 * 86400),
        (timedelta(hours=1), None, 3600),
        (timedelta(days=30), "2024-01-01", 30),
        (timedelta(minutes=2), 1_700_000_000, 120),
    ],
)
def test_a_lag_is_in_dlts_units(lag, initial, expected):
    assert lag_in_dlts_units(Incremental("at", {}, lag=lag), initial) == expected


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        ("2024-01-01T00:00:00Z", "2024-06-15T12:30:00Z"),
        ("2024-01-01 00:00:00", "2024-06-15 12:30:00"),
        ("2024-01-01T00:00:00.000Z", "2024-06-15T12:30:00.000Z"),
        ("2024-01-01T00:00:00+00:00", "2024-06-15T12:30:00+00:00"),
        ("2024-01-01T00:00:00", "2024-06-15T12:30:00"),
        ("2024-01-01", "2024-06-15"),
        (0, 1718454600),
        (1.5, 1718454600),
        (None, "2024-06-15T12:30:00Z"),
    ],
)
def test_the_runs_start_is_written_like_the_initial_value(example, expected):
    assert write_time(run_start(NOW), same_format(example)) == expected


def test_the_first_run_asks_from_the_initial_value_and_the_next_from_the_last_seen(tmp_path, web):
    web.on("/items", [record(1, "2024-03-01T00:00:00Z"), record(2, "2024-03-02T00:00:00Z")])
    body = feed(web.url, {"start_param": "since", "initial_value": "2024-01-01T00:00:00Z"})
    state = {}
    assert len(opened(tmp_path, body, state=state).read("items")) == 2
    assert opened(tmp_path, body, state=state).read("items") == []
    assert sent(web) == ["2024-01-01T00:00:00Z", "2024-03-02T00:00:00Z"]
    assert state["items"]["at"]["last_value"] == "2024-03-02T00:00:00Z"


def test_a_watermark_at_the_runs_start_moves_with_no_records_too(tmp_path, web):
    web.on("/items", [record(1, "2024-03-01T00:00:00Z")])
    body = feed(
        web.url,
        {
            "start_param": "since",
            "initial_value": "2024-01-01T00:00:00Z",
            "watermark": "run_start",
            "lag": "P30D",
        },
    )
    state = {}
    assert len(opened(tmp_path, body, state=state, now=NOW).read("items")) == 1
    assert state["items"]["at"]["last_value"] == "2024-06-15T12:30:00Z"
    later = NOW + timedelta(days=1)
    assert len(opened(tmp_path, body, state=state, now=later).read("items")) == 1
    web.on("/items", [])
    assert opened(tmp_path, body, state=state, now=later).read("items") == []
    assert sent(web) == ["2024-01-01T00:00:00Z", "2024-05-16T12:30:00Z", "2024-05-17T12:30:00Z"]
    assert state["items"]["at"]["last_value"] == "2024-06-16T12:30:00Z"


def test_a_lag_never_goes_before_the_initial_value(tmp_path, web):
    web.on("/items", [])
    initial = "2024-06-14T00:00:00Z"
    body = feed(
        web.url,
        {"start_param": "since", "initial_value": initial, "watermark": "run_start", "lag": "P30D"},
    )
    state = {}
    for _ in range(2):
        opened(tmp_path, body, state=state, now=NOW).read("items")
    assert sent(web) == [initial, initial]


def test_dates_lag_by_days(tmp_path, web):
    web.on("/items", [record(1, "2024-03-31")])
    body = feed(web.url, {"start_param": "since", "initial_value": "2024-01-01", "lag": "P30D"})
    state = {}
    for _ in range(2):
        opened(tmp_path, body, state=state).read("items")
    assert sent(web) == ["2024-01-01", "2024-03-01"]


def test_epochs_lag_by_seconds(tmp_path, web):
    web.on("/items", [record(1, 1_700_000_000)])
    body = feed(web.url, {"start_param": "since", "initial_value": 1_600_000_000, "lag": "PT1M"})
    state = {}
    for _ in range(2):
        opened(tmp_path, body, state=state).read("items")
    assert sent(web) == ["1600000000", "1699999940"]


def test_a_lag_that_cannot_be_taken_from_the_watermark_is_one_clear_error(tmp_path, web):
    web.on("/items", [record(1, "v5")])
    body, state = feed(web.url, {"lag": "P1D"}), {}
    opened(tmp_path, body, state=state).read("items")
    with pytest.raises(FrameworkError, match="items: found `lag` with a cursor that is neither"):
        opened(tmp_path, body, state=state).read("items")


def test_numbers_are_cursors_too(tmp_path, web):
    web.on("/items", [record(1, 5), record(2, 9)])
    body = feed(web.url, {"start_param": "since", "initial_value": 1})
    state = {}
    for _ in range(2):
        opened(tmp_path, body, state=state).read("items")
    assert sent(web) == ["1", "9"]


def test_a_range_sends_both_ends_and_keeps_no_state(tmp_path, web):
    web.on("/items", [record(1, 5), record(2, 9), record(3, 20)])
    body = feed(
        web.url,
        {"start_param": "since", "end_param": "until", "initial_value": 4, "end_value": 10},
    )
    state = {}
    for _ in range(2):
        found = opened(tmp_path, body, state=state).read("items")
        assert [one["id"] for one in found] == [1, 2]
    assert (sent(web), sent(web, "until")) == (["4", "4"], ["10", "10"])
    assert not state.get("items")


def test_placeholders_of_the_incremental_go_anywhere(tmp_path, web):
    web.on("/items", [], method="POST")
    body = feed(
        web.url,
        {"initial_value": "2024-01-01", "end_value": "2024-02-01"},
        method="POST",
        params={"q": "at>{incremental.start_value}"},
        headers={"X-Since": "{incremental.initial_value}"},
        json={"range": ["{incremental.start_value}", "{incremental.end_value}"]},
    )
    opened(tmp_path, body).read("items")
    asked = web.asked[0]
    assert asked.param("q") == "at>2024-01-01"
    assert asked.headers["x-since"] == "2024-01-01"
    assert asked.json() == {"range": ["2024-01-01", "2024-02-01"]}


def test_a_start_that_has_no_value_yet_is_left_out(tmp_path, web):
    web.on("/items", [record(1, 5)], method="POST")
    everywhere = {
        "params": {"q": "{incremental.start_value}"},
        "headers": {"X-Since": "{incremental.start_value}"},
        "json": {"since": "{incremental.start_value}"},
    }
    body = feed(web.url, {"start_param": "since"}, method="POST", **everywhere)
    state = {}
    for _ in range(2):
        opened(tmp_path, body, state=state).read("items")
    assert [asked.query for asked in web.asked] == [(), (("q", "5"), ("since", "5"))]
    assert [asked.headers.get("x-since") for asked in web.asked] == [None, "5"]
    assert [asked.json() for asked in web.asked] == [{}, {"since": 5}]


def test_a_start_that_has_no_value_yet_inside_a_text_is_an_error(tmp_path, web):
    body = feed(web.url, {}, params={"q": "at>{incremental.start_value}"})
    with pytest.raises(FrameworkError, match="initial_value"):
        opened(tmp_path, body).read("items")
    assert web.asked == []


def test_the_incrementals_parameter_wins_over_a_fixed_one(tmp_path, web):
    web.on("/items", [])
    body = feed(
        web.url, {"start_param": "since", "initial_value": 7}, params={"since": "never", "n": 1}
    )
    opened(tmp_path, body).read("items")
    assert sorted(web.asked[0].query) == [("n", "1"), ("since", "7")]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_known_order_stops_asking_past_the_range(tmp_path, web, order):
    numbers = range(1, 30) if order == "asc" else range(30, 0, -1)

    def pages(asked):
        page = int(asked.param("page"))
        return {"items": [record(n, n) for n in list(numbers)[page * 3 : page * 3 + 3]]}

    web.on("/items", pages)
    body = feed(
        web.url,
        {"initial_value": 20 if order == "desc" else 1, "end_value": 30, "row_order": order},
        paginator={"type": "page_number", "base_page": 0, "total_path": None},
        params={"q": "{incremental.start_value}"},
    )
    if order == "asc":
        body["resources"][0]["endpoint"]["incremental"]["end_value"] = 10
    found = opened(tmp_path, body).read("items")
    assert {one["id"] for one in found} == set(range(1, 10) if order == "asc" else range(20, 30))
    assert len(web.asked) == 4


def test_records_already_seen_at_the_watermark_are_left_out(tmp_path, web):
    web.on("/items", [record(1, 5), record(2, 9)])
    body = feed(web.url, {"start_param": "since", "initial_value": 1})
    state = {}
    opened(tmp_path, body, state=state).read("items")
    web.on("/items", [record(2, 9), record(3, 9), record(4, 10)])
    found = opened(tmp_path, body, state=state).read("items")
    assert [one["id"] for one in found] == [3, 4]


def test_what_is_read_for_children_only_moves_no_watermark(tmp_path, web):
    web.on("/items", [record(1, 5), record(2, 9)])
    web.on("/items/{id}/parts", lambda asked: [{"of": asked.parts["id"]}])
    body = feed(web.url, {"start_param": "since", "initial_value": 1})
    body["resources"].append(
        {
            "name": "parts",
            "write_disposition": "replace",
            "endpoint": {
                "path": "/items/{resources.items.id}/parts",
                "paginator": "single_page",
            },
        }
    )
    state = {}
    for _ in range(2):
        assert opened(tmp_path, body, state=state).read("parts") == [{"of": "1"}, {"of": "2"}]
    assert sent(web)[0] == sent(web)[3] == "1"
    assert state["items"].get("at", {}).get("last_value") in (None, 1)


@pytest.mark.parametrize(
    ("incremental", "records", "said"),
    [
        ({"initial_value": 1}, [{"id": 1}], "no value at the incremental's cursor_path `at`"),
        ({"initial_value": 1}, [record(1, None)], "no value at the incremental's cursor_path `at`"),
        ({"initial_value": 1}, [record(1, "2024")], "cannot be compared with its initial_value"),
        ({"initial_value": "2024"}, [record(1, 5)], "cannot be compared with its initial_value"),
        ({}, [record(1, 5), record(2, "10")], "a number (written as 9) in one record and text"),
        ({}, [record(1, "10"), record(2, 5)], "processing_steps: [{cast: {at: integer}}]"),
        ({"initial_value": 3}, [record(1, 5), record(2, "x")], "text (written as a) in another"),
        ({}, [record(1, {"a": 1}), record(2, {"a": 2})], "they are an object"),
    ],
)
def test_a_cursor_that_cannot_be_read_is_one_clear_error(tmp_path, web, incremental, records, said):
    web.on("/items", records)
    body = feed(web.url, {"start_param": "since", **incremental})
    with pytest.raises(FrameworkError) as caught:
        opened(tmp_path, body).read("items")
    assert str(caught.value).startswith("items: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(("missing", "ids"), [("include", [1, 2]), ("exclude", [2])])
def test_records_without_a_cursor_are_in_or_out_as_the_file_says(tmp_path, web, missing, ids):
    web.on("/items", [{"id": 1}, record(2, 5)])
    body = feed(
        web.url,
        {"start_param": "since", "initial_value": 1, "on_cursor_value_missing": missing},
    )
    assert [one["id"] for one in opened(tmp_path, body).read("items")] == ids


def test_hashes_that_dlt_wrote_before_1_29_still_match(tmp_path, web):
    web.on("/items", [record(1, 5), record(2, 5)])
    body = feed(web.url, {"initial_value": 1})
    body["resources"][0]["write_disposition"] = "append"
    state = {
        "items": {
            "at": {
                "initial_value": 1,
                "last_value": 5,
                "start_value": 1,
                "unique_hashes": [digest_dedup_value(1, legacy=True)],
            }
        }
    }
    assert [one["id"] for one in opened(tmp_path, body, state=state).read("items")] == [2]
    assert opened(tmp_path, body, state=state).read("items") == []
