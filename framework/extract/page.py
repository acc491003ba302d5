"""Records between the API and dlt: what was selected as records, and what a schema asks for.

Lists of records go in and come out, a page or more at a time. Records are the run's own once they
are decoded, so they are changed in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from framework.definition.model import Resource
from framework.definition.record_schema import Table, table_of
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
