"""The API's own choice of records for a range, by its own view of cursors.

The mock's own filter compares as the connector does, so it would repeat its mistakes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from framework.mock.lists.world import ListKey, WorldRecord
from framework.mock.mock_message import MockRequest
from framework.mock.pages.routes import Route
from framework.mock.pages.text_pattern import Use
from framework.prove.history.api_traits import ApiTraits
from framework.prove.history.cursor_form import CursorForm
from framework.prove.history.record_fields import Leaf
from framework.runtime.field_paths import field_at

Json = Any
DAY = timedelta(days=1)


@dataclass
class TrueRange:
    """Choose the records of a requested range by the moments that their cursors mean."""

    route: Route
    leaf: Leaf
    form: CursorForm
    traits: ApiTraits
    is_reversed: bool = False

    def chosen(
        self,
        request: MockRequest,
        key: ListKey,  # noqa: ARG002
        version: int,  # noqa: ARG002
        records: Sequence[WorldRecord],
    ) -> list[WorldRecord]:
        """Return the records of a list that a request asks for, in their order."""
        start, _ = self._bound(request, "start")
        end, is_day = self._bound(request, "end")
        if end is not None and is_day and not self.form.is_day:
            end += DAY - timedelta(microseconds=1)
        if self.is_reversed:
            start, end = end, start
        return [one for one in records if self._is_within(one, start, end)]

    def _is_within(self, record: WorldRecord, start: datetime | None, end: datetime | None) -> bool:
        moment = self.form.read(field_at(record.data, self.leaf))
        if moment is None:
            return True
        if start is not None:
            start = self.form.floor(start) if self.form.is_day else start
            if moment < start or (moment == start and self.traits.start == "exclusive"):
                return False
        if end is not None:
            return moment < end or (moment == end and self.traits.end == "inclusive")
        return True

    def _bound(self, request: MockRequest, use: Use) -> tuple[datetime | None, bool]:
        """Return a bound, and whether it is a day. None if the request has none to be read."""
        for _, text, _ in self.route.values(request, use):
            moment = self.form.read(text) if text else None
            if moment is not None:
                return moment, len(text) == 10 and text.count("-") == 2
        return None, False
