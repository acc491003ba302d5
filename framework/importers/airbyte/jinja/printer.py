"""Write a term as JMESPath. No other module spells an expression."""

from __future__ import annotations

import json
import re
from typing import Any

from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.tree import Term, Untranslatable, constant

Json = Any

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_LOOSEST = {"||": 0, "&&": tree.AND}
"""Operands that bind looser than this need parentheses."""


def to_jmespath(term: Term) -> str:
    """Return the expression. Raise Untranslatable for a group, which has none."""
    node = term.node
    if isinstance(node, tree.Constant):
        return literal(node.value)
    if isinstance(node, tree.FieldPath):
        return _path(node)
    if isinstance(node, tree.Call):
        return f"{node.name}({_listed(node.arguments)})"
    if isinstance(node, tree.Operator):
        least = _LOOSEST.get(node.symbol, tree.COMPARE + 1)
        return f"{_operand(node.left, least)} {node.symbol} {_operand(node.right, least)}"
    if isinstance(node, tree.Prefix):
        return _prefixed(node.symbol, node.operand)
    if isinstance(node, tree.ItemList):
        return f"[{_listed(node.items)}]"
    if isinstance(node, tree.KeyedItems):
        pairs = (f"{identifier(key)}: {to_jmespath(value)}" for key, value in node.pairs)
        return f"{{{', '.join(pairs)}}}"
    if isinstance(node, tree.JoinedText):
        parts = [constant(one) if isinstance(one, str) else tree.as_text(one) for one in node.parts]
        return f"join('', [{_listed(tuple(parts))}])"
    raise Untranslatable("a group of inputs is used as one value")


def literal(value: Json) -> str:
    """Return text in single quotes, and anything else, or text with a backslash, in backticks."""
    if isinstance(value, str) and "\\" not in value and "\n" not in value:
        return "'" + value.replace("'", "\\'") + "'"
    return "`" + json.dumps(value, ensure_ascii=False).replace("`", "\\`") + "`"


def identifier(name: Json) -> str:
    """Return a key, in double quotes unless it is a plain name."""
    name = str(name)
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def dotted(keys: list[str] | tuple[str, ...]) -> str:
    """Return the path of keys below the current value."""
    return _path(tree.FieldPath("", tuple(keys)))


def _listed(terms: tuple[Term, ...]) -> str:
    return ", ".join(map(to_jmespath, terms))


def _operand(term: Term, least: int) -> str:
    text = to_jmespath(term)
    return text if term.level >= least else f"({text})"


def _prefixed(symbol: str, operand: Term) -> str:
    text = to_jmespath(operand)
    flat_call = isinstance(operand.node, tree.Call) and text.count("(") == 1
    bare = symbol == "&" or flat_call or _IDENTIFIER.fullmatch(text)
    return f"{symbol}{text}" if bare else f"{symbol}({text})"


def _path(node: tree.FieldPath) -> str:
    text = node.root if isinstance(node.root, str) else _operand(node.root, tree.ATOM)
    if node.through_context:
        text = f"context().{text}"
    for step in node.steps:
        text = _step(text, step)
    return text or "@"


def _step(text: str, step: tree.Step) -> str:
    if isinstance(step, str):
        return f"{text}.{identifier(step)}" if text else identifier(step)
    if isinstance(step, int):
        return f"{text}[{step}]"
    if isinstance(step, tree.Suffix):
        return f"{text or '@'}{step.text}"
    if isinstance(step, tree.Where):
        return f"{text}[?{to_jmespath(step.test)}]"
    if isinstance(step, tree.Pick):
        return f"{text}.[{_listed(step.items)}]"
    start, stop, size = ("" if number is None else str(number) for number in step.numbers)
    return f"{text}[{start}:{stop}{size and f':{size}'}]"
