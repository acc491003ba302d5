"""A page: the records of one response, parsed when they are first used.

Also the changes that a declared schema needs before dlt normalizes records. Decoded records belong
to the run, so they are changed in place.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import orjson
import requests

from framework.definition.model import Resource
from framework.definition.schema.record_schema import Table, table_of
from framework.runtime.field_paths import value_at

Json = Any
Record = dict[str, Any]
Shape = Callable[[list[Record]], list[Record]]


@dataclass(frozen=True)
class RawList:
    """The unparsed records of a page: at the keys `path` of this JSON object in UTF-8.

    `places` are the places of those that count, None for all.
    """

    body: bytes
    path: tuple[str, ...]
    places: tuple[int, ...] | None = None

    def parse(self) -> list[Json]:
        """Return the list; an object in place of the list is its only item."""
        value: Any = orjson.loads(self.body)
        for name in self.path:
            value = value[name]
        items: list[Json] = value if isinstance(value, list) else [value]
        return items if self.places is None else [items[place] for place in self.places]


class Page:
    """The items that a selector found in one response, or the records after transforms.

    `raw` is the JSON of exactly these records, None if they were changed or are not plain JSON;
    with `steps` it is that of the records before these, which are done when they are parsed.
    `first` and `last` are None for an empty page. `response` is None after a transform.
    `elements` are those of the API's own list if the selector gave others, else None. `fault` says
    why the page must not count as read, empty for a good one. `is_none` means that the API itself
    says that there is no record. `fields` are some fields of each record of a page that is not
    parsed, None if none were read; `parse_item` then parses one item.
    """

    def __init__(
        self,
        count: int,
        first: Json,
        last: Json,
        parse: Callable[[], list[Json]],
        raw: RawList | None = None,
        response: requests.Response | None = None,
        *,
        elements: Sequence[Json] | None = None,
        fault: str = "",
        is_none: bool = False,
        fields: list[Record] | None = None,
        parse_item: Callable[[int], Record] | None = None,
        steps: Shape | None = None,
    ) -> None:
        self.elements = elements
        self.size = count if elements is None else len(elements)
        """The number of elements in the API's own list, which paging counts."""
        self.fault = fault
        self.is_none = is_none
        self.count = count
        self.first = first
        self.last = last
        self.raw = raw
        self.response = response
        self._parse = parse
        self._fields = fields
        self._parse_item = parse_item
        self._steps = steps

    @classmethod
    def of(
        cls,
        items: list[Json],
        raw: RawList | None = None,
        response: requests.Response | None = None,
        *,
        elements: Sequence[Json] | None = None,
        fault: str = "",
        is_none: bool = False,
    ) -> Page:
        """Return a page of parsed items."""
        first, last = (items[0], items[-1]) if items else (None, None)
        parse = (lambda: items) if raw is None else raw.parse
        page = cls(
            *(len(items), first, last, parse, raw, response),
            elements=elements,
            fault=fault,
            is_none=is_none,
        )
        page.__dict__["items"] = items
        return page

    @cached_property
    def items(self) -> list[Json]:
        """The items as selected, parsed when first used."""
        items = self._parse()
        return items if self._steps is None else self._steps(as_records(items))

    @cached_property
    def records(self) -> list[Record]:
        """The items as records: a plain value becomes `{"value": ...}`, as in dlt."""
        return as_records(self.items)

    @property
    def is_parsed(self) -> bool:
        """Whether the items are Python objects already."""
        return "items" in self.__dict__

    @property
    def fields(self) -> list[Record]:
        """The records, with the fields that were asked for only if the page is not parsed."""
        return self.records if self._fields is None or self.is_parsed else self._fields

    def whole(self, record: Record) -> Record:
        """Return the complete record of one of `fields`."""
        if self._fields is None or self._parse_item is None or self.is_parsed:
            return record
        item = self._parse_item(self._place_of[id(record)])
        return item if self._steps is None else self._steps([item])[0]

    @cached_property
    def _place_of(self) -> dict[int, int]:
        return {id(record): place for place, record in enumerate(self._fields or ())}

    def selected(self, records: list[Record]) -> Page:
        """Return the page with these of its `fields` only, or with other records in their place."""
        if self._fields is None or self.is_parsed:
            return Page.of(records)
        places = [self._place_of[id(record)] for record in records]
        raw, parse, parse_item = self.raw, self._parse, self._parse_item

        def parse_chosen() -> list[Json]:
            items = parse()
            return [items[place] for place in places]

        if raw is not None and len(places) < self.count:
            kept = places if raw.places is None else [raw.places[place] for place in places]
            raw = replace(raw, places=tuple(kept))
        return Page(
            len(places),
            *(None, None),
            parse_chosen,
            raw,
            fields=records,
            parse_item=parse_item and (lambda place: parse_item(places[place])),
            steps=self._steps,
        )

    def before(self, steps: Shape) -> Page:
        """Return the unparsed page of which these steps are done when its records are parsed.

        `fields` are as after them. No record is left out by them.
        """
        return Page(
            *(self.count, self.first, self.last, self._parse, self.raw, self.response),
            fields=self._fields,
            parse_item=self._parse_item,
            steps=steps,
        )

    @property
    def has_fields(self) -> bool:
        """Whether some fields of each record were read, and no more."""
        return self._fields is not None and not self.is_parsed

    @property
    def has_steps(self) -> bool:
        """Whether `raw` is the JSON of the records before steps."""
        return self._steps is not None

    def parsed(self) -> Page:
        """Return the page as its records, without its response."""
        page = Page(
            *(len(self.records), None, None, self._parse, self.raw),
            steps=self._steps,
        )
        page.__dict__["items"] = self.records
        return page

    def unparsed(self) -> Page:
        """Return the page without its Python objects; they are parsed again if used."""
        if self.raw is None:
            return self
        return Page(self.count, None, None, self._parse, self.raw, steps=self._steps)

    def __len__(self) -> int:
        """Return `size`, which dlt's paginators look at."""
        return self.size

    @property
    def ends(self) -> list[Json]:
        """The first and the last element of the API's own list."""
        elements = self.elements
        if elements is None:
            return [self.first, self.last]
        return [elements[0], elements[-1]] if elements else []


