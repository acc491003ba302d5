"""Bodies as data and data as bodies: what is written again reads as it was, or is refused."""

import pytest

from framework.definition.model import ResponseFormat
from framework.http.formats.compression import Undecodable
from framework.http.formats.decoders import decode_text, encode_body

ROWS = [{"id": "1", "name": 'Ada "L", Ä\nb'}, {"id": "", "name": None}]
FORMATS = [
    (ResponseFormat("json", "gzip"), {"a": [1, None, "Ä"]}),
    (ResponseFormat("jsonl"), [{"a": 1}, [2], "x"]),
    (ResponseFormat("json", "zip"), []),
    (ResponseFormat("csv"), ROWS),
    (ResponseFormat("csv", "zip", "latin-1", ";", "'"), ROWS),
    (ResponseFormat("csv", header=("id", "name")), ROWS),
    (ResponseFormat("csv", quote=None, delimiter="\t"), [{"id": "1", "name": "a b"}]),
    (ResponseFormat("xml"), {"a": {"@id": "1", "b": ["x", None], "#text": "y"}}),
    (ResponseFormat("xml", encoding="latin-1", lists=("b",)), {"a": {"b": ["ä"]}}),
    (ResponseFormat("text"), [{"text": "one"}, {"text": "two"}]),
    (ResponseFormat("text", record="body"), [{"text": "one\n\ntwo"}]),
    (ResponseFormat("text", "gzip", "utf-16"), [{"text": "Ä"}]),
]


@pytest.mark.parametrize(("form", "data"), FORMATS, ids=str)
def test_what_is_written_reads_as_the_same(form, data):
    assert decode_text(form, encode_body(form, data), None, 10_000) == data


@pytest.mark.parametrize(
    ("form", "data"),
    [
        (ResponseFormat("csv", quote=None), [{"id": "a,b"}]),
        (ResponseFormat("csv", encoding="ascii"), [{"id": "Ä"}]),
        (ResponseFormat("csv"), [{"id": None, "name": "x"}]),
        (ResponseFormat("xml"), {"a": 1, "b": 2}),
        (ResponseFormat("xml"), {"a": " padded "}),
        (ResponseFormat("text"), [{"text": "two\nlines"}]),
        (ResponseFormat("jsonl"), {"no": "list"}),
    ],
    ids=str,
)
def test_what_would_read_otherwise_is_not_written(form, data):
    with pytest.raises(Undecodable):
        encode_body(form, data)


@pytest.mark.parametrize("form", [one for one, _ in FORMATS if one.kind != "json"], ids=str)
def test_an_empty_body_holds_nothing(form):
    assert not decode_text(form, b"", None, 100)


def test_the_character_set_is_the_files_then_the_answers_then_utf_8():
    body = "id\nÄ\n".encode("cp1252")
    assert decode_text(ResponseFormat("csv", encoding="cp1252"), body, "utf-8", 100) == [
        {"id": "Ä"}
    ]
    assert decode_text(ResponseFormat("csv"), body, "cp1252", 100) == [{"id": "Ä"}]
    with pytest.raises(Undecodable, match="not valid utf-8 text: byte 3"):
        decode_text(ResponseFormat("csv"), body, None, 100)
    with pytest.raises(Undecodable, match="has the unknown character set `klingon`"):
        decode_text(ResponseFormat("csv"), body, "klingon", 100)


def test_columns_without_a_name_of_their_own_get_one():
    body = b"id,,id,x_2,x,x\n1,2,3,4,5,6\n"
    assert decode_text(ResponseFormat("csv"), body, None, 100) == [
        {"id": "1", "column_2": "2", "id_2": "3", "x_2": "4", "x": "5", "x_3": "6"}
    ]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (ResponseFormat("json", "none", "utf-8"), b"[" * 200 + b"]" * 200),
        (ResponseFormat("jsonl"), b"1\n" + b"[" * 200 + b"]" * 200),
        (ResponseFormat("xml"), b"<a>" * 200 + b"</a>" * 200),
    ],
    ids=str,
)
def test_what_is_nested_too_deeply_is_refused(form, body):
    with pytest.raises(Undecodable, match="nested deeper than 100 levels"):
        decode_text(form, body, None, 10_000)


def test_integers_past_64_bits_keep_their_digits_in_lines_too():
    body = b'{"id": 12345678901234567890123}\n'
    assert decode_text(ResponseFormat("jsonl"), body, None, 100) == [
        {"id": "12345678901234567890123"}
    ]


def test_names_that_repeat_thousands_of_times_are_numbered_in_no_time():
    row = b",".join([b"a"] * 50_000)
    (record,) = decode_text(ResponseFormat(kind="csv"), row + b"\n" + row, None, 1_000_000)
    assert len(record) == 50_000
    assert list(record)[:3] == ["a", "a_2", "a_3"]
