"""Partitions: the values for which a list is requested, each once.

Values are mappings of names to values; several partitions are multiplied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

from framework.definition.model import Partition
from framework.definition.values.datetimes import TimeError, read_time, shifted, write_time
from framework.definition.values.durations import DurationError, parse_duration, parse_period
from framework.errors import RecordError
from framework.extract.incremental.cursor_times import run_start
from framework.extract.lists.partition_files import file_values
from framework.runtime.environment import Environment
from framework.text import json_type

Json = Any
Values = dict[str, Json]
MAX_VALUES = 1_000_000
"""More is a mistake: a range or dates that do not end."""


OF_RESOURCES = ("resource", "union")
"""Kinds whose values are known when other resources were read."""


def multiplied(
    partitions: Iterable[Partition], environment: Environment, resource: str
) -> tuple[list[Values], list[str]]:
    """Return each combination of the file's values, and the names of partitions without values.

    Partitions of another resource's records are left out. Raise RecordError for values of the
    wrong type, or too many.
    """
    listed = [
        (partition.name, list(_values(partition, environment, resource)))
        for partition in partitions
        if partition.kind not in OF_RESOURCES
    ]
    empty = [name for name, values in listed if not values]
    combined = [
        {name: value for values in combination for name, value in values.items()}
        for combination in product(*(values for _, values in listed))
    ]
    return combined, empty


def batched(partition: Partition, values: Iterable[Json]) -> Iterator[Values]:
    """Yield the values of another resource's records, each once, in batches as the file says."""
    distinct = list({_hashable(value): value for value in values}.values())
    if partition.batch is None:
        yield from ({partition.name: value} for value in distinct)
        return
    for start in range(0, len(distinct), partition.batch):
        batch: Json = distinct[start : start + partition.batch]
        if partition.separator is not None:
            batch = partition.separator.join(str(value) for value in batch)
        yield {partition.name: batch}


def partition_place(resource: str, partition: str) -> str:
    """Return a partition's place for messages."""
    return f"{resource}: partition {partition}"


def united(
    partition: Partition, bound: Mapping[str, Iterable[Json]], resource: str
) -> Iterator[Json]:
    """Yield the values of a union's sources; `bound` are those of resources by their bindings.

    Raise RecordError for values that are not a list.
    """
    for source in partition.argument:
        if isinstance(source, str) and source.startswith(f"partition.{partition.name}."):
            yield from bound.get(source, ())
        elif isinstance(source, (list, tuple)):
            yield from source
        else:
            raise RecordError(
                f"{partition_place(resource, partition.name)}: found {json_type(source)} for "
                "`values`, expected a list"
            )


def _values(partition: Partition, environment: Environment, resource: str) -> Iterator[Values]:
    build = PARTITION_BUILDERS[partition.kind]
    return build(partition.name, partition.argument, environment, resource)


def _listed(name: str, argument: Json, _: Environment, resource: str) -> Iterator[Values]:
    if not isinstance(argument, (list, tuple)):
        place = partition_place(resource, name)
        raise RecordError(f"{place}: found {json_type(argument)} for `values`, expected a list")
    for value in argument:
        yield {name: value}


def _numbers(
    name: str, argument: Mapping[str, Json], _: Environment, resource: str
) -> Iterator[Values]:
    place = partition_place(resource, name)
    try:
        start, stop = int(argument["start"]), int(argument["stop"])
    except (TypeError, ValueError):
        raise RecordError(f"{place}: `range` expects whole numbers") from None
    numbers = range(start, stop, argument.get("step") or 1)
    if len(numbers) > MAX_VALUES:
        raise RecordError(f"{place}: `range` has more than {MAX_VALUES:,} numbers")
    for number in numbers:
        yield {name: number}


def _spans(
    name: str, argument: Mapping[str, Json], environment: Environment, resource: str
) -> Iterator[Values]:
    place = partition_place(resource, name)
    form = argument.get("format") or "%Y-%m-%d"
    start = _time(argument["start"], place)
    end = (
        run_start(environment.now) if argument.get("end") is None else _time(argument["end"], place)
    )
    step = parse_period(argument["step"])
    gap = parse_duration(argument["granularity"]) if argument.get("granularity") else timedelta(0)
    end_name, has_end = argument.get("end_name"), argument.get("end") is not None
    for number in range(MAX_VALUES):
        try:
            begin, following = step.after(start, number), step.after(start, number + 1)
        except DurationError as error:
            raise RecordError(f"{place}: `dates` {error}") from None
        until = shifted(following, -gap)
        # without a gap the span before this one ends where this one begins
        if begin > end or (begin == end and number and end_name and has_end and not gap):
            return
        values = {name: write_time(begin, form)}
        if end_name:
            # a span that is under way is requested whole: cut at this moment and written as a
            # day, it would leave out today
            values[end_name] = write_time(min(until, end) if has_end else until, form)
        yield values
    raise RecordError(f"{place}: `dates` has more than {MAX_VALUES:,} spans")


def _rows(
    name: str, argument: Mapping[str, Json], _: Environment, resource: str
) -> Iterator[Values]:
    place = partition_place(resource, name)
    values = file_values(Path(argument["root"]), argument["path"], argument["field"], place)
    return _distinct(name, values, f"{place}: the file")


def _queried(
    name: str, argument: Json, environment: Environment, resource: str
) -> Iterator[Values]:
    place = partition_place(resource, name)
    if environment.query is None:
        raise RecordError(f"{place}: its values are in a destination, and there is none here")
    values = environment.query(f"{resource}.{name}", str(argument))
    return _distinct(name, values, f"{place}: the query")


def _distinct(name: str, values: Iterable[Json], source: str) -> Iterator[Values]:
    seen: set[Json] = set()
    for value in values:
        key = _hashable(value)
        if key not in seen:
            seen.add(key)
            yield {name: value}
        if len(seen) > MAX_VALUES:
            raise RecordError(f"{source} has more than {MAX_VALUES:,} values")


def _time(value: Json, place: str) -> datetime:
    try:
        return read_time(value, ("iso",))[0]
    except TimeError:
        raise RecordError(
            f"{place}: found {json_type(value)} in `dates`, expected a time such as 2026-01-31"
        ) from None


def _hashable(value: Json) -> Json:
    return repr(value) if isinstance(value, (list, dict)) else (type(value), value)


PARTITION_BUILDERS: Mapping[str, Callable[[str, Json, Environment, str], Iterator[Values]]] = {
    "values": _listed,
    "range": _numbers,
    "dates": _spans,
    "file": _rows,
    "query": _queried,
}
"""By kind: from a partition's name and argument, and its resource's name, to its values.

A new kind is an entry here, one in the model's `PartitionKind`, its schema entry, and a case in
tests/cases."""
