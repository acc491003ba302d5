"""A translated template: texts and terms in order, as placeholders or as one expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from framework.definition.expressions.placeholders import escape
from framework.importers.airbyte.terms import Term, as_text, constant, written

Json = Any


@dataclass(frozen=True)
class Template:
    """A translated template: texts and terms in order."""

    parts: tuple[str | Term, ...]

    @property
    def constant(self) -> bool:
        """Whether nothing in it has to be evaluated."""
        return all(isinstance(part, str) or part.fixed for part in self.parts)

    @property
    def value(self) -> Json:
        """The value of a constant template; a literal alone keeps its type."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Term):
            return self.parts[0].constant
        return "".join(_text(part) for part in self.parts)

    @property
    def term(self) -> Term:
        """The whole as one JMESPath."""
        if self.constant:
            return constant(self.value)
        if len(self.parts) == 1:
            return written(self.parts[0])  # type: ignore[arg-type]
        texts = [_piece(part).text for part in self.parts]
        return Term(f"join('', [{', '.join(texts)}])", "text", parts=self.parts)

    @property
    def text(self) -> Json:
        """The whole as text with placeholders; a constant alone keeps its type."""
        if self.constant:
            value = self.value
            return escape(value) if isinstance(value, str) else value
        alone = self.parts[0]
        if len(self.parts) == 1 and isinstance(alone, Term) and alone.pairs:
            return {key: Template((value,)).text for key, value in alone.pairs}
        if (bare := self._unquoted()) is not None:
            return bare.text
        return "".join(
            escape(_text(part))
            if isinstance(part, str) or part.fixed
            else "{" + _braced(written(part).text) + "}"
            for part in self.parts
        )

    def _unquoted(self) -> Template | None:
        """Without quotes around the whole: the original reads its result as a literal."""
        first, last = self.parts[0], self.parts[-1]
        if len(self.parts) < 3 or not isinstance(first, str) or not isinstance(last, str):
            return None
        quote = first[:1]
        texts = [part for part in self.parts if isinstance(part, str)]
        if quote not in "'\"" or not last.endswith(quote) or "".join(texts).count(quote) != 2:
            return None
        inner = (first[1:], *self.parts[1:-1], last[:-1])
        return Template(tuple(part for part in inner if part != ""))


def _braced(text: str) -> str:
    """What may stand between braces: a root alone would be a parameter's name, and two braces
    are one that is meant."""
    if text.startswith("{"):
        return f"({text})"
    return f"to_string({text})" if text in ("response", "headers", "last_record") else text


def merged(parts: list[str | Term]) -> tuple[str | Term, ...]:
    """Neighbouring texts as one; a constant inside a longer text is text."""
    several = len(parts) > 1
    found: list[str | Term] = []
    for part in parts:
        if several and isinstance(part, Term) and part.fixed:
            part = _text(part)
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        elif part != "":
            found.append(part)
    return tuple(found)


def _text(part: str | Term) -> str:
    if isinstance(part, str):
        return part
    return "" if part.constant is None else str(part.constant)


def _piece(part: str | Term) -> Term:
    return constant(part) if isinstance(part, str) else as_text(part)
