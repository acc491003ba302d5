"""Jinja's filters and Airbyte's own as functions of JMESPath."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from framework.definition.expressions.text_functions import DIGESTS
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.tree import Term, Untranslatable, call, constant

Handler = Callable[..., Term]

_PERCENT = re.compile(r"(%(?:%|s|d|i|0\d+d))")


def apply_filter(
    name: str, subject: Term, arguments: Sequence[Term], named: Mapping[str, Term]
) -> Term:
    """Return `subject | name(arguments)`."""
    return dispatch(_FILTERS, name, f"the filter `| {name}`", subject, arguments, named)


def dispatch(
    table: Mapping[str, Handler],
    name: str,
    title: str,
    subject: object,
    arguments: Sequence[Term],
    named: Mapping[str, Term],
) -> Term:
    """Call a function of a table. Raise Untranslatable if it is missing or its arguments differ."""
    handler = table.get(name)
    if handler is None:
        raise Untranslatable(title)
    try:
        return handler(subject, *arguments, **named)
    except TypeError:
        raise Untranslatable(f"{title} with these arguments") from None


def regular(name: str, kind: tree.Kind = "text", *, sure: bool = False) -> Handler:
    """Return a function that becomes one call; `sure` if it must not get a null."""

    def handler(subject: Term, *arguments: Term) -> Term:
        if sure and subject.kind in ("number", "boolean") and not subject.fixed:
            subject = tree.apply("to_string", subject, kind="text")
        return call(name, tree.or_text(subject) if sure else subject, *arguments, kind=kind)

    return handler


def _string(subject: Term) -> Term:
    if subject.fixed:
        return constant(str(subject.constant))
    return subject if subject.kind == "text" else call("to_string", subject, kind="text")


def _int(subject: Term, default: Term | None = None, base: Term | None = None) -> Term:
    if base is not None:
        raise Untranslatable("the filter `| int` with a base")
    if subject.fixed:
        try:
            return constant(int(float(subject.constant or 0)))
        except (TypeError, ValueError):
            return default or constant(0)
    return _number("to_integer", subject, default)


def _float(subject: Term, default: Term | None = None) -> Term:
    return _number("to_number", subject, default)


def _number(name: str, subject: Term, default: Term | None) -> Term:
    number = call(name, subject, kind="number")
    return call("not_null", number, default, kind="number") if default else number


def _default(subject: Term, default_value: Term | None = None, boolean: Term | None = None) -> Term:
    default = default_value or constant("")
    falsy = boolean is not None and bool(boolean.constant)
    if subject.fixed:
        missing = subject.constant is None or (falsy and not subject.constant)
        return default if missing else subject
    if falsy:
        return tree.either(tree.as_value(subject), default)
    return call("not_null", subject, default, kind=default.kind)


def _join(subject: Term, d: Term | None = None, attribute: Term | None = None) -> Term:
    items = subject if attribute is None else _map(subject, attribute=attribute)
    if items.fixed:
        separator = "" if d is None else d.constant
        return constant(str(separator).join(str(item) for item in items.constant))
    return call("join", d or constant(""), tree.texts_of(items), kind="text")


def _map(subject: Term, *arguments: Term, attribute: Term | None = None) -> Term:
    if attribute is not None and attribute.fixed:
        steps = (tree.FLATTEN, *_keys(attribute))
        node = subject.node
        if isinstance(node, tree.FieldPath) and node.steps and not isinstance(node.steps[-1], str):
            # what a filter selects is a list already
            return Term(replace(node, steps=(*node.steps, *steps)), "list")
        return Term(tree.extend(subject, *steps), "list")
    if not arguments or not arguments[0].fixed:
        raise Untranslatable("the filter `| map` with these arguments")
    each = apply_filter(str(arguments[0].constant), tree.CURRENT, arguments[1:], {})
    return tree.apply("map", tree.for_each(each), subject, kind="list")


def _keys(attribute: Term) -> list[str | int]:
    parts = str(attribute.constant).split(".")
    return [int(part) if part.isdigit() else part for part in parts]


COMPARING_TESTS = {
    "equalto": "==", "eq": "==", "==": "==", "sameas": "==", "ne": "!=", "!=": "!=",
    "gt": ">", "greaterthan": ">", ">": ">", "ge": ">=", ">=": ">=",
    "lt": "<", "lessthan": "<", "<": "<", "le": "<=", "<=": "<=",
}  # fmt: skip
"""Jinja's tests that compare with another value."""


def _select(*, keep: bool, items: bool) -> Handler:
    def handler(subject: Term, *arguments: Term) -> Term:
        left = tree.CURRENT if items else tree.at("", *_keys(arguments[0]))
        test = _test(left, arguments if items else arguments[1:])
        return Term(
            tree.extend(subject, tree.Where(test if keep else Term(tree.Prefix("!", test)))),
            "list",
        )

    return handler


def _test(left: Term, test: Sequence[Term]) -> Term:
    if not test:
        return left
    name = str(test[0].constant)
    if name in ("defined", "none", "undefined"):
        return tree.compare(left, "!=" if name == "defined" else "==", tree.NULL)
    if name == "in" and len(test) > 1:
        return call("contains", test[1], left, kind="boolean")
    if name not in COMPARING_TESTS or len(test) < 2:
        raise Untranslatable(f"items selected by `{name}`")
    return tree.compare(left, COMPARING_TESTS[name], test[1])


def _by(name: str, subject: Term, attribute: Term | None, kind: tree.Kind = "any") -> Term:
    """Return a function of a list, by its items or by an attribute of them."""
    if attribute is None:
        return call(name, subject, kind=kind)
    return tree.apply(
        f"{name}_by", subject, tree.for_each(tree.at("", *_keys(attribute))), kind=kind
    )


