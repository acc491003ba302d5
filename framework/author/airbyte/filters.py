"""Jinja's filters, and the original's own, as functions of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from framework.author.airbyte.terms import (
    NULL,
    Term,
    Untranslatable,
    call,
    compared,
    constant,
    dotted,
    either,
    field,
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
        return constant(int(float(subject.constant or 0)))
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
    return call("join", d or constant(""), items, kind="text")


def _map(subject: Term, *arguments: Term, attribute: Term | None = None) -> Term:
    if attribute is not None and attribute.fixed:
        return Term(f"{subject.atom}[].{dotted(str(attribute.constant).split('.'))}", "list")
    if len(arguments) == 1 and arguments[0].fixed:
        functions = {
            "string": "to_string(@)",
            "lower": "lower(@)",
            "upper": "upper(@)",
            "trim": "trim(@)",
            "int": "to_integer(@)",
        }
        function = functions.get(str(arguments[0].constant))
        if function:
            return Term(f"map(&{function}, {subject.text})", "list")
    raise Untranslatable("the filter `| map` with these arguments")


def _select(*, keep: bool) -> Callable[..., Term]:
    def handler(subject: Term, *arguments: Term) -> Term:
        key = dotted(str(arguments[0].constant).split("."))
        if len(arguments) == 1:
            test = Term(key)
        else:
            symbols = {"equalto": "==", "eq": "==", "==": "==", "ne": "!=", "defined": "!="}
            symbol = symbols.get(str(arguments[1].constant))
            if symbol is None:
                raise Untranslatable(f"`| selectattr` by {arguments[1].constant}")
            test = compared(Term(key), symbol, arguments[2] if len(arguments) > 2 else NULL)
        text = test.text if keep else f"!({test.text})"
        return Term(f"{subject.atom}[?{text}]", "list")

    return handler


def _hash(subject: Term, hash_type: Term | None = None, salt: Term | None = None) -> Term:
    algorithm = hash_type or constant("md5")
    if algorithm.constant not in ("md5", "sha1", "sha256"):
        raise Untranslatable(f"the hash {algorithm.constant}")
    text = subject if subject.kind == "text" else call("to_string", subject, kind="text")
    if salt is not None:
        text = Term(f"join('', [{text.text}, {salt.text}])", "text")
    return call("hash", text, algorithm, kind="text")


def _hmac(subject: Term, key: Term, hash_type: Term | None = None) -> Term:
    return call("hmac", subject, key, hash_type or constant("sha256"), kind="text")


def _search(subject: Term, regex: Term) -> Term:
    return call("regex_search", subject, regex, constant(1), kind="text")


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


def _format(*_arguments: Term) -> Term:
    raise Untranslatable("the filter `| format`")


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
    "sum": _function("sum", "number"),
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
    "selectattr": _select(keep=True),
    "rejectattr": _select(keep=False),
    "first": _first,
    "last": _last,
    "attr": _attribute,
    "max": _function("max", "any"),
    "min": _function("min", "any"),
    "sort": _function("sort", "list"),
    "reverse": _function("reverse", "list"),
    "unique": _function("unique", "list"),
    "items": _function("items", "list"),
    "tojson": _tojson,
    "urlencode": _text("url_encode"),
    "hash": _hash,
    "hmac": _hmac,
    "base64encode": _text("base64_encode"),
    "base64decode": _function("base64_decode"),
    "base64binascii_decode": _function("base64_encode"),
    "regex_search": _search,
    "regex_replace": _function("regex_replace"),
    "bool": _is_true,
    "format": _format,
}
