"""An external scheduler sets the range of an incremental that allows it."""

import pytest
from dlt.common.configuration.container import Container
from dlt.extract.incremental.context import TimeIntervalContext

from framework.errors import RecordError
from framework.extract.incremental.policy import CursorRange
from tests.support.open_resource import one_list, opened

START, END = 1704067200, 1704153600


@pytest.fixture(autouse=True)
def interval(monkeypatch):
    monkeypatch.setenv("DLT_INTERVAL_START", "2024-01-01T00:00:00Z")
    monkeypatch.setenv("DLT_INTERVAL_END", "2024-01-02T00:00:00Z")


def feed(web, initial=1, **incremental):
    web.on("/items", [{"id": n, "at": at} for n, at in enumerate((START - 1, START, END - 1, END))])
    arguments = {"cursor_path": "at", "initial_value": initial, "start_param": "since"}
    return one_list(web.url, {"incremental": {**arguments, "end_param": "until", **incremental}})


def test_the_interval_is_the_range_and_nothing_is_stored(tmp_path, web):
    body, state = feed(web, allow_external_schedulers=True), {}
    for _ in range(2):
        records = opened(tmp_path, body, state=state).read("items")
        assert [record["id"] for record in records] == [1, 2]
        assert (web.asked[-1].param("since"), web.asked[-1].param("until")) == (
            str(START),
            str(END),
        )
    assert not state.get("items")


def test_a_later_initial_value_limits_the_interval(tmp_path, web):
    body = feed(web, START + 1, allow_external_schedulers=True)
    assert [record["id"] for record in opened(tmp_path, body, state={}).read("items")] == [2]


@pytest.mark.parametrize("allowed", [None, False])
def test_an_incremental_that_does_not_allow_it_keeps_its_range(tmp_path, web, allowed):
    more = {} if allowed is None else {"allow_external_schedulers": allowed}
    state = {}
    records = opened(tmp_path, feed(web, **more), state=state).read("items")
    assert len(records) == 4
    assert state["items"]["at"]["last_value"] == END


def test_the_process_allows_it_for_incrementals_that_do_not_say(tmp_path, web):
    allowing = TimeIntervalContext(allow_external_schedulers=True)
    with Container().injectable_context(allowing):
        assert len(opened(tmp_path, feed(web), state={}).read("items")) == 2
        denying = feed(web, allow_external_schedulers=False)
        assert len(opened(tmp_path, denying, state={}).read("items")) == 4


TIMES = (
    "2023-12-31T23:59:59Z",
    "2024-01-01T00:00:00Z",
    "2024-01-01T23:59:59Z",
    "2024-01-02T00:00:00Z",
)


def text_feed(web, initial, **incremental):
    web.on("/items", [{"id": n, "at": at} for n, at in enumerate(TIMES)])
    arguments = {"cursor_path": "at", "start_param": "since", "end_param": "until"}
    allowed = {"allow_external_schedulers": True, "initial_value": initial}
    return one_list(web.url, {"incremental": {**arguments, **allowed, **incremental}})


@pytest.mark.parametrize(
    ("incremental", "since", "until"),
    [
        ({}, "2024-01-01T00:00:00Z", "2024-01-02T00:00:00Z"),
        (
            {"format": "epoch_milliseconds", "cursor_formats": ["iso"]},
            "1704067200000",
            "1704153600000",
        ),
        ({"format": "%d.%m.%Y", "cursor_formats": ["iso"]}, "01.01.2024", "02.01.2024"),
        ({"end_value": "2024-01-01T12:00:00Z"}, "2024-01-01T00:00:00Z", "2024-01-01T12:00:00Z"),
    ],
)
def test_cursors_that_are_times_get_the_interval_in_their_own_form(
    tmp_path, web, incremental, since, until
):
    body, state = text_feed(web, "2023-06-01T00:00:00Z", **incremental), {}
    records = opened(tmp_path, body, state=state).read("items")
    assert [record["id"] for record in records] == ([1] if "end_value" in incremental else [1, 2])
    assert (web.asked[-1].param("since"), web.asked[-1].param("until")) == (since, until)
    assert not state.get("items")


def test_windows_divide_the_interval(tmp_path, web):
    body = text_feed(web, "2023-06-01T00:00:00Z", step="PT12H")
    assert len(opened(tmp_path, body, state={}).read("items")) == 2
    assert [one.param("since") for one in web.asked] == [
        "2024-01-01T00:00:00Z",
        "2024-01-01T12:00:00Z",
    ]


@pytest.mark.parametrize("initial", ["abc", None, True])
def test_cursors_of_which_it_is_not_known_that_they_are_times_cannot_join(tmp_path, web, initial):
    with pytest.raises(RecordError, match="not known to be times; add an initial_value"):
        opened(tmp_path, text_feed(web, initial), state={}).read("items")


@pytest.mark.parametrize(
    ("start", "reason"), [(None, "no scheduler has set one"), ("tomorrow", "is not a time")]
)
def test_an_interval_that_is_missing_or_is_no_time_is_told(
    tmp_path, web, monkeypatch, start, reason
):
    monkeypatch.delenv("DLT_INTERVAL_START")
    if start:
        monkeypatch.setenv("DLT_INTERVAL_START", start)
    with pytest.raises(RecordError, match=f"{reason}.*DLT_INTERVAL_START and DLT_INTERVAL_END"):
        opened(tmp_path, text_feed(web, TIMES[0]), state={}).read("items")
    range_of_the_command = CursorRange("2024-01-01", "2024-01-02")
    again = opened(tmp_path, text_feed(web, TIMES[0]), state={}, again=range_of_the_command)
    assert [record["id"] for record in again.read("items")] == [1, 2]
