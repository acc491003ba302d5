"""A template's statements: choices, variables and loops become parts of a text."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError

from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.expressions import translate_expression
from framework.importers.airbyte.jinja.scope import Lookup, Scope, known, only, variable
from framework.importers.airbyte.jinja.template_parts import Parts, Template, merge_parts
from framework.importers.airbyte.jinja.tree import Term, Untranslatable, constant

_ENVIRONMENT = Environment(autoescape=False)
_FALSE_WORDS = ("False", "false", "{}", "[]", "()", "", "0", "0.0")


def translate_template(text: str, scope: Scope) -> Template:
    """Translate a template. Raise Untranslatable with the part that has no counterpart."""
    try:
        with warnings.catch_warnings():
            # Python warns of `\$` in a text, which templates write for patterns
            warnings.simplefilter("ignore")
            parsed = _ENVIRONMENT.parse(text)
    except TemplateSyntaxError as error:
        raise Untranslatable(f"the template does not parse: {error.message}") from None
    except (TemplateError, RecursionError, ValueError) as error:
        raise Untranslatable(f"the template does not parse ({type(error).__name__})") from None
    try:
        return Template(merge_parts(_body(parsed.body, scope)))
    except RecursionError:
        raise Untranslatable("the template is nested too deeply") from None
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        # a constant part fails when it is computed, as it does in Airbyte
        raise Untranslatable(f"the template fails ({type(error).__name__})") from None


def translate_condition(text: str, scope: Scope) -> Term:
    """Translate a template whose result counts as true or false."""
    template = translate_template(text.strip(), scope)
    if template.constant:
        return constant(template.value not in _FALSE_WORDS and bool(template.value))
    return tree.truth(template.term)


def _body(statements: Sequence[nodes.Node], scope: Scope) -> Parts:
    """Return what the nodes write, in order."""
    parts: Parts = []
    for node in statements:
        if isinstance(node, nodes.Output):
            for one in node.nodes:
                if isinstance(one, nodes.TemplateData):
                    parts.append(one.data)
                else:
                    parts += _spread(_expression(one), scope)
        elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            scope = scope.having(**{node.target.name: only(_value(node.node, scope))})
        elif isinstance(node, nodes.AssignBlock) and isinstance(node.target, nodes.Name):
            scope = scope.having(**{node.target.name: only(_branch(node.body, scope))})
        elif isinstance(node, nodes.If) and (names := _assigned(node)):
            values = {name: only(_choice(node, scope, name)) for name in names}
            scope = scope.having(**values)
        elif isinstance(node, nodes.If):
            parts.append(_choice(node, scope))
        elif isinstance(node, nodes.For):
            parts += _loop(node, scope)
        else:
            raise Untranslatable(f"the statement {type(node).__name__.lower()} in a template")
    return parts


def _spread(node: nodes.Expr, scope: Scope) -> Parts:
    """Return `'a/' + x + '/b'` as three parts: placeholders read better than `join()`."""
    if isinstance(node, nodes.Concat):
        return [part for one in node.nodes for part in _spread(one, scope)]
    if isinstance(node, nodes.Add):
        parts = [*_spread(node.left, scope), *_spread(node.right, scope)]
        if any(isinstance(part, str) or part.kind in ("text", "date") for part in parts):
            return parts
    term = translate_expression(node, scope)
    return list(term.node.parts) if isinstance(term.node, tree.JoinedText) else [term]


def _expression(node: nodes.Node) -> nodes.Expr:
    if not isinstance(node, nodes.Expr):
        raise Untranslatable(f"`{type(node).__name__.lower()}` in an expression")
    return node


def _value(node: nodes.Node, scope: Scope) -> Term:
    return translate_expression(_expression(node), scope)


# -- choices


def _choice(node: nodes.If, scope: Scope, name: str | None = None) -> Term:
    """Return what the branches write, or what they set `name` to."""
    result = _branch(node.else_, scope, name)
    branches = [(node.test, node.body), *((one.test, one.body) for one in node.elif_)]
    for test, inner in reversed(branches):
        condition = tree.truth(_value(test, scope))
        if not condition.fixed:
            result = tree.choose(condition, _branch(inner, scope, name), result)
        elif condition.constant:
            result = _branch(inner, scope, name)
    return result


def _branch(statements: Sequence[nodes.Node], scope: Scope, name: str | None = None) -> Term:
    """Return what a branch writes, without the blanks around it."""
    if name is not None:
        values = [
            one.node for one in statements if isinstance(one, nodes.Assign) and _name(one) == name
        ]
        if values:
            return _value(values[-1], scope)
        outside = scope.names.get(name)
        return tree.NULL if outside is None else outside(())[0]
    parts = list(merge_parts(_body(statements, scope)))
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    filled = tuple(part for part in parts if part != "")
    return Template(filled).term if filled else tree.NULL


def _assigned(node: nodes.If) -> list[str]:
    """Return the variables of a statement whose branches only set variables."""
    statements = [*node.body, *node.else_, *(one for branch in node.elif_ for one in branch.body)]
    settings = [one for one in statements if isinstance(one, nodes.Assign)]
    others = [one for one in statements if not isinstance(one, nodes.Assign)]
    if not settings or not all(_is_blank(one) for one in others):
        return []
    return list(dict.fromkeys(_name(one) for one in settings))


def _name(node: nodes.Assign) -> str:
    if not isinstance(node.target, nodes.Name):
        raise Untranslatable("several variables set at once")
    return node.target.name


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(
        isinstance(one, nodes.TemplateData) and not one.data.strip() for one in node.nodes
    )


# -- loops


def _loop(node: nodes.For, scope: Scope) -> Parts:
    """Unroll a loop over a known list; over another list join what `map` returns."""
    if node.else_ or node.recursive:
        raise Untranslatable("a loop with else or into itself")
    items = _value(node.iter, scope)
    if items.fixed:
        return _unrolled(node, items, scope)
    separator, inner = _separator(list(node.body), scope)
    inside = scope.inside().having(**_targets(node.target))
    if node.test is not None:
        test = tree.truth(_value(node.test, inside))
        items = Term(tree.extend(items, tree.Where(test)), "list")
    each = tree.for_each(tree.as_text(Template(merge_parts(_body(inner, inside))).term))
    # null is not a list to `map`, and an empty one to a loop
    texts = tree.apply("map", each, tree.apply("not_null", items, constant([])))
    return [tree.apply("join", separator, texts, kind="text")]


def _targets(target: nodes.Node) -> dict[str, Lookup]:
    if isinstance(target, nodes.Name):
        return {target.name: variable("")}
    if isinstance(target, nodes.Tuple) and all(isinstance(one, nodes.Name) for one in target.items):
        names = [one.name for one in target.items if isinstance(one, nodes.Name)]
        return {name: variable("", index) for index, name in enumerate(names)}
    raise Untranslatable("a loop over several variables at once")


def _unrolled(node: nodes.For, listed: Term, scope: Scope) -> Parts:
    if not isinstance(node.target, nodes.Name):
        raise Untranslatable("a loop over several variables at once")
    items = list(listed.constant or [])
    parts: Parts = []
    for index, item in enumerate(items):
        position = {
            "index": index + 1, "index0": index, "length": len(items),
            "first": index == 0, "last": index == len(items) - 1,
        }  # fmt: skip
        inside = scope.having(**{node.target.name: known(item), "loop": known(position)})
        body = merge_parts(_body(node.body, inside))
        test = constant(True) if node.test is None else tree.truth(_value(node.test, inside))
        if not test.fixed:
            parts.append(tree.choose(test, Template(body).term, constant("")))
        elif test.constant:
            parts += body
    return parts


def _separator(statements: list[nodes.Node], scope: Scope) -> tuple[Term, list[nodes.Node]]:
    """Return what a loop writes between its items (`{% if not loop.last %}, {% endif %}`), and
    the rest of its body."""
    flat: list[nodes.Node] = []
    for node in statements:
        flat += (
            [nodes.Output([one]) for one in node.nodes]
            if isinstance(node, nodes.Output)
            else [node]
        )
    filled = [node for node in flat if not _is_blank(node)]
    for place, word in ((-1, "last"), (0, "first")):
        between = _between(filled[place], word) if filled else None
        if between is not None:
            separator = Template(merge_parts(_body([between], scope))).term
            if not separator.fixed:
                raise Untranslatable("a loop with a computed separator")
            return tree.as_text(separator), filled[:-1] if place else filled[1:]
    return constant(""), statements


def _between(node: nodes.Node, word: str) -> nodes.Output | None:
    """Return what a node writes if it writes only `if not loop.WORD`."""
    if isinstance(node, nodes.Output) and isinstance(node.nodes[0], nodes.CondExpr):
        choice = node.nodes[0]
        empty = isinstance(choice.expr2, nodes.Const) and choice.expr2.value == ""
        if choice.expr2 is None or empty:
            return nodes.Output([choice.expr1]) if _is_not(choice.test, word) else None
    if isinstance(node, nodes.If) and not node.else_ and not node.elif_ and len(node.body) == 1:
        inner = node.body[0]
        return inner if isinstance(inner, nodes.Output) and _is_not(node.test, word) else None
    return None


def _is_not(test: nodes.Node, word: str) -> bool:
    return (
        isinstance(test, nodes.Not)
        and isinstance(test.node, nodes.Getattr)
        and test.node.attr == word
        and isinstance(test.node.node, nodes.Name)
        and test.node.node.name == "loop"
    )
