"""Records between the API and dlt: the file's own steps, then what a declared schema asks for.

Lists of records go in and come out, a page or more at a time. Records are the run's own once they
are decoded, so they are changed in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from framework.build.outcomes import RecordError
from framework.spec.columns import Table, table_of
from framework.spec.connector import Resource, Step
from framework.spec.expressions import ExpressionError

Json = Any
Record = dict[str, Any]
Shape = Callable[[list[Record]], list[Record]]


def as_records(page: Iterable[Json]) -> list[Record]:
    """The selected items as records; a plain value becomes `{"value": ...}`, as in dlt."""
    records: list[Record] = []
    for item in page:
        if isinstance(item, dict):
            records.append(item)
        elif item is not None:
            records.append({"value": item})
    return records


def stepper(resource: Resource) -> Shape:
    """The file's `processing_steps` as one function over a list of records."""
    if not resource.steps:
        return lambda records: records
    steps = [(step, _STEPS[step.kind]) for step in resource.steps]

    def run(records: list[Record]) -> list[Record]:
        flow: Iterable[Record] = records
        try:
            for step, apply in steps:
                flow = apply(step, flow)
            return list(flow)
        except ExpressionError as error:
            raise RecordError(f"{resource.name}: processing_steps: {error}") from error

    return run


def _filter(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    assert step.expression is not None
    return (record for record in records if truthy(step.expression.search(record)))


def _map(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    assert step.expression is not None
    for record in records:
        made = step.expression.search(record)
        if not isinstance(made, dict):
            raise RecordError(
                f"processing_steps: map `{step.expression.text}` has to give an object for each "
                f"record, found {type(made).__name__}"
            )
        yield made


def _yield_map(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    assert step.expression is not None
    for record in records:
        made = step.expression.search(record)
        yield from as_records(made if isinstance(made, list) else [made])


def _set(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        found = {name: _value(value, record) for name, value in step.argument.items()}
        for path, value in found.items():
            _put(record, path, value)
        yield record


def _remove(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    paths = [step.argument] if isinstance(step.argument, str) else step.argument
    for record in records:
        for path in paths:
            _take(record, path)
        yield record


def _rename(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        taken = {new: _take(record, old) for old, new in step.argument.items()}
        for path, value in taken.items():
            if value is not _ABSENT:
                _put(record, path, value)
        yield record


def _cast(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    for record in records:
        for path, kind in step.argument.items():
            value = _take(record, path)
            if value is not _ABSENT:
                _put(record, path, None if value is None else _cast_value(path, kind, value))
        yield record


def _flatten(step: Step, records: Iterable[Record]) -> Iterator[Record]:
    """Lift the keys of an object one level up; what the record already has stays."""
    paths = [step.argument] if isinstance(step.argument, str) else step.argument
    for record in records:
        for path in paths:
            value = _take(record, path)
            if isinstance(value, dict):
                for key, item in value.items():
                    record.setdefault(key, item)
            elif value is not _ABSENT and value is not None:
                _put(record, path, value)
        yield record


_STEPS: Mapping[str, Callable[[Step, Iterable[Record]], Iterator[Record]]] = {
    "filter": _filter,
    "map": _map,
    "yield_map": _yield_map,
    "set": _set,
    "remove": _remove,
    "rename": _rename,
    "cast": _cast,
    "flatten": _flatten,
}
_ABSENT: Any = object()


def truthy(value: Json) -> bool:
    """JMESPath's truth: everything but false, null and what is empty; 0 is true."""
    return value is not None and value is not False and value not in ("", [], {})


def _value(value: Json, record: Record) -> Json:
    return value.search(record) if hasattr(value, "search") else value


def _put(record: Record, path: str, value: Json) -> None:
    *parents, last = path.split(".")
    for name in parents:
        below = record.get(name)
        if not isinstance(below, dict):
            below = record[name] = {}
        record = below
    record[last] = value


def _take(record: Record, path: str) -> Json:
    *parents, last = path.split(".")
    for name in parents:
        below = record.get(name)
        if not isinstance(below, dict):
            return _ABSENT
        record = below
    return record.pop(last, _ABSENT)


def _cast_value(path: str, kind: str, value: Json) -> Json:
    try:
        if kind in ("string", "text"):
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if kind in ("integer", "bigint"):
            return int(value)
        if kind in ("number", "double"):
            return float(value)
        if kind in ("boolean", "bool"):
            return _boolean(value)
    except (TypeError, ValueError):
        raise RecordError(
            f"processing_steps: cast: `{path}` holds a {type(value).__name__} that is no {kind}"
        ) from None
    raise RecordError(f"processing_steps: cast: unknown type {kind}")


def _boolean(value: Json) -> bool:
    if isinstance(value, str):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[
            value.strip().lower()
        ]
    return bool(value)


def shaper(resource: Resource) -> Shape:
    """What a declared schema asks for before dlt's own normalizing.

    A null where an object or a list is declared is left out (there is no column for it); plain
    values in free-form columns are written as JSON, which dlt would otherwise load as text.
    """
    if resource.schema is None:
        return lambda records: records
    table = table_of(resource.schema)

    def run(records: list[Record]) -> list[Record]:
        for record in records:
            _shape(table, record)
        return records

    return run


def _shape(table: Table, record: Record) -> None:
    objects = {column.path[:-1] for column in table.columns if len(column.path) > 1}
    for path in sorted(objects, key=len, reverse=True):
        _drop_null(record, path)
    for column in table.columns:
        if column.data_type == "json":
            _as_json(record, column.path)
    for child in table.children:
        holder = _at(record, child.path[:-1])
        items = holder.get(child.path[-1]) if isinstance(holder, dict) else None
        if items is None and isinstance(holder, dict):
            holder.pop(child.path[-1], None)
        if isinstance(items, list) and not child.scalars:
            for item in items:
                if isinstance(item, dict):
                    _shape(child, item)


def _at(record: Json, path: tuple[str, ...]) -> Json:
    for name in path:
        if not isinstance(record, dict):
            return None
        record = record.get(name)
    return record


def _drop_null(record: Record, path: tuple[str, ...]) -> None:
    holder = _at(record, path[:-1])
    if isinstance(holder, dict) and path[-1] in holder and holder[path[-1]] is None:
        del holder[path[-1]]


def _as_json(record: Record, path: tuple[str, ...]) -> None:
    holder = _at(record, path[:-1])
    if not isinstance(holder, dict):
        return
    value = holder.get(path[-1])
    if value is None or isinstance(value, (dict, list)):
        return
    # dlt parses a text that goes into a json column and writes what comes out as it is:
    # encoded twice, the value arrives as itself
    holder[path[-1]] = json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)
