"""Two accounts of our own making: a small one with every oddity of the recorded shapes in it, and
a large one for volume. The same call gives the same data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.support.simulator import records
from tests.support.simulator.catalog import event_types
from tests.support.simulator.extras import add_extras
from tests.support.simulator.identity import Record, stamp, uri_for
from tests.support.simulator.people import email_for, names_for
from tests.support.simulator.places import place_for
from tests.support.simulator.world import World

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""The clock that all data stands around."""

EVENTS = 130
"""Scheduled events of the small world: two pages of 100."""

_MEMBERS = (
    ("Ada Lindqvist", "owner", "Europe/Stockholm", "en"),
    ("Bruno Castellan", "admin", "Europe/Madrid", "es"),
    ("Celeste Amari", "user", "America/New_York", "en"),
    ("Darius Vogel", "user", "Europe/Berlin", "de"),
    ("Emi Tanabe", "user", "Asia/Tokyo", "en"),
    ("Farah Nadeem", "user", "America/Sao_Paulo", "pt"),
)


def small_world() -> World:
    """130 events from 100 days before NOW to 60 days after it, with about 150 invitees: every
    kind of location, nulls, cancellations, a reschedule, a no-show, payments, guests, events
    without invitees, both forms of uuid; and some rows of every other list."""
    world = _account()
    kinds = {row["name"]: row for row in world.rows["event_types"]}
    meeting, group = kinds["30 Minute Meeting"], kinds["Open House"]
    for number in range(EVENTS):
        start = _start(number)
        crowd = number % 11 == 7
        kind = group if crowd else world.rows["event_types"][number % 5]
        hosts = [world.users[number % len(world.users)]]
        if number % 9 == 2:
            hosts.append(world.users[(number + 1) % len(world.users)])
        event = records.scheduled_event(
            number,
            kind=kind,
            hosts=hosts,
            start=start,
            made=start - timedelta(days=14, hours=number % 7, microseconds=678123),
            location=place_for(number),
            limit=20 if crowd else 1,
        )
        count = 0 if number % 26 == 12 else 3 if crowd else 1
        world.add_event(event, _invitees(event, range(number * 4, number * 4 + count)))
    _oddities(world, meeting)
    add_extras(world)
    return world


def big_world(events: int, *, invitees: int = 1, number_from: int = 0) -> World:
    """An account with that many events of so many invitees each; the other lists are short.

    Events are numbered from `number_from`, which gives accounts of different data."""
    world = _account()
    kind, host = world.rows["event_types"][0], world.users[0]
    first = NOW - timedelta(days=300)
    for number in range(number_from, number_from + events):
        event = records.scheduled_event(
            number,
            kind=kind,
            hosts=[host],
            start=first + timedelta(minutes=number - number_from),
            made=first - timedelta(days=30),
            location=place_for(number),
            limit=max(1, invitees),
        )
        guests = _invitees(event, range(number * invitees, (number + 1) * invitees))
        world.add_event(event, guests)
    return world


def _account() -> World:
    """Six members, two groups, the event types; nothing booked yet."""
    organization = uri_for("organizations", 1)
    world = World(organization, NOW)
    joined = NOW - timedelta(days=1200, microseconds=123456)
    for number, (name, role, timezone, locale) in enumerate(_MEMBERS):
        made = joined + timedelta(days=40 * number)
        member = records.user(number, name, organization, made, timezone=timezone, locale=locale)
        world.users.append(member)
        row = records.membership(number, member, role)
        world.rows["organization_memberships"].append(row)
    world.rows["event_types"].extend(event_types(world.users, joined))
    for number, name in enumerate(("Sales", "Customer Care")):
        made = joined + timedelta(days=90)
        row = {
            "uri": uri_for("groups", number),
            "name": name,
            "organization": organization,
            "created_at": stamp(made),
            "updated_at": stamp(made + timedelta(days=number)),
        }
        world.rows["groups"].append(row | ({"member_count": 3} if number == 0 else {}))
    return world


def _start(number: int) -> datetime:
    """Spread over 160 days; number 57 begins exactly 30 days before NOW."""
    if number == 57:
        return NOW - timedelta(days=30)
    return NOW - timedelta(days=100) + timedelta(hours=29.5 * number)


def _invitees(event: Record, numbers: Sequence[int]) -> list[Record]:
    made = datetime.fromisoformat(event["created_at"])
    found = []
    for place, number in enumerate(numbers):
        who = records.invitee(
            number, event, names_for(number), email_for(number), made + timedelta(minutes=place)
        )
        if number % 3 == 0:
            who["questions_and_answers"] = [
                {"question": "What is it about?", "answer": "Prices,\nand a demo.", "position": 0},
                {"question": "Topics", "answer": "Setup\nBilling", "position": 2},
            ]
        found.append(who)
    return found


def _oddities(world: World, meeting: Record) -> None:
    """What happens to some of the events: each number is picked by hand."""
    events = list(world.rows["scheduled_events"])
    past = datetime.fromisoformat(events[20]["start_time"])
    _cancel(world, events)
    for number in (7, 29):  # one of several cancels, the event stays
        world.cancel_invitee(
            world.invitees_of(events[number]["uri"])[1]["uri"], at=past - timedelta(days=1)
        )
    world.reschedule(
        events[70]["uri"], NOW + timedelta(days=9, hours=2), at=NOW - timedelta(days=20)
    )
    world.mark_no_show(_first(world, events[20])["uri"], at=past + timedelta(hours=1))
    paid = {"external_id": "ch_madeup0001", "provider": "stripe", "terms": None}
    _first(world, events[21])["payment"] = paid | {
        "amount": "1234.56", "currency": "EUR", "successful": True,
    }  # fmt: skip
    _first(world, events[22])["payment"] = paid | {
        "external_id": "PAYID-MADEUP0002", "provider": "paypal", "amount": 49.5, "currency": "USD",
        "terms": "No refund within 24 hours.", "successful": False,
    }  # fmt: skip
    asked = {"created_at": stamp(past), "confirmed_at": None}
    _first(world, events[23])["reconfirmation"] = asked
    _first(world, events[24])["reconfirmation"] = asked | {"confirmed_at": stamp(NOW)}
    _first(world, events[26])["scheduling_method"] = "instant_book"
    _first(world, events[27]).update(
        scheduling_method="api", invitee_scheduled_by=world.users[2]["uri"]
    )
    for number, guests in ((30, 1), (31, 3)):
        when = events[number]["created_at"]
        events[number]["event_guests"] = [
            {"email": f"guest{guest}@example.com", "created_at": when, "updated_at": when}
            for guest in range(guests)
        ]
    events[33].update(name=None, calendar_event=None)
    events[34]["name"] = "Zürich ↔ 東京: “quarterly” <review> & more 🎉"
    del events[35]["meeting_notes_html"], events[35]["meeting_notes_plain"]
    events[36]["event_type"] = meeting["uri"]


def _cancel(world: World, events: Sequence[Record]) -> None:
    for number in range(4, EVENTS, 9):
        at = datetime.fromisoformat(events[number]["start_time"]) - timedelta(days=2)
        world.cancel(
            events[number]["uri"],
            reason=None if number % 2 else "I am ill, sorry.",
            side="host" if number % 4 else "invitee",
            at=min(at, NOW - timedelta(hours=1)),
        )
    old = events[4]  # records from before 2022 do not say when
    old["cancellation"] = {k: v for k, v in old["cancellation"].items() if k != "created_at"}


def _first(world: World, event: Record) -> Record:
    return world.invitees_of(event["uri"])[0]
