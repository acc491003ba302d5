"""Python's methods and Airbyte's macros, as templates call them, as functions of JMESPath."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import count

from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.filters import Handler, apply_filter, dispatch, regular
from framework.importers.airbyte.jinja.scope import Scope
from framework.importers.airbyte.jinja.tree import Term, Untranslatable, call, constant
from framework.importers.airbyte.time_notation import time_format

_BRACES = re.compile(r"(\{\{|\}\}|\{\w*\})")
_REPLACEABLE = {
    "year": ("%Y", "%04d"), "month": ("%m", "%02d"), "day": ("%d", "%02d"),
    "hour": ("%H", "%02d"), "minute": ("%M", "%02d"), "second": ("%S", "%02d"),
    "microsecond": (".%f", ".%06d"),
}  # fmt: skip
"""Parts of a time: where they stand in a pattern, and how a number is written there."""


def call_method(
    name: str, subject: Term, arguments: Sequence[Term], named: Mapping[str, Term]
) -> Term:
    """Return `subject.name(arguments)`."""
    return dispatch(_METHODS, name, f"the method .{name}()", subject, arguments, named)


def call_macro(
    name: str, scope: Scope, arguments: Sequence[Term], named: Mapping[str, Term]
) -> Term:
    """Return `name(arguments)`."""
    macro = _MACROS.get(name)
    if macro is None:
        raise Untranslatable(f"the function {name}()")
    return macro(scope, *arguments, **named)


def _formatted(moment: Term, form: Term) -> Term:
    """Return a time as text; a pattern of Airbyte's own, such as `%s`, gets our name."""
    pattern = constant(time_format(str(form.constant))) if form.fixed else form
    return tree.apply("format_time", moment, pattern, kind="text")


# -- methods


def _isoformat(subject: Term) -> Term:
    if subject.kind == "date":
        return subject
    return _formatted(subject, constant("%Y-%m-%dT%H:%M:%S+00:00"))


def _replace(subject: Term, *arguments: Term, **named: Term) -> Term:
    if not subject.is_time:
        return call("replace", tree.or_text(subject), *arguments, kind="text")
    form = "%Y-%m-%dT%H:%M:%S.%fZ"
    for name, value in named.items():
        if name == "tzinfo":
            continue
        if name not in _REPLACEABLE or not value.fixed:
            raise Untranslatable("a time with replaced parts")
        old, new = _REPLACEABLE[name]
        form = form.replace(old, new % int(value.constant))
    text = tree.apply("format_time", subject, constant(form.replace(".000000", "")))
    return replace(text, kind="date" if subject.kind == "date" else "time")


def _split(subject: Term, *arguments: Term, **named: Term) -> Term:
    """Return the parts of a text; an absent text has none, not one that is empty."""
    if "maxsplit" in named:
        arguments = (*arguments, named["maxsplit"])
    text = subject if arguments else call("trim", subject)
    parts = call("split", text, *(arguments or [constant(" ")]), kind="list")
    if not subject.optional:
        return parts
    return replace(tree.both(subject, parts), kind="list", optional=True)


def _count(subject: Term, part: Term) -> Term:
    pieces = tree.apply("length", tree.apply("split", subject, part))
    return tree.apply("subtract", pieces, constant(1), kind="number")


def _position(name: str, *, sure: bool) -> Handler:
    def handler(subject: Term, part: Term) -> Term:
        place = tree.apply(name, tree.or_text(subject) if sure else subject, part)
        return tree.apply("not_null", place, constant(-1), kind="number")

    return handler


def _any_of(name: str) -> Handler:
    """Return a test for one text, or for any of several."""

    def handler(subject: Term, part: Term) -> Term:
        texts = part.constant if isinstance(part.constant, list) else [part.constant]
        options = [constant(one) for one in texts] if part.fixed else [part]
        return reduce(
            tree.either, [call(name, tree.or_text(subject), one, kind="boolean") for one in options]
        )

    return handler


def _total_seconds(subject: Term) -> Term:
    if subject.kind != "span":
        raise Untranslatable("the method .total_seconds() of a value that is not a time difference")
    return replace(subject, kind="number")


def _isoweekday(subject: Term) -> Term:
    return tree.apply("to_integer", _formatted(subject, constant("%u")), kind="number")


def _weekday(subject: Term) -> Term:
    return tree.apply("subtract", _isoweekday(subject), constant(1), kind="number")


def _is_digit(subject: Term) -> Term:
    return call("matches", tree.or_text(subject), constant("^[0-9]+$"), kind="boolean")


def _format(pattern: Term, *arguments: Term, **named: Term) -> Term:
    """Return Python's `.format()` with `{}`, `{0}` and `{name}`."""
    if not isinstance(pattern.constant, str):
        raise Untranslatable("a text whose places are computed")
    values = {**{str(n): one for n, one in enumerate(arguments)}, **named}
    parts, positions = [], count()
    for piece in _BRACES.split(pattern.constant):
        if piece in ("{{", "}}"):
            parts.append(constant(piece[0]))
        elif _BRACES.fullmatch(piece):
            name = piece[1:-1] or str(next(positions))
            if name not in values:
                raise Untranslatable(f"a text with a place {piece} and no value for it")
            parts.append(values[name])
        elif "{" in piece:
            raise Untranslatable(f"text formatted with {piece}")
        elif piece:
            parts.append(constant(piece))
    return tree.join_texts(parts)


