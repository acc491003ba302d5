"""Times read and written in the forms that APIs have."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from framework.definition.values.datetimes import (
    TimeError,
    format_problem,
    probable_unit,
    read_time,
    repeated_time,
    same_format,
    shifted,
    time_shape,
    time_zone,
    write_time,
)

MOMENT = datetime(2024, 6, 5, 12, 30, 1, 234567, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("iso", "2024-06-05T12:30:01.234567Z"),
        ("epoch_seconds", 1717590601),
        ("epoch_milliseconds", 1717590601234),
        ("%Y-%m-%d", "2024-06-05"),
        ("%Y%m%d", "20240605"),
        ("%d/%m/%Y %H:%M:%S", "05/06/2024 12:30:01"),
        ("%Y-%m-%dT%H:%M:%S.%3fZ", "2024-06-05T12:30:01.234Z"),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-06-05T12:30:01+0000"),
        ("%I:%M %p, %d %b %Y", "12:30 PM, 05 Jun 2024"),
    ],
)
def test_a_time_that_was_written_is_read_as_the_same_to_its_precision(form, written):
    assert format_problem(form) is None
    assert write_time(MOMENT, form) == written
    read, _ = read_time(written, [form])
    assert write_time(read, form) == written
    assert read <= MOMENT


@pytest.mark.parametrize(
    ("value", "iso", "day"),
    [
        ("2024-06-05", "2024-06-05T00:00:00Z", True),
        ("20240605", "2024-06-05T00:00:00Z", True),
        ("2024-06-05T12:30:01+02:00", "2024-06-05T10:30:01Z", False),
        ("2024-06-05 12:30:01", "2024-06-05T12:30:01Z", False),
        ("2024-06-05T12:30:01.123456789Z", "2024-06-05T12:30:01.123456Z", False),
    ],
)
def test_iso_is_read_in_all_its_forms(value, iso, day):
    moment, is_day = read_time(value, ["iso"])
    assert (write_time(moment, "iso"), is_day) == (iso, day)


@pytest.mark.parametrize(
    ("value", "forms", "iso"),
    [
        ("1717590601", ["iso", "epoch_seconds"], "2024-06-05T12:30:01Z"),
        (1717590601.5, ["epoch_seconds"], "2024-06-05T12:30:01.500000Z"),
        (-1, ["epoch_seconds"], "1969-12-31T23:59:59Z"),
        ("05.06.2024", ["iso", "%d.%m.%Y"], "2024-06-05T00:00:00Z"),
        ("01/02/2024", ["%d/%m/%Y", "%m/%d/%Y"], "2024-02-01T00:00:00Z"),
        ("01/22/2024", ["%d/%m/%Y", "%m/%d/%Y"], "2024-01-22T00:00:00Z"),
    ],
)
def test_the_first_form_that_fits_is_taken(value, forms, iso):
    assert write_time(read_time(value, forms)[0], "iso") == iso


@pytest.mark.parametrize(
    ("value", "time_format", "iso"),
    [
        ("2026-07-01 12:00", "iso", "2026-07-01T10:00:00Z"),
        ("2026-07-01T12:00:00Z", "iso", "2026-07-01T12:00:00Z"),
        ("2026-10-25 02:30", "iso", "2026-10-25T00:30:00Z"),  # shown twice
        ("2026-03-29 02:30", "iso", "2026-03-29T01:30:00Z"),  # left out
        ("2026-01-31T24:00:00", "iso", "2026-01-31T23:00:00Z"),
        ("31.01.2026 24:00", "%d.%m.%Y %H:%M", "2026-01-31T23:00:00Z"),
        ("2026-01-31T12:24:00", "iso", "2026-01-31T11:24:00Z"),
        ("Thu, 01 Jan 2026 10:00:00 +0100", "rfc2822", "2026-01-01T09:00:00Z"),
        ("Thu, 01 Jan 2026 10:00:00 -0000", "rfc2822", "2026-01-01T10:00:00Z"),
        ("Thu, 01 Jan 2026 10:00:00", "rfc2822", "2026-01-01T09:00:00Z"),
    ],
)
def test_a_time_without_a_zone_is_that_of_a_clock(value, time_format, iso):
    moment, _ = read_time(value, (time_format,), time_zone("Europe/Berlin"))
    assert write_time(moment, "iso") == iso


@pytest.mark.parametrize("value", ["2026-01-31T24:30:00", "2026-01-31T25:00:00"])
def test_the_hour_24_has_no_minutes(value):
    with pytest.raises(TimeError):
        read_time(value, ("iso",))


@pytest.mark.parametrize(
    ("moment", "hours"),
    [
        ("2026-10-24T23:59:59Z", 0),
        ("2026-10-25T00:30:00Z", 1),
        ("2026-10-25T01:30:00Z", 1),
        ("2026-10-25T02:00:00Z", 0),
        ("2026-03-29T01:30:00Z", 0),
    ],
)
def test_an_hour_that_a_clock_shows_twice_is_told(moment, hours):
    read = read_time(moment, ("iso",))[0]
    assert repeated_time(read, time_zone("Europe/Berlin")) == timedelta(hours=hours)


@pytest.mark.parametrize("value", ["", "soon", "2024-13-01", None, True, [], {}, 1e300, 12])
def test_what_is_no_time_is_refused_without_being_quoted(value):
    with pytest.raises(TimeError) as caught:
        read_time(value, ["iso", "epoch_seconds"] if value != 12 else ["iso"])
    assert "soon" not in str(caught.value)


def test_a_shape_says_how_a_value_is_written_and_nothing_of_it():
    assert time_shape("31/08/2026 at Anna's") == "99/99/9999 aa aaaa'a"
    assert (time_shape(None), time_shape(12.5), time_shape([1])) == ("null", "99.9", "a list")


@pytest.mark.parametrize(
    ("example", "form"),
    [
        ("2024-01-01", "%Y-%m-%d"),
        ("20240101", "%Y%m%d"),
        ("2024-01", "%Y-%m"),
        ("2024-01-01T00:00:00Z", "%Y-%m-%dT%H:%M:%SZ"),
        ("2024-01-01 00:00:00", "%Y-%m-%d %H:%M:%S"),
        ("2024-01-01T00:00:00.000Z", "%Y-%m-%dT%H:%M:%S.%3fZ"),
        ("2024-01-01T00:00:00.000000+02:00", "%Y-%m-%dT%H:%M:%S.%f+00:00"),
        (1700000000, "epoch_seconds"),
        ("whenever", "iso"),
        (None, "iso"),
        (True, "iso"),
    ],
)
def test_an_example_says_how_times_are_written(example, form):
    assert same_format(example) == form


@pytest.mark.parametrize("form", ["YYYY-MM-DD", "%Y-%q", "%", "%Y-%", "epoch"])
def test_what_is_no_form_is_told(form):
    assert format_problem(form)


@pytest.mark.parametrize(
    ("value", "form", "meant"),
    [
        (1735689600, "epoch_milliseconds", "epoch_seconds"),
        ("1735689600", "epoch_milliseconds", "epoch_seconds"),
        (1735689600000, "epoch_seconds", "epoch_milliseconds"),
        (1735689600000, "epoch_microseconds", "epoch_milliseconds"),
        (1735689600000, "epoch_milliseconds", None),
        (0, "epoch_milliseconds", None),
        (86400000, "epoch_milliseconds", None),
        ("2025-01-01", "epoch_milliseconds", None),
        (1735689600, "iso", None),
        ("20250101", "%Y%m%d", None),
        (None, "epoch_seconds", None),
    ],
)
def test_a_number_in_another_unit_than_its_form_is_told_by_how_far_off_it_lies(value, form, meant):
    assert probable_unit(value, form) == meant


FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("0001-01-01T00:00:00+01:00", FIRST),
        ("0001-01-01T00:00:00+23:59", FIRST),
        ("9999-12-31T23:59:59-05:00", LAST),
        ("9999-12-31T23:59:59Z", LAST.replace(microsecond=0)),
    ],
)
def test_a_time_whose_zone_reaches_past_all_years_is_the_first_or_last_moment(written, moment):
    assert read_time(written, ["iso"]) == (moment, False)
    assert read_time(written, ["%Y-%m-%dT%H:%M:%S%z"])[0] == moment


def test_a_moment_is_shifted_and_written_within_all_years():
    assert shifted(FIRST, timedelta(days=-1)) == FIRST
    assert shifted(LAST, timedelta(days=365_000)) == LAST
    assert shifted(MOMENT, timedelta(days=1)) == MOMENT + timedelta(days=1)
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    assert str(write_time(LAST, "iso", east)).startswith("9999-12-31T23:59:59")
    assert str(write_time(FIRST, "iso", west)).startswith("0001-01-01T00:00:00")


@pytest.mark.parametrize("value", ["9" * 5_000, 10**400, 1e308, -1e308])
def test_numbers_that_no_date_can_hold_are_not_times(value):
    with pytest.raises(TimeError):
        read_time(value, ["epoch_seconds", "epoch_milliseconds"])


def test_a_format_with_a_directive_twice_reads_nothing():
    with pytest.raises(TimeError):
        read_time("2026-2026", ["%Y-%Y"])


def test_digits_are_read_as_strptime_reads_them():
    for form, value in [
        ("%Y-%m-%dT%H:%M:%SZ", "2024-06-05T12:30:01Z"),
        ("%Y-%m-%dT%H:%M:%SZ", "2024-6-5T2:30:1Z"),
        ("%Y-%m-%dT%H:%M:%S.%fZ", "2024-06-05T12:30:01.5Z"),
        ("%d/%m/%Y %H:%M", "05/06/2024 12:30"),
        ("%d.%m.%Y", "5.6.2024"),
        ("%Y%m%d", "20240605"),
    ]:
        assert read_time(value, (form,))[0] == datetime.strptime(value, form).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["2024-06-31T00:00:00Z", "2024-06-05T12:30:61Z", "2024-06-05T12:30:01+02:00"]
)
def test_digits_that_are_no_time_in_the_format_are_refused(value):
    with pytest.raises(TimeError):
        read_time(value, ("%Y-%m-%dT%H:%M:%SZ",))


def test_iso_is_tried_first_only_if_the_formats_before_it_are_ways_to_write_it():
    assert read_time("2024-02-01", ("%Y-%d-%m", "iso"))[0].month == 1
    assert read_time("2024-02-01", ("%Y%m%d", "iso"))[0].month == 2
    assert read_time("2024-6-5", ("%Y-%m-%d", "iso")) == (datetime(2024, 6, 5, tzinfo=UTC), True)
