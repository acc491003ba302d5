"""Texts with places to be filled: `'%s-%s' % (a, b)` and `'{}-{}'.format(a, b)`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from framework.importers.airbyte.terms import Term, Untranslatable, as_text, call, constant, joined

_PERCENT = re.compile(r"(%(?:%|s|d|i|0\d+d))")
_BRACES = re.compile(r"(\{\{|\}\}|\{\w*\})")


def filled(pattern: Term, arguments: Sequence[Term]) -> Term:
    """Python's `%`: `%s`, `%d` and `%02d`."""
    left = list(arguments)
    parts = []
    for piece in _PERCENT.split(_known(pattern)):
        if piece == "%%":
            parts.append(constant("%"))
        elif _PERCENT.fullmatch(piece):
            if not left:
                raise Untranslatable("a text with more places than values")
            parts.append(_number(left.pop(0), piece) if piece != "%s" else left.pop(0))
        elif "%" in piece:
            raise Untranslatable(f"text formatted with {piece}")
        elif piece:
            parts.append(constant(piece))
    return joined(parts)


def braced(pattern: Term, arguments: Sequence[Term], named: Mapping[str, Term]) -> Term:
    """Python's `.format()`: `{}`, `{0}` and `{name}`."""
    known: dict[str, Term] = {str(n): one for n, one in enumerate(arguments)}
    known.update(named)
    parts, count = [], 0
    for piece in _BRACES.split(_known(pattern)):
        if piece in ("{{", "}}"):
            parts.append(constant(piece[0]))
        elif _BRACES.fullmatch(piece):
            name = piece[1:-1] or str(count)
            count += piece == "{}"
            if name not in known:
                raise Untranslatable(f"a text with a place {piece} and no value for it")
            parts.append(known[name])
        elif "{" in piece:
            raise Untranslatable(f"text formatted with {piece}")
        elif piece:
            parts.append(constant(piece))
    return joined(parts)


def _known(pattern: Term) -> str:
    if not isinstance(pattern.constant, str):
        raise Untranslatable("a text whose places are computed")
    return pattern.constant


def _number(term: Term, piece: str) -> Term:
    whole = as_text(call("to_integer", term, kind="number"))
    width = piece[2:-1]
    if not width:
        return whole
    return call("pad_left", whole, constant(int(width)), constant("0"), kind="text")