_METHODS: dict[str, Handler] = {
    "lower": regular("lower", sure=True),
    "upper": regular("upper", sure=True),
    "strip": regular("trim", sure=True),
    "lstrip": regular("trim_left", sure=True),
    "rstrip": regular("trim_right", sure=True),
    "startswith": _any_of("starts_with"),
    "endswith": _any_of("ends_with"),
    "keys": regular("keys", "list", sure=True),
    "items": regular("items", "list", sure=True),
    "values": regular("values", "list"),
    "zfill": lambda subject, width: call("pad_left", subject, width, constant("0"), kind="text"),
    "split": _split,
    "join": lambda subject, items: call("join", subject, tree.texts_of(items), kind="text"),
    "replace": _replace,
    "count": _count,
    "find": _position("find_first", sure=False),
    "rfind": _position("find_last", sure=True),
    "isdigit": _is_digit,
    "isnumeric": _is_digit,
    "capitalize": lambda subject: apply_filter("capitalize", subject, [], {}),
    "splitlines": lambda subject: call("split", tree.or_text(subject), constant("\n"), kind="list"),
    "format": _format,
    "total_seconds": _total_seconds,
    "weekday": _weekday,
    "isoweekday": _isoweekday,
    "strftime": _formatted,
    "isoformat": _isoformat,
    "timestamp": lambda subject: tree.apply("timestamp", subject, kind="number"),
    "date": lambda subject: replace(subject, kind="date"),
    "exists": lambda subject: tree.compare(subject, "!=", tree.NULL),
}


# -- macros


def _today(scope: Scope, timezone: Term | None = None) -> Term:
    if timezone is None or timezone.constant == "UTC":
        return scope.now("date")
    form = constant("%Y-%m-%d")
    return tree.apply("format_time", scope.now("time"), form, tree.or_text(timezone), kind="text")


def _timestamp(_scope: Scope, moment: Term) -> Term:
    name = "to_integer" if moment.kind == "number" else "timestamp"
    return tree.apply(name, moment, kind="number")


def _extreme(name: str) -> Callable[..., Term]:
    def extreme(_scope: Scope, *terms: Term) -> Term:
        if len(terms) == 1:
            return call(name, terms[0])
        return tree.apply(
            name, tree.sequence(terms), kind="text" if terms[0].is_time else terms[0].kind
        )

    return extreme


def _day_delta(scope: Scope, days: Term, format: Term | None = None) -> Term:  # noqa: A002
    now = scope.now("time")
    if days.fixed:
        number = int(days.constant)
        name = "add_time" if number >= 0 else "subtract_time"
        moment = tree.apply(name, now, constant(f"P{abs(number)}D"))
    else:
        seconds = call("multiply", call("to_number", days), constant(86_400))
        moment = tree.apply("add", tree.apply("timestamp", now), seconds)
    return _formatted(moment, format or constant("%Y-%m-%dT%H:%M:%S.%f%z"))


def _format_datetime(
    _scope: Scope,
    moment: Term,
    format: Term,  # noqa: A002
    input_format: Term | None = None,
) -> Term:
    if input_format is not None:
        pattern = input_format.constant
        parsed = constant(time_format(str(pattern))) if input_format.fixed else input_format
        moment = tree.apply("parse_time", moment, parsed)
    return _formatted(moment, format)


def _of_kind(kind: tree.Kind) -> Callable[..., Term]:
    return lambda _scope, text: replace(text, kind=kind, optional=False)


def _sanitized(_scope: Scope, text: Term) -> Term:
    encoded = call("url_encode", tree.or_text(text))
    return call("replace", encoded, constant("%20"), constant("+"), kind="text")


def _snake_case(_scope: Scope, text: Term) -> Term:
    capitals = constant("(?<!^)(?=[A-Z])"), constant("_")
    return call("lower", call("regex_replace", tree.or_text(text), *capitals), kind="text")


def _dict(_scope: Scope, base: Term | None = None, **named: Term) -> Term:
    if base is None:
        pairs = tree.mapping(tuple(named.items()))
        return replace(constant({}), kind="object") if not named else pairs
    return (
        tree.apply("merge", base, tree.mapping(tuple(named.items())), kind="object")
        if named
        else base
    )


_MACROS: dict[str, Callable[..., Term]] = {
    "now_utc": lambda scope: scope.now("time"),
    "today_utc": lambda scope: _today(scope),
    "today_with_timezone": lambda scope, timezone: _today(scope, timezone),
    "timestamp": _timestamp,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "day_delta": _day_delta,
    "duration": _of_kind("duration"),
    "format_datetime": _format_datetime,
    "str_to_datetime": _of_kind("time"),
    "sanitize_url": _sanitized,
    "camel_case_to_snake_case": _snake_case,
    "generate_uuid": lambda _scope: tree.apply("uuid", kind="text"),
    "dict": _dict,
}
