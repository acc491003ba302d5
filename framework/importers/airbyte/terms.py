"""JMESPath being written: terms with their kind and how tightly they bind."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Json = Any
Kind = Literal[
    "any", "text", "number", "boolean", "time", "date", "duration", "span", "list", "object"
]
"""`span` is the difference of two times, in seconds."""

OR, AND, COMPARE, NOT, PROJECTION, ATOM = 1, 2, 3, 4, 5, 6

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_GUARDED = re.compile(r"not_null\(([^(),]+), (?:`false`|`null`|`0`|'')\)")
_COUNTS = re.compile(r"(page|offset|count|total|num|size|remaining|skip|index)", re.IGNORECASE)


class Untranslatable(Exception):
    """A template that has no counterpart; the message says what in it."""


@dataclass(frozen=True)
class Term:
    """A JMESPath. `level` is the loosest operator in it; `constant` a value known now (with
    `fixed` true); `members` are the inputs of a group such as `config.credentials`;
    `parts` what a joined text or a written list is made of, `pairs` what a written mapping is;
    `optional` whether it is an input that may be null."""

    text: str
    kind: Kind = "any"
    level: int = ATOM
    fixed: bool = False
    constant: Json = None
    members: tuple[tuple[str, Term], ...] = ()
    parts: tuple[str | Term, ...] = ()
    pairs: tuple[tuple[str, Term], ...] = ()
    optional: bool = False

    @property
    def atom(self) -> str:
        """The text, in parentheses where something may be appended to it."""
        return self.text if self.level >= ATOM else f"({self.text})"


def constant(value: Json) -> Term:
    """A value as a literal: text in single quotes, anything else in backticks."""
    if isinstance(value, str):
        return Term(quoted(value), "text", fixed=True, constant=value)
    kind: Kind = "any"
    if isinstance(value, bool):
        kind = "boolean"
    elif isinstance(value, int | float):
        kind = "number"
    elif isinstance(value, list):
        kind = "list"
    elif isinstance(value, dict):
        kind = "object"
    return Term(_literal(value), kind, fixed=True, constant=value)


def quoted(text: str) -> str:
    """Text as JMESPath's raw string, or as JSON where a raw string cannot say it."""
    if "\\" in text or "\n" in text:
        return _literal(text)
    return "'" + text.replace("'", "\\'") + "'"


def _literal(value: Json) -> str:
    return "`" + json.dumps(value, ensure_ascii=False).replace("`", "\\`") + "`"


NULL = constant(None)


def identifier(name: Json) -> str:
    """A key as JMESPath writes it, in double quotes where it is no plain name."""
    name = str(name)
    return name if _IDENTIFIER.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def dotted(keys: Sequence[str | int], base: str = "") -> str:
    """A path of keys and positions below `base`; `@` where there is neither."""
    text = base
    for key in keys:
        if isinstance(key, int):
            text = f"{text}[{key}]"
        else:
            text = f"{text}.{identifier(key)}" if text else identifier(key)
    return text or "@"


_OF_TIMES = {"year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S"}


def field(term: Term, key: str | int) -> Term:
    """What stands below a term; a group's member; a constant's item; a part of a time."""
    if term.kind in ("time", "date", "span"):
        return _of_time(term, key)
    if term.members or term.pairs:
        for name, member in (*term.members, *term.pairs):
            if name == key:
                return member
        return NULL
    if term.fixed:
        try:
            return constant(term.constant[key])
        except (KeyError, IndexError, TypeError):
            return NULL
    base = "" if term.text == "@" else term.atom
    return Term(dotted([key], base), optional=term.optional or term.kind == "list")


def _of_time(term: Term, key: str | int) -> Term:
    if term.kind == "span" and key in ("days", "seconds"):
        name = "divide" if key == "days" else "modulo"
        found = call(name, replace(term, kind="number"), constant(86_400), kind="number")
        return call("floor", found, kind="number") if key == "days" else found
    if term.kind == "span" or key not in _OF_TIMES:
        raise Untranslatable(f"`.{key}` of a time")
    return Term(f"to_integer(format_time({term.text}, '{_OF_TIMES[str(key)]}'))", "number")


