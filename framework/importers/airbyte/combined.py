"""Terms combined into one: comparisons, arithmetic, groups and mappings."""

from __future__ import annotations

from framework.importers.airbyte.terms import (
    NULL,
    Term,
    Untranslatable,
    call,
    compared,
    constant,
    dotted,
    field,
    written,
)


def first_given(left: Term, right: Term) -> Term:
    """`config.credentials or config`: of each member the first that is given."""
    if right.fixed:
        return left
    names = dict.fromkeys(name for name, _ in (*left.members, *right.members))
    first, second = dict(left.members), dict(right.members)
    members = []
    for name in names:
        one, other = first.get(name), second.get(name)
        if one is None or other is None or other.members:
            members.append((name, one or other or NULL))
        else:
            kind = one.kind if one.kind == other.kind else "any"
            members.append((name, call("not_null", one, other, kind=kind)))
    return Term(left.text, "object", members=tuple(members))


def chosen_by_key(test: Term, first: Term, second: Term) -> Term | None:
    """A choice between two mappings or groups, made for each key; None between other values."""
    sides = [dict(one.pairs or one.members) for one in (first, second)]
    known = [one.constant if one.fixed and one.constant else {} for one in (first, second)]
    if not any(sides) or not all(isinstance(one, dict) for one in known):
        return None
    for side, values in zip(sides, known, strict=True):
        side.update({str(key): constant(value) for key, value in values.items()})
    names = dict.fromkeys(name for side in sides for name in side)
    chosen = tuple(
        (name, call("if", test, sides[0].get(name, NULL), sides[1].get(name, NULL)))
        for name in names
    )
    if first.members or second.members:
        return Term("config", "object", members=chosen)
    return mapping(chosen)


def mapping(pairs: tuple[tuple[str, Term], ...]) -> Term:
    """A mapping as it is written, with its pairs."""
    shown = ", ".join(f"{dotted([key])}: {written(value).text}" for key, value in pairs)
    return Term(f"{{{shown}}}", "object", pairs=pairs)


def comparable(left: Term, right: Term, symbol: str) -> tuple[Term, str, Term]:
    """Two times are compared as moments, however they are written."""
    if left.kind == right.kind == "time":
        moments = [Term(f"timestamp({one.text})", "number") for one in (left, right)]
        return moments[0], symbol, moments[1]
    return written(left), symbol, written(right)


def contained(container: Term, item: Term) -> Term:
    """`item in container`: a list's item, a text's part, or an object's key."""
    if container.fixed and item.fixed:
        return constant(item.constant in (container.constant or ()))
    if container.fixed:
        return call("contains", container, item, kind="boolean")
    named = item.fixed and isinstance(item.constant, str)
    found = field(container, item.constant) if named and container.kind != "text" else NULL
    if container.members:
        found = field(container, item.constant)
    if container.members or (named and (container.kind == "object" or _is_root(container))):
        return found if found.fixed else compared(found, "!=", NULL)
    certain = container.kind in ("text", "list") and not container.optional
    guarded = container if certain else Term(f"not_null({container.text}, '')")
    inside = call("contains", guarded, item, kind="boolean")
    if not named or container.kind in ("text", "list"):
        return inside
    # what it is shows only in the data: an object's key, or a part of a text or a list
    kind = compared(Term(f"type({container.text})"), "==", constant("object"))
    return call("if", kind, compared(found, "!=", NULL), inside, kind="boolean")


def _is_root(term: Term) -> bool:
    return term.text in ("@", "response", "last_record", "headers", "context().headers")


def computed(name: str, left: Term, right: Term) -> Term:
    """Two numbers in a function of ours; Untranslatable with what is none."""
    for term in (left, right):
        if term.fixed and (
            isinstance(term.constant, bool) or not isinstance(term.constant, int | float)
        ):
            raise Untranslatable(f"{name} with what is no number")
    if left.fixed and right.fixed:
        left_value, right_value = left.constant, right.constant
        if name == "subtract":
            return constant(left_value - right_value)
        if name == "multiply":
            return constant(left_value * right_value)
    return call(name, number(left), number(right), kind="number")


def number(term: Term) -> Term:
    """A term as a number, where it is known to be text."""
    return call("to_number", term, kind="number") if term.kind == "text" else term


def moved(name: str, moment: Term, duration: Term) -> Term:
    """A time moved by a duration."""
    if moment.kind == "duration":
        moment, duration = duration, moment
    kind = moment.kind if moment.kind in ("time", "date") else "time"
    return Term(f"{name}({moment.text}, {duration.text})", kind)
