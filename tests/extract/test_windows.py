"""Windows, times in any form, and ranges that are read again, as requests and state show them."""

from datetime import UTC, datetime, timedelta

import pytest

from framework.definition.values.durations import parse_period
from framework.errors import FrameworkError
from framework.extract.incremental.policy import CursorRange
from framework.extract.incremental.windows import split
from framework.runtime.environment import ServerClock
from tests.support.open_resource import one_list, opened
from tests.support.servers.web import Answer, each

NOW = datetime(2024, 6, 15, 12, 30, 0, 700000, tzinfo=UTC)
DAYS = {"start_param": "since", "end_param": "until", "initial_value": "2024-06-01", "step": "P5D"}


def feed(url, incremental, disposition="merge", **endpoint):
    body = one_list(url, {"incremental": {"cursor_path": "at", **incremental}, **endpoint})
    body["resources"][0].update({"write_disposition": disposition, "primary_key": "id"})
    return body


def sent(web):
    return [(asked.param("since"), asked.param("until")) for asked in web.asked]


def record(number, at):
    return {"id": number, "at": at}


def moment(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end", "step", "edges"),
    [
        ("2024-01-01", "2024-01-03", "P1D", ["01-01", "01-02", "01-03"]),
        ("2024-01-01", "2024-01-02", "P1D", ["01-01", "01-02"]),
        ("2024-01-01", "2024-01-01", "P1D", ["01-01", "01-01"]),
        ("2024-01-05", "2024-01-01", "P1D", ["01-05", "01-05"]),
        ("2024-01-31", "2024-04-15", "P1M", ["01-31", "02-29", "03-31", "04-15"]),
    ],
)
def test_windows_cover_the_range_without_a_gap(start, end, step, edges):
    found = list(split(moment(start), moment(end), parse_period(step), None))
    assert [f"{begin:%m-%d}" for begin, _, _ in found] == edges[:-1]
    assert [f"{asked:%m-%d}" for _, asked, _ in found] == edges[1:]
    assert [following for *_, following in found[:-1]] == [begin for begin, *_ in found[1:]]


def test_more_windows_than_anybody_means_are_an_error():
    with pytest.raises(FrameworkError, match="longer"):
        list(split(moment("1970-01-01"), NOW, parse_period("PT1S"), None))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, [("2024-06-01", "2024-06-06"), ("2024-06-06", "2024-06-11"),
              ("2024-06-11", "2024-06-15")]),
        ({"granularity": "P1D"}, [("2024-06-01", "2024-06-05"), ("2024-06-06", "2024-06-10"),
                                  ("2024-06-11", "2024-06-15")]),
        ({"end_value": "2024-06-08"}, [("2024-06-01", "2024-06-06"), ("2024-06-06", "2024-06-08")]),
        ({"format": "%d.%m.%y", "step": "P1M"}, [("01.06.24", "15.06.24")]),
        ({"format": "epoch_milliseconds", "step": "P10D"},
         [("1717200000000", "1718064000000"), ("1718064000000", "1718454600000")]),
        ({"step": None, "watermark": "run_start", "lookahead": "P1Y"},
         [("2024-06-01", "2025-06-15")]),
    ],
)  # fmt: skip
def test_each_window_is_asked_for_with_both_ends(tmp_path, web, more, expected):
    web.on("/items", [])
    body = feed(web.url, {k: v for k, v in {**DAYS, **more}.items() if v is not None})
    opened(tmp_path, body, now=NOW).read("items")
    assert sent(web) == expected


def test_the_state_has_dlts_form_and_the_next_run_begins_at_the_watermark(tmp_path, web):
    web.on("/items", lambda asked: [record(1, "2024-06-03"), record(2, "2024-06-09")])
    body = feed(web.url, DAYS)
    state = {}
    opened(tmp_path, body, state=state, now=NOW).read("items")
    assert len(state["items"]["at"].pop("unique_hashes")) == 1
    assert state["items"]["at"] == {
        "initial_value": "2024-06-01",
        "last_value": "2024-06-09",
        "start_value": "2024-06-01",
    }
    web.asked.clear()
    opened(tmp_path, body, state=state, now=NOW).read("items")
    assert sent(web) == [("2024-06-09", "2024-06-14"), ("2024-06-14", "2024-06-15")]


