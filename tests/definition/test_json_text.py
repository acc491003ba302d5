"""JSON as it is read from a body: every digit kept, every depth bounded, every refusal a reason."""

import json

import pytest

from framework.definition.values.json_text import (
    MAX_DEPTH,
    Digits,
    depth_of,
    may_be_past_64_bits,
    may_repeat_keys,
    parse_json,
    repeated_keys,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", Digits("9223372036854775808")),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", Digits("-9223372036854775809")),
        ("18446744073709551616", Digits("18446744073709551616")),
        ("9" * 300, Digits("9" * 300)),
        ("1234567890123456789", 1234567890123456789),
        ("12345678901234567890.5", 12345678901234567890.5),
        ('"12345678901234567890"', "12345678901234567890"),
        ("0.12345678901234567890", 0.12345678901234567890),
    ],
)
def test_an_integer_keeps_its_digits_in_any_place(text, value):
    for form in ("{}", "[{}]", "[1,{}]", '{{"a":{}}}', '{{"a": {}}}', '{{"a":\n{}}}'):
        found, plain = parse_json(form.format(text).encode())
        assert not (plain and value == text)
        inner = form.startswith("[")
        found = found[-1] if inner else found["a"] if isinstance(found, dict) else found
        assert found == value
        assert type(found) is type(value)


def nested(depth, opening, closing, inside="1"):
    return opening * depth + inside + closing * depth


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_has_one_limit_for_objects_and_lists(pair):
    each = 2 if pair[0] == '[{"a":' else 1
    assert depth_of(parse_json(nested(MAX_DEPTH // each, *pair))[0]) == MAX_DEPTH
    for deeper in (MAX_DEPTH // each + 1, 300, 100_000):
        with pytest.raises(ValueError, match="nested deeper than 100 levels"):
            parse_json(nested(deeper, *pair))


@pytest.mark.parametrize(
    "text", ["]" * 500, "[" * 500, "}{" * 500, "[]" * 500, '["', "\\", "a { b [ c ( ] }"]
)
def test_brackets_in_texts_are_no_nesting(text):
    assert parse_json(json.dumps([{"text": text, "n": 1}]))[0] == [{"text": text, "n": 1}]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[NaN]", "it holds NaN, which JSON does not have"),
        (b'{"a": -Infinity}', "it holds Infinity, which JSON does not have"),
        (b'["NaN", 1', "unexpected end of data at line 1, column 10"),
        (b"", "Input is a zero-length, empty document at line 1, column 1"),
        (b'{"a": 1}\n<', "unexpected content after document at line 2, column 1"),
    ],
)
def test_a_refusal_says_why_and_where(body, reason):
    with pytest.raises(ValueError) as caught:
        parse_json(body)
    assert str(caught.value) == reason


def test_a_refusal_repeats_nothing_of_the_body():
    with pytest.raises(ValueError) as caught:
        parse_json(b'{"name": "Ada Lindqvist", "a": oops}')
    assert "Ada" not in str(caught.value)
    assert "oops" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '{"a": 1, "b": 2, "a": "x"}',
        '[{"a": "\\u0022\\u0022"}, {"a": 1, "a": 1}]',
        '{"a": 12345678901234567890123, "a": 1}',
        '{"a": {"b": [{"c": 1, "c": null}]}}',
        '{"a" : 1,\n"\\u0061" : 2}',
    ],
)
def test_a_key_that_is_there_twice_leaves_fewer_quotes(text):
    assert may_repeat_keys(text.encode(), parse_json(text)[0])
    assert repeated_keys(text.encode()) in ({"a": 1}, {"c": 1})


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"a": "\\" : \\u0022", "b": "\\\\"}',
        '{"a" : 12345678901234567890123, "b": {"a": "é\\u00e9"}}',
        '[{"a": 1}, {"a": 1}]',
        '{"a:": "\\":", "": "a"}',
    ],
)
def test_what_has_no_key_twice_has_the_same_quotes(text):
    assert not may_repeat_keys(text.encode(), parse_json(text)[0])
    assert not repeated_keys(text.encode())


@pytest.mark.parametrize(
    ("body", "is_past"),
    [
        (b"[92233720368547758070]", True),
        (b'{"a": -9223372036854775808}', True),
        (b"9300000000000000000", True),
        (b'["00000000000000000000000000000005"]', False),  # an id of digits
        (b'["x00000000000000000000", 12345678901234567890]', True),
        (b'{"at": "2024", "id": "9300000000000000000x", "n": 123}', False),
        (b'{"n": 1000000000000000000}', False),
    ],
)
def test_integers_past_64_bits_are_suspected_where_a_value_begins(body, is_past):
    assert may_be_past_64_bits(body) is is_past
