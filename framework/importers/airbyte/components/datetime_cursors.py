"""`incremental_sync` as `incremental`, with the values that it puts into the request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from framework.definition.expressions.jsonpath import path_keys
from framework.definition.values.datetimes import format_problem
from framework.definition.values.durations import Period, format_period, parse_period
from framework.importers.airbyte.components.component_registry import component, handler_of
from framework.importers.airbyte.components.request_options import (
    Injection,
    injection,
)
from framework.importers.airbyte.import_context import ImportContext, one_line
from framework.importers.airbyte.jinja import tree
from framework.importers.airbyte.jinja.printer import dotted, to_jmespath
from framework.importers.airbyte.jinja.template_parts import Template, placeholder
from framework.importers.airbyte.jinja.tree import Term
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.time_notation import is_iso, iso_duration, time_format

Json = Any

_PLAIN_NAME = re.compile(r"[\w.{}-]+")
_CALENDAR = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?")
_NOW = tree.at("now", kind="time")


_ALL_TIMES = "P100Y"
"""The step of windows that are aligned, if the original has one for all."""


@dataclass(frozen=True)
class StreamCursor:
    """`incremental` is None if Airbyte reads the whole list each time; `filter` is then the
    condition by which it filters. `path` is the cursor's field."""

    path: str = ""
    incremental: dict[str, Json] | None = None
    injections: tuple[Injection, ...] = ()
    filter: str | None = None


def in_windows(cursor: Component) -> Component:
    """Return a cursor with windows, if it had none: one of all times."""
    if cursor.get("step"):
        return cursor
    return Component({**cursor.data, "step": _ALL_TIMES}, cursor.place, cursor.default)


def whole_periods(period: Period, unit: str) -> Period:
    """Return the whole months, weeks or days that are nearest to a length of time, at least one."""
    days = period.months * 30 + period.rest / timedelta(days=1)
    if unit == "month":
        return period if not period.rest else Period(months=max(1, round(days / 30)))
    length = 1 if unit == "day" else 7
    if not period.months and not days % length:
        return period
    return Period(rest=timedelta(days=max(1, round(days / length)) * length))


def interval_terms(cursor: Component | None, *, through_context: bool) -> dict[str, Term]:
    """Return what `stream_interval` holds: the start and end of a window under their names."""
    if cursor is None:
        return {}
    ends = [
        tree.at("incremental", name, through_context=through_context, kind="text")
        for name in ("start_value", "end_value")
    ]
    if not cursor.get("step"):
        # without windows the end is the run's start
        now = tree.at("now", through_context=through_context)
        ends[1] = tree.apply("format_time", now, _format_of(cursor), kind="text")
    start = str(cursor.get("partition_field_start", "start_time"))
    return {start: ends[0], str(cursor.get("partition_field_end", "end_time")): ends[1]}


def _format_of(cursor: Component) -> Term:
    return tree.constant(time_format(str(cursor.get("datetime_format", "iso"))))


def translate_cursor(
    context: ImportContext, cursor: Component | None, request: str
) -> StreamCursor:
    """Return the incremental of a stream. `request` is the text of its request, which may name
    the cursor's values itself."""
    if cursor is None:
        return StreamCursor()
    handler = handler_of(context, "cursor", cursor)
    return handler(_CursorDraft(context, cursor, request)) if handler else StreamCursor()


