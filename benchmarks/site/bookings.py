"""The records of the scheduling API's simulator, in any number and without keeping them.

The simulator's own builders make them, so they have every shape that the bundled connector
declares: 13 kinds of location with their free-form `data`, members with and without the optional
keys, guests, cancellations with and without a time, absent notes and null names.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

from benchmarks.site.records import Record
from tests.support.simulator import NOW, World, big_world
from tests.support.simulator import records as shapes
from tests.support.simulator.identity import API, stamp
from tests.support.simulator.people import email_for, names_for
from tests.support.simulator.places import place_for

__all__ = ["API", "invitee", "scheduled_event", "user"]

FIRST = NOW - timedelta(days=300)
EVENTS_IN_A_ROUND = 200_000
"""Start times repeat after so many events, 15 minutes apart."""


@cache
def _account() -> World:
    return big_world(0)


def user() -> Record:
    """Return the token's user, as /users/me gives it."""
    return _account().users[0]


def scheduled_event(number: int, invitees: int = 1) -> Record:
    """Return event `number` with a counter of so many invitees: about 1.4 kB of JSON.

    One in 9 is canceled, one in 9 has a second host; 0 to 2 guests.
    """
    account = _account()
    start = FIRST + timedelta(minutes=15 * (number % EVENTS_IN_A_ROUND))
    made = start - timedelta(days=14, hours=number % 7, microseconds=678123)
    hosts = [account.users[number % len(account.users)]]
    if number % 9 == 2:
        hosts.append(account.users[(number + 1) % len(account.users)])
    event = shapes.scheduled_event(
        number,
        kind=account.rows["event_types"][number % 5],
        hosts=hosts,
        start=start,
        made=made,
        location=place_for(number),
        limit=invitees,
    )
    event["invitees_counter"] |= {"total": invitees, "active": invitees}
    event["event_guests"] = [
        {
            "email": f"guest{number}.{place}@example.com",
            "created_at": stamp(made),
            "updated_at": stamp(made),
        }
        for place in range(number % 3)
    ]
    if number % 9 == 4:
        _cancel(event, number, start - timedelta(days=2))
    if number % 97 == 33:
        event["name"] = None
    elif number % 31 == 0:
        event["name"] = "Zürich ↔ 東京: “quarterly” <review> & more 🎉"
    if number % 50 == 35:
        del event["meeting_notes_html"], event["meeting_notes_plain"]
    return event


def invitee(event: Record, number: int) -> Record:
    """Return invitee `number` of the event: about 1.2 kB of JSON, every third with answers."""
    made = datetime.fromisoformat(event["created_at"]) + timedelta(minutes=number % 50)
    record = shapes.invitee(number, event, names_for(number), email_for(number), made)
    if number % 3 == 0:
        record["questions_and_answers"] = [
            {"question": "What is it about?", "answer": "Prices,\nand a demo.", "position": 0},
            {"question": "Topics", "answer": "Setup\nBilling", "position": 2},
        ]
    return record


def _cancel(event: Record, number: int, moment: datetime) -> None:
    told = shapes.cancellation(
        _account().users[0]["name"],
        None if number % 2 else "I am ill, sorry.",
        "host" if number % 4 else "invitee",
        # records from before 2022 do not say when
        None if number % 27 == 4 else moment,
    )
    event |= {"status": "canceled", "cancellation": told, "updated_at": stamp(moment)}
