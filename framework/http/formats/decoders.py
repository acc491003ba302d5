"""Response formats: a body as data, data as a body again, and which format a body looks like.

`DECODERS` has one entry per `type` of `response_format`. Bytes and the response's character set
come in; out comes what JSON would hold: for lines and rows, a list with one item each. Content
never stands in an error: it may be personal.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import orjson
import requests

from framework.definition.model import ResponseFormat
from framework.definition.values.json_text import (
    MAX_DEPTH,
    KeepsDigits,
    depth_of,
    parse_json,
    with_nulls,
    without_guard,
)
from framework.http.error_reports import is_only_error
from framework.http.formats.charsets import charset_of, decode_charset
from framework.http.formats.compression import COMPRESSIONS, Undecodable, compress, decompress
from framework.http.formats.csv_records import (
    column_names,
    csv_record,
    header_names,
    read_csv,
    write_csv,
)
from framework.http.formats.workbook import is_workbook, read_workbook, refuse_large, write_workbook
from framework.text import join_words

Json = Any

ANY_SIZE = 1 << 40
"""Bytes, for a body that was decompressed before within its bound."""
SNIFFED_SIZE = 1 << 16
"""Bytes of a body that are looked at to recognize its format."""
SNIFFED_LINES = 5


@dataclass(frozen=True)
class SniffedFormat:
    """What a body looks like.

    `reads` is the `response_format` for it as YAML, None if no format reads it.
    """

    name: str
    reads: str | None = None

    @property
    def kind(self) -> str:
        """The type of that format, empty if there is none."""
        return (self.reads or "").removeprefix("{type: ").partition(",")[0]

    @property
    def packed(self) -> bool:
        """Whether that format decompresses first."""
        return "compression" in (self.reads or "")


@dataclass(frozen=True)
class _Beginning:
    """The first text of a body, without blanks before it, and its first complete lines."""

    text: str
    lines: list[str]

    @classmethod
    def of(cls, body: bytes) -> _Beginning:
        text = body[:SNIFFED_SIZE].decode("utf-8-sig", errors="replace").lstrip()
        lines = [line for line in text.splitlines() if line.strip()]
        return cls(text, lines if len(body) <= SNIFFED_SIZE else lines[:-1])


Read = Callable[[ResponseFormat, bytes, str | None, KeepsDigits | None], Json]
Write = Callable[[ResponseFormat, Json], str | bytes]
Sniff = Callable[[_Beginning], SniffedFormat | None]


@dataclass(frozen=True)
class Decoder:
    """One type of `response_format`.

    `read` returns the data of a decompressed body, or raises Undecodable. Its last argument is
    that of `parse_json`. `write` returns the text, or the bytes, that read as this data again.
    `sniff` recognizes the beginning of a body; None if any text could be of this format.
    """

    read: Read
    write: Write
    sniff: Sniff | None = None


def build_decoder(
    form: ResponseFormat,
    max_size: int,
    decimals: KeepsDigits | None = None,
    columns: Collection[str] = (),
) -> Callable[[requests.Response], Json] | None:
    """Return what reads a response's body in this format; None if the format is plain JSON.

    `columns` are names of which the header of a CSV must have one, if there are any.
    """
    if form == ResponseFormat():
        return None
    known = set(map(_bare, columns))

    def decode(response: requests.Response) -> Json:
        kind = response.headers.get("Content-Type", "")
        is_html = "html" in kind and form.kind in ("csv", "jsonl")
        if is_html and response.content.lstrip()[:1] == b"<":
            raise Undecodable(HTML)
        data = decode_text(form, response.content, charset_of(kind), max_size, decimals)
        if is_html and not (data or known):
            raise Undecodable(HTML)  # prose, as likely as a header without rows
        if known and form.kind == "csv" and form.header is True:
            parts = [] if data else decompress(form.compression, response.content, max_size)
            names = list(data[0]) if data else _header(form, parts, charset_of(kind))
            if names and known.isdisjoint(map(_bare, names)):
                raise Undecodable(
                    "is not the CSV that is expected: its header has none of "
                    f"{join_words(columns, last='or')}"
                )
        return data

    return decode


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def _header(form: ResponseFormat, parts: list[bytes], charset: str | None) -> list[str]:
    names = (header_names(form, _text(form, part, charset)) for part in parts)
    return next(filter(None, names), [])


HTML = "is an HTML page: check base_url, the path and the credentials"


def _refuse_other(form: ResponseFormat, text: str) -> None:
    """Raise Undecodable for an error or a login page in place of lines, whatever its type says."""
    start = text[:SNIFFED_SIZE].lstrip()
    if _HTML.match(start) and (form.kind != "text" or _PASSWORD.search(text)):
        raise Undecodable(HTML)
    if start[:1] not in ("{", "["):
        return
    try:
        value = parse_json(text)[0]
    except ValueError:
        return
    if form.kind == "csv" or (isinstance(value, dict) and is_only_error(value)):
        raise Undecodable(f"is JSON, not {'CSV' if form.kind == 'csv' else 'text'}")


def decode_text(
    form: ResponseFormat,
    body: bytes,
    charset: str | None,
    max_size: int,
    decimals: KeepsDigits | None = None,
) -> Json:
    """Return the data in a body; several files in a zip are one list.

    `max_size` bounds the decompressed size in bytes. Raises Undecodable.
    """
    parts = decompress(form.compression, body, max_size)
    if form.kind == "xlsx":
        refuse_large(parts, max_size)
    data = [DECODERS[form.kind].read(form, part, charset, decimals) for part in parts]
    if len(data) == 1:
        return data[0]
    if all(isinstance(part, list) for part in data):
        return [item for part in data for item in part]
    return data


def json_in(form: ResponseFormat, body: bytes, charset: str | None) -> list[str]:
    """Return the JSON texts in a body that `decode_text` has read: its lines, or all of it.

    There are none in a body of another format.
    """
    if form.kind not in ("json", "jsonl"):
        return []
    texts = [_text(form, part, charset) for part in decompress(form.compression, body, ANY_SIZE)]
    if form.kind == "json":
        return texts
    return [line for text in texts for line in text.split("\n") if line.strip()]


def encode_body(form: ResponseFormat, data: Json) -> bytes:
    """Return a body that `decode_text` reads as this data, in the format's encoding or UTF-8.

    Raises Undecodable if there is none.
    """
    try:
        text = DECODERS[form.kind].write(form, data)
        plain = text if isinstance(text, bytes) else text.encode(form.encoding or "utf-8")
        body = compress(form.compression, plain)
        again = decode_text(form, body, "utf-8", ANY_SIZE)
    except (csv.Error, ValueError, TypeError, KeyError, AttributeError, LookupError):
        again = ...
    if again != data:
        raise Undecodable(f"cannot be written as {form.kind} again")
    return body


def sniff_format(body: bytes) -> SniffedFormat | None:
    """Guess a body's format from its first bytes, ignoring declared format and headers."""
    if not body.strip():
        return SniffedFormat("nothing: it is empty")
    if is_workbook(body):
        return SniffedFormat("an Excel file", "xlsx")
    for name, compression in COMPRESSIONS.items():
        inside = compression.begin(body, SNIFFED_SIZE)
        if inside is not None:
            found = _sniff_plain(inside)
            reads = (found.reads if found else None) or "json"
            options = f"{reads[:-1]}, " if reads.startswith("{") else f"{{type: {reads}, "
            return SniffedFormat(f"a {name} file", f"{options}compression: {name}}}")
    return _sniff_plain(body)


