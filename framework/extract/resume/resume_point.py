"""How far the lists of a resource were read: where a later run goes on.

It stands in the state beside the watermarks, as JSON. It holds no records, but what the API itself
asks to be sent for the next page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from framework.extract.incremental.state_codec import join_keys, split_keys

Json = Any


@dataclass(frozen=True)
class ResumePoint:
    """The point of one resource; an empty one says that it is read from its start.

    `is_end` means that all lists were read. `request` is a hash of the first request of its only
    list, `position` where its pages go on. `progress` is that of its watermark. `lists` are the
    keys of those of many lists that were read, `watermarks` their part of the state. `reason` says
    why there is nothing to go on from.
    """

    is_end: bool = False
    request: str = ""
    position: Mapping[str, Json] | None = None
    progress: Mapping[str, Json] | None = None
    lists: frozenset[str] = frozenset()
    watermarks: Mapping[str, Json] = field(default_factory=dict)
    reason: str = ""

    @property
    def is_start(self) -> bool:
        """Whether the resource is read from its start."""
        return not (self.is_end or self.position or self.progress or self.lists)

    def as_json(self) -> dict[str, Json]:
        """Return the point as the state stores it."""
        values = {**vars(self), "lists": join_keys(self.lists)}
        return {name: value for name, value in values.items() if value}

    @classmethod
    def of(cls, stored: Mapping[str, Json]) -> ResumePoint:
        """Return a stored point; raise TypeError or ValueError if it is damaged."""
        point = cls(**{**stored, "lists": frozenset(split_keys(stored.get("lists", "")))})
        for value in (point.position, point.progress, point.watermarks):
            if value is not None and not isinstance(value, Mapping):
                raise TypeError
        return point


START = ResumePoint()
END = ResumePoint(is_end=True)
