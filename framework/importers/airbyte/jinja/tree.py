"""The tree of a JMESPath expression: its nodes, and the functions that build them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, Literal

Json = Any
Kind = Literal[
    "any", "text", "number", "boolean", "time", "date", "duration", "span", "list", "object"
]
"""`span` is the difference of two times, in seconds."""

OR, AND, COMPARE, NOT, PROJECTION, ATOM = 1, 2, 3, 4, 5, 6
_FALSY = (False, None, 0, "")
_COUNT_NAME = re.compile(r"(page|offset|count|total|num|size|remaining|skip|index)", re.IGNORECASE)
_TIME_PARTS = {
    "year": "%Y", "month": "%m", "day": "%d", "hour": "%H", "minute": "%M", "second": "%S",
}  # fmt: skip


class Untranslatable(Exception):
    """A template has no counterpart; the message names the part that has none."""


@dataclass(frozen=True)
class Constant:
    """A value that is known at import."""

    value: Json


@dataclass(frozen=True)
class Cut:
    """The step `[start:stop:step]`."""

    numbers: tuple[int | None, int | None, int | None]


@dataclass(frozen=True)
class Where:
    """The step `[?test]`."""

    test: Term


@dataclass(frozen=True)
class Pick:
    """The step `.[a, b]`."""

    items: tuple[Term, ...]


@dataclass(frozen=True)
class Suffix:
    """A step that is only its text: `[]`, `[*]`, `.*`."""

    text: str


FLATTEN, EVERY_ITEM, EVERY_VALUE = Suffix("[]"), Suffix("[*]"), Suffix(".*")
Step = str | int | Cut | Where | Pick | Suffix


@dataclass(frozen=True)
class FieldPath:
    """Steps below a root of the context (`config`), the current value (""), or another term.
    With `through_context` the root is reached by `context()`."""

    root: str | Term = ""
    steps: tuple[Step, ...] = ()
    through_context: bool = False


@dataclass(frozen=True)
class Call:
    """A function call."""

    name: str
    arguments: tuple[Term, ...]


@dataclass(frozen=True)
class Operator:
    """`||`, `&&` or a comparison."""

    symbol: str
    left: Term
    right: Term


@dataclass(frozen=True)
class ItemList:
    """A list that is written out."""

    items: tuple[Term, ...]


@dataclass(frozen=True)
class KeyedItems:
    """A mapping that is written out."""

    pairs: tuple[tuple[str, Term], ...]


@dataclass(frozen=True)
class JoinedText:
    """Texts and terms that make one text."""

    parts: tuple[str | Term, ...]


@dataclass(frozen=True)
class Prefix:
    """`!operand`, or `&operand`, which a function evaluates for each item."""

    symbol: str
    operand: Term


@dataclass(frozen=True)
class Group:
    """Several values under names, such as `config.credentials`; no JMESPath of its own."""

    members: tuple[tuple[str, Term], ...]


Node = Constant | FieldPath | Call | Operator | Prefix | ItemList | KeyedItems | JoinedText | Group


@dataclass(frozen=True)
class Term:
    """A node, the kind of its value, and whether it is an input that may be null."""

    node: Node
    kind: Kind = "any"
    optional: bool = False

    @property
    def fixed(self) -> bool:
        """Whether the value is known at import."""
        return isinstance(self.node, Constant)

    @property
    def constant(self) -> Json:
        """The value if it is known, else None."""
        return self.node.value if isinstance(self.node, Constant) else None

    @property
    def members(self) -> tuple[tuple[str, Term], ...]:
        """The members of a group."""
        return self.node.members if isinstance(self.node, Group) else ()

    @property
    def pairs(self) -> tuple[tuple[str, Term], ...]:
        """The pairs of a mapping that is written out."""
        return self.node.pairs if isinstance(self.node, KeyedItems) else ()

    @property
    def is_time(self) -> bool:
        """Whether it is a moment, however it is written."""
        return self.kind in ("time", "date")

    @property
    def level(self) -> int:
        """How tightly the loosest operator binds."""
        node = self.node
        if isinstance(node, Operator):
            return {"||": OR, "&&": AND}.get(node.symbol, COMPARE)
        if isinstance(node, Prefix):
            return NOT
        return PROJECTION if is_projection(node) else ATOM


def is_projection(node: Node) -> bool:
    """Return whether a path's steps yield several values."""
    return isinstance(node, FieldPath) and any(not isinstance(one, str | int) for one in node.steps)


