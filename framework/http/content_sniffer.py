"""What a body looks like, whatever the file and the answer's headers say of it.

Bytes in, a name and the `response_format` that would read it out. Only the beginning is looked at,
and nothing of it is repeated.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass

import orjson

_MOST = 1 << 16
"""Bytes that are looked at."""
_HTML = re.compile(r"<(!doctype html|html|head|body|script|title)\b", re.IGNORECASE)
_DELIMITERS = (",", ";", "\t", "|")
_ROWS = 5


@dataclass(frozen=True)
class SniffedFormat:
    """What a body looks like. `reads` is the `response_format` for it as YAML, None where no
    format reads it."""

    name: str
    reads: str | None = None

    @property
    def kind(self) -> str:
        """The type of that format, empty where there is none."""
        return (self.reads or "").removeprefix("{type: ").partition(",")[0]

    @property
    def packed(self) -> bool:
        """Whether that format unpacks first."""
        return "compression" in (self.reads or "")


def sniff_format(body: bytes) -> SniffedFormat | None:
    """What the body looks like; None where it looks like nothing that is known."""
    if not body.strip():
        return SniffedFormat("nothing: it is empty")
    for name, inside in (("gzip", _in_gzip(body)), ("zip", _in_zip(body))):
        if inside is not None:
            kind = _plain(inside)
            reads = (kind.reads if kind else None) or "json"
            packed = f"{reads[:-1]}, " if reads.startswith("{") else f"{{type: {reads}, "
            return SniffedFormat(f"a {name} file", f"{packed}compression: {name}}}")
    return _plain(body)


def _plain(body: bytes) -> SniffedFormat | None:
    text = body[:_MOST].decode("utf-8-sig", errors="replace").lstrip()
    if text[:1] == "<":
        return SniffedFormat("an HTML page") if _HTML.match(text) else SniffedFormat("XML", "xml")
    lines = [line for line in text.splitlines() if line.strip()]
    whole = lines if len(body) <= _MOST else lines[:-1]
    if text[:1] in ("{", "["):
        several = len(whole) > 1 and all(map(_is_json, whole[:_ROWS]))
        return SniffedFormat("JSON lines", "jsonl") if several else SniffedFormat("JSON", "json")
    for delimiter in _DELIMITERS:
        counts = {line.count(delimiter) for line in whole[:_ROWS] if '"' not in line}
        if len(whole) > 1 and len(counts) == 1 and min(counts) > 0:
            written = {",": "csv", "\t": '{type: csv, delimiter: "\\t"}'}
            return SniffedFormat(
                "CSV", written.get(delimiter, f'{{type: csv, delimiter: "{delimiter}"}}')
            )
    return None


def _is_json(line: str) -> bool:
    try:
        return isinstance(orjson.loads(line), (dict, list))
    except orjson.JSONDecodeError:
        return False


def _in_gzip(body: bytes) -> bytes | None:
    if not body.startswith(b"\x1f\x8b"):
        return None
    try:
        return zlib.decompressobj(wbits=31).decompress(body, _MOST)
    except zlib.error:
        return b""


def _in_zip(body: bytes) -> bytes | None:
    if not body.startswith(b"PK\x03\x04"):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    with archive.open(member) as file:
                        return file.read(_MOST)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, zlib.error, EOFError):
        pass
    return b""
