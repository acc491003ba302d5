"""Expressions that would fill memory, or look for ever, are refused, when compiled or when used."""

import pytest

from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.limits import MAX_RESULT_SIZE, PatternError, size_of
from framework.definition.schema.json_schema import misfit_of

TEXT = {"a": "x" * 100_000, "b": ["y"] * 100_000}


@pytest.mark.parametrize(
    "text",
    [
        "[@, @] | " * 40 + "@",
        "[@, @][] | " * 40 + "@",
        "{a: @, b: @} | " * 40 + "to_string(@)",
        "merge({a: @}, {b: @}) | " * 40 + "@",
        "items[?" + "[@, @] | " * 40 + "@]",
        "map(&[@, @], @) | " * 40 + "@",
        "range(`0`, `1000000`)[].range(`0`, `1000000`)[]",
        "a || " * 5_000 + "a",
    ],
)
def test_what_grows_without_a_bound_is_refused_when_compiled(text):
    with pytest.raises(ExpressionError, match=r"can grow to more|too deeply|longer than"):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        " | ".join(["replace(@, 'a', 'b')"] * 40),
        "merge(@, {a: {b: c, d: [e, f]}, g: h})",
        "range(`0`, `24`)[].{start: @, stop: add(@, `1`), day: context().partition.day}",
        "[orders, returns][].{" + ", ".join(f"f{n}: f{n}" for n in range(200)) + "}",
    ],
)
def test_what_files_say_is_not(text):
    assert compile_expression(text).growth <= MAX_RESULT_SIZE


@pytest.mark.parametrize(
    "text", ["join(a, b)", "replace(a, 'x', a)", "regex_replace(a, 'x', a)", "pad_left(a, `1e12`)"]
)
def test_a_text_has_a_bound(text):
    with pytest.raises(ExpressionError, match=r"at most|wants"):
        compile_expression(text).search(TEXT)


def test_a_number_has_64_bits():
    square = compile_expression("multiply(@, @)")
    assert square.search(4_000_000_000) == 16 * 10**18
    with pytest.raises(ExpressionError, match="the number is too large"):
        square.search(16 * 10**18)


def test_long_texts_are_replaced_in_as_short_ones():
    replace = compile_expression(r"regex_replace(a, '(x)y', '\1-')")
    assert replace.search({"a": "xy" * 20_000}) == "x-" * 20_000
    assert replace.search({"a": "xy"}) == "x-"


def test_values_are_counted_up_to_a_bound():
    assert size_of({"a": [1, {"b": None}]}, 100) == 5
    assert size_of([[1]] * 100, 10) == 11


ENDLESS = "^(a|a)*$"


def test_a_pattern_of_a_config_entry_does_not_look_for_ever():
    with pytest.raises(PatternError, match="still searching"):
        misfit_of({"type": "string", "pattern": ENDLESS}, "a" * 40 + "b")
    assert misfit_of({"type": "string", "pattern": "^a+$"}, "ab").validator == "pattern"
    assert misfit_of({"type": "string", "pattern": "^a+$"}, "aa") is None
    with pytest.raises(PatternError):
        misfit_of({"patternProperties": {ENDLESS: {}}, "additionalProperties": False}, {"a": 1})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("to_number(@)", "1e999"),
        ("to_number(@)", "nan"),
        ("to_number(@)", "x"),
        ("to_integer(@)", "x"),
    ],
)
def test_what_is_no_number_of_json_is_null(text, found):
    assert compile_expression(text).search(found) is None


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("to_integer(@)", "9" * 30),
        ("ceil(@)", 1e300),
        ("round(@)", 1e300),
        ("parse_json(@)", "[" * 100_000 + "]" * 100_000),
        ("parse_json(@)", "[" * 150 + "]" * 150),
        ("parse_json(@)", '"\\ud800"'),
        ("parse_json(@)", "NaN"),
    ],
)
def test_what_no_table_takes_is_an_error(text, data):
    with pytest.raises(ExpressionError, match=r"too large|expects the text of a JSON value"):
        compile_expression(text).search(data)
