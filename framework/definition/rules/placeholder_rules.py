"""Placeholders: braces that match, of a kind that is known and allowed where it stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.expressions.context_roots import ROOTS, SIGNED_PARTS
from framework.definition.expressions.jmespath_expression import (
    AlwaysNullError,
    ExpressionError,
    check_types,
    compile_expression,
    syntax_tree,
)
from framework.definition.expressions.placeholders import (
    Literal,
    Placeholder,
    TemplateError,
    parse_template,
    placeholders,
)
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.schema.annotations import AnnotatedValue, cursors, token_of
from framework.text import did_you_mean, shorten

INCREMENTAL_VALUES = ("start_value", "initial_value", "last_value", "end_value", "lag")
TOKEN_VALUES = ("token",)
_KINDS = ("config", "secrets", "resources", "incremental", "partition", "parent", "paginator")
_ALLOWED = {
    "setting": ("config", "secrets"),
    "request": ("config", "secrets", "resources", "incremental"),
    "path": ("config", "secrets", "resources", "incremental", "param"),
    "signature": ("config", "secrets", "param"),
    "message": ("config",),
}
"""The kinds of placeholders, by the `x-context` of the text."""
Problem = tuple[str, str]
"""Code and message."""


def incremental_values(merged: MergedResource | None) -> tuple[str, ...]:
    """Return what `{incremental.NAME}` may name in a resource."""
    is_token = merged is not None and token_of(merged) is not None
    return TOKEN_VALUES if is_token else INCREMENTAL_VALUES


def unknown_value(name: str, known: Sequence[str]) -> str:
    """Return the words for a value that an incremental does not have, and those that it has."""
    near = did_you_mean(name, known)
    near = near or f"; there {'is' if len(known) == 1 else 'are'} {', '.join(known)}"
    return f"this incremental has no {name}{near}"


@rule("bad-braces")
def check_braces(draft: Draft) -> Iterator[Breach]:
    """Every brace has its partner."""
    for text in draft.templates:
        try:
            placeholders(text.value)
        except TemplateError as error:
            yield Key(text.pointer) if text.key else text.pointer, f"found {error.reason}"


@rule("doubled-braces", severity="warning")
def check_doubled_braces(draft: Draft) -> Iterator[Breach]:
    """JSON in a header of the client has single braces: it is sent as written."""
    headers = draft.client.get("headers")
    for name, text in headers.items() if isinstance(headers, dict) else ():
        if isinstance(text, str) and "{{" in text and _is_doubled_json(text):
            yield (
                ("client", "headers", name),
                "a header of the client is sent as written, as in dlt, and this one as JSON whose "
                "braces are doubled; write each brace once",
            )


def _is_doubled_json(text: str) -> bool:
    """Return whether a text is JSON only if its doubled braces count as one."""
    try:
        parts = parse_template(text)
    except TemplateError:
        return False
    plain = "".join(part.text if isinstance(part, Literal) else "0" for part in parts)
    return _is_json(plain) and not _is_json(text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@rule(
    "unknown-placeholder",
    "always-null",
    "bad-placeholder",
    "placeholder-not-here",
    "placeholder-without-incremental",
)
def check_placeholders(draft: Draft) -> Iterator[Breach]:
    """Every placeholder means something where it stands."""
    for text in draft.templates:
        for placeholder in dict.fromkeys(text.placeholders):
            problem = _problem(draft, text, placeholder)
            if problem:
                code, message = problem
                yield code, Key(text.pointer) if text.key else text.pointer, message


_SHORT = re.compile(rf"\{{(?:{'|'.join(_KINDS)})\.[^{{}}]*\}}")


@rule("placeholder-not-here")
def check_plain_texts(draft: Draft) -> Iterator[Breach]:
    """No placeholder stands in a text that is read as it is written, such as a field's name."""
    for pointer, text in draft.plain_texts:
        found = _SHORT.search(text)
        if found:
            yield (
                pointer,
                f"{shorten(found[0])} is not replaced here: this text is read as it is written; "
                "write the value itself",
            )


