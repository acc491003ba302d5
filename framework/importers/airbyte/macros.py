"""The original's functions as terms: clock, times, extremes."""

from __future__ import annotations

from collections.abc import Callable

from framework.importers.airbyte.combined import mapping
from framework.importers.airbyte.scope import Scope
from framework.importers.airbyte.terms import (
    Term,
    call,
    constant,
    surely,
    written,
)
from framework.importers.airbyte.times import time_format

Macro = Callable[..., Term]


def _now(scope: Scope) -> Term:
    return Term(scope.context + "now", "time")


def _today(scope: Scope) -> Term:
    return Term(scope.context + "now", "date")


def _today_there(scope: Scope, timezone: Term) -> Term:
    if timezone.constant == "UTC":
        return _today(scope)
    now = f"{scope.context}now"
    return Term(f"format_time({now}, '%Y-%m-%d', {surely(timezone).text})", "text")


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
    if days.fixed:
        count = int(days.constant)
        name = "add_time" if count >= 0 else "subtract_time"
        moved = f"{name}({scope.context}now, 'P{abs(count)}D')"
    else:
        seconds = call("multiply", call("to_number", days), constant(86_400))
        moved = f"add(timestamp({scope.context}now), {seconds.text})"
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
    blanks = constant("%20"), constant("+")
    return call("replace", call("url_encode", surely(text)), *blanks, kind="text")


def _snake(_scope: Scope, text: Term) -> Term:
    capitals = constant("(?<!^)(?=[A-Z])"), constant("_")
    return call("lower", call("regex_replace", surely(text), *capitals), kind="text")


def _uuid(_scope: Scope) -> Term:
    return Term("uuid()", "text")


def _dict(_scope: Scope, base: Term | None = None, **named: Term) -> Term:
    shown = mapping(tuple(named.items())).text
    if base is None:
        return Term(shown if named else "`{}`", "object")
    return Term(f"merge({base.text}, {shown})" if named else base.text, "object")


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
    "generate_uuid": _uuid,
    "dict": _dict,
}