def test_a_state_of_plain_values_goes_on_as_times(tmp_path, web):
    web.on("/items", [record(1, "2024-06-13T10:00:00.5Z")])
    plain = {"start_param": "since", "initial_value": "2024-06-01T00:00:00Z"}
    state = {}
    opened(tmp_path, feed(web.url, plain), state=state, now=NOW).read("items")
    timed = {**plain, "end_param": "until", "step": "P30D", "format": "epoch_seconds"}
    assert opened(tmp_path, feed(web.url, timed), state=state, now=NOW).read("items") == []
    assert sent(web)[1] == ("1718272800", "1718454600")
    # more exact than what is sent, so kept as it is
    assert state["items"]["at"]["last_value"] == "2024-06-13T10:00:00.500000Z"


@pytest.mark.parametrize("disposition", ["merge", "append"])
def test_a_record_on_the_edge_of_two_windows_is_appended_once(tmp_path, web, disposition):
    edge = record(1, "2024-06-06")
    web.on("/items", [edge, record(2, "2024-06-07")])
    body = feed(web.url, DAYS, disposition)
    state = {}
    found = opened(tmp_path, body, state=state, now=NOW).read("items")
    assert len(found) == (2 if disposition == "append" else 6)
    again = opened(tmp_path, body, state=state, now=NOW).read("items")
    assert again == []


def test_what_lies_past_the_end_moves_no_watermark_past_it(tmp_path, web):
    web.on("/items", [record(1, "2024-12-31")])
    state = {}
    opened(tmp_path, feed(web.url, DAYS), state=state, now=NOW).read("items")
    assert state["items"]["at"]["last_value"] == "2024-06-15T12:30:00Z"


def test_a_day_is_known_only_when_it_lies_before_the_start(tmp_path, web):
    web.on("/items", [record(1, "2024-06-13"), record(2, "2024-06-14"), record(3, "2024-06-15")])
    body = feed(
        web.url,
        {"start_param": "since", "initial_value": "2024-06-14T09:00:00Z", "format": "iso"},
    )
    found = opened(tmp_path, body, now=NOW).read("items")
    assert [one["id"] for one in found] == [2, 3]


@pytest.mark.parametrize(
    ("missing", "ids"), [("include", [1, 2]), ("exclude", [2]), ("raise", None)]
)
def test_records_without_a_time_are_in_or_out_as_the_file_says(tmp_path, web, missing, ids):
    web.on("/items", [{"id": 1}, record(2, "2024-06-14")])
    body = feed(web.url, {**DAYS, "step": "P1M", "on_cursor_value_missing": missing})
    reader = opened(tmp_path, body, now=NOW)
    if ids is None:
        with pytest.raises(FrameworkError, match="on_cursor_value_missing"):
            reader.read("items")
    else:
        assert [one["id"] for one in reader.read("items")] == ids


def test_a_time_in_no_form_is_an_error_that_says_how_it_is_written(tmp_path, web):
    web.on("/items", [record(1, "Fri 14 June")])
    body = feed(web.url, {**DAYS, "cursor_formats": ["%d/%m/%Y", "iso"]})
    with pytest.raises(FrameworkError) as caught:
        opened(tmp_path, body, now=NOW).read("items")
    assert "aaa 99 aaaa" in str(caught.value)
    assert "cursor_formats" in str(caught.value)
    assert "Fri" not in str(caught.value)


def test_an_initial_value_that_is_no_time_is_an_error(tmp_path, web):
    body = feed(web.url, {**DAYS, "initial_value": "last week"})
    with pytest.raises(FrameworkError, match="not a time"):
        opened(tmp_path, body, now=NOW).read("items")
    assert web.asked == []


