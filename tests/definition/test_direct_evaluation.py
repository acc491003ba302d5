"""Comparisons that are evaluated without jmespath's interpreter give what it gives."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from framework.definition.expressions.direct_evaluation import Undecided, direct_evaluation
from framework.definition.expressions.jmespath_expression import (
    Expression,
    ExpressionError,
    compile_expression,
)

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 0.0, 1.0, 1.5, "", "a", "b", "0"),
    *([], ["a"], {}, {"a": 1}, [0], 10**20),
]
EXPRESSIONS = [
    *(f"x {sign} y" for sign in ("==", "!=", "<", "<=", ">", ">=")),
    *("x && y", "x || y", "!x", "!(x && y) || x == y"),
    *("x[0] == y", "x.a == y", "x[-1]", "x[0].a || y", "x > `1`", "x == 'a'", "@.x == `null`"),
    *("x.a.b", "(x || y) == y", "x && y > `0`"),
]


def outcome(expression: Expression, data: Any) -> Any:
    try:
        found = expression.search(data)
    except ExpressionError as error:
        return str(error)
    return (type(found), found)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_the_result_is_the_interpreters(text: str) -> None:
    direct = compile_expression(text)
    interpreted = Expression(text, (), direct.tree)
    assert direct_evaluation(direct.tree) is not None
    for x, y in itertools.product(VALUES, VALUES):
        data = {"x": x, "y": y}
        assert outcome(direct, data) == outcome(interpreted, data), data
    for data in ([], "x", None, 5, {"x": {"a": {"b": 1}}}):
        assert outcome(direct, data) == outcome(interpreted, data), data


@pytest.mark.parametrize("text", ["length(x)", "x[?y]", "x[*].y", "{a: x}", "x[:2]"])
def test_other_expressions_are_the_interpreters(text: str) -> None:
    assert direct_evaluation(compile_expression(text).tree) is None


def test_types_that_only_the_interpreter_compares_are_undecided() -> None:
    evaluate = direct_evaluation(compile_expression("x == `1`").tree)
    assert evaluate is not None
    with pytest.raises(Undecided):
        evaluate({"x": True})
