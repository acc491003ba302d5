"""The values of partitions: multiplied, batched, and errors that name the partition."""

from datetime import UTC, datetime

import pytest

from framework.definition.model import Partition
from framework.errors import RecordError
from framework.extract.lists import partitions
from framework.extract.lists.partitions import batched, multiplied
from framework.runtime.environment import Environment

NOW = Environment(now=datetime(2026, 3, 2, 12, tzinfo=UTC))


def values_of(kind, argument):
    (partition, *_) = [Partition("p", kind, argument)]
    return multiplied([partition], NOW, "sales")[0]


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ({"start": "2026-03-01", "step": "P1D"}, [("2026-03-01", None), ("2026-03-02", None)]),
        (
            {"start": "2026-01-31", "step": "P1M", "end_name": "to"},
            [("2026-01-31", "2026-02-28"), ("2026-02-28", "2026-03-31")],
        ),
        (
            {"start": "2026-01-01", "end": "2026-01-08", "step": "P7D", "end_name": "to",
             "granularity": "P1D", "format": "%d.%m."},
            [("01.01.", "07.01."), ("08.01.", "08.01.")],
        ),
        (
            {"start": "2026-01-01", "end": "2026-01-08T12:00:00Z", "step": "P5D", "end_name": "to",
             "format": "iso"},
            [("2026-01-01T00:00:00Z", "2026-01-06T00:00:00Z"),
             ("2026-01-06T00:00:00Z", "2026-01-08T12:00:00Z")],
        ),
        (
            {"start": "2026-01-01", "end": "2026-01-11", "step": "P5D", "end_name": "to"},
            [("2026-01-01", "2026-01-06"), ("2026-01-06", "2026-01-11")],
        ),
        (
            {"start": "2026-01-01", "end": "2026-01-01", "step": "P5D", "end_name": "to"},
            [("2026-01-01", "2026-01-01")],
        ),
        ({"start": "2026-04-01", "step": "P1D"}, []),
    ],
)  # fmt: skip
def test_dates_are_spans_up_to_the_end_none_goes_past(argument, expected):
    found = [(one["p"], one.get("to")) for one in values_of("dates", argument)]
    assert found == expected


def test_a_range_leaves_its_stop_out():
    assert values_of("range", {"start": 1, "stop": 8, "step": 3}) == [{"p": 1}, {"p": 4}, {"p": 7}]
    assert values_of("range", {"start": "2", "stop": "3"}) == [{"p": 2}]


def test_several_are_multiplied_and_what_is_empty_is_named():
    two = [Partition("a", "values", [1, 2]), Partition("b", "values", ["x"])]
    assert multiplied(two, NOW, "sales") == ([{"a": 1, "b": "x"}, {"a": 2, "b": "x"}], [])
    assert multiplied([*two, Partition("c", "values", [])], NOW, "sales") == ([], ["c"])
    assert multiplied([], NOW, "sales") == ([{}], [])


def test_batches_hold_each_value_once_in_their_order():
    def ids(**more):
        return [one["p"] for one in batched(Partition("p", "resource", "users", **more), found)]

    found = [3, 1, 3, 2, "1", True]
    assert ids(batch=2) == [[3, 1], [2, "1"], [True]]
    assert ids(batch=4, separator="|") == ["3|1|2|1", "True"]
    assert ids() == [3, 1, 2, "1", True]


@pytest.mark.parametrize(
    ("kind", "argument", "said"),
    [
        ("values", "eu,us", "text for `values`, expected a list"),
        ("values", None, "null for `values`, expected a list"),
        ("range", {"start": "a", "stop": 3}, "whole numbers"),
        ("range", {"start": 0, "stop": 10**9}, "more than"),
        ("dates", {"start": "soon", "step": "P1D"}, "2026-01-31"),
        ("dates", {"start": "1990-01-01", "step": "PT1S"}, "more than"),
    ],
)
def test_values_of_no_use_are_an_error_that_names_the_partition(kind, argument, said, monkeypatch):
    monkeypatch.setattr(partitions, "MAX_VALUES", 1_000)
    with pytest.raises(RecordError, match=said) as caught:
        values_of(kind, argument)
    assert str(caught.value).startswith("sales: partition p: ")
