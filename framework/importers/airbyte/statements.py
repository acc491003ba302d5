"""The statements of a template: choices, variables and loops as parts of a text."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2 import nodes

from framework.importers.airbyte.jinja import translate
from framework.importers.airbyte.pieces import Template, merged
from framework.importers.airbyte.scope import Lookup, Scope, at, fixed, only
from framework.importers.airbyte.terms import (
    NULL,
    PROJECTION,
    Term,
    Untranslatable,
    as_text,
    call,
    constant,
    truth,
)

Parts = list[str | Term]


def body(tree: Sequence[nodes.Node], scope: Scope) -> Parts:
    """What the nodes write, in order; Untranslatable where one has no counterpart."""
    parts: Parts = []
    for node in tree:
        if isinstance(node, nodes.Output):
            for one in node.nodes:
                if isinstance(one, nodes.TemplateData):
                    parts.append(one.data)
                else:
                    parts += _spread(_expression(one), scope)
        elif isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
            value = translate(_expression(node.node), scope)
            scope = scope.having(**{node.target.name: only(value)})
        elif isinstance(node, nodes.AssignBlock) and isinstance(node.target, nodes.Name):
            scope = scope.having(**{node.target.name: only(_branch(node.body, scope))})
        elif isinstance(node, nodes.If) and (names := _assigned(node)):
            ways = {name: _chosen(node, scope, name) for name in names}
            scope = scope.having(**{name: only(term) for name, term in ways.items()})
        elif isinstance(node, nodes.If):
            parts.append(_chosen(node, scope))
        elif isinstance(node, nodes.For):
            parts += _loop(node, scope)
        else:
            raise Untranslatable(f"the statement {type(node).__name__.lower()} in a template")
    return parts


def _chosen(node: nodes.If, scope: Scope, name: str | None = None) -> Term:
    """A statement as an expression: what its branches write, or what they set `name` to."""
    chosen = _branch(node.else_, scope, name)
    branches = [(node.test, node.body), *((one.test, one.body) for one in node.elif_)]
    for test, inner in reversed(branches):
        condition = truth(translate(_expression(test), scope))
        if condition.fixed:
            chosen = _branch(inner, scope, name) if condition.constant else chosen
        else:
            chosen = call("if", condition, _branch(inner, scope, name), chosen)
    return chosen


def _branch(tree: Sequence[nodes.Node], scope: Scope, name: str | None = None) -> Term:
    """What a branch writes; blanks around it are layout."""
    if name is not None:
        values = [one.node for one in tree if isinstance(one, nodes.Assign) and _name(one) == name]
        if values:
            return translate(_expression(values[-1]), scope)
        known = scope.names.get(name)
        return NULL if known is None else known(())[0]
    parts = list(merged(body(tree, scope)))
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    kept = tuple(part for part in parts if part != "")
    return Template(kept).term if kept else NULL


def _assigned(node: nodes.If) -> list[str]:
    """The variables of a statement whose branches do nothing but set them."""
    tree = [*node.body, *node.else_, *(one for branch in node.elif_ for one in branch.body)]
    settings = [one for one in tree if isinstance(one, nodes.Assign)]
    others = [one for one in tree if not isinstance(one, nodes.Assign)]
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


def _loop(node: nodes.For, scope: Scope) -> Parts:
    """A loop over a list that is known is written out; over another it joins what `map` gives."""
    if node.else_ or node.recursive:
        raise Untranslatable("a loop with else or into itself")
    listed = translate(_expression(node.iter), scope)
    if listed.fixed:
        return _unrolled(node, listed, scope)
    separator, inner = _separator(list(node.body), scope)
    inside = scope.inside().having(**_targets(node.target))
    if node.test is not None:
        test = truth(translate(_expression(node.test), inside))
        listed = Term(f"{listed.atom}[?{test.text}]", "list", PROJECTION)
    each = as_text(Template(merged(body(inner, inside))).term)
    # nothing is no list to `map`, and an empty one to a loop
    items = f"not_null({listed.text}, `[]`)"
    return [Term(f"join({separator.text}, map(&{each.text}, {items}))", "text")]


def _targets(target: nodes.Node) -> dict[str, Lookup]:
    if isinstance(target, nodes.Name):
        return {target.name: at("")}
    if isinstance(target, nodes.Tuple) and all(isinstance(one, nodes.Name) for one in target.items):
        names = [one.name for one in target.items if isinstance(one, nodes.Name)]
        return {name: at(f"[{index}]") for index, name in enumerate(names)}
    raise Untranslatable("a loop over several variables at once")


def _unrolled(node: nodes.For, listed: Term, scope: Scope) -> Parts:
    if not isinstance(node.target, nodes.Name):
        raise Untranslatable("a loop over several variables at once")
    items = list(listed.constant or [])
    parts: Parts = []
    for index, item in enumerate(items):
        place = {
            "index": index + 1, "index0": index, "length": len(items),
            "first": index == 0, "last": index == len(items) - 1,
        }  # fmt: skip
        inside = scope.having(**{node.target.name: fixed(item), "loop": fixed(place)})
        written = list(merged(body(node.body, inside)))
        if node.test is None:
            parts += written
            continue
        test = truth(translate(_expression(node.test), inside))
        if not test.fixed:
            parts.append(call("if", test, Template(tuple(written)).term, constant("")))
        elif test.constant:
            parts += written
    return parts


def _separator(tree: list[nodes.Node], scope: Scope) -> tuple[Term, list[nodes.Node]]:
    """What a loop writes between its items (`{% if not loop.last %}, {% endif %}`), and the rest
    of its body."""
    flat: list[nodes.Node] = []
    for node in tree:
        flat += (
            [nodes.Output([one]) for one in node.nodes]
            if isinstance(node, nodes.Output)
            else [node]
        )
    kept = [node for node in flat if not _is_blank(node)]
    for where, word in ((-1, "last"), (0, "first")):
        found = _between(kept[where], word) if kept else None
        if found is not None:
            separator = Template(merged(body([found], scope))).term
            if not separator.fixed:
                raise Untranslatable("a loop with a computed separator")
            return as_text(separator), kept[:-1] if where else kept[1:]
    return constant(""), tree


def _between(node: nodes.Node, word: str) -> nodes.Output | None:
    """What a node writes, where it writes only if `not loop.WORD`."""
    if isinstance(node, nodes.Output) and isinstance(node.nodes[0], nodes.CondExpr):
        choice = node.nodes[0]
        if choice.expr2 is None or (
            isinstance(choice.expr2, nodes.Const) and choice.expr2.value == ""
        ):
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


def _spread(node: nodes.Expr, scope: Scope) -> list[str | Term]:
    """`'a/' + x + '/b'` as three parts: text with a placeholder reads better than join()."""
    if isinstance(node, nodes.Concat):
        return [part for one in node.nodes for part in _spread(one, scope)]
    if isinstance(node, nodes.Add):
        sides = [_spread(node.left, scope), _spread(node.right, scope)]
        if any(_is_text(part) for side in sides for part in side):
            return [*sides[0], *sides[1]]
    term = translate(node, scope)
    return list(term.parts) if term.parts and term.kind == "text" else [term]


def _expression(node: nodes.Node) -> nodes.Expr:
    if not isinstance(node, nodes.Expr):
        raise Untranslatable(f"`{type(node).__name__.lower()}` in an expression")
    return node


def _is_text(part: str | Term) -> bool:
    return isinstance(part, str) or part.kind in ("text", "date")
