"""The records that the benchmark's server serves: made up, and the same in every run.

Numbers come in, plain JSON data comes out. Scheduled events have the shape of the bundled
scheduling connector's: two objects that may be null, three lists, one event in 25 canceled.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

Record = dict[str, Any]

API = "https://api.example.com"
FIRST = datetime(2026, 1, 5, 8, tzinfo=UTC)
PLACES = ("zoom", "google_conference", "physical", "outbound_call", "custom")
TOPICS = ("What is it about?", "Which product do you use?", "How many of you will come?")


def identifier(kind: str, number: int) -> str:
    """An id as the API writes it; the same number gives the same id."""
    digest = hashlib.md5(f"{kind}/{number}".encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"


def stamp(moment: datetime) -> str:
    """UTC with six digits."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def scheduled_event(number: int) -> Record:
    """About 1.25 kB of JSON: 1 or 2 hosts, 0 to 2 guests, 0 to 3 answers."""
    start = FIRST + timedelta(minutes=15 * (number % 200_000))
    made = stamp(start - timedelta(days=number % 60, seconds=number % 977))
    canceled = number % 25 == 7
    record: Record = {
        "uri": f"{API}/scheduled_events/{identifier('event', number)}",
        "name": ("30 Minute Meeting", "Onboarding, part one", "Zürich ↔ 東京 review")[number % 3],
        "meeting_notes_plain": "Bring the draft.\nAnd a pen." if number % 5 == 0 else None,
        "status": "canceled" if canceled else "active",
        "start_time": stamp(start),
        "end_time": stamp(start + timedelta(minutes=30)),
        "event_type": f"{API}/event_types/{identifier('type', number % 12)}",
        "location": _location(number),
        "invitees_counter": {"total": 1 + number % 3, "active": 1, "limit": 1 + number % 3},
        "created_at": made,
        "updated_at": made,
        "event_memberships": [_host(number, place, start) for place in range(1 + number % 2)],
        "event_guests": [
            {
                "email": f"guest{number % 5000}.{place}@example.com",
                "created_at": made,
                "updated_at": made,
            }
            for place in range(number % 3)
        ],
        "questions_and_answers": [
            {"question": TOPICS[place], "answer": f"Answer {number} of many", "position": place}
            for place in range(number % 4)
        ],
        "calendar_event": (
            {"kind": ("google", "outlook")[number % 2], "external_id": f"cal-{number:09d}"}
            if number % 6
            else None
        ),
    }
    if canceled:
        record["cancellation"] = {
            "canceled_by": "Ada Lindqvist",
            "reason": None if number % 2 else "I am ill, sorry.",
            "canceler_type": "host",
            "created_at": made,
        }
    return record


def invitee(number: int) -> Record:
    """The one invitee of event `number`."""
    event = f"{API}/scheduled_events/{identifier('event', number)}"
    made = stamp(FIRST + timedelta(minutes=number))
    return {
        "uri": f"{event}/invitees/{identifier('invitee', number)}",
        "email": f"invitee{number:05d}@example.com",
        "name": f"Invitee {number}",
        "status": "active",
        "questions_and_answers": [
            {"question": TOPICS[place], "answer": f"Answer {number}", "position": place}
            for place in range(number % 3)
        ],
        "timezone": "Europe/Berlin",
        "event": event,
        "created_at": made,
        "updated_at": made,
        "tracking": {"utm_campaign": "autumn", "utm_source": None},
        "rescheduled": False,
    }


def plain(kind: str, number: int) -> Record:
    """A flat record of a small list."""
    made = stamp(FIRST + timedelta(hours=number))
    return {
        "uri": f"{API}/{kind}/{identifier(kind, number)}",
        "name": f"{kind} {number}",
        "email": f"{kind}{number}@example.com",
        "position": number,
        "active": number % 4 != 0,
        "created_at": made,
        "updated_at": made,
    }


WIDE = 200
"""Columns of a wide record."""
WIDE_KINDS = (
    "text", "text", "text", "text", "integer", "integer", "number", "boolean", "time", "note",
)  # fmt: skip
"""The kinds of its columns in turn; a `note` is null in 9 of 10 records."""


def wide_columns() -> dict[str, str]:
    """The names of a wide record's columns and their kinds, after `uri` and `updated_at`."""
    kinds = (WIDE_KINDS[place % len(WIDE_KINDS)] for place in range(WIDE - 2))
    return {f"{kind}_{place:03d}": kind for place, kind in enumerate(kinds)}


def wide_schema() -> dict[str, Any]:
    """The JSON Schema of wide records."""
    types: dict[str, Any] = {
        "text": {"type": "string"},
        "integer": {"type": "integer"},
        "number": {"type": "number"},
        "boolean": {"type": "boolean"},
        "time": {"type": "string", "format": "date-time"},
        "note": {"type": ["string", "null"]},
    }
    columns = {name: types[kind] for name, kind in wide_columns().items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Reading",
        "type": "object",
        "properties": {"uri": types["text"], "updated_at": types["time"], **columns},
    }


def wide(number: int) -> Record:
    """A flat record of 200 columns, about 5.5 kB of JSON."""
    made = FIRST + timedelta(seconds=number)
    record: Record = {
        "uri": f"{API}/readings/{identifier('reading', number)}",
        "updated_at": stamp(made),
    }
    for place, (name, kind) in enumerate(wide_columns().items()):
        record[name] = _wide_value(kind, number * 7 + place, made)
    return record


def _wide_value(kind: str, number: int, made: datetime) -> Any:
    if kind == "text":
        return f"Text {number % 9973} of some length"
    if kind == "integer":
        return number * 31 % 1_000_003
    if kind == "number":
        return number % 1000 + 0.125
    if kind == "boolean":
        return number % 3 == 0
    if kind == "time":
        return stamp(made + timedelta(minutes=number % 5000))
    return f"Note {number}" if number % 10 == 0 else None


def _location(number: int) -> Record | None:
    kind = PLACES[number % 5]
    if number % 11 == 0:
        return None
    if kind in ("zoom", "google_conference"):
        url = f"https://meet.example.com/j/{90_000_000_000 + number}?pwd=made-up"
        return {"type": kind, "status": "pushed", "join_url": url}
    return {"type": kind, "location": f"{number} Harbour Street, Room 4", "additional_info": None}


def _host(number: int, place: int, start: datetime) -> Record:
    who = (number + place) % 40
    return {
        "user": f"{API}/users/{identifier('user', who)}",
        "user_email": f"host{who}@example.com",
        "user_name": f"Host Number {who}",
        "buffered_start_time": stamp(start - timedelta(minutes=10)),
        "buffered_end_time": stamp(start + timedelta(minutes=35)),
    }
