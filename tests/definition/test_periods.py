"""Periods of the calendar: months keep the day where there is one."""

from datetime import UTC, datetime, timedelta

import pytest

from framework.definition.values.durations import (
    DurationError,
    Period,
    format_period,
    is_period,
    parse_period,
)

LAST = datetime(2024, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "period", "shortest"),
    [
        ("P1Y", Period(12), "P1Y"),
        ("P1M", Period(1), "P1M"),
        ("P18M", Period(18), "P1Y6M"),
        ("P1Y2M3DT4H", Period(14, timedelta(days=3, hours=4)), "P1Y2M3DT4H"),
        ("P1MT1M", Period(1, timedelta(minutes=1)), "P1MT1M"),
        ("P30D", Period(0, timedelta(days=30)), "P30D"),
        ("P2W", Period(0, timedelta(days=14)), "P14D"),
        ("PT0S", Period(), "PT0S"),
    ],
)
def test_a_period_is_months_and_a_length(text, period, shortest):
    assert parse_period(text) == period
    assert format_period(period) == shortest
    assert bool(period) is (text != "PT0S")


@pytest.mark.parametrize("text", ["", "P", "1M", "P1M2", "P1.5M", "P1Y-1M", "PM", "P1M1M"])
def test_what_is_no_period_is_refused(text):
    assert not is_period(text)
    with pytest.raises(DurationError):
        parse_period(text)


@pytest.mark.parametrize("text", ["P1001Y", "P999999999999M", "P99999999D"])
def test_a_period_beyond_any_calendar_is_a_period_and_refused(text):
    assert is_period(text)
    with pytest.raises(DurationError, match="thousand years"):
        parse_period(text)


@pytest.mark.parametrize(
    ("period", "times", "expected"),
    [
        (Period(1), 1, "2024-02-29"),
        (Period(1), 2, "2024-03-31"),
        (Period(1), -2, "2023-11-30"),
        (Period(12), 1, "2025-01-31"),
        (Period(1, timedelta(days=1)), 1, "2024-03-01"),
        (Period(0, timedelta(days=1)), 31, "2024-03-02"),
    ],
)
def test_months_keep_the_day_where_there_is_one(period, times, expected):
    assert period.after(LAST, times) == datetime.fromisoformat(f"{expected}T12:00:00Z")


def test_a_moment_that_no_calendar_has_is_an_error():
    with pytest.raises(DurationError):
        Period(12).after(LAST, 9000)
    with pytest.raises(DurationError):
        Period(0, timedelta(days=1000)).after(LAST, 9000)
