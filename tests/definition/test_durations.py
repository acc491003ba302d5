"""ISO 8601 durations and numbers of seconds."""

from datetime import timedelta

import pytest

from framework.definition.values.durations import DurationError, format_duration, parse_duration

GOOD = {
    "P30D": timedelta(days=30),
    "PT5M": timedelta(minutes=5),
    "PT0.5S": timedelta(seconds=0.5),
    "PT0,5S": timedelta(seconds=0.5),
    "P2W": timedelta(weeks=2),
    "P1DT12H": timedelta(days=1, hours=12),
    "PT1H30M15S": timedelta(hours=1, minutes=30, seconds=15),
    "PT0S": timedelta(0),
    60: timedelta(seconds=60),
    0.25: timedelta(seconds=0.25),
}
BAD = ["", "P", "PT", "30D", "P1M", "P1Y", "P1DT", "-P1D", "P1D ", "PT5m", -1, True]
BAD += [None, [], float("nan"), float("inf"), 1e300, "P99999999999999D"]


@pytest.mark.parametrize("written", GOOD)
def test_a_duration_is_read(written):
    assert parse_duration(written) == GOOD[written]


@pytest.mark.parametrize("written", BAD, ids=str)
def test_what_is_no_duration_is_refused(written):
    with pytest.raises(DurationError):
        parse_duration(written)


def test_months_are_told_to_be_days():
    with pytest.raises(DurationError, match="write days"):
        parse_duration("P1M")


@pytest.mark.parametrize("written", ["PT5M", "P30D", "PT0.5S", "P1DT12H", "PT1H30M15S", "PT0S"])
def test_a_duration_is_written_as_it_was_read(written):
    assert format_duration(parse_duration(written)) == written
