"""Builders of single records in the recorded shapes. They know nothing of each other's tables;
times and links come in from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.support.simulator.identity import API, SITE, Record, last_part, stamp, uri_for, uuid_for

_USER_KEYS = (
    "uri", "name", "slug", "email", "scheduling_url", "timezone", "avatar_url", "locale",
    "time_notation", "created_at", "updated_at",
)  # fmt: skip


def user(
    number: int, name: str, organization: str, made: datetime, *, timezone: str, locale: str = "en"
) -> Record:
    """A user in full, as /users/me gives it. Every third has a picture."""
    slug = name.lower().replace(" ", "-")
    return {
        "uri": uri_for("users", number),
        "name": name,
        "slug": slug,
        "email": f"{slug}@example.com",
        "scheduling_url": f"{SITE}/{slug}",
        "timezone": timezone,
        "locale": locale,
        "time_notation": "12h" if locale == "en" else "24h",
        "avatar_url": None if number % 3 else f"https://pictures.example.com/{slug}.png",
        "current_organization": organization,
        "resource_type": "User",
        "created_at": stamp(made),
        "updated_at": stamp(made + timedelta(days=3)),
    }


def membership(number: int, of: Record, role: str) -> Record:
    """A user's place in the organization, with the user in it, less two keys."""
    return {
        "uri": uri_for("organization_memberships", number),
        "role": role,
        "user": {key: of[key] for key in _USER_KEYS},
        "organization": of["current_organization"],
        "created_at": of["created_at"],
        "updated_at": of["updated_at"],
    }


def question(position: int, name: str, kind: str, choices: Sequence[str] = ()) -> Record:
    """One of an event type's custom questions."""
    return {
        "name": name,
        "type": kind,
        "position": position,
        "enabled": position != 5,
        "required": position == 0,
        "answer_choices": list(choices),
        "include_other": bool(choices) and position % 2 == 0,
    }


def event_type(number: int, name: str | None, made: datetime, **fields: Any) -> Record:
    """An event type; `fields` replace what stands here."""
    slug = (name or f"untitled-{number}").lower().replace(" ", "-")
    return {
        "uri": uri_for("event_types", number),
        "name": name,
        "active": True,
        "admin_managed": False,
        "booking_method": "instant",
        "color": f"#{number * 1118481 % 0xFFFFFF:06x}",
        "created_at": stamp(made),
        "updated_at": stamp(made + timedelta(hours=5)),
        "deleted_at": None,
        "custom_questions": [],
        "description_html": None,
        "description_plain": None,
        "duration": 30,
        "duration_options": None,
        "internal_note": None,
        "is_paid": False,
        "kind": "solo",
        "locale": "en",
        "locations": None,
        "pooling_type": None,
        "position": number,
        "profile": None,
        "scheduling_url": f"{SITE}/example/{slug}",
        "secret": False,
        "slug": slug,
        "type": "StandardEventType",
    } | fields


def scheduled_event(
    number: int,
    *,
    kind: Record,
    hosts: Sequence[Record],
    start: datetime,
    made: datetime,
    location: Record | None,
    limit: int = 1,
) -> Record:
    """An active event with no invitees yet. Older hosts' entries lack the optional keys."""
    end = start + timedelta(minutes=kind["duration"])
    members: list[Record] = []
    for place, host in enumerate(hosts):
        member: Record = {"user": host["uri"]}
        if (number + place) % 4:
            member |= {
                "user_email": host["email"],
                "user_name": host["name"],
                "buffered_start_time": stamp(start - timedelta(minutes=10)),
                "buffered_end_time": stamp(end + timedelta(minutes=5)),
            }
        members.append(member)
    noted = number % 10 == 3
    return {
        "uri": uri_for("scheduled_events", number),
        "name": kind["name"],
        "meeting_notes_plain": "Bring the draft.\nAnd a pen." if noted else None,
        "meeting_notes_html": "<p>Bring the draft.<br>And a pen.</p>" if noted else None,
        "status": "active",
        "start_time": stamp(start),
        "end_time": stamp(end),
        "event_type": kind["uri"],
        "location": location,
        "invitees_counter": {"total": 0, "active": 0, "limit": limit},
        "created_at": stamp(made),
        "updated_at": stamp(made),
        "event_memberships": members,
        "event_guests": [],
        "calendar_event": (
            {"kind": ("google", "outlook", "exchange")[number % 3], "external_id": f"cal{number}"}
            if number % 5
            else None
        ),
    }