@pytest.mark.parametrize(
    ("initial", "expected"),
    [("2024-06-01T00:00:00Z", "2024-06-08T00:00:00Z"), ("2024-06-12T00:00:00Z",) * 2],
)
@pytest.mark.parametrize("timed", [{}, {"format": "%Y-%m-%dT%H:%M:%SZ"}])
def test_a_lag_stops_at_the_initial_value_but_not_at_one_that_moved_past_the_watermark(
    tmp_path, web, timed, initial, expected
):
    """A default such as "a day ago" is past the watermark whenever a run was missed."""
    at = "2024-06-10T00:00:00Z" if "08" in expected else "2024-06-13T00:00:00Z"
    web.on("/items", [record(1, at)])
    base = {"start_param": "since", "lag": "P2D", **timed}
    state = {}
    for value in (initial, initial, "2024-06-14T12:30:00Z"):
        body = feed(web.url, {**base, "initial_value": value})
        opened(tmp_path, body, state=state, now=NOW).read("items")
    assert [since for since, _ in sent(web)] == [initial, expected, expected]


@pytest.mark.parametrize("timed", [{}, {"format": "iso"}])
def test_a_newest_first_list_with_a_watermark_at_the_runs_start_stops_there(tmp_path, web, timed):
    def pages(asked):
        page = int(asked.param("page"))
        return [record(n, f"2024-06-{n:02}T00:00:00Z") for n in range(14 - 3 * page, 0, -1)][:3]

    web.on("/items", pages)
    body = feed(
        web.url,
        {
            "initial_value": "2024-01-01T00:00:00Z",
            "watermark": "run_start",
            "lag": "P8D",
            "row_order": "desc",
            **timed,
        },
        paginator={"type": "page_number", "base_page": 0, "total_path": None},
        data_selector="$",
        params={"q": "{incremental.start_value}"},
    )
    state = {}
    assert len(opened(tmp_path, body, state=state, now=NOW).read("items")) == 14
    first = len(web.asked)
    found = opened(tmp_path, body, state=state, now=NOW).read("items")
    # up to the page that holds what is older than the 7th, 12:30
    assert (len(found), len(web.asked) - first) == (9, 3)


@pytest.mark.parametrize(
    ("initial", "since", "until", "expected"),
    [
        ("2024-01-01T00:00:00Z", "2024-02-01", None, ("2024-02-01T00:00:00Z", None)),
        ("2024-01-01", None, "2024-02-01", ("2024-01-01", "2024-02-01")),
        (1700000000, "2024-02-01", "2024-03-01T12:00:00+02:00", ("1706745600", "1709287200")),
        (5, "7", "9", ("7", "9")),
    ],
)
def test_a_range_is_asked_for_as_the_initial_value_is_written(
    tmp_path, web, initial, since, until, expected
):
    web.on("/items", [])
    body = feed(web.url, {"start_param": "since", "end_param": "until", "initial_value": initial})
    state = {"items": {"at": {"last_value": initial, "initial_value": initial}}}
    before = str(state)
    opened(tmp_path, body, state=state, now=NOW, again=CursorRange(since, until)).read("items")
    assert sent(web) == [expected]
    assert str(state) == before


def test_a_range_in_windows_has_no_lag_and_ends_before_its_end(tmp_path, web):
    web.on("/items", [record(1, "2024-05-02"), record(2, "2024-05-09"), record(3, "2024-05-11")])
    body = feed(web.url, {**DAYS, "lag": "P3D"})
    found = opened(tmp_path, body, now=NOW, again=CursorRange("2024-05-02", "2024-05-09")).read(
        "items"
    )
    assert sent(web) == [("2024-05-02", "2024-05-07"), ("2024-05-07", "2024-05-09")]
    assert {one["id"] for one in found} == {1}


@pytest.mark.parametrize(
    ("behind", "more", "windows", "expected"),
    [(0, {"lookahead": "P1M"}, 7, 0), (6, {}, 2, -6), (0, {}, 2, -4)],
)
def test_windows_that_were_cut_move_the_watermark_no_further_than_the_servers_clock(
    tmp_path, web, behind, more, windows, expected
):
    """The watermark of windows that end 9 and 4 days ago, in days from now."""
    clock = ServerClock()
    clock.behind = timedelta(days=behind)
    web.on("/items", each(*[[]] * windows, Answer(500)))
    initial = (NOW - timedelta(days=14)).isoformat()
    body = feed(web.url, {**DAYS, "watermark": "run_start", "initial_value": initial, **more})
    body["client"]["retry"] = {"max_retries": 0}
    state = {}
    with pytest.raises(FrameworkError):
        opened(tmp_path, body, state=state, now=NOW, server_clock=clock).read("items")
    last = datetime.fromisoformat(state["items"]["at"]["last_value"])
    assert abs(last - NOW - timedelta(days=expected)) < timedelta(minutes=1)


