"""JMESPath as connector files write it: compiled once, with the functions that are ours."""

import copy
import pickle
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from framework.definition.expressions import limits as patterns
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression

PAGE = {
    "uri": "https://api.example.com/events/ABC",
    "next": "https://api.example.com/events?count=2&page_token=a%2Fb&empty=",
    "collection": [{"id": 1, "kind": "a"}, {"id": 2, "kind": "b"}, {"id": 3, "kind": "a"}],
    "counter": {"total": 2},
    "none": None,
}

ANSWERS = {
    "counter.total": 2,
    "counter.total.more": None,
    "absent.at.all": None,
    "collection.id": None,
    "split(uri, '/')[-1]": "ABC",
    "split('a,b,c', ',', `1`)": ["a", "b,c"],
    "split('abc', '')": ["a", "b", "c"],
    "replace('a-b-c', '-', '+', `1`)": "a+b-c",
    "trim('  a ')": "a",
    "trim_left('xxa', 'x')": "a",
    "trim_right('a  ')": "a",
    "lower('Ab')": "ab",
    "upper('Ab')": "AB",
    "pad_left('7', `3`, '0')": "007",
    "pad_right('7', `3`)": "7  ",
    "find_first('banana', 'an')": 1,
    "find_last('banana', 'an')": 3,
    "find_first('banana', 'x')": None,
    "items(counter)": [["total", 2]],
    'from_items(`[["a", 1]]`)': {"a": 1},
    "zip(`[1, 2]`, `[3, 4]`)": [[1, 3], [2, 4]],
    "group_by(collection, &kind).a[].id": [1, 3],
    "query_param(next, 'page_token')": "a/b",
    "query_param(next, 'empty')": "",
    "query_param(next, 'absent')": None,
    "query_param(none, 'page_token')": None,
    "counter.total > `0`": True,
    "collection[?kind == 'b'].id": [2],
    "length(collection)": 3,
    "@.counter": {"total": 2},
}


@pytest.mark.parametrize("text", ANSWERS)
def test_an_expression_gives(text):
    assert compile_expression(text).search(PAGE) == ANSWERS[text]


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("   ", 0),
        ("next-token", 4),
        ("a[", 2),
        ("a ||", 4),
        ("a == `1", 5),
        ("a || splt(b, ',')", 5),
        ("a || split(b)", 5),
        ("length(a, b)", 0),
        ("query_param(a)", 0),
        ("a && matches(a, '(')", 5),
        ("regex_search(a, '((a{1000}){1000}){1000}')", 0),
    ],
)
def test_a_broken_expression_says_where(text, offset):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert caught.value.offset == offset


WHOLE = "a[?b == 'c'].{d: split(e, '/')[-1], f: `[1]`} | [0]"


@pytest.mark.parametrize("length", [n for n in range(1, len(WHOLE)) if n not in (1, 12, 45, 46)])
def test_a_cut_expression_is_refused_within_itself(length):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(WHOLE[:length])
    assert 0 <= caught.value.offset <= length


def test_a_near_miss_is_named():
    with pytest.raises(ExpressionError, match=r"did you mean split\(\)\?"):
        compile_expression("splt(a, ',')")


def test_a_failure_names_types_and_not_the_data():
    with pytest.raises(ExpressionError) as caught:
        compile_expression("split(email, '/')").search({"email": 7})
    assert "expects string" in str(caught.value)
    assert "found number" in str(caught.value)
    with pytest.raises(ExpressionError) as caught:
        compile_expression("abs(email)").search({"email": "ada@example.com"})
    assert "ada@example.com" not in str(caught.value)


def test_expressions_can_be_copied_pickled_and_compared():
    for text in ("a.b", "split(a, '/')[-1]"):
        one = compile_expression(text)
        assert copy.deepcopy({"field": one})["field"] is one
        again = pickle.loads(pickle.dumps(one))
        assert again == one
        assert hash(again) == hash(one)
        assert again.search({"a": {"b": "x"}} if text == "a.b" else {"a": "b/x"}) == "x"


def test_a_name_in_the_data_is_no_attribute():
    assert compile_expression("items").search({"a": 1}) is None


def test_if_looks_at_the_branch_that_it_takes():
    assert compile_expression("if(a, split(a, '/')[0], 'none')").search({"a": None}) == "none"


def test_the_context_is_reached_by_its_function_alone():
    expression = compile_expression("list[?size > context().config.least].id")
    data = {"list": [{"id": 1, "size": 3}, {"id": 2, "size": 1}]}
    assert expression.contextual
    assert expression.search(data, {"config": {"least": 2}}) == [1]
    assert not compile_expression("config.least").contextual


@pytest.mark.parametrize(
    ("text", "over", "on_data"),
    [
        ("config.a", {("config", "a")}, set()),
        ("a[?config.b].c", {("a",)}, set()),
        ("context().config.a || b", {("config", "a"), ("b",)}, {("config", "a")}),
        ("map(&context().parent.id, a)", {("parent", "id"), ("a",)}, {("parent", "id")}),
        ("{x: config.a, y: now}", {("config", "a"), ("now",)}, set()),
        ("resources.users.split(uri, '/')[-1]", {("resources", "users", "uri")}, set()),
        ("parent | {a: id, b: name}", {("parent", "id"), ("parent", "name")}, set()),
        ("get(parent, 'id')", {("parent",)}, set()),
        ("@", {()}, set()),
    ],
)
def test_what_an_expression_reads_of_the_context(text, over, on_data):
    expression = compile_expression(text)
    assert set(expression.reads(over_context=True)) == over
    assert set(expression.reads()) == on_data


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("divide(`1`, `0`)", "divide() by 0"),
        ("matches(a, join('', ['(', '']))", "the pattern is not valid"),
        ("pad_left(a, `9999999999`)", "pads to at most"),
        ("round(`15`, `-9999999999`)", "at most 400 digits"),
        ("regex_search(a, 'x', `2`)", "no group 2"),
        (r"regex_replace(a, 'x', '\3')", "the replacement is not valid"),
        ("format_time(a, '%Y')", "expects a time in ISO 8601"),
        ("format_time('2026-01-01', '%Q')", "%Q"),
        ("parse_time(a, '%Y')", "expects a time written as %Y"),
        ("add_time('2026-01-01', '1 day')", "not an ISO 8601 duration"),
        ("hash(a, 'md4')", "knows md5"),
        ("hmac(a, a, 'sha256', 'hax')", "hex or base64"),
        ("base64_decode('%')", "expects text in base64"),
        ("parse_json(a)", "expects the text of a JSON value"),
        ("range(`0`, `9999999999`)", "at most"),
        ("round(`1.5`, `0.5`)", "whole number"),
    ],
)
def test_a_function_that_cannot_answer_says_why_and_not_on_what(text, reason):
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text).search({"a": "xyz-personal"})
    assert reason in str(caught.value)
    assert "personal" not in str(caught.value)


def test_a_pattern_that_would_look_for_ever_gives_up(monkeypatch):
    monkeypatch.setattr(patterns, "SECONDS", 0.01)
    with pytest.raises(ExpressionError, match="still searching after"):
        compile_expression("matches(@, '^(a|aa)+$')").search("a" * 200 + "b")


def test_expressions_compiled_at_once_leave_warnings_as_they_were():
    """A literal in old syntax is no warning, in whatever thread."""
    before, interval = list(warnings.filters), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(compile_expression, [f"a[?b == `x{n}`]" for n in range(1_000)]))
    finally:
        sys.setswitchinterval(interval)
    assert warnings.filters == before
