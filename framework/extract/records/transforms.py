"""Transforms: the file's `processing_steps`, which change lists of records in place.

An expression that fails on a record fails the resource, or does what the step's `on_error` says
and is counted.
"""

from __future__ import annotations

import copy
import json
import math
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from framework.definition.expressions.jmespath_expression import Expression, ExpressionError
from framework.definition.expressions.limits import MAX_RESULT_SIZE, size_of
from framework.definition.expressions.value_functions import checked_number, truthy
from framework.definition.model import Resource, Step
from framework.definition.values.naming import normalize_path, reserved_table
from framework.definition.values.value_casts import Cast
from framework.errors import RecordError
from framework.extract.page import Record, as_records
from framework.extract.records.decimal_keys import decimal_names, to_floats
from framework.extract.records.time_casts import time_casts
from framework.runtime.context import Context
from framework.runtime.field_paths import ABSENT, get_field, put_field, remove_fields, take_field
from framework.runtime.templates import expand
from framework.text import json_type

Json = Any


LARGEST = 1_000_000
"""The most values that a record may hold."""

LARGEST_PAGE = 512_000_000
"""The most bytes of JSON that steps may make of the records of one page."""

OF_A_RESPONSE = (("response",), ("headers",), ("status",), ())
"""The first parts of paths in the context that read the response of a record."""

_NOT_GROWING = ("filter", "remove", "rename", "null_values")
"""Steps that make no record larger, and no value."""

OneStep = Callable[[Step, Record, Context | None], Iterable[Record]]
"""Returns what a step makes of one record; raises RecordError or ExpressionError."""

Watch = Callable[[str, Record], None]
"""Gets each record that leaves a step, which is named as by `step_place`, before the next one."""


def step_place(number: int, step: Step) -> str:
    """Return how people are shown which step it is: `processing_steps[0] filter`."""
    return f"processing_steps[{number}] {step.kind}"


@dataclass(frozen=True)
class TransformFailures:
    """How often a step failed on a record; `first` is the first error."""

    step: Step
    count: int
    first: str


def _context_paths(step: Step) -> Iterator[tuple[str, ...]]:
    """Yield the parts of the context that a step reads; () is all of it."""
    values = step.argument.values() if step.kind == "set" else ()
    for one in (step.expression, *values):
        if isinstance(one, Expression) and one.contextual:
            yield from one.reads()