@dataclass
class _CursorDraft:
    """An incremental, and what its options put into the request so far."""

    context: ImportContext
    component: Component
    request: str
    data: dict[str, Json] = field(default_factory=dict)
    injections: list[Injection] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The cursor's field, in double quotes if it is not a plain name."""
        name = self.context.value(self.component, "cursor_field", "")
        if not name:
            return ""
        return str(name) if _PLAIN_NAME.fullmatch(str(name)) else dotted(str(name).split("."))

    def finished(self) -> StreamCursor:
        """Return the cursor."""
        return StreamCursor(self.data["cursor_path"], self.data, tuple(self.injections))

    def send(self, key: str, word: str) -> bool:
        """Say where a value goes: a parameter by name, another part by placeholder. Return whether
        it goes anywhere."""
        option = self.component.part(key, "RequestOption")
        value = f"{{incremental.{word}_value}}"
        one = injection(self.context, option, value, "a cursor's value") if option else None
        if one is None:
            return False
        if one.part == "params" and not self.data.get(f"{word}_param"):
            self.data[f"{word}_param"] = one.path[0]
        else:
            self.injections.append(one)
        return True

    def send_end(self) -> bool:
        """Say where a window's end goes. Without windows the end is always the same, and False."""
        option = self.component.part("end_time_option", "RequestOption")
        if self.component.get("step"):
            return self.send("end_time_option", "end")
        if option is None:
            return False
        template = self.moment("end_datetime")
        end = _NOW if template is None or _is_now(template.alone) else template.term
        if tree.input_name(end):
            end = tree.either(end, _NOW)
        value = placeholder(tree.apply("format_time", end, _format_of(self.component)))
        one = injection(self.context, option, value, "a cursor's value")
        self.injections += [one] if one else []
        return False

    # -- moments

    def moment(self, key: str) -> Template | None:
        """Return a MinMaxDatetime or a text as `initial_value` and `end_value` take it."""
        part = self.component.part(key, "MinMaxDatetime")
        own_format = str(self.component.get("datetime_format", ""))
        if part is None:
            return self._time(self.component, key, own_format)
        own_format = str(part.get("datetime_format", "") or own_format)
        moment = self._time(part, "datetime", own_format)
        for bound, function in (("min_datetime", "max"), ("max_datetime", "min")):
            if part.get(bound) and moment and isinstance(moment.rendered, str):
                other = self._time(part, bound, own_format)
                if other and isinstance(other.rendered, str):
                    both = tree.sequence([moment.term, other.term])
                    moment = Template((tree.apply(function, both),))
        return moment

    def _time(self, component: Component, key: str, own_format: str) -> Template | None:
        template = self.context.template(component, key)
        if template is None or template.rendered in ("", None):
            return None
        term, named = template.alone, time_format(own_format)
        if term and not term.fixed and term.is_time:
            # the clock needs no format
            return Template((term,)) if term.kind == "date" else template
        if (
            term
            and isinstance(component.get(key), str)
            and term.kind == "number"
            and (not named.startswith("epoch"))
        ):
            self.context.note(
                component.at(key),
                f"Airbyte reads a number as a time written {own_format} and fails; here it is one "
                "as requests carry it",
            )
        if is_iso(own_format) or not own_format or named.startswith("epoch"):
            return template
        if not isinstance(template.rendered, str) or _is_formatted_clock(template):
            return template
        return Template((tree.apply("parse_time", template.term, tree.constant(named)),))

    # -- keys of `incremental`

    def add_formats(self, *, sent: bool) -> None:
        """Say how requests and records write times."""
        own_format = str(self.component.get("datetime_format", ""))
        if sent and own_format and self._is_known(own_format, "datetime_format"):
            self.data["format"] = time_format(own_format)
        records = self.component.get("cursor_datetime_formats", []) or [own_format]
        records = [str(one) for one in records if one]
        known = [one for one in records if self._is_known(one, "cursor_datetime_formats")]
        if known and not all(map(is_iso, records)):
            self.data["cursor_formats"] = list(dict.fromkeys(map(time_format, known)))

    def _is_known(self, own_format: str, key: str) -> bool:
        problem = format_problem(time_format(own_format))
        if problem is not None:
            self.context.missing(self.component.at(key), f"times written {own_format}")
        return problem is None

    def add_windows(self, *, ended: bool) -> None:
        """Say how long windows are, and where the last one ends."""
        step = self._duration("step")
        if step is None:
            return
        if not ended:
            self.context.note(
                self.component.at("step"),
                "no request says where a window ends: each returns what follows its start, in "
                "Airbyte too",
            )
        self.data["step"] = step
        granularity = self._duration("cursor_granularity")
        if granularity is not None and _is_positive(granularity):
            self.data["granularity"] = granularity
        template = self.moment("end_datetime")
        if template is not None and not _is_now(template.alone):
            end = _without_now(template)
            self.data["end_value"] = end
            self.data["range_end"] = "closed"
            if "now" in str(end):
                self.context.note(
                    self.component.at("end_datetime"),
                    "with an end of its own a run moves no watermark",
                )

    def add_alignment(self) -> None:
        """Say that windows are whole days, weeks or months, and how many of them."""
        clamping = self.component.part("clamping")
        if clamping is None:
            return
        template = self.context.template(clamping, "target")
        target = str(template.rendered) if template is not None and template.constant else ""
        details = clamping.get("target_details", {})
        weekday = str(details.get("weekday", "monday")) if isinstance(details, dict) else "monday"
        unit = {"DAY": "day", "MONTH": "month", "WEEK": weekday.lower()}.get(target)
        if unit is None:
            self.context.missing(clamping.at("target"), "windows of a period that an input names")
            return
        step = str(self.data.get("step") or _ALL_TIMES)
        period = whole_periods(parse_period(step), unit)
        if period != parse_period(step) and step != _ALL_TIMES:
            self.context.note(
                clamping.place, f"the windows of {step} are {format_period(period)} long here"
            )
        self.data.update(step=format_period(period), align=unit)
        self.context.note(
            clamping.place, "here the first window begins before the start, and not after it"
        )

    def add_lag(self) -> None:
        """Say how far before the watermark a run begins; months become days."""
        lag = self._duration("lookback_window")
        if lag is None or lag in ("P0D", "PT0S", "P0M"):
            return
        calendar = _CALENDAR.fullmatch(lag)
        if calendar and (calendar[1] or calendar[2]):
            years, months, days = (int(one or 0) for one in calendar.groups())
            lag = f"P{years * 366 + months * 31 + days}D"
        self.data["lag"] = lag

    def _duration(self, key: str) -> str | None:
        template = self.context.template(self.component, key)
        if template is None or template.rendered in ("", None):
            return None
        if not template.constant:
            return self._default_duration(key, template)
        duration = iso_duration(str(template.rendered))
        if duration is None:
            written = one_line(str(self.component.get(key)))
            self.context.missing(self.component.at(key), f"not a duration: {written}")
        return duration

    def _default_duration(self, key: str, template: Template) -> str | None:
        """Return a duration that depends on inputs, as their defaults make it."""
        terms = template.terms
        names = [name for one in terms if (name := tree.input_name(one))]
        texts = [self._default_text(part) for part in template.parts]
        duration = iso_duration("".join(text for text in texts if text is not None))
        if None in texts:
            spelled = (str(one.constant) for one in terms if str(one.constant)[:1] == "P")
            duration = iso_duration(next(spelled, ""))
        listed = ", ".join(dict.fromkeys(names))
        place = self.component.at(key)
        if duration is None and any(
            self.context.inputs.default_of(one) is not None for one in names
        ):
            self.context.missing(place, f"a duration from {listed}")
            return None
        required = {one.name for one in self.context.inputs.by_path.values() if one.required}
        if duration is None and required.intersection(names):
            self.context.missing(
                place,
                f"a duration from {listed}, which has no default; write it here as a constant",
            )
            return None
        default = f"its default, {duration}" if duration else "none, as it has no default"
        self.context.note(place, f"from the input {listed}; here {default}")
        return duration

    def _default_text(self, part: str | Term) -> str | None:
        """Return a part of a template by the defaults of its input, or None."""
        if isinstance(part, str):
            return part
        default: Json = ""
        node = part.node
        if isinstance(node, tree.Call) and node.name == "not_null":
            part, default = node.arguments[0], node.arguments[1].constant
        name = tree.input_name(part)
        if name is None:
            return None
        own = self.context.inputs.default_of(name)
        return str(own or default) if default else "" if own is None else str(own)


