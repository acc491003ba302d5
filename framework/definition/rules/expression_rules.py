"""Expressions: they compile, mean here what they mean in dlt, and read a context that exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from typing import Any

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.expressions.context_roots import CONSTANT_ROOTS, ROOTS, SIGNED_PARTS
from framework.definition.expressions.function_registry import FUNCTIONS
from framework.definition.expressions.jmespath_expression import (
    AlwaysNullError,
    ExpressionError,
    calls,
    check_types,
    compile_expression,
    syntax_tree,
)
from framework.definition.expressions.jsonpath import (
    is_jsonpath,
    jsonpath_problem,
    other_meaning,
    respelling,
    rooted,
)
from framework.definition.expressions.placeholders import config_names, with_config
from framework.definition.references import references
from framework.definition.rules.placeholder_rules import incremental_values, unknown_value
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.annotations import (
    CONTEXT_EXPRESSIONS,
    AnnotatedValue,
    ContextRead,
    cursors,
    token_of,
)
from framework.text import did_you_mean, join_words, shorten

Json = Any
Problem = tuple[str, str]
"""Code and message."""

_MAX_COMBINATIONS = 20
"""Values of config entries that an expression is tried with."""


@rule(
    "bad-expression",
    "always-null",
    "unknown-function",
    "function-arguments",
    "jsonpath-not-here",
    "bad-jsonpath",
    "jsonpath-spelling",
)
def check_expressions(draft: Draft) -> Iterator[Breach]:
    """An expression compiles, calls functions that exist, and means the same in dlt."""
    for place in draft.expressions:
        problems = (_syntax_problem(one) for one in _completed(draft, place))
        problem = next((problem for problem in problems if problem), None)
        if problem:
            code, message = problem
            yield code, place.pointer, message


def _completed(draft: Draft, place: AnnotatedValue) -> Iterator[AnnotatedValue]:
    """Yield the expression with its `{config.x}` replaced by each value that the entry allows.

    Without an enum that is its default, or any name.
    """
    names = config_names(place.value) if place.takes_config else ()
    choices: list[list[Json]] = []
    for name in names:
        entry = draft.section("config").get(name)
        entry = entry if isinstance(entry, dict) else {}
        allowed = entry.get("enum")
        choices.append(allowed if isinstance(allowed, list) else [entry.get("default", "x")])
    for values in islice(product(*choices), _MAX_COMBINATIONS):
        text = with_config(place.value, dict(zip(names, values, strict=True)))
        yield replace(place, value=text)


def _syntax_problem(place: AnnotatedValue) -> Problem | None:
    text = place.value
    if is_jsonpath(text):
        if not place.is_jsonpath_too:
            return (
                "jsonpath-not-here",
                f"found the JSONPath {text}, expected a JMESPath: dlt does not read it here; "
                "write it without `$`",
            )
        reason = jsonpath_problem(text)
        if reason:
            message = f"found {text}, which starts with $ and is not a valid JSONPath: {reason}"
            return "bad-jsonpath", message
        return None
    if place.is_jsonpath_too and (other := respelling(text)):
        reason, better = other
        dollar = f"${text}" if text.startswith("[") else f"$.{text}"
        jsonpath = "" if better.startswith("$") else f"; for JSONPath start with `$`: {dollar}"
        return "jsonpath-spelling", f"{reason}; write {better}{jsonpath}"
    try:
        compile_expression(text)
        if place.context in CONTEXT_EXPRESSIONS:
            check_types(text, syntax_tree(text), over_context=True)
    except AlwaysNullError as error:
        return "always-null", f"found {shorten(text)}: {error.reason}"
    except ExpressionError as error:
        return _error_code(text), f"found {text or 'nothing'}: {error.reason}"
    return None


@rule("jsonpath-meaning", severity="warning")
def check_meaning(draft: Draft) -> Iterator[Breach]:
    """A text that dlt reads too means the same there."""
    for place in draft.expressions:
        merged = draft.resource_of(place.resource)
        # dlt has no `from`, and reads no text beside it
        is_ours = merged is not None and merged.endpoint.get("from") is not None
        if not place.is_jsonpath_too or is_jsonpath(place.value) or is_ours:
            continue
        for one in _completed(draft, place):
            text = one.value
            meaning = None if _syntax_problem(one) else other_meaning(text)
            if meaning:
                pure = text.replace("[*]", "[]") if text.count("[*]") == 1 else ""
                if not pure or other_meaning(pure) or '"' in text or "'" in text:
                    pure = f"not_null({text})"
                yield (
                    place.pointer,
                    f"dlt reads `{text}` {meaning}, which JMESPath does not; write "
                    f"{rooted(text) or pure} to read it as dlt does, or {pure} for JMESPath alone",
                )
                break


def _error_code(text: str) -> str:
    try:
        is_unknown = any(name not in FUNCTIONS for name, _ in calls(syntax_tree(text)))
    except ExpressionError:
        return "bad-expression"
    return "unknown-function" if is_unknown else "function-arguments"


_OF_A_LIST = frozenset({"config", "now", "incremental", "partition", "parent", "resources"})
_OF_A_RESPONSE = frozenset({"config", "now", "response", "headers", "status"})

AVAILABLE: Mapping[str, frozenset[str]] = {
    "setting": CONSTANT_ROOTS,
    "request": frozenset(ROOTS),
    "path": frozenset(ROOTS),
    "context": frozenset(ROOTS) - {"secrets"},
    "record": _OF_A_LIST | _OF_A_RESPONSE,
    "body": _OF_A_LIST | {"response"},
    "paginator": frozenset({"config", "now"}),
    "parent": frozenset({"config", "now", "parent", "resources"}),
    "response": _OF_A_RESPONSE,
    "token": _OF_A_RESPONSE,
    "wait": _OF_A_RESPONSE,
    "message": _OF_A_RESPONSE,
    "choice": frozenset({"config"}),
    "signature": CONSTANT_ROOTS | SIGNED_PARTS,
}
"""The roots of the context that have a value, by the `x-context` of the text."""

_PLACES = {
    "setting": "this place",
    "context": "this place",
    "record": "an expression on records",
    "body": "an expression on a response's body",
    "paginator": "a paginator's path",
    "parent": "an expression on the parent's record",
    "response": "a response action",
    "token": "an expression on a token's response",
    "wait": "what says how long to wait",
    "message": "a message",
    "choice": "the choice of an auth",
    "signature": "the text that is signed",
}
_OF_PLACEHOLDERS = ("setting", "request", "path", "signature", "message")


@rule("unknown-context", "placeholder-not-here", "context-not-here")
def check_context(draft: Draft) -> Iterator[Breach]:
    """Every part of the context that is read has a value at that place."""
    for one in draft.reads:
        merged = draft.resource_of(one.resource)
        problem = _context_problem(one, merged) if one.path else None
        if problem is None and merged is not None:
            problem = _ancestor_problem(draft, one, merged)
        if problem:
            code, message = problem
            yield code, Key(one.pointer) if one.key else one.pointer, message


def _context_problem(one: ContextRead, merged: MergedResource | None) -> Problem | None:
    root, available = one.path[0], AVAILABLE[one.context]
    if root not in ROOTS and root not in available:
        if _in_placeholder(one):
            return None  # a finding of the placeholder's own rule
        near = did_you_mean(root, ROOTS) or f"; there are {', '.join(ROOTS)}"
        return "unknown-context", f"{_quote(one)}: the context has no {root}{near}"
    if root not in available:
        if root == "incremental" and _is_short(one):
            return None  # a finding of the placeholder's own rule
        in_client = one.context == "setting" and one.resource is None
        names = join_words([name for name in ROOTS if name in available], 9)
        place = "the client" if in_client else _PLACES[one.context]
        return _not_here(one), f"{_quote(one)} has no value in {place}, where only {names} do"
    return None if merged is None else _resource_problem(one, merged)


def _resource_problem(one: ContextRead, merged: MergedResource) -> Problem | None:
    root, begin = one.path[0], f"{_quote(one)} is in resource {merged.name}, which"
    if root in ("parent", "resources") and not references(merged):
        advice = "refer to a parent as {resources.parent.field}"
        return _not_here(one), f"{begin} reads from no other resource; {advice}"
    source = merged.endpoint.get("from")
    if root in ("response", "headers", "status") and source is not None:
        advice = "set the field there, and read it as context().parent.FIELD"
        return _not_here(one), f"{begin} takes its records from those of {source}: {advice}"
    if root == "job" and not merged.endpoint.get("export"):
        return _not_here(one), f"{begin} has no export"
    if root == "partition" and not merged.data.get("partitions"):
        return _not_here(one), f"{begin} has no partitions"
    if root != "incremental" or _is_short(one):
        return None
    known = incremental_values(merged)
    if len(one.path) > 1 and one.path[1] not in known:
        return _not_here(one), f"{_quote(one)}: {unknown_value(one.path[1], known)}"
    if cursors(merged) or token_of(merged) is not None:
        return None
    return _not_here(one), f"{begin} has no incremental"


def _ancestor_problem(draft: Draft, one: ContextRead, merged: MergedResource) -> Problem | None:
    """Return whether an expression names a resource that is not above; placeholders make it so."""
    if one.path[:1] != ("resources",) or len(one.path) < 2 or _in_placeholder(one):
        return None
    name, above = one.path[1], draft.above(merged.name)
    if not above or name in above:
        return None
    near = did_you_mean(name, above) or f"; there are {join_words(above)}"
    message = f"context().resources.{name}: {merged.name} does not read from {name}{near}"
    return "context-not-here", message


def _in_placeholder(one: ContextRead) -> bool:
    return one.context in _OF_PLACEHOLDERS


def _is_short(one: ContextRead) -> bool:
    """Return whether the text is a placeholder of the short form, such as `{incremental.x}`."""
    return _in_placeholder(one) and one.text == ".".join(one.path)


def _not_here(one: ContextRead) -> str:
    return "placeholder-not-here" if _in_placeholder(one) else "context-not-here"


def _quote(one: ContextRead) -> str:
    return f"{{{one.text}}}" if _in_placeholder(one) else f"context().{'.'.join(one.path)}"
