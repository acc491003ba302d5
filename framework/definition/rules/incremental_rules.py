"""Windows and bounds of an incremental: ends that are sent, and settings that fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.expressions.jsonpath import (
    JsonPathError,
    is_jsonpath,
    jsonpath_problem,
    jsonpath_tree,
)
from framework.definition.expressions.placeholders import CONFIG
from framework.definition.rules.rule import Breach, Key, rule
from framework.definition.rules.write_disposition_rules import disposition
from framework.definition.schema.annotations import CursorPlace, cursors, resource_templates
from framework.definition.values.datetimes import probable_unit, read_time, write_time
from framework.definition.values.durations import (
    DurationError,
    Period,
    is_duration,
    is_period,
    parse_duration,
    parse_period,
)
from framework.text import mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any

_NAME = r"(?:[^\s.\[\]()'\"`*$@?|,&]+|\"[^\"\\]+\")"
_DOTTED = re.compile(rf"{_NAME}(?:\.{_NAME})*")


_PLAIN = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)


def _parses(path: str) -> bool:
    try:
        jsonpath_tree(path)
    except JsonPathError:
        return False
    return True


@rule("cursor-path")
def check_cursor_paths(draft: Draft) -> Iterator[Breach]:
    """The path of a cursor is keys joined by dots, since dlt looks it up itself."""
    for _, cursor in _incrementals(draft):
        path = cursor.written.get("cursor_path")
        if not isinstance(path, str):
            continue
        if is_jsonpath(path):
            is_valid = jsonpath_problem(path) is None
        else:
            # dlt reads it as a JSONPath without `$`, whose keys have fewer letters
            is_valid = _DOTTED.fullmatch(path) is not None and (
                _PLAIN.fullmatch(path) is not None or _parses(path)
            )
        if not is_valid:
            yield (
                (*cursor.pointer, "cursor_path"),
                f"found {path or 'nothing'}, expected a field of the record as keys joined by "
                "dots, such as updated_at or meta.changed, with double quotes around a key that "
                "is not a plain name; not an expression",
            )


@rule("window-not-sent")
def check_window_ends(draft: Draft) -> Iterator[Breach]:
    """A request carries the window, or the end that is past the run."""
    for merged, cursor in _incrementals(draft, 1):
        ends = [key for key in ("step", "lookahead") if cursor.written.get(key) is not None]
        if ends == ["step"] and (cursor.param or mentions(cursor.written, "start_param")):
            continue  # the API knows how long a window is
        if ends and not _sends_end(merged, cursor):
            yield (
                Key((*cursor.pointer, ends[0])),
                f"no request of {merged.name} carries the end that `{ends[0]}` gives it; name the "
                "API's parameter as end_param, or write {incremental.end_value} where it belongs",
            )


@rule("window-gap")
def check_granularity(draft: Draft) -> Iterator[Breach]:
    """`granularity` lies between two windows, and is shorter than they are."""
    for _, cursor in _incrementals(draft, 1):
        step, gap = cursor.written.get("step"), cursor.written.get("granularity")
        place = Key((*cursor.pointer, "granularity"))
        if step is None and gap is not None:
            yield (
                place,
                "`granularity` lies between two windows, and without `step` there is only one; "
                "add `step`, or remove it",
            )
        period = _period(step)
        if period and is_duration(gap) and not period.months and _length(gap) > period.rest:
            yield (
                place,
                f"found {gap}, which leaves nothing of windows of {step}; write the unit of the "
                "API's times, such as PT1S",
            )


@rule("window-not-aligned")
def check_alignment(draft: Draft) -> Iterator[Breach]:
    """Windows that are whole periods are some of them long, and the watermark is their end."""
    for _, cursor in _incrementals(draft, 1):
        written = cursor.written
        unit, step = written.get("align"), written.get("step")
        if not isinstance(unit, str):
            continue
        place, period = Key((*cursor.pointer, "align")), _period(step)
        if step is None:
            yield place, f"`align: {unit}` is about the windows of `step`; add a step"
        elif period is not None and not _is_whole(period, unit):
            example = {"day": "P1D", "month": "P1M"}.get(unit, "P7D")
            yield (
                place,
                f"found windows of {step}, expected some whole periods for `align: {unit}`, "
                f"such as {example}",
            )
        for key, value in (("watermark", "run_start"), ("lookahead", written.get("lookahead"))):
            if value is not None and written.get(key) == value:
                yield (
                    Key((*cursor.pointer, key)),
                    f"`align` leaves the period that has not ended to a later run, and {key} reads "
                    "to the start of this run or past it; remove one of them",
                )


def _is_whole(period: Period, unit: str) -> bool:
    if unit == "month":
        return not period.rest
    days = timedelta(days=1 if unit == "day" else 7)
    return not period.months and not period.rest % days


@rule("window-without-start")
def check_window_starts(draft: Draft) -> Iterator[Breach]:
    """The first window has a start."""
    for merged, cursor in _incrementals(draft, 1):
        written = cursor.written
        if written.get("step") is not None and (
            not mentions(written, "initial_value") or written.get("initial_value") is None
        ):
            yield (
                Key((*cursor.pointer, "step")),
                f"{merged.name} is read in windows and has no initial_value at which the first "
                "one begins; add it",
            )


@rule("window-order")
def check_window_order(draft: Draft) -> Iterator[Breach]:
    """Windows go forward in time."""
    for _, cursor in _incrementals(draft, 1):
        written = cursor.written
        if written.get("step") is not None and written.get("last_value_func") == "min":
            yield (
                Key((*cursor.pointer, "last_value_func")),
                "windows go forward in time, and `min` goes back; remove `step` or this",
            )


@rule("window-ends-twice")
def check_lookahead(draft: Draft) -> Iterator[Breach]:
    """One key says where reading ends."""
    for _, cursor in _incrementals(draft, 1):
        written = cursor.written
        if written.get("lookahead") is not None and written.get("end_value") is not None:
            yield (
                Key((*cursor.pointer, "lookahead")),
                "`end_value` and `lookahead` both say where reading ends; keep one of them",
            )


@rule("lookahead-past-watermark")
def check_watermark(draft: Draft) -> Iterator[Breach]:
    """With `lookahead` the watermark is the start of the run."""
    for _, cursor in _incrementals(draft, 1):
        written = cursor.written
        if written.get("lookahead") is not None and written.get("watermark") != "run_start":
            yield (
                Key((*cursor.pointer, "lookahead")),
                "the largest value read will lie in the future, and records added before it would "
                "never be read; write watermark: run_start",
            )


@rule("time-in-other-unit", severity="warning")
def check_units(draft: Draft) -> Iterator[Breach]:
    """The bounds of an incremental are in the unit of its `format`."""
    seen: set[Pointer] = set()
    for _, cursor in _incrementals(draft):
        form = str(cursor.written.get("format"))
        for key in ("initial_value", "end_value"):
            pointer, value = _of_config(draft, (*cursor.pointer, key), cursor.written.get(key))
            unit = probable_unit(value, form)
            if unit is not None and pointer not in seen:
                seen.add(pointer)
                moment = read_time(value, (unit,))[0]
                yield (
                    pointer,
                    f"found {value} for {form}: as {unit} it is {moment:%Y-%m-%d}, as {form} it "
                    f"is far from today; write {write_time(moment, form)}",
                )


def _incrementals(
    draft: Draft, most: int | None = None
) -> Iterator[tuple[MergedResource, CursorPlace]]:
    """Yield each resource's incrementals, at most so many, each place of the document once."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        for cursor in cursors(merged)[:most]:
            if cursor.pointer not in seen:
                seen.add(cursor.pointer)
                yield merged, cursor