def _sniff_plain(body: bytes) -> SniffedFormat | None:
    beginning = _Beginning.of(body)
    found = (one.sniff(beginning) for one in DECODERS.values() if one.sniff is not None)
    return next((one for one in found if one is not None), None)


def _text(form: ResponseFormat, body: bytes, charset: str | None) -> str:
    encoding = form.encoding or charset or "utf-8"
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"  # a byte order mark is not content
    try:
        return decode_charset(body, encoding)
    except UnicodeError as error:
        place = f": byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else ""
        raise Undecodable(
            f"is not valid {encoding.removesuffix('-sig')[:40]} text{place}; write its "
            "`encoding` into response_format"
        ) from None
    except LookupError:
        raise Undecodable(
            f"has the unknown character set `{encoding[:40]}`; write its `encoding` into "
            "response_format"
        ) from None


# JSON and JSON lines


def _json_of(form: ResponseFormat, text: str, decimals: KeepsDigits | None) -> Json:
    """Return the value of a JSON text; raise ValueError if it is not valid."""
    try:
        return parse_json(text, decimals)[0]
    except ValueError as error:
        if "NaN" not in text and "Infinity" not in text:
            raise
        if not form.nan_as_null:
            raise ValueError(f"{error}: write `nan_as_null: true`") from None
    return parse_json(with_nulls(text), decimals)[0]


def _read_json(
    form: ResponseFormat, body: bytes, charset: str | None, decimals: KeepsDigits | None
) -> Json:
    try:
        return _json_of(form, without_guard(_text(form, body, charset)), decimals)
    except ValueError as error:
        raise Undecodable(f"is not valid JSON: {error}") from None


def _write_json(_: ResponseFormat, data: Json) -> str:
    return json.dumps(data, ensure_ascii=False)


def _sniff_json(beginning: _Beginning) -> SniffedFormat | None:
    return SniffedFormat("JSON", "json") if beginning.text[:1] in ("{", "[") else None


def _read_jsonl(
    form: ResponseFormat, body: bytes, charset: str | None, decimals: KeepsDigits | None
) -> Json:
    items = []
    for number, line in enumerate(_text(form, body, charset).split("\n"), 1):
        if not line.strip():
            continue
        try:
            items.append(_json_of(form, line, decimals))
        except ValueError as error:
            raise Undecodable(f"is not valid JSON in line {number:,}: {error}") from None
    if len(items) == 1 and isinstance(items[0], list) and set(map(type, items[0])) == {dict}:
        raise Undecodable("is a JSON list, not JSON lines: write `response_format: json`")
    return items


