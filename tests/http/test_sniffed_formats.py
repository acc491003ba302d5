"""What a body looks like: its name, and the `response_format` that reads it."""

from __future__ import annotations

import gzip

import pytest
import yaml

from framework.definition.model import ResponseFormat
from framework.http.formats.compression import compress
from framework.http.formats.decoders import decode_text, sniff_format

BODIES = [
    (b"  \n", "nothing: it is empty", None),
    (b"<!DOCTYPE html><p>log in", "an HTML page", None),
    (b"<?xml version='1.0'?><a/>", "XML", "xml"),
    (b'{"a": 1}\n{"a": 2}\n', "JSON lines", "jsonl"),
    (b'{\n"a": 1\n}', "JSON", "json"),
    (b'[{"a": 1}', "JSON", "json"),
    (b"id,name\n1,x\n", "CSV", "csv"),
    (b"id;name\n1;x\n", "CSV", '{type: csv, delimiter: ";"}'),
    (b"id\tname\n1\tx\n", "CSV", '{type: csv, delimiter: "\\t"}'),
    (b"only words\nand more", None, None),
    (gzip.compress(b"id;n\n1;x"), "a gzip file", '{type: csv, delimiter: ";", compression: gzip}'),
    (b"\x1f\x8bbroken", "a gzip file", "{type: json, compression: gzip}"),
    (compress("zip", b"<a/>"), "a zip file", "{type: xml, compression: zip}"),
    (b"PK\x03\x04broken", "a zip file", "{type: json, compression: zip}"),
]


@pytest.mark.parametrize(("body", "name", "reads"), BODIES, ids=range(len(BODIES)))
def test_a_body_is_told_by_its_beginning(body: bytes, name: str | None, reads: str | None) -> None:
    look = sniff_format(body)
    assert (look and look.name, look and look.reads) == (name, reads)


def test_the_format_that_is_named_reads_the_body() -> None:
    body = gzip.compress(b"id;n\n1;x\n")
    look = sniff_format(body)
    assert look is not None
    written = yaml.safe_load(look.reads or "")
    form = ResponseFormat(written["type"], written["compression"], delimiter=written["delimiter"])
    assert decode_text(form, body, None, 1000) == [{"id": "1", "n": "x"}]


def test_a_long_body_is_not_read_to_its_end() -> None:
    look = sniff_format(b'{"a": 1}\n' * 100_000 + b"{broken")
    assert look is not None
    assert look.name == "JSON lines"