class Transforms:
    """The steps of one resource, called with records; thread-safe.

    `filtered` counts the records that a `filter` left out. `reads_response` says whether a step
    reads the response that a record came in. `watch` gets the records after each step.
    """

    def __init__(self, resource: Resource, watch: Watch | None = None) -> None:
        self._resource = resource.name
        self._watch = watch
        may_be_large = _growing(resource.steps)
        self._steps = [
            (number, step, _STEPS[step.kind], large)
            for number, (step, large) in enumerate(zip(resource.steps, may_be_large, strict=True))
        ]
        self._keep_sizes = all(step.kind in _NOT_GROWING for step in resource.steps)
        self.reads_response = any(
            path[:1] in OF_A_RESPONSE for step in resource.steps for path in _context_paths(step)
        )
        self._casts = time_casts(resource)
        # a schema says of each field what it is; without one, text would make a column of text
        self._decimals = decimal_names(resource) if resource.schema is None else frozenset()
        self._failures: dict[int, TransformFailures] = {}
        self.filtered = 0
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._steps) or self._casts is not None

    def __call__(
        self,
        records: list[Record],
        context: Context | None = None,
        only: Collection[int] | None = None,
    ) -> list[Record]:
        """Return the records after all steps; raise RecordError if a step fails that must not.

        `context` is what `context()` returns in their expressions. With `only`, the steps at other
        places are left out. Times become what the resource's schema says of them.
        """
        records = self._after_steps(records, context, only)
        if self._steps and self._decimals:
            to_floats(records, self._decimals)
        if self._casts is not None:
            records = list(records)  # another list: the JSON of the page is no longer theirs
            for record in records:
                self._casts.apply(record)
        return records

    def _after_steps(
        self, records: list[Record], context: Context | None, only: Collection[int] | None
    ) -> list[Record]:
        if not self._steps or (only is not None and not only):
            return records
        flow: Iterable[Record] = records
        for number, step, apply, large in self._steps:
            if only is not None and number not in only:
                continue
            flow = self._each(number, step, apply, flow, context)
            if large:
                flow = self._bounded(flow)
            if self._watch is not None:
                flow = _watched(flow, step_place(number, step), self._watch)
        if self._keep_sizes:
            return list(flow)
        results, size = [], 0
        for record in flow:
            results.append(record)
            size += self._size(record)
            if size > LARGEST_PAGE:
                raise RecordError(
                    f"{self._resource}: processing_steps: they make more than "
                    f"{LARGEST_PAGE // 1_000_000:,} MB of the records of one page; request "
                    "smaller pages, or look for steps that repeat a field in many records"
                )
        return results

    def _size(self, record: Record) -> int:
        """Return the bytes of the record's JSON; raise RecordError if it is not JSON."""
        try:
            return len(orjson.dumps(record))
        except TypeError as error:
            raise RecordError(
                f"{self._resource}: processing_steps: a record has a value that "
                "JSON does not have: "
                f"{error}"
            ) from None

    def _bounded(self, records: Iterable[Record]) -> Iterator[Record]:
        """Raise RecordError for a record that has grown too large."""
        for record in records:
            if size_of(record, LARGEST) > LARGEST:
                raise RecordError(
                    f"{self._resource}: processing_steps: a record has grown to more than "
                    f"{LARGEST:,} values; look for steps that put a record into itself"
                )
            yield record

    @property
    def failures(self) -> list[TransformFailures]:
        """The failures so far that did not end the resource, in the steps' order."""
        with self._lock:
            return [self._failures[number] for number in sorted(self._failures)]

    def _each(
        self,
        number: int,
        step: Step,
        apply: OneStep,
        records: Iterable[Record],
        context: Context | None,
    ) -> Iterator[Record]:
        for record in records:
            try:
                # as a list: what fails half-way gives nothing
                made = list(apply(step, record, context))
                if not made and step.kind == "filter":
                    with self._lock:
                        self.filtered += 1
            except (ExpressionError, RecordError) as error:
                if step.on_error == "fail":
                    raise RecordError(f"{self._resource}: processing_steps: {error}") from error
                self._count(number, step, str(error))
                made = _instead(step, record, context)
            yield from made

    def _count(self, number: int, step: Step, why: str) -> None:
        with self._lock:
            known = self._failures.get(number) or TransformFailures(step, 0, why)
            self._failures[number] = TransformFailures(step, known.count + 1, known.first)


def _watched(records: Iterable[Record], place: str, watch: Watch) -> Iterator[Record]:
    for record in records:
        watch(place, record)
        yield record


def _growing(steps: Iterable[Step]) -> Iterator[bool]:
    """Yield for each step whether records may have grown too large by then.

    Doubled by each of forty steps, a record fills any memory.
    """
    grown = 1
    for step in steps:
        grown *= _growth(step)
        yield grown > MAX_RESULT_SIZE
        grown = 1 if grown > MAX_RESULT_SIZE else grown


def _growth(step: Step) -> int:
    if step.kind == "set":
        values = [value for value in step.argument.values() if isinstance(value, Expression)]
        return 1 + sum(value.growth for value in values)
    return 1 if step.expression is None else step.expression.growth


def _instead(step: Step, record: Record, context: Context | None) -> list[Record]:
    """Return what replaces a record on which the step failed."""
    if step.on_error == "skip_record" or step.kind not in ("set", "cast"):
        return []
    made = {}
    for path, value in step.argument.items():
        try:
            made[path] = _one(step.kind, path, value, record, context)
        except (ExpressionError, RecordError):
            made[path] = None
    return [_with(record, made)]


