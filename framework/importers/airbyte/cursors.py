"""`incremental_sync` as `incremental`, and where its values go in the request."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from framework.definition.datetimes import format_problem
from framework.definition.expressions.jsonpath import path_keys
from framework.importers.airbyte.durations import iso_duration
from framework.importers.airbyte.importing import ABSENT, Importing, shown
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.options import field_path, part_of
from framework.importers.airbyte.terms import Term, dotted, quoted
from framework.importers.airbyte.times import is_iso, time_format

Json = Any
Put = tuple[str, list[str], Json]

_PLAIN = re.compile(r"[\w.{}-]+")


@dataclass(frozen=True)
class Cursor:
    """`incremental` is None where the original reads everything anyway; `filter` then is the
    condition that it filters by. `cursor_path` is the field."""

    cursor_path: str = ""
    incremental: dict[str, Json] | None = None
    puts: tuple[Put, ...] = ()
    filter: str | None = None


def interval_terms(component: Component | None, context: str) -> dict[str, Term]:
    """What `stream_interval` holds: start and end under their names."""
    if component is None:
        return {}
    start = str(component.get("partition_field_start", "start_time"))
    end = str(component.get("partition_field_end", "end_time"))
    last = Term(f"{context}incremental.end_value", "text")
    if not component.get("step"):
        # without windows there is one end: the run's start
        form = quoted(time_format(str(component.get("datetime_format", "iso"))))
        last = Term(f"format_time({context}now, {form})", "text")
    return {start: Term(f"{context}incremental.start_value", "text"), end: last}


def translate_cursor(importing: Importing, component: Component | None, uses: str) -> Cursor:
    """The incremental of a stream; `uses` is all text of its request, to see what is sent."""
    if component is None:
        return Cursor()
    if component.custom:
        importing.remarks.missing(component.place, "the cursor is a Python class of its own")
        return Cursor()
    if component.type == "IncrementingCountCursor":
        return _counting(importing, component, uses)
    if component.type not in ("DatetimeBasedCursor", ""):
        importing.remarks.missing(component.place, f"the cursor is a {component.type}")
        return Cursor()
    return _Made(importing, component).cursor(uses)


def _counting(importing: Importing, component: Component, uses: str) -> Cursor:
    path = _path(importing, component)
    incremental: dict[str, Json] = {"cursor_path": path}
    start = importing.text(
        component.get("start_value", 0), importing.sent(component), component.at("start_value")
    )
    incremental["initial_value"] = 0 if start is ABSENT else start
    puts: list[Put] = []
    sent = _send(importing, component, "start_value_option", "start", incremental, puts)
    if not sent and "incremental." not in uses:
        return Cursor(path)
    return Cursor(path, incremental, tuple(puts))


def _path(importing: Importing, component: Component) -> str:
    """The cursor's field, in double quotes where it is no plain name."""
    found = importing.text(
        str(component.get("cursor_field", "")),
        importing.sent(component),
        component.at("cursor_field"),
    )
    if found in (ABSENT, ""):
        return ""
    name = str(found)
    return name if _PLAIN.fullmatch(name) else dotted(name.split("."))


def _send(
    importing: Importing,
    component: Component,
    key: str,
    word: str,
    incremental: dict[str, Json],
    puts: list[Put],
) -> bool:
    """Where a value goes: a parameter by name, another part by placeholder."""
    option = component.part(key, "RequestOption")
    if option is None:
        return False
    path = field_path(importing, option)
    part = part_of(option)
    if not part or not path:
        importing.remarks.missing(option.place, "a cursor's value as the path")
        return False
    if part == "params" and not incremental.get(f"{word}_param"):
        incremental[f"{word}_param"] = ".".join(path)
    else:
        puts.append((part, path, f"{{incremental.{word}_value}}"))
    return True


