"""Ranges: which records of a list a request asks for by the incremental's start and end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from framework.definition.values.datetimes import TimeError, shifted
from framework.errors import FrameworkError
from framework.extract.incremental.cursor_numbers import comparable, number_in
from framework.extract.incremental.policy import CursorPolicy
from framework.mock.lists.world import ListKey, WorldRecord
from framework.mock.mock_message import MockRequest
from framework.mock.pages.elements import Elements

Json = Any
DAY = timedelta(days=1)
MOST_KEPT = 200
"""Choices that are kept."""


@dataclass
class RangeFilter:
    """Choose the records within a request's range; both ends belong to it.

    A record without a cursor, or one that does not compare, is in every range.
    """

    elements: Elements
    now: datetime
    _cursors: dict[int, tuple[Json, Json]] = field(default_factory=dict)
    _chosen: dict[tuple[ListKey, Json, Json], tuple[int, list[WorldRecord]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        """Build the connector's own rules for cursors."""
        self.route = self.elements.route
        plan = self.route.plan
        spec = plan.endpoint.incremental
        self._policy = None
        if spec is not None and self.route.step == "list":
            try:
                self._policy = CursorPolicy(plan.resource, spec, self.now, None)
            except FrameworkError:
                self._policy = None

    @property
    def reads(self) -> bool:
        """Whether requests have a range at all."""
        return self._policy is not None

    def chosen(
        self, request: MockRequest, key: ListKey, version: int, records: list[WorldRecord]
    ) -> list[WorldRecord]:
        """Return the records of a list that the request asks for, in their order.

        The choice is kept for the list's next pages, as long as it has this version.
        """
        policy = self._policy
        if policy is None:
            return records
        start, end = self._bound(request, "start"), self._bound(request, "end")
        if policy.last_of is min:
            start, end = end, start
        if end is not None and policy.times is not None and policy.times.of_days:
            end = shifted(end, DAY)
        if start is None and end is None:
            return records
        known = self._chosen.get((key, start, end))
        if known is not None and known[0] == version:
            return known[1]
        chosen = [one for one in records if self._is_within(one, start, end)]
        if len(self._chosen) >= MOST_KEPT:
            self._chosen.clear()
        self._chosen[key, start, end] = version, chosen
        return chosen

    def _bound(self, request: MockRequest, use: Any) -> Json:
        """Return a bound as it compares with cursors, None if there is none that can be read."""
        policy = self._policy
        assert policy is not None
        for _, text, _ in self.route.values(request, use):
            if not text:
                continue
            try:
                return policy.parse(text)
            except (FrameworkError, TimeError, ValueError):
                continue
        return None

    def _is_within(self, record: WorldRecord, start: Json, end: Json) -> bool:
        cursor = self.cursor(record)
        try:
            return cursor is None or (
                (start is None or _pair(cursor, start)[0] >= _pair(cursor, start)[1])
                and (end is None or _pair(cursor, end)[0] <= _pair(cursor, end)[1])
            )
        except TypeError:
            return True

    def cursor(self, record: WorldRecord) -> Json:
        """Return a record's cursor as it compares, None if it has none."""
        known = self._cursors.get(id(record.data))
        if known is not None:
            return known[1]
        cursor, policy = None, self._policy
        try:
            for one in self.elements.records(record.data):
                cursor = None if policy is None else policy.value(one, None)
        except FrameworkError:
            cursor = None
        self._cursors[id(record.data)] = record.data, cursor
        return cursor


def _pair(cursor: Json, bound: Json) -> tuple[Any, Any]:
    """Return a cursor and a bound as numbers if both are, in text or not."""
    one, other = number_in(cursor), number_in(bound)
    if one is not None and other is not None and not isinstance(cursor, datetime):
        return one, other
    return comparable(cursor), comparable(bound)
