"""Times of records that become UTC: those that a schema describes, or all that name no zone.

What dlt would take for a time is taken for one here: ISO 8601 text with a clock.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Protocol

from framework.definition.model import Resource
from framework.definition.schema.record_schema import RecordNode, table_of
from framework.definition.values.value_casts import TimeCast

Json = Any
_WITHOUT_ZONE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?", re.ASCII)


class TimeCasts(Protocol):
    """Changes the times of a record in place."""

    def apply(self, record: Json) -> None:
        """Change the times of a record."""


def time_casts(resource: Resource) -> TimeCasts | None:
    """Return what makes UTC of a resource's times, None if there is nothing to do."""
    if resource.schema is not None:
        declared = DeclaredTimes(RecordNode.of(table_of(resource.schema)), resource.zone)
        return declared if declared else None
    if resource.zone is None:
        return None
    texts = {name for name, hint in resource.columns.items() if hint.get("data_type") == "text"}
    return ZonelessTimes(resource.zone, texts)


class DeclaredTimes:
    """The times that a schema declares, in the objects and the lists of a record too."""

    def __init__(self, node: RecordNode, zone: str | None) -> None:
        self._casts: dict[str, TimeCast] = {}
        for key, column in node.columns.items():
            cast = column.cast
            if cast is None and zone is not None and column.data_type == "timestamp":
                cast = TimeCast("iso")
            if cast is not None:
                self._casts[key] = cast.in_zone(zone)
        below = {**node.objects, **node.lists}
        self._below = {
            key: made for key, one in below.items() if (made := DeclaredTimes(one, zone))
        }

    def __bool__(self) -> bool:
        return bool(self._casts or self._below)

    def apply(self, record: Json) -> None:
        """Change the times of a record, an object or a list; others stay as they are."""
        if isinstance(record, list):
            for item in record:
                self.apply(item)
        elif isinstance(record, dict):
            for key, cast in self._casts.items():
                if key in record:
                    record[key] = cast.if_written_so(record[key])
            for key, times in self._below.items():
                times.apply(record.get(key))


class ZonelessTimes:
    """All times of records that name no zone; columns that are declared as text stay."""

    def __init__(self, zone: str, texts: Collection[str]) -> None:
        self._cast = TimeCast("iso", zone)
        self._texts = texts

    def apply(self, record: Json) -> None:
        """Change the times of a record, at any depth."""
        kept = {key: record[key] for key in self._texts if key in record}
        self._changed(record)
        record.update(kept)

    def _changed(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._cast.if_written_so(value) if _WITHOUT_ZONE.fullmatch(value) else value
        if isinstance(value, dict):
            for key, item in value.items():
                value[key] = self._changed(item)
        elif isinstance(value, list):
            value[:] = map(self._changed, value)
        return value
