"""Durations that are written right and cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from framework.definition.annotations import cursors, partitions
from framework.definition.draft import Draft
from framework.definition.durations import (
    DurationError,
    is_duration,
    is_period,
    parse_duration,
    parse_period,
)
from framework.findings import Finding

if TYPE_CHECKING:
    from framework.definition.yaml_reader import Pointer

Json = Any


def check_durations(draft: Draft) -> Iterator[Finding]:
    """A duration of nothing where time must pass, or one beyond any calendar."""
    for pointer, value, zero in dict.fromkeys(_all(draft)):
        if not is_duration(value):
            continue
        try:
            nothing = parse_duration(value) == timedelta(0)
        except DurationError as error:
            yield draft.document.finding(pointer, "bad-duration", str(error))
            continue
        if nothing and not zero:
            yield draft.document.finding(
                pointer, "bad-duration", f"found {value}, expected a duration longer than nothing"
            )


def check_periods(draft: Draft) -> Iterator[Finding]:
    """The same of periods, which may count months and years."""
    seen: set[Pointer] = set()
    for merged in draft.resources:
        places = [(cursor.pointer, cursor.written) for cursor in cursors(merged)]
        for position, partition in partitions(merged):
            if isinstance(dates := partition.get("dates"), dict):
                places.append((merged.place("partitions", position, "dates"), dates))
        for place, written in places:
            for key in ("step", "lookahead"):
                pointer, value = (*place, key), written.get(key)
                if not isinstance(value, str) or not is_period(value) or pointer in seen:
                    continue
                seen.add(pointer)
                try:
                    nothing = not parse_period(value)
                except DurationError as error:
                    yield draft.document.finding(pointer, "bad-duration", str(error))
                    continue
                if nothing:
                    yield draft.document.finding(
                        pointer,
                        "bad-duration",
                        f"found {value}, expected a duration longer than nothing",
                    )


def _all(draft: Draft) -> Iterator[tuple[Pointer, Json, bool]]:
    """Every duration with its place, and whether it may be zero."""
    for keys, zero in ((("timeout",), False), (("retry", "max_wait"), True)):
        yield from _at(draft, keys, zero)
    yield from _at(draft, ("rate_limit", "per"), False)
    for merged in draft.resources:
        for cursor in cursors(merged):
            for key in ("lag", "granularity"):
                length = cursor.written.get(key)
                if isinstance(length, str):
                    yield (*cursor.pointer, key), length, key == "lag"


def _at(draft: Draft, keys: tuple[str, ...], zero: bool) -> Iterator[tuple[Pointer, Json, bool]]:
    value: Json = draft.client
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        yield ("client", *keys), value, zero
