"""Expressions read backwards: what they find in the data that is made of them."""

from __future__ import annotations

from typing import Any

import pytest

from framework.definition.expressions.jmespath_expression import compile_expression
from framework.mock.pages.inverse import NoInverse, fulfilled, inverse

Json = Any


@pytest.mark.parametrize(
    "text",
    [
        "a.b",
        "@",
        "a[0]",
        "a[-1].b",
        "a || b",
        "a | b",
        "not_null(a, b)",
        "if(a, b, c)",
        "to_string(a)",
    ],
)
def test_a_value_is_found(text: str) -> None:
    expression = compile_expression(text)
    assert expression.search(inverse(expression.tree, "x")) == "x"


@pytest.mark.parametrize(
    "text",
    [
        "a[*].b",
        "a.*",
        "a.*.b[0]",
        "a[].b[].c",
        "[a, b][]",
        "a[?b == 'c'].d",
        "map(&b, a)",
        "sort_by(a, &id)",
        "a[*].{id: number}",
    ],
)
def test_a_list_is_found(text: str) -> None:
    expression = compile_expression(text)
    assert expression.search(inverse(expression.tree, [{"id": 1}, {"id": 2}])) == [
        {"id": 1},
        {"id": 2},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "a == 'b'",
        "a != 'b'",
        "`3` < a",
        "a.b <= `3`",
        "!a",
        "a && b == `1`",
        "a == 'b' || c",
        "contains(`[1, 2]`, a)",
        "contains(a, 'b')",
        "starts_with(a, 'b')",
        "length(a) >= `2`",
    ],
)
@pytest.mark.parametrize("wanted", [True, False])
def test_a_condition_holds_or_does_not(text: str, wanted: bool) -> None:
    expression = compile_expression(text)
    data = {"kept": 1, "a": {"b": 9} if "a.b" in text else 9 if "<" in text else "z"}
    made = fulfilled(expression.tree, wanted, data, {})
    assert bool(expression.search(made)) is wanted
    assert made["kept"] == 1


@pytest.mark.parametrize("text", ["join('', a)", "keys(a)", "sum(a)", "a == b"])
def test_what_has_no_inverse_is_told(text: str) -> None:
    with pytest.raises(NoInverse):
        inverse(compile_expression(text).tree, "x")
