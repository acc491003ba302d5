"""A translated template: texts and terms in order, as placeholders or as one expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framework.definition.expressions.placeholders import escape
from framework.importers.airbyte.jinja.printer import to_jmespath
from framework.importers.airbyte.jinja.tree import JoinedText, Term, as_value, constant, walk

Json = Any
Parts = list[str | Term]


@dataclass(frozen=True)
class Template:
    """A translated template: texts and terms in order."""

    parts: tuple[str | Term, ...]

    @property
    def alone(self) -> Term | None:
        """The term that is all of the template."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, Term) else None

    @property
    def terms(self) -> list[Term]:
        """All terms in it, at every depth."""
        return [one for part in self.parts if isinstance(part, Term) for one in walk(part)]

    @property
    def constant(self) -> bool:
        """Whether nothing in it has to be evaluated."""
        return all(isinstance(part, str) or part.fixed for part in self.parts)

    @property
    def value(self) -> Json:
        """The value of a constant template; a literal alone keeps its type."""
        return self.alone.constant if self.alone else "".join(map(_text, self.parts))

    @property
    def term(self) -> Term:
        """The whole as one expression."""
        if self.constant:
            return constant(self.value)
        return as_value(self.alone) if self.alone else Term(JoinedText(self.parts), "text")

    @property
    def rendered(self) -> Json:
        """The whole as text with placeholders; a constant alone keeps its type."""
        if self.constant:
            return escape(self.value) if isinstance(self.value, str) else self.value
        if self.alone and self.alone.pairs:
            return {key: placeholder(value) for key, value in self.alone.pairs}
        parts = self._unquoted() or self.parts
        if parts is not self.parts:
            return Template(parts).rendered
        return "".join(
            escape(_text(part))
            if isinstance(part, str) or part.fixed
            else "{" + _braced(to_jmespath(as_value(part))) + "}"
            for part in parts
        )

    def _unquoted(self) -> tuple[str | Term, ...] | None:
        """Remove quotes around the whole: Airbyte evaluates the result as a Python literal."""
        first, last = self.parts[0], self.parts[-1]
        if len(self.parts) < 3 or not isinstance(first, str) or not isinstance(last, str):
            return None
        quote = first[:1]
        texts = "".join(part for part in self.parts if isinstance(part, str))
        if quote not in "'\"" or not last.endswith(quote) or texts.count(quote) != 2:
            return None
        inner = (first[1:], *self.parts[1:-1], last[:-1])
        return tuple(part for part in inner if part != "")


def placeholder(term: Term) -> Json:
    """Return a term as text with a placeholder; a constant keeps its type."""
    return Template((term,)).rendered


def merge_parts(parts: Sequence[str | Term]) -> tuple[str | Term, ...]:
    """Join neighbouring texts; a constant inside a longer text becomes text."""
    several = len(parts) > 1
    result: Parts = []
    for part in parts:
        if several and isinstance(part, Term) and part.fixed:
            part = _text(part)
        if isinstance(part, str) and result and isinstance(result[-1], str):
            result[-1] += part
        elif part != "":
            result.append(part)
    return tuple(result)


def _braced(text: str) -> str:
    """Return what may stand between braces: a root alone is a parameter's name, and `{{` is an
    escaped brace."""
    if text.startswith("{"):
        return f"({text})"
    return f"to_string({text})" if text in ("response", "headers", "last_record") else text


def _text(part: str | Term) -> str:
    if isinstance(part, str):
        return part
    return "" if part.constant is None else str(part.constant)
