"""Tables in memory, loaded as a destination would: replaced, appended or merged by key."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from framework.definition.model import Resource
from framework.load.deduplication import VersionOrder
from framework.runtime.field_paths import ABSENT, get_field

Json = Any
Trouble = Literal["lost", "stale", "doubled", "kept"]
"""What a table has wrong of a record: no row, an old version, several rows, or a row of a deleted
one."""


@dataclass
class MemoryTable:
    """The rows of one resource after its runs."""

    resource: Resource
    rows: list[Json] = field(default_factory=list)

    def load(self, records: Sequence[Json]) -> None:
        """Load the records of one run."""
        disposition = self.resource.write_disposition
        if disposition == "replace" or self.resource.retires_absent_rows:
            self.rows = list(records)
        elif disposition == "append" or not self.resource.primary_key:
            self.rows += records
        else:
            latest: dict[str, Json] = {self._key(row): row for row in self.rows}
            if self.resource.merge_strategy == "insert-only":
                latest = {**self._last_versions(records), **latest}
            else:
                latest.update(self._last_versions(records))
            self.rows = list(latest.values())

    def _last_versions(self, records: Iterable[Json]) -> dict[str, Json]:
        order = VersionOrder(self.resource)
        latest: dict[str, Json] = {}
        for record in records:
            key = self._key(record)
            known = latest.get(key)
            if known is not None:
                new, old = order.key(order.value(record)), order.key(order.value(known))
                if (new > old) if order.takes_least else (new < old):
                    continue
            latest[key] = record
        return latest

    def _key(self, record: Json) -> str:
        values = [get_field(record, name) for name in self.resource.primary_key]
        return repr([None if one is ABSENT else one for one in values])


def row_text(record: Json, added: Collection[str] = ()) -> str:
    """Return a record as text to compare by, without fields that a run adds."""
    own = {
        name: value
        for name, value in record.items()
        if not name.startswith("_") and name not in added
    }
    return orjson.dumps(own, option=orjson.OPT_SORT_KEYS, default=str).decode()
