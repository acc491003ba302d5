"""The account behind the simulator: its tables as the API gives them, and what people do to it
(book, cancel, reschedule, edit, delete) between two runs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from tests.support.simulator import records
from tests.support.simulator.identity import Record, stamp
from tests.support.simulator.people import email_for, names_for
from tests.support.simulator.places import place_for

TABLES = (
    "api_user", "event_types", "groups", "organization_memberships", "scheduled_events",
    "event_invitees", "group_relationships", "organization_invitations", "routing_forms",
    "routing_form_submissions", "user_availability_schedules", "activity_log_entries",
    "outgoing_communications",
)  # fmt: skip

_ORDER: dict[str, Callable[[Record], Any]] = {
    "event_types": lambda row: (row["name"] is None, row["name"] or ""),
    "scheduled_events": lambda row: row["start_time"],
    "event_invitees": lambda row: row["created_at"],
    "organization_invitations": lambda row: row["created_at"],
    "activity_log_entries": lambda row: row["occurred_at"],
    "outgoing_communications": lambda row: row["created_at"],
}


class World:
    """An account's data. `rows[name]` are the live records; `now` is when things happen that
    are not told another time, and the clock of whoever tests."""

    def __init__(self, organization: str, now: datetime) -> None:
        self.organization = organization
        self.now = now
        self.users: list[Record] = []
        self.rows: dict[str, list[Record]] = {name: [] for name in TABLES if name != "api_user"}
        self._serial = 10_000
        self._guests: dict[str, list[Record]] = {}

    def table(self, name: str, *, user: str | None = None) -> list[Record]:
        """What a whole read of a resource must give: a copy, in the API's default order.

        `user` (slug or uri) is the token's user, by default the first: api_user and
        user_availability_schedules are that one's alone."""
        of = self.user(user)
        if name == "api_user":
            return [copy.deepcopy(of)]
        found = self.ordered(name, self.rows[name])
        if name == "user_availability_schedules":
            found = [row for row in found if row["user"] == of["uri"]]
        return copy.deepcopy(found)

    @staticmethod
    def ordered(name: str, found: Sequence[Record]) -> list[Record]:
        """Records in the default order of their list."""
        order = _ORDER.get(name)
        return sorted(found, key=order) if order else list(found)

    def user(self, name: str | None = None) -> Record:
        """The user of that slug or uri; the first user without one."""
        if name is None:
            return self.users[0]
        return next(user for user in self.users if name in (user["slug"], user["uri"]))

    def find(self, uri: str) -> Record:
        """The live record of that uri; KeyError where there is none."""
        for rows in (self.users, *self.rows.values()):
            for row in rows:
                if row.get("uri") == uri:
                    return row
        raise KeyError(uri)

    def invitees_of(self, event: str) -> list[Record]:
        """The live invitees of an event, by its uri."""
        return self._guests.get(event, [])

    def has_event(self, uri: str) -> bool:
        """Whether there is such an event."""
        return uri in self._guests

    def group_members(self, group: str) -> set[str]:
        """The users that are in a group by their membership."""
        owners = (row["owner"] for row in self.rows["group_relationships"] if row["group"] == group)
        return {owner["user"]["uri"] for owner in owners if "status" not in owner}

    def add_event(self, event: Record, invitees: Sequence[Record] = ()) -> Record:
        """Put an event with its invitees in; the counter follows."""
        self.rows["scheduled_events"].append(event)
        self.rows["event_invitees"].extend(invitees)
        self._guests[event["uri"]] = list(invitees)
        self._recount(event)
        return event

    def book(
        self,
        start: datetime,
        *,
        event_type: str | None = None,
        host: str | None = None,
        invitees: int = 1,
        at: datetime | None = None,
    ) -> Record:
        """Someone books: a new event with that many invitees, made `at` (now). Gives the event."""
        made = at or self.now
        kind = self.find(event_type) if event_type else self.rows["event_types"][0]
        number = self._next()
        event = records.scheduled_event(
            number,
            kind=kind,
            hosts=[self.user(host)],
            start=start,
            made=made,
            location=place_for(number),
            limit=max(1, invitees),
        )
        people = [self._next() for _ in range(invitees)]
        return self.add_event(
            event,
            [records.invitee(who, event, names_for(who), email_for(who), made) for who in people],
        )

    def cancel(
        self,
        event: str,
        *,
        reason: str | None = None,
        side: str = "host",
        at: datetime | None = None,
    ) -> Record:
        """The whole event is canceled, and with it all that were still coming."""
        record, moment = self.find(event), at or self.now
        told = records.cancellation(self.users[0]["name"], reason, side, moment)
        for who in self.invitees_of(event):
            if who["status"] == "active":
                who |= {"status": "canceled", "cancellation": told, "updated_at": stamp(moment)}
        record |= {"status": "canceled", "cancellation": told, "updated_at": stamp(moment)}
        self._recount(record)
        return record

    def cancel_invitee(self, invitee: str, *, at: datetime | None = None) -> Record:
        """One invitee cancels; the event stays active, and its `updated_at` where it was."""
        record, moment = self.find(invitee), at or self.now
        told = records.cancellation(record["name"], None, "invitee", moment)
        record |= {"status": "canceled", "cancellation": told, "updated_at": stamp(moment)}
        self._recount(self.find(record["event"]))
        return record

    def reschedule(self, event: str, start: datetime, *, at: datetime | None = None) -> Record:
        """A new event in place of the old one, which is canceled; the links are on the
        invitees. Gives the new event."""
        moment = at or self.now
        old = self.find(event)
        coming = [who for who in self.invitees_of(event) if who["status"] == "active"]
        new = self.book(
            start,
            event_type=old["event_type"],
            host=old["event_memberships"][0]["user"],
            invitees=len(coming),
            at=moment,
        )
        self.cancel(event, reason="Another time suits better.", side="invitee", at=moment)
        for before, after in zip(coming, self.invitees_of(new["uri"]), strict=True):
            before |= {"rescheduled": True, "new_invitee": after["uri"]}
            after |= {key: before[key] for key in ("email", "name", "first_name", "last_name")}
            after["old_invitee"] = before["uri"]
        return new

    def mark_no_show(self, invitee: str, *, at: datetime | None = None) -> Record:
        """The invitee did not come; the event is not touched."""
        record, moment = self.find(invitee), at or self.now
        record |= {"no_show": records.no_show(record, moment), "updated_at": stamp(moment)}
        return record

    def edit(self, uri: str, *, at: datetime | None = None, **fields: Any) -> Record:
        """Set fields of any record, and its `updated_at` if it has one."""
        record = self.find(uri)
        record |= fields
        if "updated_at" in record and "updated_at" not in fields:
            record["updated_at"] = stamp(at or self.now)
        return record

    def delete(self, uri: str) -> None:
        """Gone for good, as after a privacy request: no list shows it again; an event goes with
        its invitees."""
        gone = self.find(uri)
        guests = self._guests.pop(uri, [])
        for name, rows in self.rows.items():
            self.rows[name] = [row for row in rows if row is not gone and row not in guests]
        if "event" in gone and gone["event"] in self._guests:
            event = gone["event"]
            self._guests[event] = [who for who in self._guests[event] if who is not gone]
            self._recount(self.find(event))

    def _recount(self, event: Record) -> None:
        guests = self.invitees_of(event["uri"])
        event["invitees_counter"] |= {
            "total": len(guests),
            "active": sum(who["status"] == "active" for who in guests),
        }

    def _next(self) -> int:
        self._serial += 1
        return self._serial