def _one(kind: str, path: str, value: Json, record: Record, context: Context | None) -> Json:
    """Return one field of a `set` or `cast`, ABSENT if there is nothing to cast."""
    if kind == "set":
        return value.search(record, context) if isinstance(value, Expression) else value
    current = get_field(record, path)
    return current if current is ABSENT or current is None else _cast_value(path, value, current)


def _with(record: Record, made: Mapping[str, Json]) -> Record:
    for path, value in made.items():
        if value is not ABSENT:
            put_field(record, path, value)
    return record


def _filter(step: Step, record: Record, context: Context | None) -> Iterable[Record]:
    return (record,) if truthy(_search(step, record, context)) else ()


def _map(step: Step, record: Record, context: Context | None) -> Iterable[Record]:
    made = _search(step, record, context)
    if not isinstance(made, dict):
        raise RecordError(
            f"map `{step.text}` must give an object for each record, found {json_type(made)}"
        )
    return (made,)


def _yield_map(step: Step, record: Record, context: Context | None) -> Iterable[Record]:
    made = _search(step, record, context)
    return as_records(made if isinstance(made, list) else [made])


def _fields(step: Step, record: Record, context: Context | None) -> Iterable[Record]:
    """Apply `set` or `cast`: compute all values before one is stored."""
    made = {
        path: _one(step.kind, path, value, record, context) for path, value in step.argument.items()
    }
    return (_with(record, made),)


def _remove(step: Step, record: Record, _: Context | None) -> Iterable[Record]:
    for path in step.argument:
        remove_fields(record, path)
    return (record,)


def _rename(step: Step, record: Record, _: Context | None) -> Iterable[Record]:
    return (_with(record, {new: take_field(record, old) for old, new in step.argument.items()}),)


def _rename_keys(step: Step, record: Record, context: Context | None) -> Iterable[Record]:
    return (_renamed(step, record, context),)


def _renamed(step: Step, value: Json, context: Context | None) -> Json:
    if isinstance(value, list):
        return [_renamed(step, item, context) for item in value]
    if not isinstance(value, dict):
        return value
    made: Record = {}
    for key, item in value.items():
        name = _search(step, key, context)
        if not isinstance(name, str) or not name:
            raise RecordError(f"rename_keys `{step.text}` must give a text for each key")
        if name in made:
            raise RecordError(f"rename_keys `{step.text}` gives one name for two keys of a record")
        made[name] = _renamed(step, item, context)
    return made


def _null_values(step: Step, record: Record, _: Context | None) -> Iterable[Record]:
    return (_with_nulls(record, frozenset(step.argument)),)


def _with_nulls(value: Json, texts: frozenset[str]) -> Json:
    if isinstance(value, dict):
        for key, item in value.items():
            value[key] = _with_nulls(item, texts)
    elif isinstance(value, list):
        value[:] = [_with_nulls(item, texts) for item in value]
    elif isinstance(value, str) and value in texts:
        return None
    return value


def _flatten(step: Step, record: Record, _: Context | None) -> Iterable[Record]:
    """Lift the keys of an object one level up; what the record already has stays."""
    for path in step.argument:
        value = take_field(record, path)
        if isinstance(value, dict):
            for key, item in value.items():
                record.setdefault(key, item)
        elif value is not ABSENT and value is not None:
            put_field(record, path, value)
    return (record,)


def _explode(step: Step, record: Record, _: Context | None) -> Iterable[Record]:
    """Yield a record for each item of a list, with the item in the list's place."""
    (path,) = step.argument
    value = take_field(record, path)
    if value is ABSENT or value is None:
        return
    items = value if isinstance(value, list) else [value]
    if len(items) > 1 and len(orjson.dumps(record)) * len(items) > LARGEST_PAGE:
        raise RecordError(
            f"explode: `{path}` has {len(items):,} items, and with the rest of their record they "
            f"would be more than {LARGEST_PAGE // 1_000_000:,} MB; remove large fields before"
        )
    for number, item in enumerate(items, 1):
        # a copy each: later steps change records in place
        made = record if number == len(items) else copy.deepcopy(record)
        put_field(made, path, item)
        yield made


