"""The body of an answer as data, and data as a body again, in the format that the file declares.

Bytes and the answer's character set come in; out comes what JSON would hold: for lines and rows a
list with one item each. Content never stands in an error: it may be personal.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import requests

from framework.definition.json_text import MAX_DEPTH, depth_of, parse_json
from framework.definition.model import ResponseFormat
from framework.errors import FrameworkError

Json = Any


CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


class Undecodable(FrameworkError):
    """A body that is not of the declared format; the text goes on after "the body"."""


def decompress(compression: str, body: bytes, most: int) -> list[bytes]:
    """The files in a body: one, or as many as a zip holds, in the zip's order.

    `most` is the most bytes of all together. Undecodable where the body is not packed so.
    """
    if compression == "none" or not body:
        return [body]
    return [_from_gzip(body, most)] if compression == "gzip" else _from_zip(body, most)


def compress(compression: str, body: bytes) -> bytes:
    """The body packed, the same bytes for the same body."""
    if compression == "gzip":
        return gzip.compress(body, mtime=0)
    if compression == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("data"), body)
        return out.getvalue()
    return body


def _from_gzip(body: bytes, most: int) -> bytes:
    """All members of a gzip file, one after the other."""
    if not body.startswith(_GZIP):
        raise Undecodable(
            "is not packed with gzip; take `compression` away where the API packs only the "
            "transfer, which is unpacked anyway"
        )
    made = bytearray()
    try:
        while body.startswith(_GZIP):
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                piece = stream.decompress(body, CHUNK)
                made += piece
                if len(made) > most:
                    raise _too_large(most)
                body = stream.unconsumed_tail
                if not piece and not body and not stream.eof:
                    raise Undecodable("is cut: the gzip file in it has no end")
            body = stream.unused_data
    except zlib.error:
        raise Undecodable("is broken: the gzip file in it cannot be unpacked") from None
    return bytes(made)


def _from_zip(body: bytes, most: int) -> list[bytes]:
    files = []
    left = most
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if member.is_dir():
                    continue
                with archive.open(member) as file:
                    data = file.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise _too_large(most)
                files.append(data)
    except zipfile.BadZipFile:
        raise Undecodable("is no zip file, or a broken one") from None
    except (RuntimeError, NotImplementedError, zlib.error, EOFError):
        raise Undecodable("is a zip file that cannot be unpacked (a password?)") from None
    return files


def _too_large(most: int) -> Undecodable:
    return Undecodable(
        f"is larger than client.max_response_size ({most:,} bytes) once unpacked; ask for less "
        "or raise the limit"
    )


csv.field_size_limit(2**31 - 1)

ANY_SIZE = 1 << 40
"""Bytes, for a body that was unpacked before within its bound."""


def build_decoder(form: ResponseFormat, most: int) -> Callable[[requests.Response], Json] | None:
    """What reads a response's body in this format; None where the format is plain JSON."""
    if form == ResponseFormat():
        return None

    def decode(response: requests.Response) -> Json:
        kind = response.headers.get("Content-Type", "")
        if "html" in kind and form.kind in ("csv", "jsonl"):
            raise Undecodable("is an HTML page: check base_url, the path and the credentials")
        return decode_text(form, response.content, charset_of(kind), most)

    return decode


def charset_of(content_type: str) -> str | None:
    """The character set that a Content-Type names, or None."""
    found = re.search(r"charset=[\"']?([^\s;\"']+)", content_type, re.IGNORECASE)
    return found[1] if found else None


def decode_text(form: ResponseFormat, body: bytes, charset: str | None, most: int) -> Json:
    """The data in a body. `most` bounds the unpacked size in bytes. Undecodable says what is
    wrong with it; several files in a zip are one list."""
    parts = decompress(form.compression, body, most)
    found = [_READ[form.kind](form, part, charset) for part in parts]
    if len(found) == 1:
        return found[0]
    if all(isinstance(data, list) for data in found):
        return [item for data in found for item in data]
    return found


def json_in(form: ResponseFormat, body: bytes, charset: str | None) -> list[str]:
    """The JSON texts in a body that `decoded` has read: its lines, or all of it; none where the
    format is another."""
    if form.kind not in ("json", "jsonl"):
        return []
    texts = [_text(form, part, charset) for part in decompress(form.compression, body, ANY_SIZE)]
    if form.kind == "json":
        return texts
    return [line for text in texts for line in text.split("\n") if line.strip()]


def encode_body(form: ResponseFormat, data: Json) -> bytes:
    """A body in the format's encoding or UTF-8, packed as the format is, that `decoded` reads as
    this data. Undecodable where there is none."""
    try:
        text = _WRITE[form.kind](form, data)
        body = compress(form.compression, text.encode(form.encoding or "utf-8"))
        again = decode_text(form, body, "utf-8", 2 * len(text.encode()) + 1000)
    except (csv.Error, ValueError, TypeError, KeyError, AttributeError, LookupError):
        again = ...
    if again != data:
        raise Undecodable(f"cannot be written as {form.kind} again")
    return body


