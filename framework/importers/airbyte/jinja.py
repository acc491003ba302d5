"""One Jinja expression in, one JMESPath term out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jinja2 import nodes

from framework.importers.airbyte.combined import (
    chosen_by_key,
    comparable,
    computed,
    contained,
    first_given,
    mapping,
    moved,
    number,
)
from framework.importers.airbyte.filters import TESTS, filtered
from framework.importers.airbyte.formats import filled
from framework.importers.airbyte.macros import MACROS
from framework.importers.airbyte.methods import method
from framework.importers.airbyte.scope import Keys, Scope
from framework.importers.airbyte.terms import (
    NULL,
    PROJECTION,
    Term,
    Untranslatable,
    both,
    call,
    compared,
    constant,
    either,
    field,
    joined,
    negated,
    truth,
    written,
)

Json = Any

_ARITHMETIC = {
    nodes.Sub: "subtract",
    nodes.Mul: "multiply",
    nodes.Div: "divide",
    nodes.Mod: "modulo",
}
_SYMBOLS = {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}
_KINDS = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "float": "number",
    "boolean": "boolean",
    "mapping": "object",
    "sequence": "array",
    "iterable": "array",
}


def translate(node: nodes.Expr, scope: Scope) -> Term:
    """The JMESPath of an expression; Untranslatable where it has none."""
    handler = _HANDLERS.get(type(node))
    if handler is not None:
        return handler(node, scope)
    if type(node) in _ARITHMETIC:
        return _arithmetic(node, scope)  # type: ignore[arg-type]
    raise Untranslatable(f"`{type(node).__name__.lower()}` in an expression")


def _const(node: nodes.Const, _scope: Scope) -> Term:
    return constant(node.value)


def _path(node: nodes.Expr, scope: Scope) -> Term:
    """A variable with keys below it, or keys below any other expression."""
    keys: list[str | int] = []
    current: nodes.Node = node
    while True:
        step = _step(current)
        if step is None:
            break
        current, key = step
        keys.insert(0, key)
    if isinstance(current, nodes.Name):
        term, used = scope.lookup(current.name, tuple(keys))
        rest: Keys = tuple(keys[used:])
    elif current is node:
        return _item(node, scope)
    else:
        term, rest = translate(current, scope), tuple(keys)  # type: ignore[arg-type]
    for key in rest:
        term = field(term, key)
    return term


def _step(node: nodes.Node) -> tuple[nodes.Node, str | int] | None:
    """`x.a`, `x['a']`, `x[0]`, and `x.get('a', {})` whose default only guards what follows."""
    if isinstance(node, nodes.Getattr):
        return node.node, node.attr
    if isinstance(node, nodes.Getitem):
        key = _constant_key(node.arg)
        return None if key is None else (node.node, key)
    if _is_get(node):
        assert isinstance(node, nodes.Call)
        assert isinstance(node.node, nodes.Getattr)
        default = node.args[1] if len(node.args) > 1 else nodes.Const(None)
        key = _constant_key(node.args[0])
        if key is not None and _is_nothing(default):
            return node.node.node, key
    return None


def _is_get(node: nodes.Node) -> bool:
    return (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Getattr)
        and node.node.attr == "get"
        and 1 <= len(node.args) <= 2
    )


def _is_nothing(node: nodes.Expr) -> bool:
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
    """A key that is itself computed, and a slice."""
    assert isinstance(node, nodes.Getitem)
    if isinstance(node.arg, nodes.Slice):
        base = translate(node.node, scope)
        parts = [node.arg.start, node.arg.stop, node.arg.step]
        numbers = [None if part is None else _constant_key(part) for part in parts]
        if any(part is not None and number is None for part, number in zip(parts, numbers)):  # noqa: B905
            raise Untranslatable("a slice with computed ends")
        if base.fixed:
            return constant(base.constant[slice(*numbers)])
        shown = ":".join("" if number is None else str(number) for number in numbers[:2])
        shown += "" if numbers[2] is None else f":{numbers[2]}"
        return Term(f"{base.atom}[{shown}]", base.kind, PROJECTION, optional=base.optional)
    key = translate(node.arg, scope)
    if key.fixed:
        steps: list[str | int] = []
        current: nodes.Node = node.node
        while (step := _step(current)) is not None:
            current = step[0]
            steps.insert(0, step[1])
        steps.append(key.constant)
        if isinstance(current, nodes.Name):
            term, used = scope.lookup(current.name, tuple(steps))
            for one in steps[used:]:
                term = field(term, one)
            return term
        return field(translate(node.node, scope), key.constant)
    return call("get", translate(node.node, scope), key)


def _name(node: nodes.Name, scope: Scope) -> Term:
    return scope.lookup(node.name, ())[0]


def _call(node: nodes.Call, scope: Scope) -> Term:
    if node.dyn_args or node.dyn_kwargs:
        raise Untranslatable("a call with * or **")
    arguments = [translate(one, scope) for one in node.args]
    named = {one.key: translate(one.value, scope) for one in node.kwargs}
    target = node.node
    if isinstance(target, nodes.Name):
        macro = MACROS.get(target.name)
        if macro is None:
            raise Untranslatable(f"the function {target.name}()")
        return macro(scope, *arguments, **named)
    if isinstance(target, nodes.Getattr):
        if target.attr == "get" and not _is_get(node):
            raise Untranslatable("get() with these arguments")
        if target.attr == "get":
            return _get(node, target, arguments, scope)
        return method(target.attr, translate(target.node, scope), arguments, named)
    raise Untranslatable("a call of something that is no function")


def _get(node: nodes.Call, target: nodes.Getattr, arguments: list[Term], scope: Scope) -> Term:
    """`x.get('a', default)`: a default that says something stays."""
    found = translate(nodes.Getitem(target.node, node.args[0], "load"), scope)
    if len(arguments) < 2 or _is_nothing(node.args[1]):
        return found
    if found.fixed:
        return found if found.constant is not None else arguments[1]
    return call("not_null", found, arguments[1], kind=arguments[1].kind)


def _filter(node: nodes.Filter, scope: Scope) -> Term:
    if node.node is None:
        raise Untranslatable("a filter block")
    subject = translate(node.node, scope)
    arguments = [translate(one, scope) for one in node.args]
    named = {str(key): translate(value, scope) for key, value in _keywords(node)}
    return filtered(node.name, subject, arguments, named)


def _keywords(node: nodes.Filter) -> list[tuple[str, nodes.Expr]]:
    """jinja2's own types say pairs, its parser gives keyword nodes."""
    return [(str(one.key), one.value) for one in list[Any](node.kwargs)]


