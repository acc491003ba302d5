"""Excel files, read and written."""

from __future__ import annotations

import io
from datetime import date, datetime, time, timedelta

import openpyxl
import pytest

from framework.definition.model import ResponseFormat
from framework.http.formats.compression import Undecodable
from framework.http.formats.decoders import decode_text, encode_body, sniff_format

ROOM = 10_000_000


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_values_are_those_of_json() -> None:
    body = workbook(
        ("id", "at", "day", "from", "took", "share", "ok", "none", "id"),
        (
            1,
            datetime(2026, 1, 2, 3, 4, 5),
            date(2026, 1, 2),
            time(3, 4),
            timedelta(hours=1),
            0.5,
            True,
            None,
            2.0,
        ),
    )
    assert decode_text(ResponseFormat(kind="xlsx"), body, None, ROOM) == [
        {
            "id": 1,
            "at": "2026-01-02T03:04:05",
            "day": "2026-01-02T00:00:00",
            "from": "03:04:00",
            "took": 3600.0,
            "share": 0.5,
            "ok": True,
            "none": None,
            "id_2": 2,
        }
    ]


def test_what_is_written_reads_as_the_same() -> None:
    form = ResponseFormat(
        kind="xlsx", sheet="Data", skip_lines=2, skip_after_header=1, skip_footer=1
    )
    records = [{"id": 1, "name": "Ada", "share": 0.5}, {"id": 2, "name": None, "share": None}]
    assert decode_text(form, encode_body(form, records), None, ROOM) == records


@pytest.mark.parametrize("body", [b"PK\x03\x04cut", b"{}", b"<html>", workbook(("id",))[:900]])
def test_what_is_no_excel_file_is_said(body: bytes) -> None:
    with pytest.raises(Undecodable, match="is not an Excel file"):
        decode_text(ResponseFormat(kind="xlsx"), body, None, ROOM)


def test_a_file_that_unpacks_to_too_much_is_refused() -> None:
    with pytest.raises(Undecodable, match="max_response_size"):
        decode_text(ResponseFormat(kind="xlsx"), workbook(("id",), (1,)), None, 1000)


def test_an_excel_file_is_known_by_its_content() -> None:
    sniffed = sniff_format(workbook(("id",)))
    assert sniffed is not None
    assert (sniffed.name, sniffed.reads) == ("an Excel file", "xlsx")
