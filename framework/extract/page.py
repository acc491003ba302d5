"""Records between the API and dlt: what was selected as records, and what a schema asks for.

Lists of records go in and come out, a page or more at a time. Records are the run's own once they
are decoded, so they are changed in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from jsonpath_ng import JSONPath

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.json_text import parse_json
from framework.definition.model import Resource
from framework.definition.record_schema import Table, table_of
from framework.extract.pagination import FrameworkPaginator
from framework.extract.plan import Plan
from framework.extract.selectors import JmesPath
from framework.runtime.field_paths import value_at

Json = Any


Record = dict[str, Any]
Shape = Callable[[list[Record]], list[Record]]


class Page(list[Record]):
    """The records of one answer as they stand in it: at these keys of this body, which is JSON in
    UTF-8. Whoever changes them makes a plain list of them."""

    def __init__(self, records: list[Record], body: bytes, path: tuple[str, ...]) -> None:
        super().__init__(records)
        self.body = body
        self.path = path


class TextPage(Page):
    """A page whose records are not parsed: so many. `parse` gives them to whoever looks."""

    def __init__(
        self, count: int, body: bytes, path: tuple[str, ...], parse: Callable[[], list[Record]]
    ) -> None:
        super().__init__([], body, path)
        self._count = count
        self.parse = parse

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record]:
        return iter(self.parse())


def as_records(page: Iterable[Json]) -> list[Record]:
    """The selected items as records; a plain value becomes `{"value": ...}`, as in dlt."""
    records: list[Record] = []
    for item in page:
        if isinstance(item, dict):
            records.append(item)
        elif item is not None:
            records.append({"value": item})
    return records


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
        holder = value_at(record, child.path[:-1])
        items = holder.get(child.path[-1]) if isinstance(holder, dict) else None
        if items is None and isinstance(holder, dict):
            holder.pop(child.path[-1], None)
        if isinstance(items, list) and not child.scalars:
            for item in items:
                if isinstance(item, dict):
                    _shape(child, item)


def _drop_null(record: Record, path: tuple[str, ...]) -> None:
    holder = value_at(record, path[:-1])
    if isinstance(holder, dict) and path[-1] in holder and holder[path[-1]] is None:
        del holder[path[-1]]


def _as_json(record: Record, path: tuple[str, ...]) -> None:
    holder = value_at(record, path[:-1])
    if not isinstance(holder, dict):
        return
    value = holder.get(path[-1])
    if value is None or isinstance(value, (dict, list)):
        return
    # dlt parses a text that goes into a json column and writes what comes out as it is:
    # encoded twice, the value arrives as itself
    holder[path[-1]] = json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)


_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])


@dataclass(frozen=True)
class Unparsed:
    """Stands in an outline for a list that is not parsed; `ends` are its first and last item."""

    count: int
    ends: tuple[Json, Json]


def outlined(body: bytes, path: tuple[str, ...]) -> dict[str, Json] | None:
    """The body's object, with an Unparsed for the list at these keys. None where there is no such
    list or nothing in it, or the body is not JSON in UTF-8."""
    try:
        if not body.isascii():
            body.decode()  # which msgspec does not look at
        return _cut(body, path)
    except (ValueError, RecursionError):  # msgspec's errors are among them
        return None


def _cut(raw: bytes | msgspec.Raw, path: tuple[str, ...]) -> dict[str, Json] | None:
    parts = _OBJECT.decode(raw)
    held = parts.pop(path[0], None)
    if held is None:
        return None
    if len(path) > 1:
        inner: Any = _cut(held, path[1:])
        if inner is None:
            return None
    else:
        items = _LIST.decode(held)
        if not items:
            return None
        first, last = (parse_json(bytes(item))[0] for item in (items[0], items[-1]))
        inner = Unparsed(len(items), (first, last))
    return {path[0]: inner, **{key: parse_json(bytes(part))[0] for key, part in parts.items()}}


def count_of(page: Sequence[Json]) -> int:
    """How many records a page has, parsed or not."""
    return page[0].count if is_unparsed(page) else len(page)


def ends_of(page: Sequence[Json]) -> list[Json]:
    """The first and the last record of a page that has some."""
    if is_unparsed(page):
        return list(page[0].ends)
    return [page[0], page[-1]]


def is_unparsed(page: Sequence[Json]) -> bool:
    """Whether what the selector found is a list that was left as it came."""
    return len(page) == 1 and type(page[0]) is Unparsed


def list_of(plan: Plan, paginator: FrameworkPaginator | None) -> tuple[str, ...]:
    """The keys of the list of records in an answer; empty where anything but its table may look
    into it."""
    selector = plan.endpoint.data_selector
    names = selector.names if isinstance(selector, Expression) else ()
    if plan.resource.steps or paginator is None or not paginator.is_plain:
        return ()
    for path in vars(paginator.inner).values():
        if not isinstance(path, JSONPath):
            continue
        read = path.expression.names if isinstance(path, JmesPath) else ()
        both = min(len(read), len(names))
        if read[:both] == names[:both]:
            return ()
    return names