def _text(form: ResponseFormat, body: bytes, charset: str | None) -> str:
    encoding = form.encoding or charset or "utf-8"
    if encoding.lower().replace("_", "-") in ("utf-8", "utf8"):
        encoding = "utf-8-sig"  # a mark at the beginning is no content
    try:
        return body.decode(encoding)
    except UnicodeDecodeError as error:
        raise Undecodable(
            f"is no {encoding.removesuffix('-sig')} text: byte {error.start:,}; write its "
            "`encoding` into response_format"
        ) from None
    except LookupError:
        raise Undecodable(
            f"names the character set `{encoding[:40]}`, which is not known; write its `encoding` "
            "into response_format"
        ) from None


def _read_json(form: ResponseFormat, body: bytes, charset: str | None) -> Json:
    try:
        return parse_json(_text(form, body, charset))[0]
    except ValueError as error:
        raise Undecodable(f"is no JSON: {error}") from None


def _read_jsonl(form: ResponseFormat, body: bytes, charset: str | None) -> Json:
    found = []
    for number, line in enumerate(_text(form, body, charset).split("\n"), 1):
        if not line.strip():
            continue
        try:
            found.append(parse_json(line)[0])
        except ValueError as error:
            raise Undecodable(f"has no JSON in its line {number:,}: {error}") from None
    return found


def _read_text(form: ResponseFormat, body: bytes, charset: str | None) -> Json:
    text = _text(form, body, charset)
    if form.record == "body":
        return [{"text": text}] if text else []
    return [{"text": line} for line in text.splitlines() if line.strip()]


def _read_csv(form: ResponseFormat, body: bytes, charset: str | None) -> Json:
    text = _text(form, body, charset)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True, **_dialect(form))
    names = list(form.header) if isinstance(form.header, tuple) else None
    found = []
    try:
        for row in rows:
            if not row:
                continue
            if names is None:
                names = _column_names(row)
                continue
            if len(row) > len(names):
                raise Undecodable(
                    f"has {len(row)} values in its line {rows.line_num:,} and {len(names)} columns;"
                    " look at the `delimiter` and `header` of response_format"
                )
            found.append(dict(zip(names, row + [None] * (len(names) - len(row)), strict=True)))
    except csv.Error as error:
        raise Undecodable(f"is no CSV: line {rows.line_num:,}: {error}") from None
    return found


def _dialect(form: ResponseFormat) -> dict[str, Any]:
    if form.quote is None:
        return {"delimiter": form.delimiter, "quoting": csv.QUOTE_NONE}
    return {"delimiter": form.delimiter, "quotechar": form.quote}


def _column_names(row: list[str]) -> list[str]:
    """The header's names; what has none or a name that was there is numbered: nothing is lost."""
    names: dict[str, None] = {}
    numbers: dict[str, int] = {}
    for position, name in enumerate(row, 1):
        made = wanted = name.strip() or f"column_{position}"
        while made in names:
            numbers[wanted] = numbers.get(wanted, 1) + 1
            made = f"{wanted}_{numbers[wanted]}"
        names[made] = None
    return list(names)


def _read_xml(form: ResponseFormat, body: bytes, _: str | None) -> Json:
    from pyexpat import ExpatError

    import xmltodict

    if not body.strip():
        return None
    try:
        found = xmltodict.parse(body, encoding=form.encoding, force_list=form.lists or None)
    except ExpatError as error:
        raise Undecodable(f"is no XML: line {error.lineno}, column {error.offset + 1}") from None
    except (ValueError, LookupError):
        # entities are refused: they can blow a small answer up to gigabytes
        raise Undecodable("is XML with entities or a character set that are not read") from None
    if depth_of(found) > MAX_DEPTH:
        raise Undecodable(f"is XML nested deeper than {MAX_DEPTH} levels")
    return found


def _write_json(_: ResponseFormat, data: Json) -> str:
    return json.dumps(data, ensure_ascii=False)


def _write_jsonl(_: ResponseFormat, data: Json) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in data)


def _write_text(form: ResponseFormat, data: Json) -> str:
    lines: list[str] = [item["text"] for item in data]
    return "".join(lines if form.record == "body" else [line + "\n" for line in lines])


def _write_csv(form: ResponseFormat, data: Json) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n", **_dialect(form))
    if data and not isinstance(form.header, tuple):
        writer.writerow(data[0])
    for row in data:
        # only what a line breaks off before is null
        writer.writerow([value for value in row.values() if value is not None])
    return out.getvalue()


def _write_xml(form: ResponseFormat, data: Json) -> str:
    import xmltodict

    return "" if data is None else str(xmltodict.unparse(data, encoding=form.encoding or "utf-8"))


_READ: dict[str, Callable[[ResponseFormat, bytes, str | None], Json]] = {
    "json": _read_json,
    "jsonl": _read_jsonl,
    "csv": _read_csv,
    "xml": _read_xml,
    "text": _read_text,
}
_WRITE: dict[str, Callable[[ResponseFormat, Json], str]] = {
    "json": _write_json,
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "xml": _write_xml,
    "text": _write_text,
}