def walk(term: Term) -> Iterator[Term]:
    """Yield a term and all terms below it, in the order in which they are written."""
    yield term
    node = term.node
    below: Sequence[Any] = ()
    if isinstance(node, FieldPath):
        picked = [one for step in node.steps if isinstance(step, Pick) for one in step.items]
        tests = [step.test for step in node.steps if isinstance(step, Where)]
        below = [node.root, *picked, *tests]
    elif isinstance(node, Operator):
        below = (node.left, node.right)
    elif isinstance(node, Prefix):
        below = (node.operand,)
    elif isinstance(node, Call):
        below = node.arguments
    elif isinstance(node, ItemList | JoinedText):
        below = node.items if isinstance(node, ItemList) else node.parts
    elif isinstance(node, KeyedItems | Group):
        below = [one for _, one in (*term.pairs, *term.members)]
    for one in below:
        if isinstance(one, Term):
            yield from walk(one)


# -- leaves


def constant(value: Json) -> Term:
    """Return a value as a literal."""
    kinds: dict[type, Kind] = {
        str: "text", bool: "boolean", int: "number", float: "number", list: "list", dict: "object",
    }  # fmt: skip
    return Term(Constant(value), kinds.get(type(value), "any"))


NULL = constant(None)
PYTHON_TIME = constant("%Y-%m-%d %H:%M:%S+00:00")
"""How Python writes the clock, but for fractions of a second."""


def at(root: str, *steps: Step, through_context: bool = False, kind: Kind = "any") -> Term:
    """Return the path of steps below a root; "" is the current value."""
    return Term(FieldPath(root, steps, through_context), kind)


CURRENT = at("")


def reads_root(term: Term, root: str) -> bool:
    """Return whether a term is a path below a root."""
    return isinstance(term.node, FieldPath) and term.node.root == root


def through_context(term: Term) -> Term:
    """Return a path as an expression on a record reaches it."""
    node = term.node
    if not isinstance(node, FieldPath):
        return term
    return replace(term, node=replace(node, through_context=True))


def input_name(term: Term) -> str | None:
    """Return the name of an entry of `config`, or None for any other term."""
    node = term.node
    if isinstance(node, FieldPath) and node.root == "config" and not node.through_context:
        return str(node.steps[0]) if len(node.steps) == 1 else None
    return None


# -- paths


def extend(term: Term, *steps: Step) -> FieldPath:
    """Return the path of steps below a term, which applies to all values of a projection."""
    node = term.node
    if isinstance(node, FieldPath) and not is_projection(node):
        return replace(node, steps=(*node.steps, *steps))
    return FieldPath(term, steps)


def field(term: Term, key: str | int) -> Term:
    """Return what stands below a term: a group's member, a constant's item, a part of a time."""
    if term.kind in ("time", "date", "span"):
        return _part_of_time(term, key)
    if term.members or term.pairs:
        return dict((*term.members, *term.pairs)).get(str(key), NULL)
    if term.fixed:
        try:
            return constant(term.constant[key])
        except (KeyError, IndexError, TypeError):
            return NULL
    return Term(extend(term, key), optional=term.optional or term.kind == "list")


def _part_of_time(term: Term, key: str | int) -> Term:
    if term.kind == "span" and key in ("days", "seconds"):
        function = "divide" if key == "days" else "modulo"
        part = apply(function, term, constant(86_400), kind="number")
        return call("floor", part, kind="number") if key == "days" else part
    if term.kind == "span" or key not in _TIME_PARTS:
        raise Untranslatable(f"`.{key}` of a time")
    part = apply("format_time", term, constant(_TIME_PARTS[str(key)]))
    return call("to_integer", part, kind="number")


# -- functions and texts


def apply(name: str, *arguments: Term, kind: Kind = "any") -> Term:
    """Return a function call with the arguments as they are."""
    if any(one.members for one in arguments):
        raise Untranslatable("a group of inputs is used as one value")
    return Term(Call(name, arguments), kind)


def call(name: str, *arguments: Term, kind: Kind = "any") -> Term:
    """Return a function call; times and dates are passed as text."""
    return apply(name, *map(as_value, arguments), kind=kind)