def invitee(
    number: int, event: Record, name: tuple[str, str], email: str, made: datetime, **fields: Any
) -> Record:
    """An active invitee; every other one gave first and last name apart. `fields` replace."""
    first, last = name
    bare = uuid_for("invitees", number)
    tracked = number % 8 == 5
    split = number % 2 == 0
    return {
        "uri": f"{event['uri']}/invitees/{bare}",
        "email": email,
        "first_name": first if split else None,
        "last_name": last if split else None,
        "name": f"{first} {last}",
        "status": "active",
        "questions_and_answers": [],
        "timezone": ("Europe/Berlin", "America/New_York", "Asia/Tokyo", None)[number % 4],
        "event": event["uri"],
        "created_at": stamp(made),
        "updated_at": stamp(made),
        "tracking": {
            "utm_campaign": "autumn" if tracked else None,
            "utm_source": "newsletter" if tracked else None,
            "utm_medium": "email" if tracked else None,
            "utm_content": "button" if tracked else None,
            "utm_term": None,
            "salesforce_uuid": "0035e00000AbCdEAAV" if tracked else None,
        },
        "text_reminder_number": "+1 202 555 0105" if number % 11 == 0 else None,
        "rescheduled": False,
        "old_invitee": None,
        "new_invitee": None,
        "cancel_url": f"{SITE}/cancellations/{bare}",
        "reschedule_url": f"{SITE}/reschedulings/{bare}",
        "routing_form_submission": None,
        "payment": None,
        "no_show": None,
        "reconfirmation": None,
        "scheduling_method": None,
        "invitee_scheduled_by": None,
    } | fields


def cancellation(name: str, reason: str | None, side: str, moment: datetime | None) -> Record:
    """What an event or invitee gets when canceled; old records have no `created_at`."""
    told: Record = {"canceled_by": name, "reason": reason, "canceler_type": side}
    if moment is not None:
        told["created_at"] = stamp(moment)
    return told


def invitation(
    number: int, organization: str, email: str, status: str, made: datetime, taken_by: str | None
) -> Record:
    """An invitation to the organization; `user` is there only once it was taken."""
    record: Record = {
        "uri": f"{organization}/invitations/{uuid_for('invitations', number)}",
        "organization": organization,
        "email": email,
        "status": status,
        "created_at": stamp(made),
        "updated_at": stamp(made + timedelta(days=1)),
        "last_sent_at": None if number % 3 == 0 else stamp(made + timedelta(minutes=30)),
    }
    if taken_by is not None:
        record["user"] = taken_by
    return record


def group_relationship(
    number: int, group: Record, owner: Record, role: str, made: datetime
) -> Record:
    """A membership's or an invitation's place in a group; the owner's `type` says which."""
    of_invitation = "/invitations/" in owner["uri"]
    return {
        "uri": uri_for("group_relationships", number),
        "role": role,
        "owner": owner
        | {"type": "OrganizationInvitation" if of_invitation else "OrganizationMembership"},
        "organization": group["organization"],
        "group": group["uri"],
        "created_at": stamp(made),
        "updated_at": stamp(made),
    }


def no_show(event_invitee: Record, moment: datetime) -> Record:
    """What an invitee gets who did not come."""
    bare = last_part(event_invitee["uri"])
    return {"uri": f"{API}/invitee_no_shows/{bare}", "created_at": stamp(moment)}
