"""A translated template: texts and terms in order, as placeholders or as one expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from framework.definition.expressions.placeholders import escape
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.printer import to_jmespath
from framework.importers.airbyte.jinja.tree import JoinedText, Term, as_value, constant, walk

Json = Any
Parts = list[str | Term]


@dataclass(frozen=True)
class Template:
    """A translated template: texts and terms in order; `plain` is not evaluated as a literal."""

    parts: tuple[str | Term, ...]
    plain: bool = False

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
        parts = self._unquoted() or self.parts
        if parts is not self.parts:
            return Template(parts, plain=True).term
        listed = self._listed()
        if listed is not None:
            return listed
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
            return Template(parts, plain=True).rendered
        listed = self._listed()
        if listed is not None:
            return placeholder(listed)
        if len(parts) > 1:
            parts = tuple(map(in_text, parts))
        return "".join(
            escape(_text(part))
            if isinstance(part, str) or part.fixed
            else "{" + _braced(to_jmespath(as_value(part))) + "}"
            for part in parts
        )

    def _unquoted(self) -> tuple[str | Term, ...] | None:
        """Remove quotes around the whole: Airbyte evaluates the result as a Python literal."""
        first, last = self.parts[0], self.parts[-1]
        if self.plain or len(self.parts) < 3:
            return None
        if not isinstance(first, str) or not isinstance(last, str):
            return None
        quote = first[:1]
        texts = "".join(part for part in self.parts if isinstance(part, str))
        if quote not in "'\"" or not last.endswith(quote) or texts.count(quote) != 2:
            return None
        inner = (first[1:], *self.parts[1:-1], last[:-1])
        return tuple(part for part in inner if part != "")

    def _listed(self) -> Term | None:
        """Return `[{{ x }}]` and `['{{ x }}', '{{ y }}']` as the lists that Airbyte evaluates."""
        terms = [one for one in self.parts[1::2] if isinstance(one, Term)]
        texts = [one.strip() for one in self.parts[::2] if isinstance(one, str)]
        if self.plain or not terms or len(texts) != len(terms) + 1:
            return None
        if len(terms) + len(texts) != len(self.parts):
            return None
        first, *middle, last = texts
        if (first, middle, last) == ("[", [], "]"):
            value = as_value(terms[0])
            number = tree.apply("to_number", value, kind="number")
            text = Term(JoinedText(self.parts), "text")
            is_text = tree.compare(number, "==", tree.NULL)
            return tree.choose(is_text, text, tree.sequence([number]))
        for quote in "'\"":
            joints = {re.sub(r"\s", "", one) for one in middle}
            if (first, last) == (f"[{quote}", f"{quote}]") and joints <= {f"{quote},{quote}"}:
                return tree.sequence([tree.apply("to_string", as_value(one)) for one in terms])
        return None


def in_text(part: str | Term) -> str | Term:
    """Return a part as a longer text holds it: a boolean in Python's words, no value as nothing."""
    if isinstance(part, str) or part.fixed:
        return part
    if part.kind == "boolean" and tree.input_name(part):
        return tree.choose(part, constant("True"), constant("False"), kind="text")
    node = part.node
    if isinstance(node, tree.Call) and node.name == "if" and len(node.arguments) == 3:
        *first, last = node.arguments
        if last.fixed and last.constant is None:
            return replace(part, node=replace(node, arguments=(*first, constant(""))))
    return part


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
