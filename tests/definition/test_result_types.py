"""Expressions that can only be null, or only fail, are refused; all others are not."""

import contextlib

import jmespath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.definition.expressions import result_types
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


class Recorder(jmespath.visitor.TreeInterpreter):
    """Keeps what one node of an expression returns, each time that it is asked."""

    def __init__(self, node):
        super().__init__()
        self.node, self.results = node, []

    def visit(self, node, *args, **kwargs):
        result = super().visit(node, *args, **kwargs)
        if node is self.node:
            self.results.append(result)
        return result


def refused_node(tree):
    """Return the innermost node that the inference refuses, or None."""
    refused, infer = [], result_types._types

    def types(node, data):
        try:
            return infer(node, data)
        except result_types.TypeConflict:
            refused.append(node)
            raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(result_types, "_types", types)
        with contextlib.suppress(result_types.TypeConflict):
            result_types.check_result(tree)
    return refused[0] if refused else None


def test_the_refused_node_of_a_pipe_is_the_one_that_is_null():
    tree = syntax_tree("!a | !b")
    assert refused_node(tree) == {"type": "field", "children": [], "value": "b"}
    recorder = Recorder(refused_node(tree))
    assert recorder.visit(tree, {"a": 1}) is True
    assert recorder.results == [None]


@settings(max_examples=300)
@given(EXPRESSIONS, st.lists(VALUES, min_size=5, max_size=10))
def test_what_is_refused_has_no_result_on_any_data(text, bodies):
    try:
        tree = syntax_tree(text)
    except ExpressionError:
        return
    if (node := refused_node(tree)) is None:
        return
    recorder = Recorder(node)
    for body in bodies:
        with contextlib.suppress(TypeError, jmespath.exceptions.JMESPathError):
            recorder.visit(tree, body)
    assert all(result is None for result in recorder.results), (text, node)


def test_a_comparison_of_two_types_names_fields_and_types():
    expression = compile_expression("items[?amount > `10`]")
    with pytest.raises(ExpressionError) as error:
        expression.search({"items": [{"amount": 5}, {"amount": "12 secret"}]})
    assert error.value.reason == (
        "`>` cannot compare them: amount is text and the right side is an integer; convert them to "
        "one type, for example with to_number()"
    )