def _write_jsonl(_: ResponseFormat, data: Json) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in data)


def _sniff_jsonl(beginning: _Beginning) -> SniffedFormat | None:
    lines = beginning.lines
    if len(lines) < 2 or not all(map(_is_json_line, lines[:SNIFFED_LINES])):
        return None
    return SniffedFormat("JSON lines", "jsonl")


def _is_json_line(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), (dict, list))
    except orjson.JSONDecodeError:
        return False


# CSV


def _read_csv(
    form: ResponseFormat, body: bytes, charset: str | None, _: KeepsDigits | None
) -> Json:
    text = _text(form, body, charset)
    _refuse_other(form, text)
    return read_csv(form, text)


def _sniff_csv(beginning: _Beginning) -> SniffedFormat | None:
    for delimiter in (",", ";", "\t", "|"):
        lines = [line for line in beginning.lines[:SNIFFED_LINES] if '"' not in line]
        counts = {line.count(delimiter) for line in lines}
        if len(beginning.lines) > 1 and len(counts) == 1 and min(counts) > 0:
            written = json.dumps(delimiter)
            reads = "csv" if delimiter == "," else f"{{type: csv, delimiter: {written}}}"
            return SniffedFormat("CSV", reads)
    return None


# Excel


def _read_xlsx(
    form: ResponseFormat, body: bytes, _: str | None, _decimals: KeepsDigits | None
) -> Json:
    if not body:
        return []
    rows = read_workbook(body, form.sheet)[form.skip_lines :]
    names = list(form.header) if isinstance(form.header, tuple) else None
    if names is None:
        names = column_names([str(name or "") for name in rows[0]]) if rows else []
        rows = rows[1:]
    rows = rows[form.skip_after_header : len(rows) - form.skip_footer]
    return [csv_record(form, names, number, row, 0) for number, row in enumerate(rows, 1)]


def _write_xlsx(form: ResponseFormat, data: Json) -> bytes:
    names = list(data[0]) if data else []
    none = ["-"] * max(1, len(names))
    head = [] if isinstance(form.header, tuple) or not data else [names]
    rows = [list(row.values()) for row in data]
    above, below = [none] * form.skip_after_header, [none] * form.skip_footer
    return write_workbook([*[none] * form.skip_lines, *head, *above, *rows, *below], form.sheet)


# XML


def _read_xml(
    form: ResponseFormat, body: bytes, _: str | None, _decimals: KeepsDigits | None
) -> Json:
    from pyexpat import ExpatError

    import xmltodict

    if not body.strip():
        return None
    try:
        tree = xmltodict.parse(body, encoding=form.encoding, force_list=form.lists or None)
    except ExpatError as error:
        place = f"line {error.lineno}, column {error.offset + 1}"
        raise Undecodable(f"is not valid XML: {place}") from None
    except (ValueError, LookupError):
        # entities are refused: they can expand a small response to gigabytes
        raise Undecodable("is XML with entities or an unsupported character set") from None
    if depth_of(tree) > MAX_DEPTH:
        raise Undecodable(f"is XML nested deeper than {MAX_DEPTH} levels")
    return tree


def _write_xml(form: ResponseFormat, data: Json) -> str:
    import xmltodict

    return "" if data is None else str(xmltodict.unparse(data, encoding=form.encoding or "utf-8"))


_PASSWORD = re.compile(r"<input\b[^>]*\btype=[\"']?password", re.IGNORECASE)
_HTML = re.compile(r"<(!doctype html|html|head|body|script|title)\b", re.IGNORECASE)


def _sniff_xml(beginning: _Beginning) -> SniffedFormat | None:
    if beginning.text[:1] != "<":
        return None
    is_html = _HTML.match(beginning.text)
    return SniffedFormat("an HTML page") if is_html else SniffedFormat("XML", "xml")


# Text


def _read_text(
    form: ResponseFormat, body: bytes, charset: str | None, _: KeepsDigits | None
) -> Json:
    text = _text(form, body, charset)
    _refuse_other(form, text)
    if form.record == "body":
        return [{"text": text}] if text else []
    return [{"text": line} for line in text.splitlines() if line.strip()]


def _write_text(form: ResponseFormat, data: Json) -> str:
    lines: list[str] = [item["text"] for item in data]
    return "".join(lines if form.record == "body" else [line + "\n" for line in lines])


DECODERS = {
    "xml": Decoder(_read_xml, _write_xml, _sniff_xml),
    "jsonl": Decoder(_read_jsonl, _write_jsonl, _sniff_jsonl),
    "json": Decoder(_read_json, _write_json, _sniff_json),
    "csv": Decoder(_read_csv, write_csv, _sniff_csv),
    "xlsx": Decoder(_read_xlsx, _write_xlsx),
    "text": Decoder(_read_text, _write_text),
}
"""The types of `response_format`, in the order in which a body is recognized as one."""