def as_records(items: Iterable[Json]) -> list[Record]:
    """Return the items as records. A plain value becomes `{"value": ...}`; null is left out."""
    records: list[Record] = []
    for item in items:
        if isinstance(item, dict):
            records.append(item)
        elif item is not None:
            records.append({"value": item})
    return records


def shape_function(resource: Resource) -> Shape:
    """Return a function that fits records to the declared schema before dlt normalizes them.

    It removes a null in place of a declared object or list, which has no column. It encodes plain
    values of free-form columns as JSON, which dlt would otherwise load as text.
    """
    if resource.schema is None:
        return lambda records: records
    table = table_of(resource.schema)

    def shape(records: list[Record]) -> list[Record]:
        for record in records:
            _shape(table, record)
        return records

    return shape


def _shape(table: Table, record: Record) -> None:
    objects = {column.path[:-1] for column in table.columns if len(column.path) > 1}
    for path in sorted(objects, key=len, reverse=True):
        _drop_null(record, path)
    for column in table.columns:
        if column.data_type == "json":
            _as_json(record, column.path)
    for child in table.children:
        container = value_at(record, child.path[:-1])
        items = container.get(child.path[-1]) if isinstance(container, dict) else None
        if items is None and isinstance(container, dict):
            container.pop(child.path[-1], None)
        if isinstance(items, list) and not child.scalars:
            for item in items:
                if isinstance(item, dict):
                    _shape(child, item)


def _drop_null(record: Record, path: tuple[str, ...]) -> None:
    container = value_at(record, path[:-1])
    if isinstance(container, dict) and path[-1] in container and container[path[-1]] is None:
        del container[path[-1]]


def _as_json(record: Record, path: tuple[str, ...]) -> None:
    container = value_at(record, path[:-1])
    if not isinstance(container, dict):
        return
    value = container.get(path[-1])
    if value is None or isinstance(value, (dict, list)):
        return
    # dlt parses text for a json column and writes the result unchanged, so the value is
    # encoded twice
    container[path[-1]] = json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)
