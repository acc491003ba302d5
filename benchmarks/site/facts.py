"""Facts that must hold in every tool's tables, and how to work them out from the records.

A fact is a value of a record that keeps its meaning in each tool's tables. A table's facts become
a row count and a sum of hashes: a row that is lost, doubled or changed shows in one of the two.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

NULL = "-"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Sums = dict[str, list[Any]]
"""By table: the row count and the sum of its rows' hashes, as text."""


@dataclass(frozen=True)
class Fact:
    """A value at a dotted `path`. `kind` is text, integer, number, boolean or time.

    With `free` the last part of the path lies in a free-form value, which some tools keep as JSON.
    """

    path: str
    kind: str = "text"
    free: bool = False

    def text(self, record: Mapping[str, Any]) -> str:
        """Return the value as every tool's tables must give it."""
        value: Any = record
        for key in self.path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is None:
            return NULL
        if self.kind == "integer":
            return str(int(value))
        if self.kind == "number":
            return str(round(value * 1000))
        if self.kind == "boolean":
            return "true" if value else "false"
        if self.kind == "time":
            return str((datetime.fromisoformat(value) - EPOCH) // timedelta(microseconds=1))
        return str(value)


@dataclass(frozen=True)
class Table:
    """A resource's facts, and those of the items of its lists."""

    name: str
    facts: tuple[Fact, ...]
    lists: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)


def _facts(*columns: str) -> tuple[Fact, ...]:
    """Facts from `path` or `path:kind`."""
    parts = (column.partition(":") for column in columns)
    return tuple(Fact(path, kind or "text") for path, _, kind in parts)


_GUESTS = {"event_guests": _facts("email", "created_at:time")}
_HOSTS = _facts("user", "user_email", "buffered_start_time:time")
_ANSWERS = {"questions_and_answers": _facts("question", "answer", "position:integer")}
_EVENT = _facts(
    "uri", "name", "status", "location.join_url", "invitees_counter.total:integer",
    "start_time:time",
)  # fmt: skip
_PLAIN = _facts("uri", "name", "position:integer", "active:boolean", "created_at:time")

EVENTS = Table("scheduled_events", _EVENT, {"event_memberships": _HOSTS, **_GUESTS, **_ANSWERS})
BOOKINGS = Table(
    "scheduled_events",
    (
        *_EVENT,
        *_facts("meeting_notes_plain", "location.type", "location.location"),
        *_facts("cancellation.reason", "cancellation.created_at:time", "updated_at:time"),
        Fact("location.data.conferenceCallInfo", free=True),
    ),
    {"event_memberships": _HOSTS, **_GUESTS},
)
INVITEES = Table(
    "event_invitees", _facts("uri", "email", "name", "event", "created_at:time"), _ANSWERS
)
BOOKED = Table(
    "event_invitees",
    _facts("uri", "email", "last_name", "timezone", "event", "tracking.utm_source"),
    _ANSWERS,
)
READINGS = Table(
    "readings",
    _facts(
        "uri", "updated_at:time", "text_000", "text_193", "integer_004:integer", "note_009",
        "number_186:number", "boolean_187:boolean", "time_188:time",
    ),
)  # fmt: skip

TABLES: dict[str, tuple[Table, ...]] = {
    "events": (EVENTS,),
    "invitees": (EVENTS, INVITEES),
    "numbered": (Table("contacts", _PLAIN),),
    "small": tuple(Table(name, _PLAIN) for name in ("groups", "members", "event_types")),
    "bookings": (BOOKINGS,),
    "booked": (BOOKINGS, BOOKED),
    "wide": (READINGS,),
}
"""The tables of each kind of site."""


class Truth:
    """The facts of a site, added up while its pages are made."""

    def __init__(self, kind: str) -> None:
        self._tables = {table.name: table for table in TABLES[kind]}
        self._counts: dict[str, int] = {}
        self._sums: dict[str, int] = {}
        for table in self._tables.values():
            for name in (table.name, *(f"{table.name}.{one}" for one in table.lists)):
                self._counts[name] = self._sums[name] = 0

    def add(self, name: str, record: Mapping[str, Any]) -> None:
        """Add a record of that table; records of other tables are no facts."""
        table = self._tables.get(name)
        if table is None:
            return
        self._add(name, table.facts, record)
        for key, facts in table.lists.items():
            for item in record.get(key) or ():
                self._add(f"{name}.{key}", facts, item)

    def sums(self) -> Sums:
        """Return what a tool's tables must give."""
        return {name: [self._counts[name], str(self._sums[name])] for name in self._counts}

    def _add(self, name: str, facts: tuple[Fact, ...], record: Mapping[str, Any]) -> None:
        row = "|".join(fact.text(record) for fact in facts)
        digest = hashlib.md5(row.encode(), usedforsecurity=False).digest()
        self._counts[name] += 1
        # what DuckDB's md5_number_lower gives
        self._sums[name] += int.from_bytes(digest[8:], "little")
