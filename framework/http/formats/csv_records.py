"""CSV as records: lines above and below them, quotes, and what is no CSV at all."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from framework.definition.model import ResponseFormat
from framework.http.formats.compression import Undecodable
from framework.text import count_noun

Json = Any

csv.field_size_limit(2**31 - 1)

TITLE_SIZE = 1 << 16
"""Characters of a text that are looked at to tell a title from a header."""
TITLE_LINES = 5
LONGEST_LOOSE = 1 << 16
"""Characters of a value over several lines whose quotes are not doubled."""


def read_csv(form: ResponseFormat, text: str) -> list[dict[str, Json]]:
    """Return the records of a CSV; raise Undecodable if it is none, or its lines do not fit."""
    skipped, text = _without_title(form, text)
    rows = csv.reader(_csv_lines(form, text), strict=True, **_dialect(form))
    names = list(form.header) if isinstance(form.header, tuple) else None
    left = form.skip_after_header
    records: list[dict[str, Json]] = []
    last: deque[tuple[int, list[str]]] = deque()
    longest = 0
    try:
        for row in rows:
            if not row:
                continue
            if rows.line_num == 1 and _is_separator_line(form, row):
                continue
            longest = max(longest, len(row))
            if names is None:
                _refuse_title(form, row, text)
                names = column_names(row)
                continue
            if left:
                left -= 1
                continue
            last.append((rows.line_num, row))
            if len(last) > form.skip_footer:
                records.append(csv_record(form, names, *last.popleft(), skipped))
    except csv.Error as error:
        loose = ""
        if form.quote is not None and not form.loose_quotes and "expected after" in str(error):
            loose = ". If quotes stand inside quoted values, write `loose_quotes: true`"
        line = rows.line_num + skipped
        raise Undecodable(f"is not valid CSV: line {line:,}: {error}{loose}") from None
    if longest == 1 and (len(names or ()) > 1 or (not records and _is_prose((names or [""])[0]))):
        raise Undecodable("is text, not CSV: no line has the delimiter")
    return records


def csv_record(
    form: ResponseFormat, names: list[str], line: int, row: list[Json], skipped: int
) -> dict[str, Json]:
    """Return a row as a record; raise Undecodable if it has more values than there are names."""
    if len(row) > len(names):
        raise Undecodable(
            f"has {len(row)} values in line {line + skipped:,} but {len(names)} columns; "
            f"check the `delimiter` and `header` of response_format{_if_title(form)}"
        )
    return dict(zip(names, row + [None] * (len(names) - len(row)), strict=True))


def _without_title(form: ResponseFormat, text: str) -> tuple[int, str]:
    """Return how many lines above the CSV are left out, and the rest of the text.

    Raise Undecodable if there is no more.
    """
    if not form.skip_lines:
        return 0, text
    lines = io.StringIO(text, newline="").readlines()
    rest = "".join(lines[form.skip_lines :])
    if text.strip() and not rest.strip():
        raise Undecodable(
            f"has {count_noun(len(lines), 'line')}, and `skip_lines` of response_format skips "
            f"{form.skip_lines}"
        )
    return form.skip_lines, rest


def _csv_lines(form: ResponseFormat, text: str) -> Iterable[str]:
    """Return the lines of a CSV as the csv module reads them."""
    if form.loose_quotes and form.quote is not None and form.quote in text:
        text = "".join(_strict_lines(form, form.quote, text))
    lines: Iterable[str] = io.StringIO(text, newline="")
    if form.comment is not None:
        mark = form.comment
        # a line of its own: it keeps its number
        lines = ("\n" if line.startswith(mark) else line for line in lines)
    return lines


def _strict_lines(form: ResponseFormat, quote: str, text: str) -> Iterator[str]:
    """Yield the text of a CSV in parts, with quotes as the csv module wants them.

    A line that is valid stays: what looks like the end of a loose value may be a doubled quote.
    """
    width = len(form.header) if isinstance(form.header, tuple) else None
    held = ""
    for line in io.StringIO(text, newline=""):
        part = held + line
        if held or (quote in line and not _fits(form, part, width)):
            held, part = part, _with_doubled_quotes(form.delimiter, quote, part)
            if not _fits(form, part, width) and len(held) < LONGEST_LOOSE:
                continue
        held = ""
        if width is None and part.strip():
            width = len(next(csv.reader([part], **_dialect(form))))
        yield part
    if held:
        yield _with_doubled_quotes(form.delimiter, quote, held)


def _fits(form: ResponseFormat, text: str, width: int | None) -> bool:
    """Return whether all rows of a text are valid and have so many values."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True, **_dialect(form)))
    except csv.Error:
        return False
    return width is None or all(len(row) == width for row in rows if row)


