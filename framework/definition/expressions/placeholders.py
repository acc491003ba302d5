"""Parse text with placeholders: `{config.x}`, `{resources.parent.EXPR}`, `{{`.

Anything but the short forms is an expression over the context: `{format_time(now, '%Y')}`. What
replaces a placeholder, and how it is escaped, is decided at run time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from typing import Literal as OneOf

from framework.errors import FrameworkError

Json = Any
Kind = OneOf["config", "secrets", "resources", "incremental", "param", "expression"]

CONFIG = re.compile(r"\{config\.([A-Za-z0-9_]+)\}")
_QUOTES = "'\"`"
_ENTRY = re.compile(r"(config|secrets|incremental)\.([\w-]*)")
_PARENT = re.compile(r"resources\.([^.]*)(?:\.(.*))?", re.DOTALL)
_PARAMETER = re.compile(r"[\w-]+")
_SHORT = re.compile(r"\{[\w.\s-]*\}")
NOW = "now"
"""The only root of the context that is a placeholder without a dot."""


class TemplateError(FrameworkError):
    """Braces do not match; `offset` is the position, from 0."""

    def __init__(self, text: str, reason: str, offset: int) -> None:
        self.text = text
        self.reason = reason
        self.offset = offset
        super().__init__(f"`{text}`: {reason}")


@dataclass(frozen=True)
class Literal:
    """Text without placeholders; doubled braces are single here."""

    text: str


@dataclass(frozen=True)
class Placeholder:
    """One `{...}`; `text` is all between the braces.

    `name` is the entry of config, secrets or incremental, the parameter, or the parent resource,
    whose field is the `expression`. The kind `expression` has no name, and its `expression`, the
    whole text, works on the context.
    """

    kind: Kind
    text: str
    name: str
    expression: str | None = None
    offset: int = 0


Part = Literal | Placeholder


@lru_cache(maxsize=4096)
def parse_template(text: str) -> tuple[Part, ...]:
    """Return the parts of a text in order, without empty literals.

    Raise TemplateError for a brace without its partner, and for `{}`.
    """
    parts: list[Part] = []
    literal: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in "{}" and text[position : position + 2] == character * 2:
            literal.append(character)
            position += 2
        elif character == "}":
            raise TemplateError(text, "a `}` without its `{`; write `}}` for a brace", position)
        elif character == "{":
            end = placeholder_end(text, position)
            if literal:
                parts.append(Literal("".join(literal)))
                literal = []
            parts.append(_placeholder(text, text[position + 1 : end].strip(), position))
            position = end + 1
        else:
            literal.append(character)
            position += 1
    if literal:
        parts.append(Literal("".join(literal)))
    return tuple(parts)


def placeholders(text: str) -> tuple[Placeholder, ...]:
    """Return the placeholders of a text. Raise TemplateError as `parse_template` does."""
    return tuple(part for part in parse_template(text) if isinstance(part, Placeholder))


def config_names(expression: str) -> tuple[str, ...]:
    """Return the config entries inside an expression, `{config.x}`, that complete it."""
    return tuple(dict.fromkeys(CONFIG.findall(expression)))


def with_config(expression: str, values: Mapping[str, object]) -> str:
    """Return the expression with each `{config.x}` inside it replaced by its value."""
    return CONFIG.sub(lambda match: str(values.get(match[1], match[0])), expression)


def escape(text: str) -> str:
    """Return the template that renders as this text."""
    return text.replace("{", "{{").replace("}", "}}")


def placeholder_end(text: str, start: int) -> int:
    """Return the index of the `}` that closes the `{` at `start`; expressions may hold braces.

    Raise TemplateError if there is none.
    """
    short = _SHORT.match(text, start)
    if short is not None:
        return short.end() - 1
    depth, position = 0, start
    while position < len(text):
        character = text[position]
        if character in _QUOTES:
            position = _closing_quote(text, position, start)
        elif character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return position
        position += 1
    raise _unclosed(text, start)


def _closing_quote(text: str, position: int, start: int) -> int:
    quote = text[position]
    position += 1
    while position < len(text):
        if text[position] == "\\":
            position += 1
        elif text[position] == quote:
            return position
        position += 1
    raise _unclosed(text, start)


def _unclosed(text: str, start: int) -> TemplateError:
    return TemplateError(text, "a `{` without its `}`; write `{{` for a brace", start)


def _placeholder(text: str, inner: str, offset: int) -> Placeholder:
    if not inner:
        raise TemplateError(text, "`{}` is empty; write `{{}}` for two braces", offset)
    if match := _ENTRY.fullmatch(inner):
        named: Kind = "config" if match[1] == "config" else "secrets"
        if match[1] == "incremental":
            named = "incremental"
        return Placeholder(named, inner, match[2], offset=offset)
    if match := _PARENT.fullmatch(inner):
        return Placeholder("resources", inner, match[1], match[2] or "", offset)
    if inner != NOW and _PARAMETER.fullmatch(inner):
        return Placeholder("param", inner, inner, offset=offset)
    return Placeholder("expression", inner, "", inner, offset)


def texts_of(value: Json) -> Iterator[str]:
    """Yield every text in a value at any depth, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_of(key)
            yield from texts_of(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from texts_of(item)
