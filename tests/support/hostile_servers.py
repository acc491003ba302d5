"""Hostile servers: what each does, and the expected result. Shown in `docs/reliability.md`.

`http://api.example.com` is the server. Every connector reads one resource,
`items`, with the primary key `id`, by merge, and retries once without waiting.
"""

from __future__ import annotations

import gzip
import io
import itertools
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.http.error_messages import NAN_AS_NULL
from tests.support.servers.raw import Peer, Play, head

Json = Any
KIND = "Content-Type: application/json"
GET = "items: GET http://api.example.com/items"
BROKEN = f"{GET} returned 200 with a body that is not valid JSON (application/json, "


@dataclass(frozen=True)
class Hostile:
    """One server. `error` is the resource's complete error, or None if `rows` are loaded.

    `warnings` are the expected codes. `client` and `endpoint` are added to the connector.
    """

    group: str
    does: str
    play: Play
    error: str | None = None
    rows: tuple[Mapping[str, Json], ...] = ()
    warnings: tuple[str, ...] = ()
    asked: int | None = None
    client: Mapping[str, Json] = field(default_factory=dict)
    endpoint: Mapping[str, Json] = field(default_factory=dict)


def body(text: bytes | str, *headers: str, status: str = "200 OK") -> Play:
    """Send a correct response with this body."""
    raw = text.encode() if isinstance(text, str) else text
    return lambda peer: peer.answer(raw, *headers, status=status)


def typed(kind: str, raw: bytes) -> Play:
    """Send a response of another content type."""
    return lambda peer: peer.send(head(f"Content-Type: {kind}", f"Content-Length: {len(raw)}"), raw)


def then_reset(*pieces: bytes) -> Play:
    """Send these bytes, then reset the connection."""

    def play(peer: Peer) -> None:
        peer.send(*pieces)
        peer.reset()

    return play


def in_turn(*plays: Play) -> Play:
    """Return a play that uses one of these for each request, and the last one from then on."""
    return lambda peer: plays[min(peer.number, len(plays)) - 1](peer)


def endless(first: bytes, piece: bytes) -> Play:
    """Send an endless body, as fast as it is read."""
    return lambda peer: peer.send(first, *itertools.repeat(piece, 100_000))


def dripping(first: bytes, piece: bytes) -> Play:
    """Send a response in pieces, slowly and without end."""

    def play(peer: Peer) -> None:
        peer.send(first)
        peer.drip(itertools.repeat(piece))

    return play


def numbered(answer: Any) -> Play:
    """Send a response made from the number in `page=N` of the request, 1 by default."""

    def play(peer: Peer) -> None:
        number = int(peer.target.partition("page=")[2] or 1)
        peer.answer(json.dumps(answer(number)).encode())

    return play


def bomb(size: int) -> bytes:
    """Return a body of that many bytes, compressed to a thousandth."""
    return gzip.compress(b"[" + b" " * size + b"]")


