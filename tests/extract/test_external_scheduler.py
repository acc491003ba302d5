"""An external scheduler sets the range of an incremental that allows it."""

import pytest
from dlt.common.configuration.container import Container
from dlt.extract.incremental.context import TimeIntervalContext
from dlt.extract.incremental.exceptions import JoinSchedulerError

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


def test_text_cursors_cannot_join(tmp_path, web):
    body = feed(web, "2024-01-01T00:00:00Z", allow_external_schedulers=True)
    with pytest.raises(JoinSchedulerError):
        opened(tmp_path, body, state={}).read("items")
