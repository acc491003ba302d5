"""What expressions and placeholders reach in the context: that it has a value where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from framework.definition.annotations import cursors
from framework.definition.draft import Draft
from framework.definition.expressions.context_roots import CONSTANT_ROOTS, ROOTS, SIGNED_PARTS
from framework.definition.references import references
from framework.definition.rules.placeholder_rules import INCREMENTAL_VALUES
from framework.findings import Finding
from framework.text import did_you_mean, join_words

if TYPE_CHECKING:
    from framework.definition.annotations import ContextRead
    from framework.definition.defaults import MergedResource

_OF_A_LIST = frozenset({"config", "now", "incremental", "partition", "parent", "resources"})

AVAILABLE: Mapping[str, frozenset[str]] = {
    "client": CONSTANT_ROOTS,
    "setting": CONSTANT_ROOTS,
    "request": frozenset(ROOTS),
    "path": frozenset(ROOTS),
    "context": frozenset(ROOTS) - {"secrets"},
    "record": _OF_A_LIST,
    "body": _OF_A_LIST,
    "paginator": frozenset({"config", "now"}),
    "parent": frozenset({"config", "now", "parent", "resources"}),
    "answer": frozenset({"config", "now", "response", "headers", "status"}),
    "token": frozenset({"config", "now", "response", "headers", "status"}),
    "wait": frozenset({"config", "now", "response", "headers", "status"}),
    "message": frozenset({"config", "now", "response", "headers", "status"}),
    "choice": frozenset({"config"}),
    "signature": CONSTANT_ROOTS | SIGNED_PARTS,
}
"""The roots that have a value, by what a placeholder is for or what an expression works on."""

_PLACES = {
    "client": "the client",
    "setting": "this place",
    "context": "this place",
    "record": "an expression on records",
    "body": "an expression on an answer's body",
    "paginator": "a paginator's path",
    "parent": "an expression on the parent's record",
    "answer": "a response action",
    "token": "an expression on a token's answer",
    "wait": "what says how long to wait",
    "message": "a message",
    "choice": "the choice of an auth",
    "signature": "what is signed",
}
_PLACEHOLDERS = ("client", "setting", "request", "path", "signature", "message")


def check_context(draft: Draft) -> Iterator[Finding]:
    """Every part of the context that is read is there at that place."""
    by_index = {merged.index: merged for merged in draft.resources}
    for one in draft.reaches():
        merged = None if one.resource is None else by_index.get(one.resource)
        problem = _problem(one, merged) if one.path else None
        if problem is None and merged is not None:
            problem = _of_ancestor(draft, one, merged)
        if problem:
            yield draft.document.finding(one.pointer, *problem, key=one.key)


def _problem(one: ContextRead, merged: MergedResource | None) -> tuple[str, str] | None:
    root = one.path[0]
    placeholder = one.area in _PLACEHOLDERS
    shown = f"{{{one.text}}}" if placeholder else f"context().{'.'.join(one.path)}"
    if root not in ROOTS and root not in AVAILABLE[one.area]:
        if placeholder:
            return None  # checks/braces.py says it
        near = did_you_mean(root, ROOTS) or f"; there are {', '.join(ROOTS)}"
        return "unknown-context", f"{shown}: the context has no {root}{near}"
    there = AVAILABLE[one.area]
    if root not in there:
        if placeholder and one.text == ".".join(one.path) and root == "incremental":
            return None  # checks/braces.py says it
        names = join_words([name for name in ROOTS if name in there], most=9)
        return (
            "placeholder-not-here" if placeholder else "context-not-here",
            f"{shown} has no value in {_PLACES[one.area]}, where only {names} do",
        )
    if merged is not None:
        return _of_resource(one, merged, shown, placeholder)
    return None


def _of_ancestor(draft: Draft, one: ContextRead, merged: MergedResource) -> tuple[str, str] | None:
    """Whether what an expression calls by name is above the resource; placeholders make it so."""
    if one.path[:1] != ("resources",) or len(one.path) < 2 or one.area in _PLACEHOLDERS:
        return None
    name, above = one.path[1], draft.above(merged.name)
    if not above or name in above:
        return None
    near = did_you_mean(name, above) or f"; there are {join_words(above)}"
    return (
        "context-not-here",
        f"context().resources.{name}: {merged.name} does not read from {name}{near}",
    )


def _of_resource(
    one: ContextRead, merged: MergedResource, shown: str, placeholder: bool
) -> tuple[str, str] | None:
    root = one.path[0]
    missing = "placeholder-not-here" if placeholder else "context-not-here"
    if root in ("parent", "resources") and not references(merged):
        return (
            missing,
            f"{shown} stands in resource {merged.name}, which reads from no other resource; "
            "refer to a parent as {resources.parent.field}",
        )
    if root == "job" and not merged.endpoint.get("export"):
        return missing, f"{shown} stands in resource {merged.name}, which has no export"
    if root == "partition" and not merged.data.get("partitions"):
        return missing, f"{shown} stands in resource {merged.name}, which has no partitions"
    if root != "incremental":
        return None
    if len(one.path) > 1 and one.path[1] not in INCREMENTAL_VALUES:
        near = did_you_mean(one.path[1], INCREMENTAL_VALUES)
        near = near or f"; there are {', '.join(INCREMENTAL_VALUES)}"
        if placeholder and one.text == ".".join(one.path):
            return None  # checks/braces.py says it
        return missing, f"{shown}: an incremental has no {one.path[1]}{near}"
    if cursors(merged) or (placeholder and one.text == ".".join(one.path)):
        return None
    return missing, f"{shown} stands in resource {merged.name}, which has no incremental"