def _extreme(name: str) -> Handler:
    return lambda subject, attribute=None: _by(name, subject, attribute)


def _sort(
    subject: Term,
    reverse: Term | None = None,
    case_sensitive: Term | None = None,  # noqa: ARG001
    attribute: Term | None = None,
) -> Term:
    result = _by("sort", subject, attribute, "list")
    return call("reverse", result, kind="list") if reverse and reverse.constant else result


def _sum(subject: Term, attribute: Term | None = None) -> Term:
    items = subject if attribute is None else _map(subject, attribute=attribute)
    return call("sum", items, kind="number")


def _capitalize(subject: Term) -> Term:
    text = tree.or_text(subject)
    first, rest = (
        Term(tree.extend(text, tree.Cut((start, stop, None))), "text")
        for start, stop in ((None, 1), (1, None))
    )
    return tree.join_texts([call("upper", first), call("lower", rest)])


def _urlencode(subject: Term) -> Term:
    if subject.kind in ("list", "object"):
        raise Untranslatable("`| urlencode` of a list or a mapping")
    encoded = call("url_encode", tree.or_text(subject))
    return call("replace", encoded, constant("%2F"), constant("/"), kind="text")


def _hash(subject: Term, hash_type: Term | None = None, salt: Term | None = None) -> Term:
    algorithm = hash_type or constant("md5")
    if algorithm.constant not in DIGESTS:
        raise Untranslatable(f"the hash {algorithm.constant}")
    text = subject
    if subject.kind != "text":
        # Python writes null so, and Airbyte hashes that text
        text = tree.apply(
            "to_string", tree.apply("not_null", tree.as_value(subject), constant("None"))
        )
    if salt is not None:
        text = tree.apply("join", constant(""), tree.sequence([text, salt]))
    return call("hash", text, algorithm, kind="text")


def _hmac(subject: Term, key: Term, hash_type: Term | None = None) -> Term:
    return call("hmac", subject, key, hash_type or constant("sha256"), kind="text")


def _regex_search(subject: Term, regex: Term) -> Term:
    if regex.fixed and "(" not in str(regex.constant):
        # Airbyte returns the first group, and an empty text without one
        return constant("")
    return call("regex_search", tree.or_text(subject), regex, constant(1), kind="text")


def _round(subject: Term, precision: Term | None = None, method: Term | None = None) -> Term:
    if method and method.constant in ("ceil", "floor"):
        return call(str(method.constant), subject, kind="number")
    return call("round", subject, *([precision] if precision else []), kind="number")


def _tojson(subject: Term, indent: Term | None = None) -> Term:
    if indent is not None:
        raise Untranslatable("`| tojson` with an indent")
    return call("to_string", subject, kind="text")


def _length(subject: Term) -> Term:
    guarded = subject if subject.kind in ("text", "list") else tree.either(subject, constant(""))
    return call("length", guarded, kind="number")


def fill_percent(pattern: Term, *arguments: Term) -> Term:
    """Return Python's `pattern % arguments` with `%s`, `%d` and `%02d`."""
    if not isinstance(pattern.constant, str):
        raise Untranslatable("a text whose places are computed")
    values = list(arguments)
    parts = []
    for piece in _PERCENT.split(pattern.constant):
        if piece == "%%":
            parts.append(constant("%"))
        elif _PERCENT.fullmatch(piece):
            if not values:
                raise Untranslatable("a text with more places than values")
            value = values.pop(0)
            parts.append(value if piece == "%s" else _padded(value, piece[2:-1]))
        elif "%" in piece:
            raise Untranslatable(f"text formatted with {piece}")
        elif piece:
            parts.append(constant(piece))
    return tree.join_texts(parts)


def _padded(value: Term, width: str) -> Term:
    whole = tree.as_text(call("to_integer", value, kind="number"))
    if not width:
        return whole
    return call("pad_left", whole, constant(int(width)), constant("0"), kind="text")


_FILTERS: dict[str, Handler] = {
    "string": _string,
    **dict.fromkeys(("safe", "escape", "e", "list"), lambda subject: subject),
    "int": _int,
    "float": _float,
    "abs": regular("abs", "number"),
    "round": _round,
    "sum": _sum,
    **dict.fromkeys(("length", "count"), _length),
    "lower": regular("lower", sure=True),
    "upper": regular("upper", sure=True),
    "trim": regular("trim", sure=True),
    "replace": regular("replace", sure=True),
    **dict.fromkeys(("default", "d"), _default),
    "join": _join,
    "map": _map,
    "selectattr": _select(keep=True, items=False),
    "rejectattr": _select(keep=False, items=False),
    "select": _select(keep=True, items=True),
    "reject": _select(keep=False, items=True),
    "first": lambda subject: tree.field(subject, 0),
    "last": lambda subject: tree.field(subject, -1),
    "attr": lambda subject, name: tree.field(subject, name.constant),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "sort": _sort,
    "reverse": regular("reverse", "list"),
    "unique": regular("unique", "list"),
    "items": regular("items", "list"),
    "tojson": _tojson,
    "capitalize": _capitalize,
    "urlencode": _urlencode,
    "hash": _hash,
    "hmac": _hmac,
    "base64encode": regular("base64_encode", sure=True),
    "base64decode": regular("base64_decode", sure=True),
    # Airbyte's filter of this name encodes
    "base64binascii_decode": regular("base64_encode", sure=True),
    "regex_search": _regex_search,
    "regex_replace": regular("regex_replace", sure=True),
    "bool": tree.truth,
    "format": fill_percent,
}
