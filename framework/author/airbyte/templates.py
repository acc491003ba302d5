"""A Jinja template in, placeholders and JMESPath out: its syntax tree, node by node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from framework.author.airbyte.jinja import translate
from framework.author.airbyte.scope import Scope, only
from framework.author.airbyte.terms import (
    NULL,
    Term,
    Untranslatable,
    call,
    constant,
    truth,
    written,
)
from framework.spec.placeholders import escape

Json = Any

_ENVIRONMENT = Environment(autoescape=False)


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
        texts = [_as_text(part).text for part in self.parts]
        return Term(f"join('', [{', '.join(texts)}])", "text", parts=self.parts)

    @property
    def text(self) -> Json:
        """The whole as text with placeholders; a constant alone keeps its type."""
        if self.constant:
            value = self.value
            return escape(value) if isinstance(value, str) else value
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
    """What may stand between braces: a root alone would be a parameter's name."""
    return f"to_string({text})" if text in ("response", "headers", "last_record") else text


def parse(text: str, scope: Scope) -> Template:
    """A template's translation; Untranslatable says what in it has no counterpart."""
    try:
        tree = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise Untranslatable(f"the template does not parse: {error.message}") from None
    except (TemplateError, RecursionError, ValueError) as error:
        raise Untranslatable(f"the template does not parse ({type(error).__name__})") from None
    try:
        return Template(_merged(_body(tree.body, scope)))
    except RecursionError:
        raise Untranslatable("the template is nested too deeply") from None


def condition(text: str, scope: Scope) -> Term:
    """A template that stands for yes or no."""
    template = parse(text.strip(), scope)
    if template.constant:
        value = template.value
        words = ("False", "false", "{}", "[]", "()", "", "0", "0.0")
        return constant(value not in words and bool(value))
    return truth(template.term)


def _body(body: list[nodes.Node], scope: Scope) -> list[str | Term]:
    parts: list[str | Term] = []
    for node in body:
        if isinstance(node, nodes.Output):
            for one in node.nodes:
                if isinstance(one, nodes.TemplateData):
                    parts.append(one.data)
                else:
                    parts += _spread(_expression(one), scope)
        elif isinstance(node, nodes.If):
            parts.append(_if(node, scope))
        elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            scope = scope.having(
                **{node.target.name: only(translate(_expression(node.node), scope))}
            )
        else:
            raise Untranslatable(f"the statement {type(node).__name__.lower()} in a template")
    return parts


def _if(node: nodes.If, scope: Scope) -> Term:
    """A statement as an expression; blanks around a branch are layout."""
    chosen = _branch(node.else_, scope)
    branches = [(node.test, node.body), *((one.test, one.body) for one in node.elif_)]
    for test, body in reversed(branches):
        condition_ = truth(translate(_expression(test), scope))
        if condition_.fixed:
            chosen = _branch(body, scope) if condition_.constant else chosen
        else:
            chosen = call("if", condition_, _branch(body, scope), chosen)
    return chosen


def _branch(body: list[nodes.Node], scope: Scope) -> Term:
    parts = list(_merged(_body(body, scope)))
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    kept = tuple(part for part in parts if part != "")
    return Template(kept).term if kept else NULL


def _spread(node: nodes.Expr, scope: Scope) -> list[str | Term]:
    """`'a/' + x + '/b'` as three parts: text with a placeholder reads better than join()."""
    if isinstance(node, nodes.Concat):
        return [part for one in node.nodes for part in _spread(one, scope)]
    if isinstance(node, nodes.Add):
        sides = [_spread(node.left, scope), _spread(node.right, scope)]
        if any(_is_text(part) for side in sides for part in side):
            return [*sides[0], *sides[1]]
    term = translate(node, scope)
    return list(term.parts) or [term]


def _expression(node: nodes.Node) -> nodes.Expr:
    if not isinstance(node, nodes.Expr):
        raise Untranslatable(f"`{type(node).__name__.lower()}` in an expression")
    return node


def _is_text(part: str | Term) -> bool:
    return isinstance(part, str) or part.kind in ("text", "date")


def _merged(parts: list[str | Term]) -> tuple[str | Term, ...]:
    """Neighbouring texts as one; a constant inside a longer text is text."""
    several = len(parts) > 1
    merged: list[str | Term] = []
    for part in parts:
        if several and isinstance(part, Term) and part.fixed:
            part = _text(part)
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return tuple(merged)


def _text(part: str | Term) -> str:
    if isinstance(part, str):
        return part
    return "" if part.constant is None else str(part.constant)


def _as_text(part: str | Term) -> Term:
    if isinstance(part, str):
        return constant(part)
    term = written(part)
    if term.kind == "text":
        return term
    if term.kind in ("number", "boolean", "list", "object"):
        return call("to_string", term, kind="text")
    return Term(f"to_string(not_null({term.text}, ''))", "text")
