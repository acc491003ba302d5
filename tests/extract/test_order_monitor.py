"""Which records are in another order, or older, than the connector file asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.open_resource import one_list, opened


def warned(tmp_path: Path, web: Any, values: list[Any], **incremental: Any) -> list[str]:
    """The messages about one page whose records have these cursors."""
    web.on("/items", [{"id": number, "at": at} for number, at in enumerate(values)])
    spec = {"cursor_path": "at", "initial_value": "2024-06-02T00:00:00Z", "start_param": "since"}
    one = opened(tmp_path, one_list(web.url, {"incremental": {**spec, **incremental}}))
    one.read("items")
    return [warning.message for warning in one.heard.warned if warning.code.startswith("cursor-")]


@pytest.mark.parametrize(
    ("values", "older"),
    [
        (["2024-06-02T00:00:00Z", "2024-06-03T00:00:00Z"], 0),
        (["2024-06-01T00:00:00Z", "2024-06-01T23:59:59Z", "2024-06-03T00:00:00Z"], 2),
        (["2024-06-01T23:59:59.000Z", "2024-06-03T00:00:00Z"], 1),
        (["2024-06-02T01:00:00+02:00", "2024-06-03T00:00:00Z"], 1),
        (["2024-06-01", "2024-06-03"], 0),  # the day before may have later hours elsewhere
        (["2024-05-30", "2024-06-03"], 1),
        (["2024-06-03T00:00:00Z", None, "2024-06-01T00:00:00Z"], 1),
    ],
)
def test_records_before_the_start_that_was_asked_for_are_counted(tmp_path, web, values, older):
    messages = warned(tmp_path, web, values, on_cursor_value_missing="include")
    assert [message.split(" records")[0] for message in messages] == (
        [f"{older} of {len(values)}"] if older else []
    )


@pytest.mark.parametrize(
    ("form", "values", "older"),
    [
        ("%d/%m/%Y", ["03/06/2024", "31/05/2024", "01/12/2023"], 2),
        ("epoch_seconds", [1717286400, 1717286399, 1717372800], 1),
        ("epoch_seconds", ["1717286400", "999999999"], 1),
        ("epoch_milliseconds", [1717286400000, 1717286399999], 1),
    ],
)
def test_other_formats_are_compared_as_times(tmp_path, web, form, values, older):
    messages = warned(tmp_path, web, values, cursor_formats=[form])
    assert [message.split(" of ")[0] for message in messages] == [str(older)]


@pytest.mark.parametrize(
    ("order", "values", "turned"),
    [
        ("asc", ["2024-06-02T00:00:00Z", "2024-06-03T00:00:00Z"], 0),
        ("asc", ["2024-06-03T00:00:00Z", "2024-06-02T00:00:00Z", "2024-06-04T00:00:00Z"], 1),
        ("desc", ["2024-06-03T00:00:00+02:00", "2024-06-02T23:00:00Z"], 1),
        ("desc", ["2024-06-03T00:00:00.5Z", "2024-06-03T00:00:00Z"], 0),
    ],
)
def test_neighbours_in_the_wrong_order_are_counted(tmp_path, web, order, values, turned):
    messages = warned(tmp_path, web, values, row_order=order)
    assert len(messages) == (turned > 0)
