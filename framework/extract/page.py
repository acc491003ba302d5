"""A page: the records of one response, parsed when they are first used.

Also what a declared schema asks of records before dlt normalizes them. Records belong to the run
once they are decoded, so they are changed in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import requests

from framework.definition.model import Resource
from framework.definition.record_schema import Table, table_of
from framework.runtime.field_paths import value_at

Json = Any
Record = dict[str, Any]
Shape = Callable[[list[Record]], list[Record]]


@dataclass(frozen=True)
class RawList:
    """Where the records of a page are: at the keys `path` of this JSON object in UTF-8."""

    body: bytes
    path: tuple[str, ...]

    def parse(self) -> list[Json]:
        """Return the list; an object at the place of the list is its only item."""
        value: Any = orjson.loads(self.body)
        for name in self.path:
            value = value[name]
        return value if isinstance(value, list) else [value]


class Page:
    """The items that a selector found in one response, or the records that transforms left of them.

    `raw` is the JSON of exactly these records, None if they were changed or are not plain JSON.
    `first` and `last` are None for an empty page. `response` is None after a transform.
    """

    def __init__(
        self,
        count: int,
        first: Json,
        last: Json,
        parse: Callable[[], list[Json]],
        raw: RawList | None = None,
        response: requests.Response | None = None,
    ) -> None:
        self.count = count
        self.first = first
        self.last = last
        self.raw = raw
        self.response = response
        self._parse = parse

    @classmethod
    def of(
        cls,
        items: list[Json],
        raw: RawList | None = None,
        response: requests.Response | None = None,
    ) -> Page:
        """Return a page of parsed items."""
        first, last = (items[0], items[-1]) if items else (None, None)
        page = cls(len(items), first, last, lambda: items, raw, response)
        page.__dict__["items"] = items
        return page

    @cached_property
    def items(self) -> list[Json]:
        """The items as selected, parsed when first used."""
        return self._parse()

    @cached_property
    def records(self) -> list[Record]:
        """The items as records: a plain value becomes `{"value": ...}`, as in dlt."""
        return as_records(self.items)

    @property
    def is_parsed(self) -> bool:
        """Whether the items are Python objects already."""
        return "items" in self.__dict__

    def unparsed(self) -> Page:
        """Return the page without its Python objects; they are parsed again from `raw` if used."""
        raw = self.raw
        if raw is None or not self.is_parsed:
            return self
        return Page(self.count, None, None, raw.parse, raw)

    def __len__(self) -> int:
        return self.count


def as_records(items: Iterable[Json]) -> list[Record]:
    """Return the items as records. A plain value becomes `{"value": ...}`; null is left out."""
    records: list[Record] = []
    for item in items:
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