def as_value(term: Term) -> Term:
    """Return a term as a value of its own: a date as text. Raise Untranslatable for a group."""
    if term.members:
        raise Untranslatable("a group of inputs is used as one value")
    if term.kind == "date":
        return apply("format_time", term, constant("%Y-%m-%d"), kind="text")
    if term.kind in ("duration", "span"):
        raise Untranslatable("a duration is used as a value of its own")
    return term


def or_empty(term: Term) -> Term:
    """Return `not_null(term, '')`."""
    return apply("not_null", term, constant(""))


def or_text(term: Term) -> Term:
    """Return an input that may be null as a text that may be empty."""
    return replace(or_empty(term), kind="text") if term.optional else term


def sequence(items: Sequence[Term]) -> Term:
    """Return a list of terms."""
    return Term(ItemList(tuple(map(as_value, items))), "list")


def concatenation(lists: Sequence[Term]) -> Term:
    """Return the items of several lists as one list."""
    return Term(FieldPath(sequence(lists), (FLATTEN,)), "list")


def mapping(pairs: Sequence[tuple[str, Term]]) -> Term:
    """Return a mapping of terms."""
    return Term(KeyedItems(tuple((key, as_value(value)) for key, value in pairs)), "object")


def for_each(body: Term) -> Term:
    """Return a term as a function of an item."""
    return Term(Prefix("&", as_value(body)))


def join_texts(terms: Sequence[Term]) -> Term:
    """Return all terms as one text; null is an empty text."""
    return apply("join", constant(""), sequence([as_text(one) for one in terms]), kind="text")


def as_text(term: Term) -> Term:
    """Return a term as text; null is an empty text."""
    if term.fixed:
        return constant("" if term.constant is None else str(term.constant))
    term = as_value(term)
    if term.kind == "text":
        return or_text(term)
    if term.kind in ("number", "boolean", "list", "object") and not term.optional:
        return apply("to_string", term, kind="text")
    return apply("to_string", or_empty(term), kind="text")


def texts_of(items: Term) -> Term:
    """Return the items of a list as texts, so that they can be joined."""
    if items.fixed:
        return items
    if isinstance(items.node, ItemList) and items.node.items:
        return sequence([as_text(one) for one in items.node.items])
    each = for_each(apply("to_string", CURRENT))
    return apply("map", each, apply("not_null", items, constant([])), kind="list")


# -- conditions


def compare(left: Term, symbol: str, right: Term) -> Term:
    """Return a comparison."""
    return Term(Operator(symbol, left, right), "boolean")


def both(left: Term, right: Term) -> Term:
    """Return `left && right`."""
    return Term(Operator("&&", left, right), "boolean")


def either(left: Term, right: Term) -> Term:
    """Return `left || right`, with the kind that both have."""
    return Term(Operator("||", left, right), left.kind if left.kind == right.kind else "any")


def negate(term: Term) -> Term:
    """Return the opposite; comparisons for equality are inverted."""
    if term.fixed:
        return constant(not term.constant)
    opposite = {"==": "!=", "!=": "=="}
    if isinstance(term.node, Operator) and term.node.symbol in opposite:
        return replace(term, node=replace(term.node, symbol=opposite[term.node.symbol]))
    return Term(Prefix("!", term), "boolean")


def truth(term: Term) -> Term:
    """Return a term as a condition. Python counts 0 as false, JMESPath as true."""
    node = term.node
    if term.members:
        return replace(reduce(either, [truth(one) for _, one in term.members]), kind="boolean")
    if term.fixed:
        return constant(bool(term.constant))
    if isinstance(node, Call) and node.name == "not_null" and len(node.arguments) == 2:
        value, default = node.arguments
        path = value.node
        if (
            isinstance(path, FieldPath)
            and not path.through_context
            and default.fixed
            and (default.constant in _FALSY)
        ):
            # null is as false as the default
            return Term(path, "boolean")
    if term.level < ATOM or term.kind in ("boolean", "text", "list", "object", "time", "date"):
        return term
    if term.kind == "number":
        return compare(term, "!=", constant(0))
    keys = (
        [key for key in node.steps if isinstance(key, str)] if isinstance(node, FieldPath) else []
    )
    if keys and _COUNT_NAME.search(keys[-1]):
        return both(term, compare(term, "!=", constant(0)))
    return term


def choose(test: Term, first: Term, second: Term, kind: Kind = "any") -> Term:
    """Return `if(test, first, second)`."""
    return call("if", test, first, second, kind=kind)