def _test(node: nodes.Test, scope: Scope) -> Term:
    try:
        subject = translate(node.node, scope)
    except Untranslatable:
        if node.name in ("defined", "undefined") and isinstance(node.node, nodes.Name):
            return constant(node.name == "undefined")
        raise
    if node.name in ("none", "undefined"):
        return compared(subject, "==", NULL)
    if node.name == "defined":
        return compared(subject, "!=", NULL)
    if node.name in ("true", "false"):
        return compared(subject, "==", constant(node.name == "true"))
    if node.name in _KINDS:
        return compared(Term(f"type({written(subject).text})"), "==", constant(_KINDS[node.name]))
    if node.name == "in":
        return contained(translate(node.args[0], scope), subject)
    if node.name in TESTS:
        return compared(subject, TESTS[node.name], translate(node.args[0], scope))
    if node.name in ("odd", "even"):
        left = call("modulo", number(subject), constant(2))
        return compared(left, "==", constant(int(node.name == "odd")))
    raise Untranslatable(f"the test `is {node.name}`")


def _compare(node: nodes.Compare, scope: Scope) -> Term:
    left = translate(node.expr, scope)
    result: Term | None = None
    for operand in node.ops:
        right = translate(operand.expr, scope)
        if operand.op in ("in", "notin"):
            one = contained(_hinted(right, operand.expr), left)
            one = one if operand.op == "in" else negated(one)
        elif left.fixed and right.fixed and operand.op in ("eq", "ne"):
            one = constant((left.constant == right.constant) == (operand.op == "eq"))
        else:
            one = compared(*comparable(left, right, _SYMBOLS[operand.op]))
        result = one if result is None else both(result, one)
        left = right
    assert result is not None
    return result


def _hinted(term: Term, node: nodes.Expr) -> Term:
    """The kind that the default of `x.get(name, default)` tells."""
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


def _add(node: nodes.Add, scope: Scope) -> Term:
    left, right = translate(node.left, scope), translate(node.right, scope)
    if left.fixed and right.fixed:
        try:
            return constant(left.constant + right.constant)
        except TypeError:
            raise Untranslatable("an addition of what cannot be added") from None
    kinds = {left.kind, right.kind}
    if "duration" in kinds:
        return moved("add_time", left, right)
    if kinds & {"text", "date", "time"}:
        return joined([left, right])
    if "list" in kinds:
        return Term(f"[{left.text}, {right.text}][]", "list")
    return call("add", number(left), number(right), kind="number")


