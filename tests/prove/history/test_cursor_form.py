"""The form of cursors: what is told from samples, and that values are read as they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from framework.prove.history.cursor_form import form_of

ZERO = datetime(2026, 1, 1, 12, tzinfo=UTC)
MOMENT = datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("sample", "written", "unit"),
    [
        ("2026-01-31T10:00:00Z", "2026-03-04T05:06:07Z", SECOND),
        ("2026-01-31T10:00:00.123Z", "2026-03-04T05:06:07.123Z", timedelta(milliseconds=1)),
        ("2026-01-31 10:00:00", "2026-03-04 05:06:07", SECOND),
        ("2026-01-31T10:00:00-05:00", "2026-03-04T05:06:07+00:00", SECOND),
        ("2026-01-31", "2026-03-04", DAY),
        ("31/01/2026", "04/03/2026", DAY),
        ("01/31/2026", "03/04/2026", DAY),
        ("31.01.2026 10:00:00", "04.03.2026 05:06:07", SECOND),
        (1769853600, 1772600767, SECOND),
        ("1769853600000", "1772600767123", timedelta(milliseconds=1)),
        (41, 41 + 5_331_967, SECOND),
        ("41", str(41 + 5_331_967), SECOND),
    ],
)
def test_a_form_writes_as_its_sample_and_reads_what_it_writes(
    sample: Any, written: Any, unit: timedelta
) -> None:
    form = form_of([sample], (), ZERO)
    assert form is not None
    assert form.unit == unit
    assert form.write(MOMENT) == written
    assert form.read(written) == form.floor(MOMENT)


def test_a_format_of_the_file_counts_before_what_a_sample_looks_like() -> None:
    form = form_of(["03/04/2026"], ("%m/%d/%Y",), ZERO)
    assert form is not None
    assert form.write(datetime(2026, 3, 4, tzinfo=UTC)) == "03/04/2026"


@pytest.mark.parametrize("samples", [[], [None], ["abc"], [True], ["2026-01-31", 5]])
def test_values_that_are_neither_times_nor_numbers_have_no_form(samples: list[Any]) -> None:
    assert form_of(samples, (), ZERO) is None


def test_a_bound_is_read_in_other_forms_too() -> None:
    form = form_of(["2026-01-31T10:00:00Z"], (), ZERO)
    assert form is not None
    assert form.read("1772600767") == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert form.read("nothing") is None