@component("cursor", "IncrementingCountCursor")
def _counting(draft: _CursorDraft) -> StreamCursor:
    start = draft.context.value(draft.component, "start_value", 0)
    draft.data = {"cursor_path": draft.path, "initial_value": start or 0}
    if not draft.send("start_value_option", "start") and "incremental." not in draft.request:
        return StreamCursor(draft.data["cursor_path"])
    return draft.finished()


@component("cursor", "DatetimeBasedCursor", "")
def _datetime_based(draft: _CursorDraft) -> StreamCursor:
    own = draft.component
    draft.data["cursor_path"] = draft.path
    start = draft.moment("start_datetime")
    if start is not None:
        draft.data["initial_value"] = start.rendered
    sent = draft.send("start_time_option", "start") or "incremental.start_value" in draft.request
    ended = draft.send_end() or "incremental.end_value" in draft.request
    feed = bool(own.get("is_data_feed"))
    if not sent and not ended and not feed:
        return _never_sent(draft, start)
    if feed:
        draft.data["row_order"] = "desc"
    else:
        # Airbyte sends the range, and keeps what it gets
        draft.data["keep_all"] = True
    draft.data["on_cursor_value_missing"] = "include"
    draft.add_formats(sent=sent or ended)
    draft.add_windows(ended=ended or "incremental.start_value" in draft.request)
    draft.add_lag()
    draft.add_alignment()
    if own.get("is_compare_strictly"):
        draft.context.note(
            own.at("is_compare_strictly"), "here windows of no length are requested too"
        )
    return draft.finished()