def joined(terms: Sequence[Term]) -> Term:
    """All of them as one text; null is nothing."""
    texts = [as_text(one).text for one in terms]
    return Term(f"join('', [{', '.join(texts)}])", "text")


def as_text(term: Term) -> Term:
    """A term as text; null as an empty one."""
    if term.fixed:
        return constant("" if term.constant is None else str(term.constant))
    term = written(term)
    if term.kind == "text":
        return surely(term)
    if term.kind in ("number", "boolean", "list", "object") and not term.optional:
        return call("to_string", term, kind="text")
    return Term(f"to_string(not_null({term.text}, ''))", "text")


def as_texts(items: Term) -> Term:
    """A list whose items are joined: numbers as text, and of nothing no item."""
    if items.fixed:
        return items
    if items.parts:
        texts = (as_text(one).text for one in items.parts if isinstance(one, Term))
        return Term(f"[{', '.join(texts)}]", "list")
    return Term(f"map(&to_string(@), not_null({items.text}, `[]`))", "list")


def call(name: str, *arguments: Term, kind: Kind = "any") -> Term:
    """A function's call; times and dates go in as text."""
    return Term(f"{name}({', '.join(written(one).text for one in arguments)})", kind)


def surely(term: Term) -> Term:
    """An input that may be null as a text that may be empty, for functions that want text."""
    if not term.optional:
        return term
    return Term(f"not_null({term.text}, '')", "text")


def written(term: Term) -> Term:
    """A time or a date as the text it stands for; a group cannot be written."""
    if term.members:
        raise Untranslatable("a group of inputs is used as one value")
    if term.kind == "date":
        return Term(f"format_time({term.text}, '%Y-%m-%d')", "text")
    if term.kind in ("duration", "span"):
        raise Untranslatable("a duration is used as a value of its own")
    return term


def negated(term: Term) -> Term:
    """True where the term is not; comparisons are turned around."""
    if term.fixed:
        return constant(not term.constant)
    for symbol, opposite in ((" == ", " != "), (" != ", " == ")):
        if term.level == COMPARE and term.text.count(symbol) == 1:
            return replace(term, text=term.text.replace(symbol, opposite))
    plain = _IDENTIFIER.fullmatch(term.text) or re.fullmatch(r"[a-z_]+\([^()]*\)", term.text)
    return Term(f"!{term.text}" if plain else f"!({term.text})", "boolean", NOT)


def truth(term: Term) -> Term:
    """The term as a condition; zero counts as false in the original, as true in JMESPath."""
    if term.members:
        return _either([truth(member) for _, member in term.members])
    guarded = _GUARDED.fullmatch(term.text)
    if guarded:
        # null is as false as the default is
        return Term(guarded[1], "boolean")
    if term.fixed:
        return constant(bool(term.constant))
    if term.level < ATOM or term.kind in ("boolean", "text", "list", "object", "time", "date"):
        return term
    if term.kind == "number":
        return Term(f"{term.text} != `0`", "boolean", COMPARE)
    if _COUNTS.search(term.text.rpartition(".")[2]):
        return Term(f"{term.text} && {term.text} != `0`", "boolean", AND)
    return term


def _either(terms: list[Term]) -> Term:
    return Term(" || ".join(term.text for term in terms), "boolean", OR)


def both(left: Term, right: Term) -> Term:
    """`left && right`."""
    parts = [f"({one.text})" if one.level < AND else one.text for one in (left, right)]
    return Term(" && ".join(parts), "boolean", AND)


def either(left: Term, right: Term) -> Term:
    """`left || right`, with the kind of both where it is one."""
    kind: Kind = left.kind if left.kind == right.kind else "any"
    return Term(f"{left.text} || {right.text}", kind, OR)


def compared(left: Term, symbol: str, right: Term) -> Term:
    """A comparison; JMESPath has no chains."""
    parts = [f"({one.text})" if one.level <= COMPARE else one.text for one in (left, right)]
    return Term(f"{parts[0]} {symbol} {parts[1]}", "boolean", COMPARE)