def _problem(draft: Draft, text: AnnotatedValue, placeholder: Placeholder) -> Problem | None:
    quoted = f"{{{placeholder.text}}}"
    if text.context == "signature" and placeholder.kind == "param":
        if placeholder.name in SIGNED_PARTS:
            return None
        near = did_you_mean(placeholder.name, SIGNED_PARTS)
        near = near or f"; there are {', '.join(sorted(SIGNED_PARTS))}"
        return "unknown-placeholder", f"{quoted} is not a part of the request{near}"
    if placeholder.kind == "param" and text.context != "path":
        return "unknown-placeholder", _unknown(draft, text, placeholder)
    if placeholder.kind == "expression":
        return _expression_problem(draft, text, placeholder)
    if placeholder.kind not in _ALLOWED[text.context]:
        where = "the client" if text.resource is None else "this place"
        return (
            "placeholder-not-here",
            f"{quoted} has no value in {where}, where only {{config.name}} and {{secrets.name}} do",
        )
    if placeholder.kind == "resources" and not (placeholder.name and placeholder.expression):
        return (
            "bad-placeholder",
            f"found {quoted}, expected {{resources.parent.field}} with the parent's name and field",
        )
    if placeholder.kind == "incremental":
        return _incremental_problem(draft, text, placeholder)
    return None


def _expression_problem(
    draft: Draft, text: AnnotatedValue, placeholder: Placeholder
) -> Problem | None:
    """Check that an expression compiles and begins at known roots; not that they have a value."""
    try:
        expression = compile_expression(placeholder.text)
        check_types(placeholder.text, syntax_tree(placeholder.text), over_context=True)
    except AlwaysNullError as error:
        return "always-null", f"found {shorten(f'{{{placeholder.text}}}')}: {error.reason}"
    except ExpressionError as error:
        own = "double the braces that are part of the text: {{ and }}"
        quoted = shorten(f"{{{placeholder.text}}}")
        return "bad-placeholder", f"found {quoted}: {error.reason}; {own}"
    roots = [path[0] for path in expression.reads(over_context=True) if path]
    known = (*ROOTS, *SIGNED_PARTS) if text.context == "signature" else ROOTS
    unknown = next((root for root in roots if root not in known), None)
    if unknown is None:
        return None
    if expression.names:
        return "unknown-placeholder", _unknown(draft, text, placeholder)
    near = did_you_mean(unknown, ROOTS) or f"; there are {', '.join(ROOTS)}"
    message = f"{{{placeholder.text}}} begins at {unknown}, which does not exist{near}"
    return "unknown-placeholder", message


def _incremental_problem(
    draft: Draft, text: AnnotatedValue, placeholder: Placeholder
) -> Problem | None:
    quoted, name = f"{{{placeholder.text}}}", placeholder.name
    merged = draft.resource_of(text.resource)
    known = incremental_values(merged)
    if name not in known:
        return "bad-placeholder", f"{quoted}: {unknown_value(name, known)}"
    if merged is None or isinstance(merged.endpoint.get("incremental"), dict):
        return None
    message = f"{quoted} is in resource {merged.name}, which has no incremental; add "
    message += "endpoint.incremental with a cursor_path"
    if cursors(merged):
        message = (
            f"{quoted} needs the incremental in endpoint.incremental; move it there from params"
        )
    return "placeholder-without-incremental", message


def _unknown(draft: Draft, text: AnnotatedValue, placeholder: Placeholder) -> str:
    quoted = f"{{{placeholder.text}}}"
    kind, dot, rest = placeholder.text.partition(".")
    near = did_you_mean(kind, _KINDS) if dot else ""
    if near:
        return f"{quoted} is not a placeholder{near[:-1]}.{rest}?"
    for section in ("config", "secrets"):
        if (name := rest or placeholder.name) in draft.section(section):
            return f"{quoted} is not a placeholder; did you mean {{{section}.{name}}}?"
    if text.context == "request" and not dot and placeholder.name.isidentifier():
        return (
            f"{quoted} is filled in the path only; write {{resources.parent.field}} here, "
            "or {{ for a brace"
        )
    return (
        f"{quoted} is not a placeholder; write {{config.name}}, {{secrets.name}}, "
        "{resources.parent.field}, {incremental.start_value}, or {{ for a brace"
    )