def _with_doubled_quotes(delimiter: str, quote: str, text: str) -> str:
    """Return a CSV whose quotes inside quoted values are doubled, as the csv module wants them."""
    one, between = re.escape(quote), re.escape(delimiter)
    end = rf"(?:{between}|\r|\n|\Z)"
    inside = rf"(?:[^{one}]++|{one}{one}(?!{end})|{one}(?!{end}))*+"
    value = re.compile(rf"(?<![^{between}\r\n]){one}({inside}){one}(?={end})")
    doubled = re.compile(rf"{one}{{1,2}}")
    # behind the last quote that ends a value, each quote would be searched for its end in vain
    last = max((found.end() for found in re.finditer(rf"{one}(?={end})", text)), default=0)
    changed = value.sub(
        lambda found: quote + doubled.sub(quote * 2, found[1]) + quote, text[: last + 1]
    )
    return changed + text[last + 1 :]


def _is_prose(line: str) -> bool:
    return " " in line.strip() or line.strip()[-1:] in (".", "!", ":")


def write_csv(form: ResponseFormat, data: Json) -> str:
    """Return the CSV that reads as these records again."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", **_dialect(form))
    out.write("\n" * form.skip_lines)
    none = ["-"] * max(2, len(data[0]) if data else 0)
    if data and not isinstance(form.header, tuple):
        writer.writerow(data[0])
        writer.writerows([none] * form.skip_after_header)
    for row in data:
        # a null stands only where a row is shorter than the header
        writer.writerow([value for value in row.values() if value is not None])
    if data:
        writer.writerows([none] * form.skip_footer)
    return out.getvalue()


_SEPARATOR_LINE = re.compile(r"sep=(\\t|.)", re.IGNORECASE | re.DOTALL)


def _dialect(form: ResponseFormat) -> dict[str, Any]:
    if form.quote is None:
        return {"delimiter": form.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": form.delimiter, "quotechar": form.quote}


def _is_separator_line(form: ResponseFormat, row: list[str]) -> bool:
    """Return whether the row is the line `sep=;` that Excel reads, of the declared delimiter."""
    line = form.delimiter.join(row)
    found = _SEPARATOR_LINE.fullmatch(line)
    if found is None:
        return False
    written = "\t" if found[1] == "\\t" else found[1]
    if written == form.delimiter:
        return True
    raise Undecodable(
        f"begins with the line {line}, which says that its delimiter is not "
        f"{json.dumps(form.delimiter)}: write `delimiter: {json.dumps(written)}` into "
        "response_format"
    )


def _refuse_title(form: ResponseFormat, row: list[str], text: str) -> None:
    """Raise Undecodable if the first row is certainly not the header of what follows."""
    unnamed = sum(not name.strip() for name in row)
    if len(row) > 2 and unnamed == len(row) - 1:
        raise Undecodable(
            f"has one name and {unnamed} empty ones in its first line{_if_title(form)}"
        )
    lines = [line for line in text[:TITLE_SIZE].splitlines() if line.strip()][:TITLE_LINES]
    for other in (";", "\t", "|", ",") if len(row) == 1 and len(lines) > 1 else ():
        counts = {line.count(other) for line in lines}
        if other != form.delimiter and len(counts) == 1 and min(counts) > 0:
            raise Undecodable(
                f"has one column, and {json.dumps(other)} equally often in each line: write "
                f"`delimiter: {json.dumps(other)}` into response_format"
            )


def _if_title(form: ResponseFormat) -> str:
    """Return what to do about lines above the header, to end a message; nothing without one."""
    if isinstance(form.header, tuple):
        return ""
    return (
        ". If the file begins with a title, say how many lines it has with `skip_lines`; rows of "
        "units and totals are left out with `skip_after_header` and `skip_footer`"
    )


def column_names(row: list[str]) -> list[str]:
    """Return the header's names; missing and repeated ones are numbered, so that none is lost."""
    names: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for position, header in enumerate(row, 1):
        name = wanted = header.strip() or f"column_{position}"
        while name in names:
            numbers[wanted] = numbers.get(wanted, 1) + 1
            name = f"{wanted}_{numbers[wanted]}"
        names[name] = None
    return list(names)


def footer_rows(form: ResponseFormat, text: str) -> list[list[str]]:
    """Return the rows that `skip_footer` leaves out, if each is one line; others are not told."""
    lines = [line for line in text.splitlines() if line.strip()]
    return list(csv.reader(lines[-form.skip_footer :], **_dialect(form)))


def header_names(form: ResponseFormat, text: str) -> list[str]:
    """Return the names in the header of a CSV without records."""
    rows = csv.reader(_csv_lines(form, _without_title(form, text)[1]), **_dialect(form))
    return next((row for row in rows if row), [])