_STEPS: Mapping[str, OneStep] = {
    "filter": _filter,
    "map": _map,
    "yield_map": _yield_map,
    "set": _fields,
    "remove": _remove,
    "rename": _rename,
    "rename_keys": _rename_keys,
    "cast": _fields,
    "null_values": _null_values,
    "flatten": _flatten,
    "explode": _explode,
}


def exploded(steps: Iterable[Step], record: Record, context: Context | None) -> list[Record] | None:
    """Return what the first `explode` or `yield_map` makes of a record, which is changed.

    Filters before it are left out. None if there is no such step, or one fails.
    """
    records = [record]
    for step in steps:
        if step.kind == "filter":
            continue
        try:
            records = [one for made in records for one in _STEPS[step.kind](step, made, context)]
        except (ExpressionError, RecordError):
            return None
        if step.kind in ("explode", "yield_map"):
            return records
    return None


def _search(step: Step, data: Json, context: Context | None) -> Json:
    assert step.expression is not None
    return step.expression.search(data, context)


def cast_or_none(path: str, kind: Cast, value: Json) -> Json:
    """Return the value as a `cast` makes it, None if it cannot be cast."""
    try:
        return None if value is None else _cast_value(path, kind, value)
    except RecordError:
        return None


def _cast_value(path: str, kind: Cast, value: Json) -> Json:
    if not isinstance(kind, str):
        try:
            return kind(value)
        except ValueError:
            raise RecordError(
                f"cast: `{path}` holds {json_type(value)} that is not written as {kind}"
            ) from None
    try:
        if kind in ("string", "text"):
            return str(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if isinstance(value, str) and not value.strip():
            return None  # as CSV writes what is not there
        if kind in ("integer", "bigint"):
            return checked_number(int(value))
        if kind in ("number", "double"):
            return _finite(float(value))
        if kind in ("boolean", "bool"):
            return _boolean(value)
    except (TypeError, ValueError, LookupError, OverflowError):
        raise RecordError(
            f"cast: `{path}` holds {json_type(value)} that is not a valid {kind}"
        ) from None
    raise RecordError(f"cast: unknown type {kind}")


def _finite(number: float) -> float:
    """Return the number; raise ValueError if JSON does not have it."""
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(value: Json) -> bool:
    if isinstance(value, str):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
            value.strip().lower()
        ]
    return bool(value)


TABLE = "\0table"
"""The key of a record's table: no record and no context has it otherwise."""


def table_of_list(
    resource: str, template: str, values: Mapping[str, Json], others: Collection[str]
) -> str:
    """Return the table of a list's records, normalized by dlt's rules; `others` are taken names.

    Raise RecordError if the template gives no name, or that of another resource's table.
    """
    name = expand(template, values, "text")
    if not isinstance(name, str) or not name.strip():
        raise RecordError(f"{resource}: table_name `{template}` gives no name for a list")
    table = normalize_path(name)
    problem = reserved_table(name)
    if problem:
        raise RecordError(
            f"{resource}: table_name `{template}`: {problem}; put something before it, such as "
            "`x_{...}`"
        )
    if table in others:
        raise RecordError(
            f"{resource}: table_name `{template}` gives {table}, which is another resource's "
            "table; put something before it, such as `x_{...}`"
        )
    return table


def with_table(records: list[Record], table: str) -> list[Record]:
    """Return the records with their table's name."""
    return [{**record, TABLE: table} for record in records]


def by_table(records: list[Record]) -> Iterator[tuple[str, list[Record]]]:
    """Yield each table with its records, without the table's name in them."""
    tables: dict[str, list[Record]] = {}
    for record in records:
        tables.setdefault(record.pop(TABLE), []).append(record)
    yield from tables.items()
