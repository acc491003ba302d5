"""Translate one Jinja expression to one term."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jinja2 import nodes

from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.filters import (
    COMPARING_TESTS,
    apply_filter,
    fill_percent,
)
from framework.importers.airbyte.jinja.functions import call_macro, call_method
from framework.importers.airbyte.jinja.operators import (
    arithmetic,
    as_number,
    chosen_by_key,
    comparison,
    first_present,
    is_in,
    move_time,
)
from framework.importers.airbyte.jinja.scope import Keys, Scope
from framework.importers.airbyte.jinja.tree import Term, Untranslatable, call, constant

Json = Any

_FUNCTIONS = {
    nodes.Sub: "subtract",
    nodes.Mul: "multiply",
    nodes.Div: "divide",
    nodes.Mod: "modulo",
}
_SYMBOLS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_TYPE_TESTS = {
    "string": "string", "number": "number", "integer": "number", "float": "number",
    "boolean": "boolean", "mapping": "object", "sequence": "array", "iterable": "array",
}  # fmt: skip
"""Jinja's tests for a type, and the type that JMESPath's `type()` returns."""


def translate_expression(node: nodes.Expr, scope: Scope) -> Term:
    """Translate an expression; raise Untranslatable if it has no counterpart."""
    handler = _HANDLERS.get(type(node))
    if handler is None:
        raise Untranslatable(f"`{type(node).__name__.lower()}` in an expression")
    return handler(node, scope)


# -- paths


def _path(node: nodes.Expr, scope: Scope) -> Term:
    """Translate a variable with keys below it, or keys below any other expression."""
    base, keys = _split_keys(node)
    if base is node:
        return _item(node, scope)
    return _below(base, keys, scope)


def _split_keys(node: nodes.Node) -> tuple[nodes.Node, Keys]:
    """Return the expression that a path begins with, and the keys below it."""
    keys: list[str | int] = []
    while (step := _step(node)) is not None:
        node, key = step
        keys.insert(0, key)
    return node, tuple(keys)


def _below(base: nodes.Node, keys: Keys, scope: Scope) -> Term:
    used = 0
    if isinstance(base, nodes.Name):
        term, used = scope.lookup(base.name, keys)
    else:
        term = translate_expression(base, scope)  # type: ignore[arg-type]
    for key in keys[used:]:
        term = tree.field(term, key)
    return term


def _step(node: nodes.Node) -> tuple[nodes.Node, str | int] | None:
    """Return the base and key of `x.a`, `x['a']`, `x[0]`, and `x.get('a', {})`, whose default only
    guards what follows."""
    if isinstance(node, nodes.Getattr):
        return node.node, node.attr
    if isinstance(node, nodes.Getitem):
        key = _constant_key(node.arg)
        return None if key is None else (node.node, key)
    if isinstance(node, nodes.Call) and _is_get(node):
        assert isinstance(node.node, nodes.Getattr)
        key = _constant_key(node.args[0])
        if key is not None and (len(node.args) == 1 or _is_empty(node.args[1])):
            return node.node.node, key
    return None


def _is_get(node: nodes.Call) -> bool:
    return (
        isinstance(node.node, nodes.Getattr)
        and node.node.attr == "get"
        and len(node.args) in (1, 2)
    )


def _is_empty(node: nodes.Expr) -> bool:
    if isinstance(node, nodes.Const):
        return node.value is None or node.value == ""
    return isinstance(node, nodes.Dict | nodes.List) and not node.items


def _constant_key(node: nodes.Expr) -> str | int | None:
    if isinstance(node, nodes.Const) and isinstance(node.value, str | int):
        return node.value
    if isinstance(node, nodes.Neg) and isinstance(node.node, nodes.Const):
        return -int(node.node.value)
    return None


def _item(node: nodes.Expr, scope: Scope) -> Term:
    """Translate a slice, or a key that is itself computed."""
    assert isinstance(node, nodes.Getitem)
    if isinstance(node.arg, nodes.Slice):
        return _slice(node.node, node.arg, scope)
    key = translate_expression(node.arg, scope)
    if not key.fixed:
        return call("get", translate_expression(node.node, scope), key)
    base, keys = _split_keys(node.node)
    return _below(base, (*keys, key.constant), scope)


def _slice(node: nodes.Expr, ends: nodes.Slice, scope: Scope) -> Term:
    base = translate_expression(node, scope)
    numbers: list[int | None] = []
    for part in (ends.start, ends.stop, ends.step):
        number = None if part is None else _constant_key(part)
        if part is not None and not isinstance(number, int):
            raise Untranslatable("a slice with computed ends")
        numbers.append(number if isinstance(number, int) else None)
    if base.fixed:
        return constant(base.constant[slice(*numbers)])
    cut = tree.Cut((numbers[0], numbers[1], numbers[2]))
    return Term(tree.extend(base, cut), base.kind, base.optional)


# -- calls


def _call(node: nodes.Call, scope: Scope) -> Term:
    if _step(node) is not None:
        return _path(node, scope)
    if node.dyn_args or node.dyn_kwargs:
        raise Untranslatable("a call with * or **")
    arguments = [translate_expression(one, scope) for one in node.args]
    named = {one.key: translate_expression(one.value, scope) for one in node.kwargs}
    target = node.node
    if isinstance(target, nodes.Name):
        return call_macro(target.name, scope, arguments, named)
    if not isinstance(target, nodes.Getattr):
        raise Untranslatable("a call of a value that is not a function")
    if target.attr != "get":
        return call_method(target.attr, translate_expression(target.node, scope), arguments, named)
    if not _is_get(node):
        raise Untranslatable("get() with these arguments")
    item = translate_expression(nodes.Getitem(target.node, node.args[0], "load"), scope)
    if len(arguments) < 2 or _is_empty(node.args[1]):
        return item
    if item.fixed:
        return item if item.constant is not None else arguments[1]
    return call("not_null", item, arguments[1], kind=arguments[1].kind)


def _filter(node: nodes.Filter, scope: Scope) -> Term:
    if node.node is None:
        raise Untranslatable("a filter block")
    subject = translate_expression(node.node, scope)
    arguments = [translate_expression(one, scope) for one in node.args]
    # jinja2's own types say pairs, its parser returns keyword nodes
    keywords = {str(one.key): one.value for one in list[Any](node.kwargs)}
    named = {key: translate_expression(value, scope) for key, value in keywords.items()}
    return apply_filter(node.name, subject, arguments, named)


def _test(node: nodes.Test, scope: Scope) -> Term:
    name = node.name
    try:
        subject = translate_expression(node.node, scope)
    except Untranslatable:
        if name in ("defined", "undefined") and isinstance(node.node, nodes.Name):
            return constant(name == "undefined")
        raise
    if name in ("none", "undefined"):
        return tree.compare(subject, "==", tree.NULL)
    if name == "defined":
        return tree.compare(subject, "!=", tree.NULL)
    if name in ("true", "false"):
        return tree.compare(subject, "==", constant(name == "true"))
    if name in _TYPE_TESTS:
        return tree.compare(call("type", subject), "==", constant(_TYPE_TESTS[name]))
    if name == "in":
        return is_in(translate_expression(node.args[0], scope), subject)
    if name in COMPARING_TESTS:
        other = translate_expression(node.args[0], scope)
        return tree.compare(subject, COMPARING_TESTS[name], other)
    if name in ("odd", "even"):
        rest = call("modulo", as_number(subject), constant(2))
        return tree.compare(rest, "==", constant(int(name == "odd")))
    raise Untranslatable(f"the test `is {name}`")


# -- operators


def _compare(node: nodes.Compare, scope: Scope) -> Term:
    left = translate_expression(node.expr, scope)
    result: Term | None = None
    for operand in node.ops:
        right = translate_expression(operand.expr, scope)
        if operand.op in ("in", "notin"):
            one = is_in(_hinted(right, operand.expr), left)
            one = one if operand.op == "in" else tree.negate(one)
        elif left.fixed and right.fixed and operand.op in ("eq", "ne"):
            one = constant((left.constant == right.constant) == (operand.op == "eq"))
        else:
            one = comparison(left, _SYMBOLS[operand.op], right)
        result = one if result is None else tree.both(result, one)
        left = right
    assert result is not None
    return result


def _hinted(term: Term, node: nodes.Expr) -> Term:
    """Give a term the kind of the default in `x.get(name, default)`."""
    if term.kind != "any" or not isinstance(node, nodes.Call) or not _is_get(node):
        return term
    default = node.args[1] if len(node.args) > 1 else None
    if isinstance(default, nodes.Dict):
        return replace(term, kind="object")
    if isinstance(default, nodes.List):
        return replace(term, kind="list", optional=True)
    if isinstance(default, nodes.Const) and default.value == "":
        return replace(term, kind="text", optional=True)
    return term


def _sides(node: nodes.BinExpr, scope: Scope) -> tuple[Term, Term]:
    return translate_expression(node.left, scope), translate_expression(node.right, scope)


def _add(node: nodes.Add, scope: Scope) -> Term:
    left, right = _sides(node, scope)
    if left.fixed and right.fixed:
        try:
            return constant(left.constant + right.constant)
        except TypeError:
            raise Untranslatable("an addition of values that cannot be added") from None
    kinds = {left.kind, right.kind}
    if "duration" in kinds:
        return move_time("add_time", left, right)
    if kinds & {"text", "date", "time"}:
        return tree.join_texts([left, right])
    if "list" in kinds:
        return tree.concatenation([left, right])
    return call("add", as_number(left), as_number(right), kind="number")


def _arithmetic(node: nodes.BinExpr, scope: Scope) -> Term:
    left, right = _sides(node, scope)
    if isinstance(node, nodes.Sub) and right.kind == "duration":
        return move_time("subtract_time", left, right)
    if isinstance(node, nodes.Sub) and left.is_time and right.is_time:
        moments = [tree.apply("timestamp", one, kind="number") for one in (left, right)]
        return call("subtract", *moments, kind="span")
    if isinstance(node, nodes.Mod) and left.kind == "text":
        if isinstance(node.right, nodes.Tuple):
            return fill_percent(
                left, *(translate_expression(one, scope) for one in node.right.items)
            )
        return fill_percent(left, right)
    return arithmetic(_FUNCTIONS[type(node)], left, right)


def _floor_div(node: nodes.FloorDiv, scope: Scope) -> Term:
    return call("floor", arithmetic("divide", *_sides(node, scope)), kind="number")


def _and(node: nodes.And, scope: Scope) -> Term:
    left = tree.truth(translate_expression(node.left, scope))
    right = translate_expression(node.right, scope)
    if left.fixed:
        return right if left.constant else left
    return tree.both(tree.as_value(left), tree.as_value(right))


def _or(node: nodes.Or, scope: Scope) -> Term:
    left, right = _sides(node, scope)
    if left.fixed:
        return left if left.constant else right
    return (
        first_present(left, right)
        if left.members
        else tree.either(tree.as_value(left), tree.as_value(right))
    )


def _choice(node: nodes.CondExpr, scope: Scope) -> Term:
    test = tree.truth(translate_expression(node.test, scope))
    if test.fixed:
        branch = node.expr1 if test.constant else node.expr2
        return tree.NULL if branch is None else translate_expression(branch, scope)
    first = translate_expression(node.expr1, scope)
    second = tree.NULL if node.expr2 is None else translate_expression(node.expr2, scope)
    by_key = chosen_by_key(test, first, second)
    if by_key is not None:
        return by_key
    kind: tree.Kind = first.kind if first.kind == second.kind else "any"
    return tree.choose(test, first, second, kind="text" if kind in ("time", "date") else kind)


def _neg(node: nodes.Neg, scope: Scope) -> Term:
    inner = translate_expression(node.node, scope)
    return (
        constant(operator.neg(inner.constant))
        if inner.fixed
        else arithmetic("subtract", constant(0), inner)
    )


def _list(node: nodes.List | nodes.Tuple, scope: Scope) -> Term:
    items = [translate_expression(one, scope) for one in node.items]
    if all(item.fixed for item in items):
        return constant([item.constant for item in items])
    return tree.sequence(items)


def _dict(node: nodes.Dict, scope: Scope) -> Term:
    pairs = [
        (translate_expression(one.key, scope), translate_expression(one.value, scope))
        for one in node.items
    ]
    if all(key.fixed and value.fixed for key, value in pairs):
        return constant({key.constant: value.constant for key, value in pairs})
    if not all(key.fixed for key, _ in pairs):
        raise Untranslatable("a mapping with computed keys")
    return tree.mapping([(str(key.constant), value) for key, value in pairs])


_HANDLERS: dict[type, Callable[[Any, Scope], Term]] = {
    nodes.Const: lambda node, _scope: constant(node.value),
    nodes.Name: lambda node, scope: scope.lookup(node.name, ())[0],
    nodes.Getattr: _path,
    nodes.Getitem: _path,
    nodes.Call: _call,
    nodes.Filter: _filter,
    nodes.Test: _test,
    nodes.Compare: _compare,
    nodes.Add: _add,
    **dict.fromkeys(_FUNCTIONS, _arithmetic),
    nodes.FloorDiv: _floor_div,
    nodes.Concat: lambda node, scope: tree.join_texts(
        [translate_expression(one, scope) for one in node.nodes]
    ),
    nodes.Not: lambda node, scope: tree.negate(tree.truth(translate_expression(node.node, scope))),
    nodes.And: _and,
    nodes.Or: _or,
    nodes.CondExpr: _choice,
    nodes.Neg: _neg,
    nodes.Pos: lambda node, scope: translate_expression(node.node, scope),
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
}
