"""Python's methods on texts, lists and times, as templates call them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce

from framework.importers.airbyte.filters import filtered
from framework.importers.airbyte.formats import braced
from framework.importers.airbyte.macros import pattern
from framework.importers.airbyte.terms import (
    AND,
    NULL,
    Term,
    Untranslatable,
    as_texts,
    call,
    compared,
    constant,
    either,
    surely,
)


def method(name: str, subject: Term, arguments: list[Term], named: Mapping[str, Term]) -> Term:
    """`subject.name(arguments)`."""
    if name == "format":
        return braced(subject, arguments, named)
    handler = _METHODS.get(name)
    if handler is None:
        raise Untranslatable(f"the method .{name}()")
    try:
        return handler(subject, *arguments, **named)
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


_PARTS = {
    "year": ("%Y", "%04d"), "month": ("%m", "%02d"), "day": ("%d", "%02d"),
    "hour": ("%H", "%02d"), "minute": ("%M", "%02d"), "second": ("%S", "%02d"),
    "microsecond": (".%f", ".%06d"),
}  # fmt: skip


def _replaced_time(subject: Term, named: Mapping[str, Term]) -> Term:
    """Some parts of a time as they are told."""
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    for name, value in named.items():
        if name == "tzinfo":
            continue
        if name not in _PARTS or not value.fixed:
            raise Untranslatable("a time with replaced parts")
        old, new = _PARTS[name]
        form = form.replace(old, new % int(value.constant))
    written = f"format_time({subject.text}, '{form.replace('.000000', '')}')"
    return Term(written, "date" if subject.kind == "date" else "time")


def _replace(subject: Term, *arguments: Term, **named: Term) -> Term:
    if subject.kind in ("time", "date"):
        return _replaced_time(subject, named)
    return call("replace", surely(subject), *arguments, kind="text")


def _split(subject: Term, *arguments: Term, **named: Term) -> Term:
    """Of nothing there are no parts: no list of one empty text."""
    if "maxsplit" in named:
        arguments = (*arguments, named["maxsplit"])
    if not arguments:
        split = call("split", call("trim", subject), constant(" "), kind="list")
    else:
        split = call("split", subject, *arguments, kind="list")
    if not subject.optional:
        return split
    return Term(f"{subject.text} && {split.text}", "list", AND, optional=True)


def _join(subject: Term, items: Term) -> Term:
    return call("join", subject, as_texts(items), kind="text")


def _values(subject: Term) -> Term:
    return call("values", subject, kind="list")


def _count(subject: Term, part: Term) -> Term:
    pieces = f"length(split({subject.text}, {part.text}))"
    return Term(f"subtract({pieces}, `1`)", "number")


def _find(subject: Term, part: Term) -> Term:
    found = f"find_first({subject.text}, {part.text})"
    return Term(f"not_null({found}, `-1`)", "number")


def _starts(name: str) -> Callable[..., Term]:
    """One beginning, or any of several."""

    def handler(subject: Term, part: Term) -> Term:
        listed = part.constant if isinstance(part.constant, list) else [part.constant]
        options = [constant(one) for one in listed] if part.fixed else [part]
        found = [call(name, surely(subject), one, kind="boolean") for one in options]
        return reduce(either, found)

    return handler


def _last_found(subject: Term, part: Term) -> Term:
    return Term(f"not_null(find_last({surely(subject).text}, {part.text}), `-1`)", "number")


def _seconds(subject: Term) -> Term:
    if subject.kind != "span":
        raise Untranslatable("the method .total_seconds() of what is no difference of times")
    return Term(subject.text, "number")


def _weekday(first: int) -> Callable[..., Term]:
    def handler(subject: Term) -> Term:
        day = f"to_integer(format_time({subject.text}, '%u'))"
        return Term(day if first else f"subtract({day}, `1`)", "number")

    return handler


def _is_digit(subject: Term) -> Term:
    return call("matches", surely(subject), constant("^[0-9]+$"), kind="boolean")


def _date(subject: Term) -> Term:
    return Term(subject.text, "date")


_METHODS: dict[str, Callable[..., Term]] = {
    "lower": _function("lower"),
    "upper": _function("upper"),
    "strip": _function("trim"),
    "lstrip": _function("trim_left"),
    "rstrip": _function("trim_right"),
    "startswith": _starts("starts_with"),
    "endswith": _starts("ends_with"),
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
    "capitalize": lambda subject: filtered("capitalize", subject, [], {}),
    "rfind": _last_found,
    "splitlines": lambda subject: call("split", surely(subject), constant("\n"), kind="list"),
    "total_seconds": _seconds,
    "weekday": _weekday(0),
    "isoweekday": _weekday(1),
    "strftime": _strftime,
    "isoformat": _isoformat,
    "timestamp": lambda subject: Term(f"timestamp({subject.text})", "number"),
    "date": _date,
    "exists": lambda subject: compared(subject, "!=", NULL),
}
