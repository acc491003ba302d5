"""Placeholders: braces that fit, of a kind that is known and allowed where it stands."""

from __future__ import annotations

from collections.abc import Iterator

from framework.definition.annotations import TemplatePlace, cursors
from framework.definition.draft import Draft
from framework.definition.expressions.context_roots import ROOTS, SIGNED_PARTS
from framework.definition.expressions.jmespath_expression import ExpressionError, compile_expression
from framework.definition.expressions.placeholders import Placeholder, TemplateError, placeholders
from framework.findings import Finding
from framework.text import did_you_mean

_KINDS = ("config", "secrets", "resources", "incremental", "partition", "parent", "paginator")
_LONGEST = 60
INCREMENTAL_VALUES = ("start_value", "initial_value", "last_value", "end_value")
_ALLOWED = {
    "client": ("config", "secrets"),
    "setting": ("config", "secrets"),
    "request": ("config", "secrets", "resources", "incremental"),
    "path": ("config", "secrets", "resources", "incremental", "param"),
    "signature": ("config", "secrets", "param"),
    "message": ("config",),
}


def check_braces(draft: Draft) -> Iterator[Finding]:
    """Every brace has its partner, and every placeholder means something where it stands."""
    for text in draft.texts():
        try:
            found = placeholders(text.text)
        except TemplateError as error:
            yield draft.document.finding(
                text.pointer, "bad-braces", f"found {error.reason}", key=text.key
            )
            continue
        for placeholder in dict.fromkeys(found):
            problem = _problem(draft, text, placeholder)
            if problem:
                code, message = problem
                yield draft.document.finding(text.pointer, code, message, key=text.key)


def _problem(draft: Draft, text: TemplatePlace, placeholder: Placeholder) -> tuple[str, str] | None:
    shown = f"{{{placeholder.text}}}"
    if text.area == "signature" and placeholder.kind == "param":
        if placeholder.name in SIGNED_PARTS:
            return None
        near = did_you_mean(placeholder.name, SIGNED_PARTS)
        near = near or f"; there are {', '.join(sorted(SIGNED_PARTS))}"
        return "unknown-placeholder", f"{shown} is no part of the request{near}"
    if placeholder.kind == "param" and text.area != "path":
        return "unknown-placeholder", _unknown(draft, text, placeholder)
    if placeholder.kind == "expression":
        return _expression(draft, text, placeholder)
    if placeholder.kind not in _ALLOWED[text.area]:
        where = "the client" if text.area == "client" else "this place"
        return (
            "placeholder-not-here",
            f"{shown} has no value in {where}, where only {{config.name}} and {{secrets.name}} do",
        )
    if placeholder.kind == "resources" and not (placeholder.name and placeholder.expression):
        return (
            "bad-placeholder",
            f"found {shown}, expected {{resources.parent.field}} with the parent's name and field",
        )
    if placeholder.kind == "incremental":
        return _incremental(draft, text, placeholder)
    return None


def _expression(
    draft: Draft, text: TemplatePlace, placeholder: Placeholder
) -> tuple[str, str] | None:
    """Only that it compiles and begins at roots that there are; checks/context.py says more."""
    shown = f"{{{placeholder.text}}}"
    try:
        expression = compile_expression(placeholder.text)
    except ExpressionError as error:
        short = shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
        own = "braces of the text's own are doubled, {{ and }}"
        return "bad-placeholder", f"found {short}: {error.reason}; {own}"
    roots = [path[0] for path in expression.reads(over_context=True) if path]
    there = (*ROOTS, *SIGNED_PARTS) if text.area == "signature" else ROOTS
    unknown = next((root for root in roots if root not in there), None)
    if unknown is None:
        return None
    if expression.names:
        return "unknown-placeholder", _unknown(draft, text, placeholder)
    near = did_you_mean(unknown, ROOTS) or f"; there are {', '.join(ROOTS)}"
    return "unknown-placeholder", f"{shown} begins at {unknown}, which there is not{near}"


def _incremental(
    draft: Draft, text: TemplatePlace, placeholder: Placeholder
) -> tuple[str, str] | None:
    shown = f"{{{placeholder.text}}}"
    if placeholder.name not in INCREMENTAL_VALUES:
        near = (
            did_you_mean(placeholder.name, INCREMENTAL_VALUES)
            or f"; there are {', '.join(INCREMENTAL_VALUES)}"
        )
        return "bad-placeholder", f"{shown}: an incremental has no {placeholder.name}{near}"
    merged = next((m for m in draft.resources if m.index == text.resource), None)
    if merged is None or isinstance(merged.endpoint.get("incremental"), dict):
        return None
    if cursors(merged):
        return (
            "placeholder-without-incremental",
            f"{shown} needs the incremental under endpoint.incremental; move it there from params",
        )
    return (
        "placeholder-without-incremental",
        f"{shown} stands in resource {merged.name}, which has no incremental; "
        "add endpoint.incremental with a cursor_path",
    )


def _unknown(draft: Draft, text: TemplatePlace, placeholder: Placeholder) -> str:
    shown = f"{{{placeholder.text}}}"
    kind, dot, rest = placeholder.text.partition(".")
    near = did_you_mean(kind, _KINDS) if dot else ""
    if near:
        return f"{shown} is no placeholder{near[:-1]}.{rest}?"
    for section in ("config", "secrets"):
        if (name := rest or placeholder.name) in draft.section(section):
            return f"{shown} is no placeholder; did you mean {{{section}.{name}}}?"
    if text.area == "request" and not dot and placeholder.name.isidentifier():
        return (
            f"{shown} is filled in the path alone; write {{resources.parent.field}} here, "
            "or {{ for a brace"
        )
    return (
        f"{shown} is no placeholder; write {{config.name}}, {{secrets.name}}, "
        "{resources.parent.field}, {incremental.start_value}, or {{ for a brace"
    )
