"""The original's functions as terms: clock, times, extremes."""

from __future__ import annotations

from collections.abc import Callable

from framework.author.airbyte.scope import Scope
from framework.author.airbyte.terms import Term, Untranslatable, call, constant, written
from framework.author.airbyte.times import time_format

Macro = Callable[..., Term]


def _now(scope: Scope) -> Term:
    return Term(scope.context + "now", "time")


def _today(scope: Scope) -> Term:
    return Term(scope.context + "now", "date")


def _today_there(scope: Scope, timezone: Term) -> Term:
    if timezone.constant not in ("UTC", "Etc/UTC", "GMT"):
        raise Untranslatable("today_with_timezone() of another zone than UTC")
    return _today(scope)


def _timestamp(_scope: Scope, moment: Term) -> Term:
    if moment.kind == "number":
        return call("to_integer", moment, kind="number")
    return Term(f"timestamp({moment.text})", "number")


def _extreme(name: str) -> Macro:
    def extreme(_scope: Scope, *terms: Term) -> Term:
        if len(terms) == 1:
            return call(name, terms[0])
        listed = ", ".join(written(term).text for term in terms)
        kind = terms[0].kind if terms[0].kind not in ("time", "date") else "text"
        return Term(f"{name}([{listed}])", kind)

    return extreme


def _day_delta(scope: Scope, days: Term, format: Term | None = None) -> Term:  # noqa: A002
    if not days.fixed:
        raise Untranslatable("day_delta() of a computed number")
    count = int(days.constant)
    name = "add_time" if count >= 0 else "subtract_time"
    moved = f"{name}({scope.context}now, 'P{abs(count)}D')"
    form = format or constant("%Y-%m-%dT%H:%M:%S.%f%z")
    return Term(f"format_time({moved}, {pattern(form)})", "text")


def _duration(_scope: Scope, text: Term) -> Term:
    return Term(text.text, "duration", text.level, text.fixed, text.constant)


def _format(
    _scope: Scope,
    moment: Term,
    format: Term,  # noqa: A002
    input_format: Term | None = None,
) -> Term:
    base = moment.text
    if input_format is not None:
        base = f"parse_time({base}, {pattern(input_format)})"
    return Term(f"format_time({base}, {pattern(format)})", "text")


def pattern(term: Term) -> str:
    """A pattern with the original's own directives, such as `%s`, by our names."""
    return constant(time_format(str(term.constant))).text if term.fixed else term.text


def _moment(_scope: Scope, text: Term) -> Term:
    return Term(text.text, "time", text.level)


def _encoded(_scope: Scope, text: Term) -> Term:
    return call("url_encode", text, kind="text")


def _snake(_scope: Scope, text: Term) -> Term:
    return call("snake_case", text, kind="text")


MACROS: dict[str, Macro] = {
    "now_utc": _now,
    "today_utc": _today,
    "today_with_timezone": _today_there,
    "timestamp": _timestamp,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "day_delta": _day_delta,
    "duration": _duration,
    "format_datetime": _format,
    "str_to_datetime": _moment,
    "sanitize_url": _encoded,
    "camel_case_to_snake_case": _snake,
}