def _of_config(draft: Draft, pointer: Pointer, value: Json) -> tuple[Pointer, Json]:
    """Return a value with its place, or the default of the config entry that it consists of."""
    match = CONFIG.fullmatch(value) if isinstance(value, str) else None
    entry = draft.section("config").get(match[1]) if match else None
    if match is None or not isinstance(entry, dict):
        return pointer, value
    return ("config", match[1], "default"), entry.get("default")


def _sends_end(merged: MergedResource, cursor: CursorPlace) -> bool:
    if mentions(cursor.written, "end_param"):
        return True
    # a start outside start_param may name the whole window: a day or a month in the path
    return any("incremental." in text.value for text in resource_templates(merged))


def _period(value: Json) -> Period | None:
    if not isinstance(value, str) or not is_period(value):
        return None
    try:
        return parse_period(value)
    except DurationError:
        return None


def _length(value: Json) -> timedelta:
    try:
        return parse_duration(value)
    except DurationError:
        return timedelta(0)


@rule("restart-without-order")
def check_restarts(draft: Draft) -> Iterator[Breach]:
    """A list that begins anew at its last record is sorted, sends the cursor, and is merged."""
    for merged, cursor in _incrementals(draft, 1):
        if cursor.written.get("restart_after") is None:
            continue
        missing = []
        if cursor.written.get("row_order") != "asc":
            missing.append("`row_order: asc`, by which the last record has the greatest cursor")
        if disposition(merged)[0] != "merge" or not merged.data.get("primary_key"):
            missing.append(
                "`write_disposition: merge` with a `primary_key`, as records with that cursor come "
                "again"
            )
        if missing:
            yield (
                Key((*cursor.pointer, "restart_after")),
                f"{merged.name} begins anew at the last record (`restart_after`), which needs "
                f"{' and '.join(missing)}",
            )
