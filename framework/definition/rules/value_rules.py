"""Single values that have the right shape and still mean nothing: durations, formats, encodings."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from datetime import timedelta

from framework.definition.draft import Draft
from framework.definition.rules.rule import Breach, rule
from framework.definition.values.datetimes import UnknownZone, format_problem, time_zone
from framework.definition.values.durations import (
    DurationError,
    is_duration,
    is_period,
    parse_duration,
    parse_period,
)


@rule("bad-duration")
def check_durations(draft: Draft) -> Iterator[Breach]:
    """Time passes in a duration, unless the schema allows zero, and a calendar can hold it."""
    for one in (*draft.values("duration"), *draft.values("period")):
        try:
            if one.kind == "period" and isinstance(one.value, str) and is_period(one.value):
                is_zero = not parse_period(one.value)
            elif one.kind == "duration" and is_duration(one.value):
                is_zero = parse_duration(one.value) == timedelta(0)
            else:
                continue  # not valid, which is a finding of the schema
        except DurationError as error:
            yield one.pointer, str(error)
            continue
        if is_zero and "x-zero-allowed" not in one.schema:
            yield one.pointer, f"found {one.value}, expected a duration longer than zero"


@rule("bad-time-format")
def check_time_formats(draft: Draft) -> Iterator[Breach]:
    """The format of a time has a known name or is a pattern."""
    for one in draft.values("time_format"):
        problem = format_problem(one.value) if isinstance(one.value, str) and one.value else None
        if problem:
            yield one.pointer, f"found {one.value}: {problem}"


@rule("unknown-zone")
def check_zones(draft: Draft) -> Iterator[Breach]:
    """A time zone is one of the IANA database."""
    zones = {one.pointer: one.value for one in draft.values("zone")}
    zones |= {one.place("zone"): one.data.get("zone") for one in draft.resources}
    for pointer, zone in zones.items():
        if isinstance(zone, str) and zone and "{" not in zone:
            try:
                time_zone(zone)
            except UnknownZone as error:
                yield pointer, str(error)


@rule("unknown-encoding")
def check_encodings(draft: Draft) -> Iterator[Breach]:
    """The encoding of a response is one that Python can decode."""
    for merged in draft.resources:
        response_format = merged.endpoint.get("response_format")
        encoding = response_format.get("encoding") if isinstance(response_format, dict) else None
        if not isinstance(encoding, str) or not encoding:
            continue
        try:
            codecs.lookup(encoding)
        except (LookupError, ValueError):
            yield (
                merged.place("endpoint", "response_format", "encoding"),
                f"found {encoding}, expected the name of a character set, such as latin-1, "
                "cp1252 or utf-16",
            )
