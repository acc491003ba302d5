"""Operators of Jinja that are more than an operator of JMESPath."""

from __future__ import annotations

from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.tree import Term, Untranslatable, call, constant


def first_present(left: Term, right: Term) -> Term:
    """Return a group with the first value of each member that is present.

    `config.credentials or config` is one.
    """
    if right.fixed:
        return left
    first, second = dict(left.members), dict(right.members)
    members = []
    for name in dict.fromkeys([*first, *second]):
        one, other = first.get(name), second.get(name)
        if one is None or other is None or other.members:
            members.append((name, one or other or tree.NULL))
        else:
            kind = one.kind if one.kind == other.kind else "any"
            members.append((name, call("not_null", one, other, kind=kind)))
    return Term(tree.Group(tuple(members)), "object")


def chosen_by_key(test: Term, first: Term, second: Term) -> Term | None:
    """Return a choice between two mappings or groups, made for each key.

    None if one of them is anything else.
    """
    sides = [dict(one.pairs or one.members) for one in (first, second)]
    constants = [one.constant if one.fixed and one.constant else {} for one in (first, second)]
    if not any(sides) or not all(isinstance(one, dict) for one in constants):
        return None
    for side, values in zip(sides, constants, strict=True):
        side.update({str(key): constant(value) for key, value in values.items()})
    names = dict.fromkeys(name for side in sides for name in side)
    pairs = tuple(
        (name, tree.choose(test, sides[0].get(name, tree.NULL), sides[1].get(name, tree.NULL)))
        for name in names
    )
    if first.members or second.members:
        return Term(tree.Group(pairs), "object")
    return tree.mapping(pairs)


def comparison(left: Term, symbol: str, right: Term) -> Term:
    """Return a comparison; two times are compared as moments, however they are written."""
    if left.kind == right.kind == "time":
        left, right = (tree.apply("timestamp", one, kind="number") for one in (left, right))
    return tree.compare(tree.as_value(left), symbol, tree.as_value(right))


def is_in(container: Term, item: Term) -> Term:
    """Return `item in container`: a list's item, a part of a text, or an object's key."""
    if container.fixed and item.fixed:
        return constant(item.constant in (container.constant or ()))
    if container.fixed:
        return call("contains", container, item, kind="boolean")
    named = item.fixed and isinstance(item.constant, str)
    member = tree.NULL
    if container.members or (named and container.kind != "text"):
        member = tree.field(container, item.constant)
    is_key = member if member.fixed else tree.compare(member, "!=", tree.NULL)
    if container.members or (named and (container.kind == "object" or _is_root(container))):
        return is_key
    certain = container.kind in ("text", "list") and not container.optional
    guarded = container if certain else tree.or_empty(container)
    inside = call("contains", guarded, item, kind="boolean")
    if not named or container.kind in ("text", "list"):
        return inside
    # only the data shows what it is: an object's key, or a part of a text or a list
    is_object = tree.compare(tree.apply("type", container), "==", constant("object"))
    return tree.choose(is_object, tree.compare(member, "!=", tree.NULL), inside, kind="boolean")


def _is_root(term: Term) -> bool:
    node = term.node
    if not isinstance(node, tree.FieldPath) or node.steps:
        return False
    return node.root == "headers" or (
        node.root in ("", "response", "last_record") and not node.through_context
    )


def arithmetic(name: str, left: Term, right: Term) -> Term:
    """Return a function of two numbers. Raise Untranslatable if one is known not to be one."""
    for term in (left, right):
        if term.fixed and (
            isinstance(term.constant, bool) or not isinstance(term.constant, int | float)
        ):
            raise Untranslatable(f"{name} with a value that is not a number")
    if left.fixed and right.fixed and name == "subtract":
        return constant(left.constant - right.constant)
    if left.fixed and right.fixed and name == "multiply":
        return constant(left.constant * right.constant)
    return call(name, as_number(left), as_number(right), kind="number")


def as_number(term: Term) -> Term:
    """Return a text as a number, and any other term as it is."""
    return call("to_number", term, kind="number") if term.kind == "text" else term


def move_time(name: str, moment: Term, duration: Term) -> Term:
    """Return a time moved by a duration; the two may come in either order."""
    if moment.kind == "duration":
        moment, duration = duration, moment
    return tree.apply(name, moment, duration, kind=moment.kind if moment.is_time else "time")
