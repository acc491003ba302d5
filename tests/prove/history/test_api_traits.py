"""Traits of an API: from names, from recorded values, and as they are stated."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from framework.definition.model import Endpoint, Incremental
from framework.prove.history.api_traits import Assumption, observed_order, traits_of


def endpoint(cursor: str, start: str = "since", end: str = "to", **arguments: Any) -> Endpoint:
    spec = Incremental(cursor, arguments, start_param=start, end_param=end)
    return Endpoint("/orders", incremental=spec)


@pytest.mark.parametrize(
    ("cursor", "nature"),
    [
        ("updated_at", "modified"),
        ("lastModified", "modified"),
        ("meta.version", "modified"),
        ("pushed_at", "modified"),
        ("created_at", "created"),
        ("id", "created"),
        ("orderId", "created"),
        ("occurred_at", "event"),
        ("start_time", "event"),
    ],
)
def test_the_name_of_a_cursor_tells_whether_edits_move_it(cursor: str, nature: str) -> None:
    assert traits_of(endpoint(cursor), "orders", (), ()).nature == nature


@pytest.mark.parametrize(
    ("start", "end", "bounds"),
    [
        ("updated_after", "updated_before", ("exclusive", "exclusive")),
        ("updated_at[gt]", "updated_at[lt]", ("exclusive", "exclusive")),
        ("updated_at[gte]", "updated_at[lte]", ("inclusive", "inclusive")),
        ("since", "to", ("inclusive", "inclusive")),
    ],
)
def test_names_of_parameters_tell_whether_the_ends_of_a_range_belong_to_it(
    start: str, end: str, bounds: tuple[str, str]
) -> None:
    traits = traits_of(endpoint("updated_at", start, end), "orders", (), ())
    assert (traits.start, traits.end) == bounds
    assert ("start" in traits.stated) == (start != "since")


@pytest.mark.parametrize(
    ("values", "order"),
    [([1, 2, 3], "asc"), ([3, 2, 2, 1], "desc"), ([1, 3, 2], "none"), ([1, 2], None)],
)
def test_the_order_is_that_of_three_different_values(values: list[int], order: str | None) -> None:
    assert observed_order(values) == order


def test_a_recorded_order_counts_more_than_the_row_order_of_the_file() -> None:
    traits = traits_of(endpoint("updated_at", row_order="desc"), "orders", [1, 3, 2], ())
    assert traits.order == "none"
    assert "order" in traits.stated


def test_a_statement_is_of_one_resource_or_of_all() -> None:
    given = [Assumption.parse("lines.late=P2D"), Assumption.parse("edits=keeps")]
    orders = traits_of(endpoint("updated_at"), "orders", (), given)
    lines = traits_of(endpoint("updated_at"), "lines", (), given)
    assert (orders.late, lines.late) == (timedelta(0), timedelta(days=2))
    assert orders.nature == lines.nature == "created"


@pytest.mark.parametrize("text", ["start", "start=open", "late=soon", "size=3", ""])
def test_what_is_no_statement_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="found"):
        Assumption.parse(text)
