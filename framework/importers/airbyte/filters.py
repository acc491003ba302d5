"""Jinja's filters, and the original's own, as functions of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from framework.definition.expressions.text_functions import DIGESTS
from framework.importers.airbyte.formats import filled
from framework.importers.airbyte.terms import (
    NULL,
    PROJECTION,
    Term,
    Untranslatable,
    as_texts,
    call,
    compared,
    constant,
    dotted,
    either,
    field,
    joined,
    surely,
    truth,
    written,
)


def filtered(name: str, subject: Term, arguments: list[Term], named: Mapping[str, Term]) -> Term:
    """`subject | name(arguments)`."""
    handler = _FILTERS.get(name)
    if handler is None:
        raise Untranslatable(f"the filter `| {name}`")
    try:
        return handler(subject, *arguments, **named)
    except TypeError:
        raise Untranslatable(f"the filter `| {name}` with these arguments") from None


def _function(name: str, kind: str = "text") -> Callable[..., Term]:
    def handler(subject: Term, *arguments: Term) -> Term:
        return call(name, subject, *arguments, kind=kind)  # type: ignore[arg-type]

    return handler


def _text(name: str) -> Callable[..., Term]:
    function = _function(name)
    return lambda subject, *arguments: function(surely(subject), *arguments)


def _same(subject: Term) -> Term:
    return subject


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
    number = call("to_integer", subject, kind="number")
    return call("not_null", number, default, kind="number") if default else number


def _float(subject: Term, default: Term | None = None) -> Term:
    number = call("to_number", subject, kind="number")
    return call("not_null", number, default, kind="number") if default else number


def _default(
    subject: Term,
    default_value: Term | None = None,
    boolean: Term | None = None,
) -> Term:
    default = default_value or constant("")
    if subject.fixed:
        missing = subject.constant is None or (
            boolean is not None and boolean.constant and not subject.constant
        )
        return default if missing else subject
    if boolean is not None and boolean.constant:
        return either(written(subject), default)
    return call("not_null", subject, default, kind=default.kind)


def _join(subject: Term, d: Term | None = None, attribute: Term | None = None) -> Term:
    items = subject if attribute is None else _map(subject, attribute=attribute)
    if items.fixed:
        separator = "" if d is None else d.constant
        return constant(str(separator).join(str(item) for item in items.constant))
    return call("join", d or constant(""), as_texts(items), kind="text")


def _listed(subject: Term) -> str:
    """A list to which `[]` may be appended; what a filter leaves is one as it is."""
    return subject.text if subject.text.endswith("]") else subject.atom


def _map(subject: Term, *arguments: Term, attribute: Term | None = None) -> Term:
    if attribute is not None and attribute.fixed:
        path = dotted(_keys(attribute))
        return Term(f"{_listed(subject)}[].{path}", "list", PROJECTION)
    if not arguments or not arguments[0].fixed:
        raise Untranslatable("the filter `| map` with these arguments")
    each = filtered(str(arguments[0].constant), Term("@"), list(arguments[1:]), {})
    return Term(f"map(&{written(each).text}, {subject.text})", "list")


def _keys(attribute: Term) -> list[str | int]:
    parts = str(attribute.constant).split(".")
    return [int(part) if part.isdigit() else part for part in parts]


TESTS = {
    "equalto": "==", "eq": "==", "==": "==", "sameas": "==", "ne": "!=", "!=": "!=",
    "gt": ">", "greaterthan": ">", ">": ">", "ge": ">=", ">=": ">=",
    "lt": "<", "lessthan": "<", "<": "<", "le": "<=", "<=": "<=",
}  # fmt: skip
"""Tests of Jinja that compare with another value."""


def _select(*, keep: bool, items: bool) -> Callable[..., Term]:
    def handler(subject: Term, *arguments: Term) -> Term:
        left = Term("@") if items else Term(dotted(_keys(arguments[0])))
        test = _chosen(left, arguments if items else arguments[1:])
        text = test.text if keep else f"!({test.text})"
        return Term(f"{subject.atom}[?{text}]", "list", PROJECTION)

    return handler


def _chosen(left: Term, test: Sequence[Term]) -> Term:
    if not test:
        return left
    name = str(test[0].constant)
    if name in ("defined", "none", "undefined"):
        return compared(left, "!=" if name == "defined" else "==", NULL)
    if name == "in" and len(test) > 1:
        return call("contains", test[1], left, kind="boolean")
    if name not in TESTS or len(test) < 2:
        raise Untranslatable(f"items chosen by `{name}`")
    return compared(left, TESTS[name], test[1])


def _sort(
    subject: Term,
    reverse: Term | None = None,
    case_sensitive: Term | None = None,
    attribute: Term | None = None,
) -> Term:
    del case_sensitive
    if attribute is None:
        found = call("sort", subject, kind="list")
    else:
        found = Term(f"sort_by({subject.text}, &{dotted(_keys(attribute))})", "list")
    return call("reverse", found, kind="list") if reverse and reverse.constant else found


def _extreme(name: str) -> Callable[..., Term]:
    def handler(subject: Term, attribute: Term | None = None) -> Term:
        if attribute is None:
            return call(name, subject)
        return Term(f"{name}_by({subject.text}, &{dotted(_keys(attribute))})")

    return handler


def _sum(subject: Term, attribute: Term | None = None) -> Term:
    found = subject if attribute is None else _map(subject, attribute=attribute)
    return call("sum", found, kind="number")


def _capitalized(subject: Term) -> Term:
    text = surely(subject)
    return joined([call("upper", _cut(text, ":1")), call("lower", _cut(text, "1:"))])


def _cut(text: Term, piece: str) -> Term:
    return Term(f"{text.atom}[{piece}]", "text")


def _encoded(subject: Term) -> Term:
    if subject.kind in ("list", "object"):
        raise Untranslatable("`| urlencode` of a list or a mapping")
    slashes = constant("%2F"), constant("/")
    return call("replace", call("url_encode", surely(subject)), *slashes, kind="text")


def _hash(subject: Term, hash_type: Term | None = None, salt: Term | None = None) -> Term:
    algorithm = hash_type or constant("md5")
    if algorithm.constant not in DIGESTS:
        raise Untranslatable(f"the hash {algorithm.constant}")
    text = subject
    if subject.kind != "text":
        # Python writes null so, and the original takes the hash of that
        text = Term(f"to_string(not_null({written(subject).text}, 'None'))", "text")
    if salt is not None:
        text = Term(f"join('', [{text.text}, {salt.text}])", "text")
    return call("hash", text, algorithm, kind="text")


def _hmac(subject: Term, key: Term, hash_type: Term | None = None) -> Term:
    return call("hmac", subject, key, hash_type or constant("sha256"), kind="text")


def _search(subject: Term, regex: Term) -> Term:
    if regex.fixed and "(" not in str(regex.constant):
        # the original gives the first group, and nothing where there is none
        return constant("")
    return call("regex_search", surely(subject), regex, constant(1), kind="text")


def _round(subject: Term, precision: Term | None = None, method: Term | None = None) -> Term:
    name = {"ceil": "ceil", "floor": "floor"}.get(str(method.constant) if method else "")
    if name:
        return call(name, subject, kind="number")
    return call("round", subject, *([precision] if precision else []), kind="number")


def _first(subject: Term) -> Term:
    return field(subject, 0)


def _last(subject: Term) -> Term:
    return field(subject, -1)


def _attribute(subject: Term, name: Term) -> Term:
    return field(subject, name.constant)


def _tojson(subject: Term, indent: Term | None = None) -> Term:
    if indent is not None:
        raise Untranslatable("`| tojson` with an indent")
    return call("to_string", subject, kind="text")


def _length(subject: Term) -> Term:
    guarded = subject if subject.kind in ("text", "list") else either(subject, constant(""))
    return call("length", guarded, kind="number")


def _format(subject: Term, *arguments: Term) -> Term:
    return filled(subject, arguments)


def _is_true(subject: Term) -> Term:
    return truth(subject)


_FILTERS: dict[str, Callable[..., Term]] = {
    "string": _string,
    "safe": _same,
    "escape": _same,
    "e": _same,
    "list": _same,
    "int": _int,
    "float": _float,
    "abs": _function("abs", "number"),
    "round": _round,
    "sum": _sum,
    "length": _length,
    "count": _length,
    "lower": _text("lower"),
    "upper": _text("upper"),
    "trim": _text("trim"),
    "replace": _text("replace"),
    "default": _default,
    "d": _default,
    "join": _join,
    "map": _map,
    "selectattr": _select(keep=True, items=False),
    "rejectattr": _select(keep=False, items=False),
    "select": _select(keep=True, items=True),
    "reject": _select(keep=False, items=True),
    "first": _first,
    "last": _last,
    "attr": _attribute,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "sort": _sort,
    "reverse": _function("reverse", "list"),
    "unique": _function("unique", "list"),
    "items": _function("items", "list"),
    "tojson": _tojson,
    "capitalize": _capitalized,
    "urlencode": _encoded,
    "hash": _hash,
    "hmac": _hmac,
    "base64encode": _text("base64_encode"),
    "base64decode": _text("base64_decode"),
    "base64binascii_decode": _text("base64_encode"),
    "regex_search": _search,
    "regex_replace": _text("regex_replace"),
    "bool": _is_true,
    "format": _format,
}