@dataclass
class _Made:
    importing: Importing
    component: Component
    puts: list[Put] = field(default_factory=list)

    def cursor(self, uses: str) -> Cursor:
        path = _path(self.importing, self.component)
        incremental: dict[str, Json] = {"cursor_path": path}
        start = self._moment("start_datetime")
        if start is not None:
            incremental["initial_value"] = start
        sent = _send(
            self.importing, self.component, "start_time_option", "start", incremental, self.puts
        )
        ended = self._ended(incremental) or "incremental.end_value" in uses
        sent = sent or "incremental.start_value" in uses
        feed = bool(self.component.get("is_data_feed"))
        if not sent and not ended and not feed:
            return self._unsent(path, start)
        if feed:
            incremental["row_order"] = "desc"
        self._formats(incremental, sent or ended)
        self._windows(incremental, ended or "incremental.start_value" in uses)
        self._lag(incremental)
        self._more()
        return Cursor(path, incremental, tuple(self.puts))

    def _ended(self, incremental: dict[str, Json]) -> bool:
        """Where the end goes: that of a window, or without windows what it always is."""
        if self.component.get("step"):
            return _send(
                self.importing, self.component, "end_time_option", "end", incremental, self.puts
            )
        put: list[Put] = []
        if not _send(self.importing, self.component, "end_time_option", "end", {}, put):
            option = self.component.part("end_time_option", "RequestOption")
            if option is None:
                return False
        end = self._moment("end_datetime")
        form = quoted(time_format(str(self.component.get("datetime_format", "iso"))))
        inner = "now" if end is None or _is_now(end) else _inner(str(end))
        if re.fullmatch(r"config\.\w+", inner):
            inner += " || now"
        option = self.component.part("end_time_option", "RequestOption")
        if option is not None and (part := part_of(option)):
            way = field_path(self.importing, option)
            way = [".".join(way)] if part == "params" else way
            self.puts.append((part, way, f"{{format_time({inner}, {form})}}"))
        return False

    def _unsent(self, path: str, start: Json) -> Cursor:
        """A cursor that no request carries: the original reads the whole list each time."""
        if self.component.get("is_client_side_incremental"):
            self.importing.remarks.note(
                self.component.place,
                f"the cursor {path} is never sent: the whole list is read each time, here too",
            )
            return Cursor(path, filter=self._since(path, start))
        self.importing.remarks.note(
            self.component.place,
            f"the original keeps a cursor on {path} and never sends it: every run of it reads the "
            "whole list and says so nowhere. Here the list is replaced or merged; to read only "
            "what is new, add an incremental with a start_param",
        )
        return Cursor(path)

    def _since(self, path: str, start: Json) -> str | None:
        """The condition that the original filters by in its first run."""
        if not isinstance(start, str) or not start:
            return None
        fmt = str(self.component.get("datetime_format", ""))
        if not is_iso(fmt) or "now" in start or "(" in start:
            return None
        if start.startswith("{config.") and start.count("{") == 1:
            return f"{dotted(path_keys(path))} >= context().{start.strip('{}')}"
        return None if "{" in start else f"{dotted(path_keys(path))} >= {quoted(start)}"

    def _moment(self, key: str) -> Json:
        """A MinMaxDatetime or a text as what `initial_value` and `end_value` take."""
        written = self.component.data.get(key)
        if written is None:
            return None
        part = self.component.part(key, "MinMaxDatetime")
        if part is None:
            return self._time(self.component, key, self._format(None))
        own = self._format(part)
        found = self._time(part, "datetime", own)
        for bound, function in (("min_datetime", "max"), ("max_datetime", "min")):
            if part.get(bound) and isinstance(found, str):
                other = self._time(part, bound, own)
                if isinstance(other, str):
                    found = f"{{{function}([{_inner(found)}, {_inner(other)}])}}"
        return found

    def _format(self, part: Component | None) -> str:
        own = part.get("datetime_format", "") if part is not None else ""
        return str(own or self.component.get("datetime_format", ""))

    def _time(self, component: Component, key: str, fmt: str) -> Json:
        value = component.get(key)
        if not isinstance(value, str):
            return value
        scope = self.importing.sent(component)
        template = self.importing.template(value.strip(), scope, component.at(key))
        if template is None:
            return None
        if len(template.parts) == 1 and isinstance(template.parts[0], Term):
            term = template.parts[0]
            if term.kind in ("time", "date") and not term.fixed:
                # the clock needs no format
                return "{" + term.text + "}" if term.kind == "time" else template.text
            if term.kind == "number" and not time_format(fmt).startswith("epoch"):
                self.importing.remarks.note(
                    component.at(key),
                    f"the original reads a number as a time written {fmt} and fails; here it is "
                    "one as requests carry it",
                )
        text = self.importing.text(value.strip(), scope, component.at(key))
        if text is ABSENT or text in ("", None):
            return None
        named = time_format(fmt)
        if is_iso(fmt) or not fmt or named.startswith("epoch"):
            return text
        if not isinstance(text, str):
            return text
        if "format_time(" in text and "config." not in text:
            return text
        return f"{{parse_time({_inner(text)}, {quoted(named)})}}"

    def _formats(self, incremental: dict[str, Json], sent: bool) -> None:
        fmt = str(self.component.get("datetime_format", ""))
        if sent and fmt and self._sound(fmt, "datetime_format"):
            incremental["format"] = time_format(fmt)
        records = self.component.get("cursor_datetime_formats", []) or [fmt]
        named = [
            time_format(str(one))
            for one in records
            if one and self._sound(str(one), "cursor_datetime_formats")
        ]
        if any(not is_iso(str(one)) for one in records if one) and named:
            incremental["cursor_formats"] = list(dict.fromkeys(named))

    def _sound(self, fmt: str, key: str) -> bool:
        problem = format_problem(time_format(fmt))
        if problem is not None:
            self.importing.remarks.missing(self.component.at(key), f"times written {fmt}")
        return problem is None

    def _windows(self, incremental: dict[str, Json], ended: bool) -> None:
        component = self.component
        step = self._duration("step")
        if step is None:
            return
        if not ended:
            self.importing.remarks.note(
                component.at("step"),
                "the original asks in windows and never sends where they end, so that the same "
                "records come again and again; here they are asked for once",
            )
            return
        incremental["step"] = step
        granularity = self._duration("cursor_granularity")
        if granularity is not None:
            incremental["granularity"] = granularity
        end = self._moment("end_datetime")
        if end is not None and not _is_now(end):
            end = _without_now(end)
            incremental["end_value"] = end
            if "now" in str(end):
                self.importing.remarks.note(
                    component.at("end_datetime"), "with an end of its own a run moves no watermark"
                )

    def _lag(self, incremental: dict[str, Json]) -> None:
        lag = self._duration("lookback_window")
        if lag is None or lag in ("P0D", "PT0S", "P0M"):
            return
        months = re.fullmatch(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?", lag)
        if months and (months[1] or months[2]):
            years, count, days = (int(one or 0) for one in months.groups())
            lag = f"P{years * 366 + count * 31 + days}D"
        incremental["lag"] = lag

    def _more(self) -> None:
        component = self.component
        if component.get("clamping"):
            self.importing.remarks.missing(
                component.at("clamping"), "windows that end with a week or a month"
            )
        if component.get("is_compare_strictly"):
            self.importing.remarks.note(
                component.at("is_compare_strictly"), "windows of no length are asked for here"
            )

    def _duration(self, key: str) -> str | None:
        written = self.component.get(key)
        if written is None:
            return None
        found = self.importing.text(
            str(written), self.importing.sent(self.component), self.component.at(key)
        )
        if found is ABSENT or found in ("", None):
            return None
        text = str(found)
        if "{" in text:
            return self._by_default(key, text)
        duration = iso_duration(text)
        if duration is None:
            self.importing.remarks.missing(
                self.component.at(key), f"no duration: {shown(str(written))}"
            )
        return duration

    def _by_default(self, key: str, text: str) -> str | None:
        """A duration that comes from an input, as the input's default makes it."""
        defaults = {
            one.name: one.schema.get("default") for one in self.importing.inputs.by_path.values()
        }
        names = re.findall(r"config\.(\w+)", text)
        guarded = re.compile(r"\{not_null\(config\.(\w+), [`']([^`']*)[`']\)\}")
        text = guarded.sub(lambda match: str(defaults.get(match[1]) or match[2]), text)
        filled = re.sub(r"\{config\.(\w+)\}", lambda match: str(defaults.get(match[1], "")), text)
        literal = re.search(r"'(P[^']*)'", text)
        duration = iso_duration(filled if "{" not in filled else literal[1] if literal else "")
        listed = ", ".join(dict.fromkeys(names))
        if duration is None and any(defaults.get(name) is not None for name in names):
            self.importing.remarks.missing(self.component.at(key), f"a duration from {listed}")
            return None
        self.importing.remarks.note(
            self.component.at(key),
            f"from the input {listed}; here "
            + (f"its default, {duration}" if duration else "none, as it has no default"),
        )
        return duration


def _inner(text: str) -> str:
    """The expression of a text that is one placeholder, or the text as a literal."""
    if text.startswith("{") and text.endswith("}") and text.count("{") == 1:
        return text[1:-1]
    return quoted(text)


_NOW = r"(?:now|format_time\(now, '[^']*'\))"


def _is_now(end: Json) -> bool:
    """Whether an end is the clock in any spelling: the end of what there is to read."""
    return bool(re.fullmatch(rf"\{{{_NOW}\}}", str(end)))


def _without_now(end: Json) -> Json:
    """`x || now` as `x`: where it is null, the end is the run's start anyway."""
    text = str(end)
    found = re.fullmatch(rf"\{{(config\.\w+) \|\| {_NOW}\}}", text)
    found = found or re.fullmatch(rf"\{{parse_time\((config\.\w+) \|\| {_NOW}, '[^']*'\)\}}", text)
    found = found or re.fullmatch(rf"\{{if\(config\.\w+, (config\.\w+), {_NOW}\)\}}", text)
    return f"{{{found[1]}}}" if found else end
