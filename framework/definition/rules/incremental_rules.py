"""Windows and times of an incremental: ends that are sent, and settings that go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import CursorPlace, cursors, resource_texts
from framework.definition.datetimes import format_problem, read_time, unit_meant, write_time
from framework.definition.defaults import MergedResource
from framework.definition.draft import Draft
from framework.definition.durations import (
    DurationError,
    Period,
    is_duration,
    is_period,
    parse_duration,
    parse_period,
)
from framework.definition.expressions.placeholders import CONFIG
from framework.findings import Finding
from framework.text import mentions

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any
Problem = tuple[str, str, str]
"""The key it is about, the code, the message."""


def check_windows(draft: Draft) -> Iterator[Finding]:
    """Windows that no request carries, that have no start, or that overlook what lies late."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        for cursor in cursors(merged)[:1]:
            if cursor.pointer in seen:
                continue
            seen.add(cursor.pointer)
            for key, code, message in _problems(merged, cursor):
                yield draft.document.finding((*cursor.pointer, key), code, message, key=True)


def check_time_formats(draft: Draft) -> Iterator[Finding]:
    """Forms of times that are neither known by name nor a pattern."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        for cursor in cursors(merged):
            for place, form in _forms(cursor.written):
                pointer = (*cursor.pointer, *place)
                problem = format_problem(form)
                if problem and pointer not in seen:
                    seen.add(pointer)
                    yield draft.document.finding(
                        pointer, "bad-time-format", f"found {form}: {problem}"
                    )


def check_units(draft: Draft) -> Iterator[Finding]:
    """Bounds of an incremental that are counted in another unit than `format` says."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        for cursor in cursors(merged):
            for key in ("initial_value", "end_value"):
                pointer, value = _of_config(draft, (*cursor.pointer, key), cursor.written.get(key))
                form = str(cursor.written.get("format"))
                meant = unit_meant(value, form)
                if meant is None or pointer in seen:
                    continue
                seen.add(pointer)
                moment = read_time(value, (meant,))[0]
                yield draft.document.finding(
                    pointer,
                    "time-in-other-unit",
                    f"found {value} for {form}: as {meant} it is {moment:%Y-%m-%d}, as {form} it "
                    f"is not near our time; write {write_time(moment, form)}",
                    severity="warning",
                )


def _of_config(draft: Draft, pointer: Pointer, value: Json) -> tuple[Pointer, Json]:
    """A value and its place; of an entry of config that stands there alone, its default's."""
    alone = CONFIG.fullmatch(value) if isinstance(value, str) else None
    entry = draft.section("config").get(alone[1]) if alone else None
    if alone is None or not isinstance(entry, dict):
        return pointer, value
    return ("config", alone[1], "default"), entry.get("default")


def _problems(merged: MergedResource, cursor: CursorPlace) -> Iterator[Problem]:
    written = cursor.written
    ends = [key for key in ("step", "lookahead") if written.get(key) is not None]
    if ends and not _sends_end(merged, cursor):
        yield (
            ends[0],
            "window-not-sent",
            f"no request of {merged.name} carries the end that `{ends[0]}` gives it; name the "
            "API's parameter as end_param, or write {incremental.end_value} where it belongs",
        )
    if written.get("step") is not None:
        yield from _of_step(merged, written)
    elif written.get("granularity") is not None:
        yield (
            "granularity",
            "window-gap",
            "`granularity` lies between two windows, and without `step` there is one; add `step`, "
            "or take it away",
        )
    if written.get("lookahead") is not None:
        if written.get("end_value") is not None:
            yield (
                "lookahead",
                "window-ends-twice",
                "`end_value` and `lookahead` both say where reading ends; keep one of them",
            )
        if written.get("watermark") != "run_start":
            yield (
                "lookahead",
                "lookahead-past-watermark",
                "the largest value seen will lie in the future, and what comes in before it would "
                "never be read; write watermark: run_start",
            )


def _of_step(merged: MergedResource, written: Mapping[str, Json]) -> Iterator[Problem]:
    if not mentions(written, "initial_value") or written.get("initial_value") is None:
        yield (
            "step",
            "window-without-start",
            f"{merged.name} is read in windows and has no initial_value where the first one "
            "begins; add it",
        )
    if written.get("last_value_func") == "min":
        yield (
            "last_value_func",
            "window-order",
            "windows go forward in time, and `min` goes back; take `step` or this away",
        )
    step, gap = _period(written.get("step")), written.get("granularity")
    if step and is_duration(gap) and not step.months and _length(gap) > step.rest:
        yield (
            "granularity",
            "window-gap",
            f"found {gap}, which leaves nothing of windows of {written['step']}; write what the "
            "API's times are counted in, such as PT1S",
        )


def _sends_end(merged: MergedResource, cursor: CursorPlace) -> bool:
    if mentions(cursor.written, "end_param"):
        return True
    # a start that is no start_param may name the window alone: a day or a month in the path
    return any("incremental." in text.text for text in resource_texts(merged))


def _forms(written: Mapping[str, Json]) -> Iterator[tuple[Pointer, str]]:
    if isinstance(written.get("format"), str):
        yield ("format",), written["format"]
    forms = written.get("cursor_formats")
    for position, form in enumerate(forms if isinstance(forms, list) else []):
        if isinstance(form, str):
            yield ("cursor_formats", position), form


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
