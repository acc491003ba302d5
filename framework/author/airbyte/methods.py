"""Python's methods on texts, lists and times, as templates call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from framework.author.airbyte.macros import pattern
from framework.author.airbyte.terms import (
    NULL,
    Term,
    Untranslatable,
    call,
    compared,
    constant,
    surely,
)


def method(name: str, subject: Term, arguments: list[Term], named: Mapping[str, Term]) -> Term:
    """`subject.name(arguments)`."""
    handler = _METHODS.get(name)
    if handler is None or named:
        raise Untranslatable(f"the method .{name}()")
    try:
        return handler(subject, *arguments)
    except TypeError:
        raise Untranslatable(f"the method .{name}() with these arguments") from None


def _function(name: str, kind: str = "text") -> Callable[..., Term]:
    def handler(subject: Term, *arguments: Term) -> Term:
        return call(name, surely(subject), *arguments, kind=kind)  # type: ignore[arg-type]

    return handler


def _strftime(subject: Term, form: Term) -> Term:
    return Term(f"format_time({subject.text}, {pattern(form)})", "text")


def _isoformat(subject: Term) -> Term:
    if subject.kind == "date":
        return subject
    return Term(f"format_time({subject.text}, '%Y-%m-%dT%H:%M:%S+00:00')", "text")


def _replace(subject: Term, *arguments: Term) -> Term:
    if subject.kind in ("time", "date"):
        raise Untranslatable("a time with replaced parts")
    return call("replace", surely(subject), *arguments, kind="text")


def _split(subject: Term, *arguments: Term) -> Term:
    if not arguments:
        return call("split", call("trim", surely(subject)), constant(" "), kind="list")
    return call("split", surely(subject), *arguments, kind="list")


def _join(subject: Term, items: Term) -> Term:
    return call("join", subject, items, kind="text")


def _values(subject: Term) -> Term:
    return call("values", subject, kind="list")


def _count(subject: Term, part: Term) -> Term:
    pieces = f"length(split({subject.text}, {part.text}))"
    return Term(f"subtract({pieces}, `1`)", "number")


def _find(subject: Term, part: Term) -> Term:
    found = f"find_first({subject.text}, {part.text})"
    return Term(f"not_null({found}, `-1`)", "number")


def _is_digit(subject: Term) -> Term:
    return call("matches", subject, constant("^[0-9]+$"), kind="boolean")


def _title(_subject: Term) -> Term:
    raise Untranslatable("a method that changes the case of first letters")


def _date(subject: Term) -> Term:
    return Term(subject.text, "date")


_METHODS: dict[str, Callable[..., Term]] = {
    "lower": _function("lower"),
    "upper": _function("upper"),
    "strip": _function("trim"),
    "lstrip": _function("trim_left"),
    "rstrip": _function("trim_right"),
    "startswith": _function("starts_with", "boolean"),
    "endswith": _function("ends_with", "boolean"),
    "keys": _function("keys", "list"),
    "items": _function("items", "list"),
    "values": _values,
    "zfill": lambda subject, width: call("pad_left", subject, width, constant("0"), kind="text"),
    "split": _split,
    "join": _join,
    "replace": _replace,
    "count": _count,
    "find": _find,
    "isdigit": _is_digit,
    "isnumeric": _is_digit,
    "title": _title,
    "capitalize": _title,
    "strftime": _strftime,
    "isoformat": _isoformat,
    "timestamp": lambda subject: Term(f"timestamp({subject.text})", "number"),
    "date": _date,
    "exists": lambda subject: compared(subject, "!=", NULL),
}
