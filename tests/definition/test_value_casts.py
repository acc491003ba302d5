"""Casts that say how a value is written: times by format and zone, numbers by an example."""

from __future__ import annotations

import pytest

from framework.definition.values.value_casts import NumberCast, TimeCast


@pytest.mark.parametrize(
    ("text", "style", "plain"),
    [
        ("1,234.56", "1,234.56", "1234.56"),
        ("1.234.567", "1.234,56", "1234567"),
        ("12345678901234567,123456789", "1.234,56", "12345678901234567.123456789"),
        ("1 234,5", "1 234,56", "1234.5"),
        ("1\u202f234,5", "1 234,56", "1234.5"),
        ("1\u2019234.5", "1'234.56", "1234.5"),
        ("-7", "1,234.56", "-7"),
        ("- 7", "1,234.56", "-7"),
        ("1,50-", "1.234,56", "-1.50"),
        (".5", "1,234.56", "0.5"),
        ("007", "1,234.56", "7"),
    ],
)
def test_a_number_is_read_as_its_example_is(text: str, style: str, plain: str) -> None:
    assert NumberCast(decimal=style)(text) == plain
    assert NumberCast(style)(text) == float(plain)


@pytest.mark.parametrize(
    ("value", "style"),
    [
        ("12.34", "1.234,56"),
        ("1,23", "1,234.56"),
        ("1,2345", "1,234.56"),
        ("1.234.56", "1,234.56"),
        ("--7", "1,234.56"),
        ("1e5", "1,234.56"),
        ("-", "1,234.56"),
        ("seven", "1,234.56"),
        (True, "1,234.56"),
        ([], "1,234.56"),
    ],
)
def test_what_is_written_otherwise_is_no_such_number(value: object, style: str) -> None:
    with pytest.raises(ValueError):
        NumberCast(style)(value)


@pytest.mark.parametrize("value", ["", "  "])
def test_empty_text_is_no_number_and_no_time(value: str) -> None:
    assert NumberCast("1,234.56")(value) is None
    assert TimeCast("iso")(value) is None


@pytest.mark.parametrize(
    ("value", "time_format", "zone", "expected"),
    [
        (1767225600123, "epoch_milliseconds", None, "2026-01-01T00:00:00.123000Z"),
        ("24.12.2026 10:00", "%d.%m.%Y %H:%M", "Europe/Berlin", "2026-12-24T09:00:00Z"),
        ("24.12.2026", "%d.%m.%Y", "Europe/Berlin", "2026-12-24"),
        ("2026-01-31", "iso", "Europe/Berlin", "2026-01-30T23:00:00Z"),
        ("0000-00-00 00:00:00", "iso", None, None),
        ("00/00/0000", "%d/%m/%Y", None, None),
        ("00000000", "%Y%m%d", None, None),
        ("00000000", "epoch_seconds", None, "1970-01-01T00:00:00Z"),
    ],
)
def test_a_time_is_read_by_format_and_zone(
    value: object, time_format: str, zone: str | None, expected: str | None
) -> None:
    assert TimeCast(time_format, zone)(value) == expected


def test_a_declared_time_that_is_written_otherwise_stays() -> None:
    cast = TimeCast("%d.%m.%Y")
    assert [cast.if_written_so(value) for value in ("soon", None, "01.02.2026")] == [
        "soon",
        None,
        "2026-02-01",
    ]
