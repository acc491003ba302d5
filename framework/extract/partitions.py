"""Partitions: the values for which a list is asked, each list once.

What the file gives comes out as mappings of names to values; several partitions are multiplied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from framework.definition.datetimes import TimeError, read_time, write_time
from framework.definition.durations import parse_duration, parse_period
from framework.definition.model import Partition
from framework.errors import RecordError
from framework.extract.incremental.cursor_times import run_start
from framework.text import json_type

Json = Any
Values = dict[str, Json]
MAX_VALUES = 1_000_000
"""More than anybody means: a range or dates that do not end."""


def multiplied(
    partitions: Iterable[Partition], now: datetime, resource: str
) -> tuple[list[Values], list[str]]:
    """Every combination of the values that the file gives, and the names of partitions that have
    none. Those of another resource's records are left out. RecordError where values are of no
    use."""
    given = [
        (partition.name, list(_values(partition, now, resource)))
        for partition in partitions
        if partition.kind != "resource"
    ]
    empty = [name for name, values in given if not values]
    combined = [
        {name: value for values in chosen for name, value in values.items()}
        for chosen in product(*(values for _, values in given))
    ]
    return combined, empty


def batched(partition: Partition, values: Iterable[Json]) -> Iterator[Values]:
    """The values of another resource's records, each once, as many together as the file says."""
    once = list({_hashable(value): value for value in values}.values())
    if partition.batch is None:
        yield from ({partition.name: value} for value in once)
        return
    for start in range(0, len(once), partition.batch):
        batch: Json = once[start : start + partition.batch]
        if partition.separator is not None:
            batch = partition.separator.join(str(value) for value in batch)
        yield {partition.name: batch}


def _values(partition: Partition, now: datetime, resource: str) -> Iterator[Values]:
    place, argument = f"{resource}: partition {partition.name}", partition.argument
    if partition.kind == "range":
        values: Iterable[Json] = _numbers(argument, place)
    elif partition.kind == "dates":
        yield from _spans(partition.name, argument, now, place)
        return
    elif isinstance(argument, (list, tuple)):
        values = argument
    else:
        raise RecordError(f"{place}: `values` gives {json_type(argument)}, expected a list")
    for value in values:
        yield {partition.name: value}


def _numbers(argument: Mapping[str, Json], place: str) -> range:
    try:
        start, stop = int(argument["start"]), int(argument["stop"])
    except (TypeError, ValueError):
        raise RecordError(f"{place}: `range` wants whole numbers") from None
    numbers = range(start, stop, argument.get("step") or 1)
    if len(numbers) > MAX_VALUES:
        raise RecordError(f"{place}: `range` has more than {MAX_VALUES:,} numbers")
    return numbers


def _spans(name: str, argument: Mapping[str, Json], now: datetime, place: str) -> Iterator[Values]:
    form = argument.get("format") or "%Y-%m-%d"
    start = _time(argument["start"], place)
    end = run_start(now) if argument.get("end") is None else _time(argument["end"], place)
    step = parse_period(argument["step"])
    gap = parse_duration(argument["granularity"]) if argument.get("granularity") else timedelta(0)
    end_name, given = argument.get("end_name"), argument.get("end") is not None
    for number in range(MAX_VALUES):
        begin, until = step.after(start, number), step.after(start, number + 1) - gap
        # without a gap the span before this one has its beginning
        if begin > end or (begin == end and number and end_name and given and not gap):
            return
        values = {name: write_time(begin, form)}
        if end_name:
            # a span that is under way is asked for whole: cut at this moment and written as a
            # day, it would leave today out
            values[end_name] = write_time(min(until, end) if given else until, form)
        yield values
    raise RecordError(f"{place}: `dates` has more than {MAX_VALUES:,} spans")


def _time(value: Json, place: str) -> datetime:
    try:
        return read_time(value, ("iso",))[0]
    except TimeError:
        raise RecordError(
            f"{place}: `dates` wants times such as 2026-01-31, found {json_type(value)}"
        ) from None


def _hashable(value: Json) -> Json:
    return repr(value) if isinstance(value, (list, dict)) else (type(value), value)