def _never_sent(draft: _CursorDraft, start: Template | None) -> StreamCursor:
    """Return a cursor that no request carries: Airbyte reads the whole list each time."""
    own, path = draft.component, draft.data["cursor_path"]
    if own.get("is_client_side_incremental"):
        draft.context.note(
            own.place,
            f"the cursor {path} is never sent: the whole list is read each time, here too",
        )
        return StreamCursor(path, filter=_since(own, path, start))
    draft.context.note(
        own.place,
        f"Airbyte keeps a cursor on {path} and never sends it: each of its runs reads the whole "
        "list. Here the list is replaced or merged; to read only what is new, add an incremental "
        "and send its {incremental.start_value}",
    )
    return StreamCursor(path)


def _since(cursor: Component, path: str, start: Template | None) -> str | None:
    """Return the condition by which Airbyte filters in its first run."""
    if start is None or not is_iso(str(cursor.get("datetime_format", ""))):
        return None
    bound = start.term
    if not isinstance(bound.constant, str):
        name = tree.input_name(bound)
        if name is None:
            return None
        bound = tree.at("config", name, through_context=True)
    record_field = tree.at("", *path_keys(path))
    return to_jmespath(tree.compare(record_field, ">=", bound))


def _is_positive(duration: Json) -> bool:
    """Return whether a duration is not zero; windows of the original then share their bounds."""
    return not isinstance(duration, str) or any(figure in duration for figure in "123456789{")


def _is_now(term: Term | None) -> bool:
    """Return whether a moment is the clock in any format."""
    if term is not None and isinstance(term.node, tree.Call) and term.node.name == "format_time":
        term = term.node.arguments[0] if len(term.node.arguments) == 2 else None
    return term is not None and term.node == _NOW.node


def _is_formatted_clock(template: Template) -> bool:
    formatted = any(getattr(one.node, "name", "") == "format_time" for one in template.terms)
    return formatted and not any(tree.reads_root(one, "config") for one in template.terms)


def _without_now(end: Template) -> Json:
    """Return `x || now` as `x`: if that is null, the end is the run's start anyway."""
    term = end.alone
    if term and isinstance(term.node, tree.Call) and term.node.name == "parse_time":
        term = term.node.arguments[0]
    node = term.node if term else None
    if isinstance(node, tree.Operator) and node.symbol == "||" and _is_now(node.right):
        value = node.left
    elif isinstance(node, tree.Call) and node.name == "if" and _is_now(node.arguments[2]):
        value = node.arguments[1]
    else:
        return end.rendered
    return placeholder(value) if tree.input_name(value) else end.rendered
