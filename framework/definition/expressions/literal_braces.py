"""Texts in which a brace is a brace unless it opens a placeholder: the client's headers.

dlt sends these as they are, so JSON, `{x}` and `{{x}}` in them are plain text here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from framework.definition.expressions.context_roots import ROOTS
from framework.definition.expressions.function_registry import FUNCTIONS
from framework.definition.expressions.jmespath_expression import (
    ExpressionError,
    compile_expression,
)
from framework.definition.expressions.placeholders import (
    Literal,
    TemplateError,
    escape,
    parse_template,
    placeholder_end,
)
from framework.text import nearest

_WORD = re.compile(r"\s*([A-Za-z_]\w*)\s*(.?)", re.DOTALL)
_NAME = re.compile(r"[\w\s-]*")
_SETTING = re.compile(r"\b(?:config|secrets)\.\w")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_OPENING, _CLOSING = re.compile(r"\{+"), re.compile(r"\}+")


@lru_cache(maxsize=1024)
def literal_template(text: str) -> str:
    """Return the template of a text whose braces are plain, except around placeholders.

    A placeholder begins with a root of the context and a dot, with `now`, or with a function, or is
    any other expression that reads the context. Doubled braces around one are plain, as elsewhere.
    """

    def braces(content: str, count: int) -> str:
        doubled = count // 2
        inner = escape(content) if count % 2 == 0 else f"{{{content}}}"
        return f"{'{{' * doubled}{inner}{'}}' * doubled}"

    return _rewritten(text, braces, escape)


def literal_text(text: str) -> str:
    """Return a text that `literal_template` reads as exactly this one, without placeholders."""
    return _rewritten(
        text,
        lambda content, count: f"{'{' * 2 * count}{content}{'}' * 2 * count}",
        lambda plain: plain,
    )


def literal_form(template: str) -> str:
    """Return the text that `literal_template` reads as this template."""
    parts = parse_template(template)
    made = ""
    for position, part in enumerate(parts):
        if isinstance(part, Literal):
            made += literal_text(part.text)
            continue
        # braces on both sides of a placeholder are doubled
        before = made[len(made.rstrip("{")) :]
        following = parts[position + 1] if position + 1 < len(parts) else None
        after = following.text if isinstance(following, Literal) else ""
        count = min(len(before), len(after) - len(after.lstrip("}")))
        made += f"{'{' * count}{{{part.text}}}{'}' * count}"
    return made


def _rewritten(
    text: str, placeholder: Callable[[str, int], str], plain: Callable[[str], str]
) -> str:
    """Rewrite each placeholder, with the number of braces on both sides of it, and what is plain.

    From a placeholder without an end on, the text stays as it is.
    """
    made, position = "", 0
    while (opening := _OPENING.search(text, position)) is not None:
        made += plain(text[position : opening.start()])
        start = opening.end() - 1
        position = opening.end()
        try:
            end = placeholder_end(text, start) if _begins(text[position:]) else None
            end = end or _expression_end(text, start)
        except TemplateError:
            return made + plain(text[opening.start() : start]) + text[start:]
        if end is None:
            made += plain(opening[0])
            continue
        closing = _CLOSING.match(text, end)
        before, after = len(opening[0]), 0 if closing is None else len(closing[0])
        count = min(before, after)
        made += plain("{" * (before - count)) + placeholder(text[position:end], count)
        position = end + count
    return made + plain(text[position:])


def _begins(inner: str) -> bool:
    """Return whether the text after a brace begins as a placeholder does, or nearly so."""
    match = _WORD.match(inner)
    if match is None:
        return False
    word, sign = match.groups()
    if sign == "(":
        return word in FUNCTIONS or nearest(word, FUNCTIONS) is not None
    if sign == ".":
        return word in ROOTS or nearest(word, ROOTS) is not None
    return word == "now" and not sign.isalnum() and sign not in (",", ":", '"', "'")


def _expression_end(text: str, start: int) -> int | None:
    """Return the end of another expression that reads the context, None if it is plain text."""
    try:
        end = placeholder_end(text, start)
    except TemplateError:
        return None
    inner = text[start + 1 : end].strip()
    if _NAME.fullmatch(inner) or inner.startswith('"'):
        return None
    try:
        reads = compile_expression(inner).reads(over_context=True)
    except ExpressionError:
        # a finding, if it is meant as one
        return end if _SETTING.search(_QUOTED.sub("", inner)) and "{" not in inner else None
    return end if any(path and path[0] in ROOTS for path in reads) else None