def _arithmetic(node: nodes.BinExpr, scope: Scope) -> Term:
    left, right = translate(node.left, scope), translate(node.right, scope)
    if isinstance(node, nodes.Sub) and right.kind == "duration":
        return moved("subtract_time", left, right)
    if isinstance(node, nodes.Sub) and {left.kind, right.kind} <= {"time", "date"}:
        moments = [Term(f"timestamp({one.text})", "number") for one in (left, right)]
        return call("subtract", *moments, kind="span")
    if isinstance(node, nodes.Mod) and left.kind == "text":
        several = isinstance(node.right, nodes.Tuple)
        places = node.right.items if isinstance(node.right, nodes.Tuple) else []
        return filled(left, [translate(one, scope) for one in places] if several else [right])
    return computed(_ARITHMETIC[type(node)], left, right)


def _floor_div(node: nodes.FloorDiv, scope: Scope) -> Term:
    sides = translate(node.left, scope), translate(node.right, scope)
    return call("floor", computed("divide", *sides), kind="number")


def _concat(node: nodes.Concat, scope: Scope) -> Term:
    return joined([translate(one, scope) for one in node.nodes])


def _not(node: nodes.Not, scope: Scope) -> Term:
    return negated(truth(translate(node.node, scope)))


def _and(node: nodes.And, scope: Scope) -> Term:
    return _logical(truth(translate(node.left, scope)), translate(node.right, scope), both)


def _or(node: nodes.Or, scope: Scope) -> Term:
    left, right = translate(node.left, scope), translate(node.right, scope)
    if left.fixed:
        return left if left.constant else right
    if left.members:
        return first_given(left, right)
    return either(written(left), written(right))


def _logical(left: Term, right: Term, join: Callable[[Term, Term], Term]) -> Term:
    if left.fixed:
        return right if left.constant else left
    return join(written(left), written(right))


def _choice(node: nodes.CondExpr, scope: Scope) -> Term:
    test = truth(translate(node.test, scope))
    if test.fixed:
        chosen = node.expr1 if test.constant else node.expr2
        return NULL if chosen is None else translate(chosen, scope)
    first = translate(node.expr1, scope)
    second = NULL if node.expr2 is None else translate(node.expr2, scope)
    by_key = chosen_by_key(test, first, second)
    if by_key is not None:
        return by_key
    kind = first.kind if first.kind == second.kind else "any"
    return call("if", test, first, second, kind="text" if kind in ("time", "date") else kind)


def _neg(node: nodes.Neg, scope: Scope) -> Term:
    inner = translate(node.node, scope)
    return constant(-inner.constant) if inner.fixed else computed("subtract", constant(0), inner)


def _list(node: nodes.List | nodes.Tuple, scope: Scope) -> Term:
    items = [translate(one, scope) for one in node.items]
    if all(item.fixed for item in items):
        return constant([item.constant for item in items])
    texts = ", ".join(written(item).text for item in items)
    return Term(f"[{texts}]", "list", parts=tuple(items))


def _dict(node: nodes.Dict, scope: Scope) -> Term:
    pairs = [(translate(one.key, scope), translate(one.value, scope)) for one in node.items]
    if all(key.fixed and value.fixed for key, value in pairs):
        return constant({key.constant: value.constant for key, value in pairs})
    if not all(key.fixed for key, _ in pairs):
        raise Untranslatable("a mapping with computed keys")
    return mapping(tuple((str(key.constant), value) for key, value in pairs))


_HANDLERS: dict[type, Callable[[Any, Scope], Term]] = {
    nodes.Const: _const,
    nodes.Name: _name,
    nodes.Getattr: _path,
    nodes.Getitem: _path,
    nodes.Call: lambda node, scope: (
        _path(node, scope) if _step(node) is not None else _call(node, scope)
    ),
    nodes.Filter: _filter,
    nodes.Test: _test,
    nodes.Compare: _compare,
    nodes.Add: _add,
    nodes.FloorDiv: _floor_div,
    nodes.Concat: _concat,
    nodes.Not: _not,
    nodes.And: _and,
    nodes.Or: _or,
    nodes.CondExpr: _choice,
    nodes.Neg: _neg,
    nodes.Pos: lambda node, scope: translate(node.node, scope),
    nodes.List: _list,
    nodes.Tuple: _list,
    nodes.Dict: _dict,
}
