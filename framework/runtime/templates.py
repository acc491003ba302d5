"""Templates: placeholders are replaced in two steps.

`fill` runs once, when a source is built, with config, secrets and the clock, and leaves templates.
`expand` runs for each request, with values of a parent, a cursor or the last response. Escaping is
decided only here: path values are percent-encoded, booleans in queries and text are `true` and
`false`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote

from framework.definition.expressions.context_roots import CONSTANT_ROOTS
from framework.definition.expressions.jmespath_expression import Expression, compile_expression
from framework.definition.expressions.placeholders import Literal as Text
from framework.definition.expressions.placeholders import (
    Placeholder,
    config_names,
    parse_template,
    with_config,
)
from framework.errors import BindingError
from framework.runtime.redaction import Redactor

Json = Any
TemplateTarget = Literal["path", "query", "json", "text"]
"""Where a value goes: a path is percent-encoded, JSON keeps types, the rest is text."""
_DOT_SEGMENTS = {".", ".."}
"""Path segments that are removed before sending, together with others."""

_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_WRITTEN_SLASH = re.compile(r"'[^']*/[^']*'")


def text_of(value: Json) -> str:
    """Return a value as text: booleans, lists and objects as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


class Values(dict[str, Json]):
    """The values of placeholders by their text; others are evaluated over `context`.

    A value that contains a secret is added to `redactor`.
    """

    def __init__(
        self,
        known: Mapping[str, Json],
        context: Mapping[str, Json],
        redactor: Redactor | None = None,
    ) -> None:
        super().__init__(known)
        self.context = context
        self._redactor = redactor

    def __missing__(self, text: str) -> Json:
        """Return the value of the expression; raise ExpressionError if it fails."""
        return evaluated(text, self.context, self._redactor)


def evaluated(text: str, context: Mapping[str, Json], redactor: Redactor | None = None) -> Json:
    """Evaluate an expression over the context; a value made of secrets becomes a secret."""
    expression, roots = _expression(text)
    value = expression.search(context, context)
    if redactor is not None and "secrets" in roots and value is not None:
        redactor.add(text_of(value))
    return value


def is_constant(placeholder: Placeholder) -> bool:
    """Return whether it reads only config, secrets and the clock."""
    if placeholder.kind == "expression":
        return _expression(placeholder.text)[1] <= CONSTANT_ROOTS
    return placeholder.kind in ("config", "secrets")


def made_of_secrets(placeholder: Placeholder) -> bool:
    """Return whether a secret is part of the value."""
    if placeholder.kind == "expression":
        return "secrets" in _expression(placeholder.text)[1]
    return placeholder.kind == "secrets"


@lru_cache(maxsize=4096)
def _expression(text: str) -> tuple[Expression, frozenset[str]]:
    """Return the expression and the roots that it reads; the whole context is the root ""."""
    expression = compile_expression(text)
    paths = expression.reads(over_context=True)
    return expression, frozenset(path[0] if path else "" for path in paths)


def escape(text: str) -> str:
    """Return a template for exactly this text."""
    return text.replace("{", "{{").replace("}", "}}")


def fill(
    value: Json, known: Callable[[Placeholder], Json], *, place: TemplateTarget, final: bool
) -> Json:
    """Return `value` with its constant placeholders replaced, at any depth.

    `known` returns the value of a constant placeholder. With `final` the result is plain;
    otherwise it is a template for `expand`, and a JSON key whose value is null is left out.
    """
    if isinstance(value, str):
        return _fill_text(value, known, place, final)
    if isinstance(value, Mapping):
        made = {
            text_of(fill(key, known, place=place, final=final)): (
                item,
                fill(item, known, place=place, final=final),
            )
            for key, item in value.items()
        }
        keeps = final or place != "json"
        return {key: found for key, (item, found) in made.items() if keeps or _stays(item, found)}
    if isinstance(value, (list, tuple)):
        return [fill(item, known, place=place, final=final) for item in value]
    return value


def _fill_text(
    value: str, known: Callable[[Placeholder], Json], place: TemplateTarget, final: bool
) -> Json:
    parts = parse_template(value)
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        alone = parts[0]
        if not is_constant(alone):
            return "{" + later_text(alone, known) + "}"
        found = known(alone)
        if place == "path":
            found = _encoded(found, alone)
        return found if final or not isinstance(found, str) else escape(found)
    texts = []
    for number, part in enumerate(parts):
        if isinstance(part, Text):
            texts.append(part.text if final else escape(part.text))
        elif is_constant(part):
            found = known(part)
            if found is None:
                raise BindingError(_nothing(value, part))
            text = _encoded(found, part) if place == "path" else text_of(found)
            if place == "path" and not text and number and _is_segment(parts, number):
                raise BindingError(_empty(value, part))
            texts.append(text if final else escape(text))
        else:
            texts.append("{" + later_text(part, known) + "}")
    return "".join(texts)


