"""Expressions that can only be null, or only fail, are refused; all others are not."""

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.definition.expressions.jmespath_expression import (
    AlwaysNullError,
    ExpressionError,
    check_types,
    compile_expression,
    syntax_tree,
)
from framework.definition.expressions.result_types import with_parentheses

REFUSED = {
    "!response.has_more": "!(response.has_more)",
    "!a[?x].b": "!(a[?x].b)",
    "!a[].b": "!(a[].b)",
    "!a.*.b": "!(a.*.b)",
    "!a.[b, c]": "!(a.[b, c])",
    "!f.g && !h.i[0].j": "!(f.g) && !(h.i[0].j)",
    '!"a b".c': '!("a b".c)',
    "!not_null(a, b).c": "!(not_null(a, b).c)",
    "!(a).b": "!((a).b)",
    "items[?!deleted.at]": "items[?!(deleted.at)]",
    "{a: !b.c}": "{a: !(b.c)}",
    "a || !b.c": "a || !(b.c)",
    "sort_by(items, &!a.b)": "sort_by(items, &!(a.b))",
    "a > `true`": None,
    "a >= `null`": None,
    "`[1]` < a": None,
    "items[?size > `{}`]": None,
    "'x'[?a]": None,
    "`1`[?a]": None,
    "`5`[0]": None,
    "'x'.b": None,
    "`true`.b": None,
    '`{"a": 1}`.b': None,
    "`[1]`[3]": None,
    "(a == b).c": None,
    "a == `1`.b": None,
    "lower(a).b": None,
    "split(a, ',').b": None,
    "to_string(a)[0].b": None,
    "if(a, 'x', 'y').b": None,
    "items[?b > c].d > `5`": None,
    "length(`5`)": None,
    "join(',', 'a')": None,
    "'a' < `1`": None,
    "length(a) > '5'": None,
    "context().records.id": None,
}
KEPT = (
    *("!a", "!a[0]", "!(a.b)", "(!a) == b.c", "items[?!(a.b)]", "!length(a)", "!a[*].b", "a > `1`"),
    *("day > '2026-01-01'", "a || `null`", "`null`", "'x'", "'abc'[0:2]", "split(a, ',')[0]"),
    *("(a && b).c", "not_null(a, b).c", "max_by(a, &b).c", "context().response.x", "keys(a)[*].b"),
    *('`{"a": 1}`.a', "`[1]`[0]", "if(a, b, 'y').c", "parse_json(a).b"),
    *("to_number(a) > `1`", "max(a) > 'x'", "get(a, 'b').c", "a[-1:].b"),
)


@pytest.mark.parametrize(("text", "better"), REFUSED.items())
def test_refused(text, better):
    with pytest.raises(AlwaysNullError) as error:
        compile_expression(text)
    if better:
        assert error.value.reason.endswith(f"write {better}")
        compile_expression(better)
    assert with_parentheses(text) == (better or text)


@pytest.mark.parametrize("text", KEPT)
def test_kept(text):
    compile_expression(text)
    compile_expression(with_parentheses(text))


@pytest.mark.parametrize("text", ["records.id", "status > 'x'", "now.year", "headers[0]"])
def test_roots_of_the_context_have_types(text):
    compile_expression(text)
    with pytest.raises(AlwaysNullError):
        check_types(text, syntax_tree(text), over_context=True)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=12,
)
ATOMS = st.sampled_from(["a", "b", "c", "@", "`1`", "'a'", "`true`", "`null`", "`[1]`"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        inner.map(lambda one: f"!{one}"),
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"{one}.b"),
        inner.map(lambda one: f"{one}[0]"),
        inner.map(lambda one: f"{one}[]"),
        inner.map(lambda one: f"{one}[?a]"),
        inner.map(lambda one: f"{one}.*"),
        inner.map(lambda one: f"to_string({one})"),
        inner.map(lambda one: f"to_array({one})"),
        st.tuples(inner, st.sampled_from(["||", "&&", "|", "==", "<", ">="]), inner).map(" ".join),
    ),
    max_leaves=5,
)


def smallest_refused(tree):
    """Yield the parts that are refused although none of their own parts is."""
    children = [child for child in tree.get("children", []) if isinstance(child, dict)]
    inner = [part for child in children for part in smallest_refused(child)]
    if inner:
        yield from inner
        return
    try:
        check_types("", tree)
    except AlwaysNullError:
        yield tree


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, st.lists(VALUES, min_size=5, max_size=10))
def test_what_is_refused_has_no_result_on_any_data(text, bodies):
    try:
        tree = syntax_tree(text)
    except ExpressionError:
        return
    for part in smallest_refused(tree):
        for body in bodies:
            try:
                result = jmespath.visitor.TreeInterpreter().visit(part, body)
            except (TypeError, jmespath.exceptions.JMESPathError):
                continue
            assert result is None, (text, part)


def test_a_comparison_of_two_types_names_fields_and_types():
    expression = compile_expression("items[?amount > `10`]")
    with pytest.raises(ExpressionError) as error:
        expression.search({"items": [{"amount": 5}, {"amount": "12 secret"}]})
    assert error.value.reason == (
        "`>` cannot compare them: amount is text and the right side is an integer; convert them to "
        "one type, for example with to_number()"
    )