def children(url, incremental, **child):
    return {
        "client": {"base_url": url, "paginator": "single_page", "retry": {"max_retries": 0}},
        "resources": [
            {
                "name": "shops",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {"paginator": {"type": "page_number", "base_page": 1,
                                           "total_path": None, "maximum_page": 1}},
            },
            {
                "name": "orders",
                "primary_key": "id",
                "write_disposition": "merge",
                "endpoint": {
                    "path": "/shops/{resources.shops.id}/orders",
                    "incremental": {"cursor_path": "at", "start_param": "since", **incremental},
                },
                **child,
            },
        ],
    }  # fmt: skip


def test_lists_read_by_one_run_share_their_watermark_in_the_state(tmp_path, web):
    web.on("/shops", [{"id": f"ada-{n}@example.com"} for n in range(50)])
    web.on("/shops/{id}/orders", [])
    body = children(web.url, {"initial_value": "2024-01-01", "watermark": "run_start"})
    state = {}
    opened(tmp_path, body, state=state, now=NOW).read("orders")
    ((value, keys),) = state["orders"]["at"]["lists"]
    assert (value, len(keys)) == ("2024-06-15T12:30:00Z", 500)
    assert "ada" not in str(state)


def test_a_parent_that_is_gone_leaves_no_watermark_where_all_parents_are_listed(tmp_path, web):
    web.on("/shops/{id}/orders", [record(1, "2024-02-01")])
    body = children(web.url, {"initial_value": "2024-01-01"})
    state = {}
    for shops in ([1, 2, 3], [2], [1, 2]):
        web.on("/shops", [{"id": shop} for shop in shops])
        opened(tmp_path, body, state=state, now=NOW).read("orders")
        ((value, keys),) = state["orders"]["at"]["lists"]
        assert (value, len(keys)) == ("2024-02-01", 10 * len(shops))
    asked = [one for one, _ in sent(web) if one]
    assert asked[:4] == ["2024-01-01"] * 3 + ["2024-02-01"]
    assert sorted(asked[4:]) == ["2024-01-01", "2024-02-01"]


def test_a_parent_whose_list_is_incremental_keeps_the_watermarks_of_all(tmp_path, web):
    web.on("/shops/{id}/orders", [record(1, "2024-02-01")])
    body = children(web.url, {"initial_value": "2024-01-01"})
    body["resources"][0]["endpoint"]["incremental"] = {
        "cursor_path": "n", "start_param": "n", "initial_value": 0,
    }  # fmt: skip
    state = {}
    for number, shops in enumerate([[1, 2, 3], [2]], 1):
        web.on("/shops", [{"id": shop, "n": number} for shop in shops])
        opened(tmp_path, body, state=state, now=NOW).read("orders")
    ((_, keys),) = state["orders"]["at"]["lists"]
    assert len(keys) == 30


def test_one_parent_of_a_single_page_has_a_plain_watermark_that_begins_anew_for_another(
    tmp_path, web
):
    web.on("/shops/{id}/orders", [record(1, "2024-02-01")])
    body = children(web.url, {"initial_value": "2024-01-01"})
    del body["resources"][0]["endpoint"]
    state = {}
    for shops in ([1], [1], [2], [1, 2]):
        web.on("/shops", [{"id": shop} for shop in shops])
        opened(tmp_path, body, state=state, now=NOW).read("orders")
        assert ("last_value" in state["orders"]["at"]) is (len(shops) == 1)
    assert [one for one, _ in sent(web) if one] == [
        "2024-01-01", "2024-02-01", "2024-01-01", "2024-01-01", "2024-01-01",
    ]  # fmt: skip