def zipped(**members: bytes) -> bytes:
    """Return a zip file with these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return packed.getvalue()


def formatted(kind: str, **more: Json) -> dict[str, Json]:
    """Return an endpoint whose responses have this format."""
    return {"response_format": {"type": kind, **more}}


SMALL = {"max_response_size": 1_000_000}
SHORT = {"max_response_time": "PT0.2S"}
PAGES = {"paginator": {"type": "page_number", "base_page": 1, "total_path": None}}
LINKS = {"paginator": {"type": "json_link", "next_url_path": "next"}, "data_selector": "items"}
CURSOR = {
    "paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "page"},
    "data_selector": "items",
}
TOO_LARGE = (
    f"{GET}: response exceeded a limit: larger than client.max_response_size (1,000,000 "
    "bytes after decompression); request smaller pages or raise the limit"
)
TOO_SLOW = (
    f"{GET}: response exceeded a limit: not complete after 0.2 s "
    "(client.max_response_time); request smaller pages or raise the limit"
)
BROKE_OFF = f"{GET}: the response was cut off before its end."
ASTRAY = "items: refused to follow a link or redirect"


def cut(size: int, why: str) -> str:
    """Return the error for a JSON body of that many bytes."""
    return f"{BROKEN}{size:,} bytes)\nThe body is truncated or damaged: {why}."


def link(url: str) -> Play:
    """Return a page whose next page is at this URL."""
    return body(json.dumps({"items": [{"id": 1}], "next": url}))


SIZE_AND_TIME = (
    Hostile(
        "Size and time",
        "a gzip bomb: 50 MB of spaces in 50 kB",
        lambda peer: peer.answer(bomb(50_000_000), "Content-Encoding: gzip"),
        TOO_LARGE,
        asked=1,
        client=SMALL,
    ),
    Hostile(
        "Size and time",
        "a body without an end",
        endless(head(KIND), b"[1,2,3]," * 8_000),
        TOO_LARGE,
        asked=1,
        client=SMALL,
    ),
    Hostile(
        "Size and time",
        "chunks without an end",
        endless(head(KIND, "Transfer-Encoding: chunked"), b"8\r\n[1,2,3],\r\n" * 5_000),
        TOO_LARGE,
        asked=1,
        client=SMALL,
    ),
    Hostile(
        "Size and time",
        "an endless line before a chunk",
        endless(head(KIND, "Transfer-Encoding: chunked") + b"8;", b"x" * 65_536),
        BROKE_OFF,
        asked=2,
    ),
    Hostile(
        "Size and time",
        "a body of single bytes, slowly",
        dripping(head(KIND, "Content-Length: 1000000"), b"["),
        TOO_SLOW,
        asked=1,
        client=SHORT,
    ),
    Hostile(
        "Size and time",
        "a header of single bytes, slowly",
        dripping(b"HTTP/1.1 200 OK\r\nX-A: ", b"a"),
        TOO_SLOW,
        asked=1,
        client=SHORT,
    ),
    Hostile(
        "Size and time",
        "`100 Continue` forever",
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        TOO_SLOW,
        asked=1,
        client=SHORT,
    ),
    Hostile(
        "Size and time",
        "a header of 70 kB",
        body("[]", "X-A: " + "a" * 70_000),
        f"{GET}: response exceeded a limit: a header line has more than 65,536 bytes",
        asked=1,
    ),
    Hostile(
        "Size and time",
        "120 headers",
        body("[]", *(f"X-{n}: 1" for n in range(120))),
        f"{GET}: response exceeded a limit: more than 100 headers",
        asked=1,
    ),
    Hostile(
        "Size and time",
        "no response at all",
        lambda peer: peer.drip([b""], pause=30),
        f"{GET}: no response within the timeout. Raise client.timeout, or request less.",
        asked=2,
        client={"timeout": "PT0.1S"},
    ),
)

WIRE = (
    Hostile(
        "The wire",
        "closes the connection",
        Peer.reset,
        f"{GET}: the server closed the connection.",
        asked=2,
    ),
    Hostile(
        "The wire",
        "closes the connection once, then responds",
        in_turn(Peer.reset, body('[{"id": 1}]')),
        rows=({"id": 1},),
        asked=2,
    ),
    Hostile(
        "The wire",
        "bytes that are not HTTP",
        then_reset(b"\x00\x01hello\r\n\r\n"),
        f"{GET}: the server does not speak HTTP. Check base_url and its port.",
    ),
    Hostile(
        "The wire",
        "half a body",
        then_reset(head(KIND, "Content-Length: 50"), b'[{"id": 1}'),
        BROKE_OFF,
        asked=2,
    ),
    Hostile(
        "The wire",
        "half a body once, then a complete one",
        in_turn(then_reset(head(KIND, "Content-Length: 50"), b"["), body('[{"id": 1}]')),
        rows=({"id": 1},),
        asked=2,
    ),
    Hostile(
        "The wire",
        "half a chunk",
        then_reset(head(KIND, "Transfer-Encoding: chunked"), b"ff\r\n[]"),
        BROKE_OFF,
    ),
    Hostile(
        "The wire",
        "a chunk whose length is not a number",
        then_reset(head(KIND, "Transfer-Encoding: chunked"), b"zz\r\n[]\r\n"),
        BROKE_OFF,
    ),
    Hostile(
        "The wire",
        "a chunk of a negative length",
        then_reset(head(KIND, "Transfer-Encoding: chunked"), b"-1\r\n[]\r\n"),
        BROKE_OFF,
    ),
    Hostile(
        "The wire",
        "a chunk longer than any memory",
        then_reset(head(KIND, "Transfer-Encoding: chunked"), b"f" * 40 + b"\r\n[]\r\n"),
        BROKE_OFF,
    ),
    Hostile(
        "The wire",
        "`102 Processing` and `103 Early Hints` before the response",
        lambda peer: peer.send(
            head(status="102 Processing"),
            head("Link: </a.css>; rel=preload", status="103 Early Hints"),
            head(KIND, "Content-Length: 11"),
            b'[{"id": 1}]',
        ),
        rows=({"id": 1},),
        asked=1,
    ),
    Hostile(
        "The wire",
        "`102 Processing` forever",
        dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        TOO_SLOW,
        asked=1,
        client=SHORT,
    ),
    Hostile(
        "The wire",
        "a `Content-Length` that is too small",
        lambda peer: peer.send(head(KIND, "Content-Length: 5"), b'[{"id": 1}]'),
        cut(5, "unexpected end of data at line 1, column 6"),
    ),
    Hostile(
        "The wire",
        "two different lengths",
        lambda peer: peer.send(head(KIND, "Content-Length: 5", "Content-Length: 10"), b"[]"),
        f"{GET}: the response has conflicting Content-Length values or an invalid header.",
    ),
    Hostile(
        "The wire",
        "declares gzip, is not gzip",
        body("[]", "Content-Encoding: gzip"),
        f"{GET}: the response is not compressed as its header says.",
    ),
    Hostile(
        "The wire",
        "incomplete gzip",
        body(
            gzip.compress(b'[{"id": 1, "text": "long"}]', compresslevel=0)[:40],
            "Content-Encoding: gzip",
        ),
        cut(25, "unexpected end of data at line 1, column 26"),
    ),
    Hostile(
        "The wire",
        "compressed thirty times",
        body("[]", "Content-Encoding: " + ", ".join(["gzip"] * 30)),
        f"{GET}: the response is not compressed as its header says.",
    ),
    Hostile(
        "The wire",
        "an unsupported compression",
        body(b"\x8b\x00\x80", "Content-Encoding: br"),
        f"{BROKEN}3 bytes, compressed with br, which is not supported)\nThe body is "
        "truncated or damaged: it is not in utf-8, as its header says.",
    ),
)

JSON = (
    Hostile(
        "What it says",
        "an HTML page with status 200",
        typed("text/html", b"<html>Log in"),
        f"{GET} returned 200 with a body that is not valid JSON (text/html, 12 bytes)\nCheck "
        "base_url and the path: an HTML page often means a login page or a wrong URL.",
    ),
    Hostile(
        "What it says",
        "CSV declared as JSON",
        body("id,name\n1,a\n2,b\n"),
        f"{BROKEN}16 bytes)\nIt looks like CSV: write `response_format: csv` in the endpoint.",
    ),
    Hostile(
        "What it says",
        "JSON lines declared as JSON",
        body('{"id": 1}\n{"id": 2}\n'),
        f"{BROKEN}20 bytes)\nIt looks like JSON lines: write `response_format: jsonl` in the "
        "endpoint.",
    ),
    Hostile(
        "What it says",
        "XML without a content type",
        lambda peer: peer.send(head("Content-Length: 9"), b"<items/>\n"),
        f"{GET} returned 200 with a body that is not valid JSON (no Content-Type, 9 bytes)\nIt "
        "looks like XML: write `response_format: xml` in the endpoint.",
    ),
    Hostile(
        "What it says",
        "an empty body",
        body(""),
        f"{GET} returned 200 with a body that is not valid JSON (an empty body)\nIf that means "
        "that there are no records, say so in response_actions: {status_code: 200, action: "
        "ignore}.",
    ),
    Hostile(
        "What it says",
        "incomplete JSON",
        body('[{"id": 1}, {"id"'),
        cut(17, "unexpected end of data at line 1, column 18"),
    ),
    Hostile(
        "What it says",
        "`NaN`",
        body('[{"id": 1, "n": NaN}]'),
        f"{BROKEN}21 bytes)\n{NAN_AS_NULL.replace('WORD', 'NaN')}",
    ),
    Hostile(
        "What it says",
        "a number too large for a double",
        body('[{"id": 1, "n": 1e400}]'),
        cut(23, "number is infinity when parsed as double at line 1, column 17"),
    ),
    Hostile(
        "What it says",
        "an integer of more than 64 bits",
        body('[{"id": 1, "n": 123456789012345678901234567890}]'),
        rows=({"id": 1, "n__v_text": "123456789012345678901234567890"},),
        warnings=("variant-columns",),
    ),
    Hostile(
        "What it says",
        "a duplicate key in an object: the last one counts, as in JavaScript",
        body('[{"id": 1, "n": 1, "n": 2}]'),
        rows=({"id": 1, "n": 2},),
        warnings=("json-key-repeated",),
    ),
    Hostile(
        "What it says",
        "nested lists, 50,000 levels",
        body("[" * 50_000 + "]" * 50_000),
        cut(100_000, "it is nested deeper than 100 levels"),
    ),
    Hostile(
        "What it says",
        "nested objects, 150 levels",
        body('[{"id": 1, "n": ' + '{"a":' * 150 + "1" + "}" * 150 + "}]"),
        cut(919, "it is nested deeper than 100 levels"),
    ),
    Hostile(
        "What it says",
        "Latin-1 declared as UTF-8",
        body('[{"id": 1, "n": "é"}]'.encode("latin-1")),
        cut(21, "it is not in utf-8, as its header says"),
    ),
    Hostile(
        "What it says",
        "Latin-1 declared as such",
        typed("application/json; charset=iso-8859-1", '[{"id": 1, "n": "é"}]'.encode("latin-1")),
        rows=({"id": 1, "n": "é"},),
    ),
    Hostile(
        "What it says",
        "an unknown character set",
        typed("application/json; charset=klingon", b'[{"id": "\xff"}]'),
        cut(13, "its character set klingon is unknown"),
    ),
    Hostile(
        "What it says",
        "half a surrogate pair",
        body('[{"id": 1, "n": "\\ud800"}]'),
        rows=({"id": 1, "n": "\ufffd"},),
        warnings=("text-cut",),
    ),
    Hostile(
        "What it says",
        "a NUL in a text",
        body('[{"id": 1, "n": "a\\u0000b"}]'),
        rows=({"id": 1, "n": "a\x00b"},),
    ),
    Hostile(
        "What it says",
        "columns that dlt reserves",
        body('[{"id": 1, "_dlt_parent_id": [1]}]'),
        rows=({"id": 1},),
    ),
)

LAUGHS = "".join(
    f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "lol">' for n in range(10)
)
ROWS = {"data_selector": "items.item"}

UNPACKED = (
    "the body is larger than client.max_response_size (1,000,000 bytes) after "
    "decompression; request less or raise the limit"
)
ENTITIES = "the body is XML with entities or an unsupported character set"

OTHER_FORMATS = (
    Hostile(
        "Other formats",
        "a gzip file with 50 MB of JSON lines",
        typed("application/gzip", gzip.compress(b'{"id": 1}\n' * 5_000_000, compresslevel=1)),
        f"{GET} returned 200 (application/gzip, N bytes): {UNPACKED}",
        asked=1,
        client=SMALL,
        endpoint=formatted("jsonl", compression="gzip"),
    ),
    Hostile(
        "Other formats",
        "a zip file with 50 MB",
        typed("application/zip", zipped(a=b'{"id": 1}\n' * 5_000_000)),
        f"{GET} returned 200 (application/zip, N bytes): {UNPACKED}",
        asked=1,
        client=SMALL,
        endpoint=formatted("jsonl", compression="zip"),
    ),
    Hostile(
        "Other formats",
        "a zip file of 20,000 empty files",
        typed("application/zip", zipped(**{f"f{n}": b"" for n in range(20_000)})),
        warnings=("no-records",),
        client={"max_response_size": 10_000_000},
        endpoint=formatted("jsonl", compression="zip"),
    ),
    Hostile(
        "Other formats",
        "a zip file with a path outside it: nothing is written, its rows are read",
        typed("application/zip", zipped(**{"..__..__etc__cron": b'{"id": 1}'})),
        rows=({"id": 1},),
        endpoint=formatted("jsonl", compression="zip"),
    ),
    Hostile(
        "Other formats",
        "declares zip, is not zip",
        typed("application/zip", b"PK\x03\x04 no"),
        f"{GET} returned 200 (application/zip, N bytes): the body is not a valid zip file",
        endpoint=formatted("jsonl", compression="zip"),
    ),
    Hostile(
        "Other formats",
        "an incomplete zip file",
        typed("application/zip", zipped(a=b'{"id": 1}')[:-30]),
        f"{GET} returned 200 (application/zip, N bytes): the body is not a valid zip file",
        endpoint=formatted("jsonl", compression="zip"),
    ),
    Hostile(
        "Other formats",
        "XML whose entities expand a billion times",
        typed("text/xml", f"<!DOCTYPE a [{LAUGHS}]><items><item>&l9;</item></items>".encode()),
        f"{GET} returned 200 (text/xml, 560 bytes): {ENTITIES}",
        endpoint={**formatted("xml"), **ROWS},
    ),
    Hostile(
        "Other formats",
        "XML that names a file on this machine",
        typed(
            "text/xml",
            b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
            b"<items><item><id>&f;</id></item></items>",
        ),
        f"{GET} returned 200 (text/xml, 94 bytes): {ENTITIES}",
        endpoint={**formatted("xml"), **ROWS},
    ),
    Hostile(
        "Other formats",
        "XML with 50,000 levels",
        typed("text/xml", b"<a>" * 50_000 + b"</a>" * 50_000),
        f"{GET} returned 200 (text/xml, 350,000 bytes): the body is XML nested deeper than "
        "100 levels",
        endpoint={**formatted("xml"), **ROWS},
    ),
    Hostile(
        "Other formats",
        "incomplete XML",
        typed("text/xml", b"<items><item><id>1</id></item>"),
        f"{GET} returned 200 (text/xml, 30 bytes): the body is not valid XML: line 1, column 31",
        endpoint={**formatted("xml"), **ROWS},
    ),
    Hostile(
        "Other formats",
        "an endless line of CSV",
        endless(head("Content-Type: text/csv") + b"id,n\n1,", b"x" * 65_536),
        TOO_LARGE,
        asked=1,
        client=SMALL,
        endpoint=formatted("csv"),
    ),
    Hostile(
        "Other formats",
        "CSV with a quote that is never closed",
        typed("text/csv", b'id,n\n1,"a\n2,b\n'),
        f"{GET} returned 200 (text/csv, 14 bytes): the body is not valid CSV: line 3: "
        "unexpected end of data",
        endpoint=formatted("csv"),
    ),
    *(
        Hostile(
            "Other formats",
            f"CSV in {what}",
            typed(f"text/csv; charset={name}", b"id,n\n1,a\n"),
            f"{GET} returned 200 (text/csv, 9 bytes): the body has the unknown character set "
            f"`{name}`; write its `encoding` into response_format",
            endpoint=formatted("csv"),
        )
        for name, what in (
            ("klingon", "an unknown character set"),
            ("hex", "a codec that is not for text"),
            ("undefined", "a codec that decodes nothing"),
        )
    ),
    Hostile(
        "Other formats",
        "CSV in a codec for host names",
        typed("text/csv; charset=idna", b"id,n\n1,\xff\n"),
        f"{GET} returned 200 (text/csv, 9 bytes): the body is not valid idna text: byte 7; write "
        "its `encoding` into response_format",
        endpoint=formatted("csv"),
    ),
    Hostile(
        "Other formats",
        "CSV whose character set makes half a surrogate pair",
        typed("text/csv; charset=utf-7", b"id,n\n1,+2AA-\n"),
        f"{GET} returned 200 (text/csv, 13 bytes): the body is not valid utf-7 text; write its "
        "`encoding` into response_format",
        endpoint=formatted("csv"),
    ),
    Hostile(
        "Other formats",
        "CSV with more fields than names",
        typed("text/csv", b"id,n\n1,a,b\n"),
        f"{GET} returned 200 (text/csv, 11 bytes): the body has 3 values in line 2 but 2 "
        "columns; check the `delimiter` and `header` of response_format. If the file begins with a "
        "title, say how many lines it has with `skip_lines`; rows of units and totals are left out "
        "with `skip_after_header` and `skip_footer`",
        endpoint=formatted("csv"),
    ),
    Hostile(
        "Other formats",
        "JSON lines, one of them incomplete",
        typed("application/x-ndjson", b'{"id": 1}\n{"id"\n'),
        f"{GET} returned 200 (application/x-ndjson, 16 bytes): the body is not valid JSON in line "
        "2: unexpected end of data at line 1, column 6",
        endpoint=formatted("jsonl"),
    ),
    Hostile(
        "Other formats",
        "JSON lines, one of them a list with 50,000 levels",
        typed("application/x-ndjson", b'{"id": 1}\n' + b"[" * 50_000),
        f"{GET} returned 200 (application/x-ndjson, 50,010 bytes): the body is not valid JSON in "
        "line 2: it is nested deeper than 100 levels",
        endpoint=formatted("jsonl"),
    ),
)

LINKS_AND_REDIRECTS = (
    Hostile(
        "Links and redirects",
        "redirects forever",
        body("", "Location: /items", status="302 X"),
        f"{GET}: too many redirects. Check base_url and the path.",
        asked=11,
    ),
    Hostile(
        "Links and redirects",
        "a redirect without a target",
        body("", status="302 Found"),
        f"{GET} returned 302 with a body that is not valid JSON (an empty body)\nIt is a redirect "
        "without a target. Check base_url and the path.",
    ),
    Hostile(
        "Links and redirects",
        "a redirect to a file on this machine",
        body("", "Location: file:///etc/passwd", status="302 Found"),
        f"{ASTRAY} to file:///etc/passwd: it is not an http or https URL",
    ),
    Hostile(
        "Links and redirects",
        "a next page that is a file on this machine",
        link("file:///etc/passwd"),
        f"{ASTRAY} to file:///etc/passwd: it is not an http or https URL",
        endpoint=LINKS,
    ),
    Hostile(
        "Links and redirects",
        "a redirect whose URL is invalid",
        body("", "Location: http://[bad", status="302 Found"),
        f"{ASTRAY}: its Location is not valid",
    ),
    Hostile(
        "Links and redirects",
        "a redirect in bytes that are not text",
        body("", "Location: /\xff\xfe", status="302 Found"),
        f"{ASTRAY}: its Location is not valid",
    ),
    Hostile(
        "Links and redirects",
        "a next page whose URL is invalid",
        link("http://[bad"),
        "items: the paginator cannot read the response: Invalid IPv6 URL\nCorrect the "
        "paginator's paths; write `total_path: null` if the API sends no total.",
        endpoint=LINKS,
    ),
    Hostile(
        "Links and redirects",
        "a next page that is a number",
        body('{"items": [{"id": 1}], "next": 5}'),
        "items: the paginator cannot read the response: the next page's URL is not text\nCorrect "
        "the paginator's paths; write `total_path: null` if the API sends no total.",
        endpoint=LINKS,
    ),
)

TOO_MANY = "429 Too Many Requests"
LISTED = {**PAGES, "data_selector": "items"}
COUNTED = {
    "paginator": {"type": "offset", "limit": 2, "total_path": "total"},
    "data_selector": "items",
}
IMPATIENT = {"retry": {"max_retries": 1, "backoff_factor": 0, "max_wait": "PT0.05S"}}

PAGING_AND_WAITS = (
    Hostile(
        "Paging and waits",
        "the same page for every number",
        body('{"items": [{"id": 1}, {"id": 2}]}'),
        "items: pagination is stuck: page 2 (http://api.example.com/items?page=2) returned the "
        "same 2 records as page 1 (http://api.example.com/items?page=1). Check the paginator: the "
        "API may be ignoring the parameter that asks for the next page.",
        asked=2,
        endpoint=LISTED,
    ),
    Hostile(
        "Paging and waits",
        "a cursor that repeats",
        numbered(lambda number: {"items": [{"id": number}], "next": 3 - number % 2}),
        "items: pagination does not end: http://api.example.com/items?page=2 would be requested "
        "after page 3, as after page 1. Check the paginator: the API returned the same next page "
        "again.",
        asked=3,
        endpoint=CURSOR,
    ),
    Hostile(
        "Paging and waits",
        "reports ten records and has one",
        body('{"items": [{"id": 1}], "total": 10}'),
        "items: pagination is stuck: page 2 (http://api.example.com/items?offset=2&limit=2) "
        "returned the same 1 record as page 1 (http://api.example.com/items?offset=0&limit=2). "
        "Check the paginator: the API may be ignoring the parameter that asks for the next page.",
        warnings=("page-too-short",),
        endpoint=COUNTED,
    ),
    Hostile(
        "Paging and waits",
        "reports three records and has two",
        in_turn(
            body('{"items": [{"id": 1}, {"id": 2}], "total": 3}'), body('{"items": [], "total": 3}')
        ),
        rows=({"id": 1}, {"id": 2}),
        warnings=("total-differs",),
        endpoint=COUNTED,
    ),
    Hostile(
        "Paging and waits",
        "`Retry-After: 86400`, then responds",
        in_turn(body("", "Retry-After: 86400", status=TOO_MANY), body('[{"id": 1}]')),
        "items: GET http://api.example.com/items returned 429 Too Many Requests. The API asks to "
        "wait until TIME UTC (N s by Retry-After), which is longer than retry.max_wait (0 s). Run "
        "again after that, or raise max_wait",
        asked=1,
        client=IMPATIENT,
    ),
    Hostile(
        "Paging and waits",
        "no requests left until the year 2100, then responds",
        in_turn(
            body("", "X-Left: 0", "X-Reset: 4102444800", status="503 Busy"), body('[{"id": 1}]')
        ),
        "items: GET http://api.example.com/items is not sent: the API reports that no request is "
        "left. The API asks to wait until TIME UTC (N s by the rate limit's reset header), which "
        "is longer than retry.max_wait (0 s). Run again after that, or raise max_wait, or correct "
        "rate_limit.headers and reset_as",
        asked=1,
        client={
            **IMPATIENT,
            "rate_limit": {
                "requests": 100,
                "headers": {"remaining": "X-Left", "reset": "X-Reset", "reset_as": "epoch"},
            },
        },
    ),
)

SERVERS = (
    *(*SIZE_AND_TIME, *WIRE, *JSON),
    *(*OTHER_FORMATS, *LINKS_AND_REDIRECTS, *PAGING_AND_WAITS),
)