def later_text(placeholder: Placeholder, known: Callable[[Placeholder], Json]) -> str:
    """Return the text of a placeholder that is left for `expand`.

    Config in a parent's expression is filled in, and an expression that is a dotted path is
    written as one, which dlt can read too.
    """
    expression = placeholder.expression
    if placeholder.kind != "resources" or expression is None or expression.startswith("$"):
        return placeholder.text
    values = {
        name: known(Placeholder("config", f"config.{name}", name))
        for name in config_names(expression)
    }
    filled = with_config(expression, values)
    names = compile_expression(filled).names
    is_plain = names and all(map(_PLAIN_NAME.fullmatch, names))
    return f"resources.{placeholder.name}.{'.'.join(names) if is_plain else filled}"


def expand(value: Json, bound: Mapping[str, Json], place: TemplateTarget) -> Json:
    """Return `value` with its remaining placeholders replaced by `bound`, keyed by their text.

    A `Values` also evaluates expressions. A placeholder alone in a string keeps its value's type in
    JSON and in queries; if it is null, the JSON key is left out.
    """
    if isinstance(value, str):
        is_template = "{" in value or "}" in value
        return _expand_text(value, bound, place) if is_template else value
    if value is None:
        return None
    if isinstance(value, Mapping):
        made = {
            expand(key, bound, "text"): (item, expand(item, bound, place))
            for key, item in value.items()
        }
        return {
            key: found
            for key, (item, found) in made.items()
            if place != "json" or _stays(item, found)
        }
    if isinstance(value, (list, tuple)):
        return [expand(item, bound, place) for item in value]
    if place == "query" and isinstance(value, bool):
        return text_of(value)
    return value


def _stays(item: Json, found: Json) -> bool:
    """Return whether a JSON key is sent: not if its placeholder is null."""
    return found is not None or item is None


def _expand_text(value: str, bound: Mapping[str, Json], place: TemplateTarget) -> Json:
    parts = parse_template(value)
    if len(parts) == 1 and isinstance(parts[0], Placeholder):
        found = bound[parts[0].text]
        if found is None and place == "path":
            raise BindingError(_nothing(value, parts[0]))
        if place == "json" or found is None:
            return found
        if place == "query":
            return text_of(found) if isinstance(found, bool) else found
        if place == "path" and found == "":
            raise BindingError(_empty(value, parts[0]))
        return _encoded(found, parts[0]) if place == "path" else text_of(found)
    texts = []
    for number, part in enumerate(parts):
        if isinstance(part, Text):
            texts.append(part.text)
            continue
        found = bound[part.text]
        if found is None:
            raise BindingError(_nothing(value, part))
        if place == "path" and found == "" and _is_segment(parts, number):
            raise BindingError(_empty(value, part))
        texts.append(_encoded(found, part) if place == "path" else text_of(found))
    return "".join(texts)


def _is_segment(parts: tuple[Text | Placeholder, ...], number: int) -> bool:
    """Return whether a placeholder is all between two slashes of a path, or its beginning or end.

    If its value is empty then, the path is another one: that of a list, say.
    """
    before, after = parts[:number][-1:], parts[number + 1 : number + 2]
    begins = all(isinstance(part, Text) and part.text.endswith("/") for part in before)
    return begins and all(isinstance(part, Text) and part.text[0] in "/?#" for part in after)


def _empty(text: str, placeholder: Placeholder) -> str:
    return (
        f"`{text}`: {{{placeholder.text}}} is empty text, which makes another path; leave such "
        "records out with `when` or `filter`"
    )


def _nothing(text: str, placeholder: Placeholder) -> str:
    shown = f"`{text}`: {{{placeholder.text}}}"
    if placeholder.kind == "incremental":
        return (
            f"{shown} has no value yet; give the incremental an initial_value, or write the "
            "placeholder alone, which then is left out"
        )
    return f"{shown} is null; write a value in its place, {{{placeholder.text} || 'none'}}"


def _encoded(value: Json, placeholder: Placeholder) -> str:
    """Return the value as a path segment; a slash that the expression writes is kept."""
    writes = placeholder.kind == "expression" and _WRITTEN_SLASH.search(placeholder.text)
    text = text_of(value)
    if not _DOT_SEGMENTS.isdisjoint(text.split("/") if writes else [text]):
        raise BindingError(
            f"{{{placeholder.text}}} is `{text}`, which a path cannot hold: another path would be "
            "asked for; leave such records out with `when` or `filter`"
        )
    return quote(text, safe="/" if writes else "")
