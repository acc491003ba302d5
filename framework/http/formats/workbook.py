"""Excel files as rows: read and written by openpyxl, the extra `[xlsx]`."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.etree.ElementTree import ParseError

from framework.http.formats.compression import Undecodable

Json = Any
Row = list[Json]

_BROKEN = (
    zipfile.BadZipFile,
    ParseError,
    KeyError,
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    OSError,
    EOFError,
)
"""What openpyxl raises for a file that is none, or is cut."""


def is_workbook(body: bytes) -> bool:
    """Return whether a body is an Excel file (xlsx), which is a zip with certain names."""
    if not body.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as file:
            return "xl/workbook.xml" in file.namelist()
    except zipfile.BadZipFile:
        return False


def refuse_large(bodies: Iterable[bytes], max_size: int) -> None:
    """Raise Undecodable if Excel files have more than `max_size` bytes together, unpacked."""
    size = 0
    for body in bodies:
        if is_workbook(body):
            with zipfile.ZipFile(io.BytesIO(body)) as file:
                size += sum(part.file_size for part in file.infolist())
    if size > max_size:
        raise Undecodable(
            f"is an Excel file of {size:,} bytes, more than the {max_size:,} of max_response_size"
        )


def read_workbook(body: bytes, sheet: str | None) -> list[Row]:
    """Return the rows of a sheet that are not empty; by default of the first sheet.

    Whole numbers are integers; times are ISO 8601 text, without a zone as Excel has none. Raise
    Undecodable if the body is no Excel file, or has no such sheet.
    """
    load_workbook = _openpyxl().load_workbook
    try:
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
        names = [one.title for one in book.worksheets]
        if sheet is not None and sheet not in names:
            raise Undecodable(f"has no sheet {sheet}; its sheets are {', '.join(names)}")
        chosen = book.worksheets[0] if sheet is None else book[sheet]
        # what a file says of its size may be wrong
        chosen.reset_dimensions()
        return list(_rows(chosen.iter_rows(values_only=True)))
    except _BROKEN:
        raise Undecodable("is not an Excel file (xlsx), or is cut off") from None


def write_workbook(rows: Sequence[Sequence[Json]], sheet: str | None) -> bytes:
    """Return an Excel file with one sheet of these rows."""
    book = _openpyxl().Workbook(write_only=True)
    page = book.create_sheet(sheet or "Sheet1")
    for row in rows:
        page.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _rows(rows: Iterator[tuple[Any, ...]]) -> Iterator[Row]:
    for row in rows:
        if any(value is not None and value != "" for value in row):
            yield [_value(value) for value in row]


def _value(value: Any) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError:
        raise Undecodable(
            "is an Excel file, which needs openpyxl: pip install 'rest-connector-framework[xlsx]'"
        ) from None
    # it warns of styles, which are not read
    warnings.filterwarnings("ignore", module="openpyxl")
    return openpyxl
