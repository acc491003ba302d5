"""What the workspace of `intercom_api` has: a few records of each kind, made up."""

from __future__ import annotations

from typing import Any

Record = dict[str, Any]
DAY = 86_400
TODAY = 1_795_132_800
"""The midnight before the tests' runs, 2026-11-20."""


def _list(kind: str, key: str, items: list[Record], **more: Any) -> Record:
    return {"type": kind, key: items, **more}


def _counted(items: list[Record]) -> Record:
    return _list("list", "data", items, url="/", total_count=len(items), has_more=False)


ADMINS: list[Record] = [
    {
        "type": "admin",
        "id": str(number),
        "name": name,
        "email": f"{name.lower()}@example.com",
        "job_title": "Support",
        "away_mode_enabled": False,
        "away_mode_reassign": False,
        "has_inbox_seat": True,
        "team_ids": teams,
        "team_priority_level": {"primary_team_ids": teams, "secondary_team_ids": []},
    }
    for number, name, teams in ((814860, "Eva", [5017690]), (814861, "Finn", []))
]

TEAMS: list[Record] = [
    {
        "type": "team",
        "id": "5017690",
        "name": "Billing",
        "admin_ids": [814860],
        "admin_priority_level": {"primary_admin_ids": [814860], "secondary_admin_ids": []},
    },
    {"type": "team", "id": "5017691", "name": "Sales", "admin_ids": []},
]

TAGS: list[Record] = [
    {"type": "tag", "id": "17513", "name": "Important"},
    {"type": "tag", "id": "17514", "name": "Late"},
]

SEGMENTS: list[Record] = [
    {
        "type": "segment",
        "id": f"segment-{number}",
        "name": name,
        "person_type": "user",
        "count": count,
        "created_at": TODAY - 90 * DAY,
        "updated_at": TODAY - 9 * DAY,
    }
    for number, name, count in ((1, "Active", 2), (2, "New", 1))
]


def _attribute(model: str, name: str, kind: str, **more: Any) -> Record:
    return {
        "type": "data_attribute",
        "model": model,
        "name": name,
        "full_name": name,
        "label": name.capitalize(),
        "description": "",
        "data_type": kind,
        "api_writable": True,
        "messenger_writable": True,
        "ui_writable": False,
        "custom": False,
        "archived": False,
        **more,
    }


ATTRIBUTES: list[Record] = [
    _attribute("contact", "email", "string"),
    _attribute(
        "contact",
        "shoe",
        "string",
        full_name="custom_attributes.shoe",
        id=12878,
        custom=True,
        options=["left", "right"],
        created_at=TODAY - 80 * DAY,
        updated_at=TODAY - 80 * DAY,
        admin_id="814860",
    ),
    _attribute("company", "monthly_spend", "float"),
    _attribute("conversation", "title", "string"),
]

COMPANIES: list[Record] = [
    {
        "type": "company",
        "id": f"company-{number}",
        "company_id": str(number),
        "app_id": "workspace-1",
        "name": name,
        "plan": {"type": "plan", "id": "1", "name": "Large"} if number == 1 else {},
        "size": 12,
        "website": "http://north.example.com",
        "industry": "Retail",
        "monthly_spend": 49,
        "session_count": 7,
        "user_count": 1,
        "custom_attributes": {"colour": "blue"},
        "tags": _list("tag.list", "tags", TAGS[:1] if number == 1 else []),
        "segments": _list("segment.list", "segments", SEGMENTS[:1] if number == 1 else []),
        "remote_created_at": TODAY - 70 * DAY,
        "last_request_at": TODAY - 2 * DAY,
        "created_at": TODAY - 60 * DAY,
        "updated_at": TODAY - 2 * DAY,
    }
    for number, name in ((1, "North Shop"), (2, "South Works"), (3, "East Lamps"))
]


def _contact(number: int, name: str, updated: int, companies: list[Record]) -> Record:
    short = [{"type": "company", "id": one["id"], "url": "/"} for one in companies]
    return {
        "type": "contact",
        "id": f"contact-{number}",
        "external_id": str(number),
        "workspace_id": "workspace-1",
        "role": "user",
        "email": f"{name.lower()}@example.com",
        "email_domain": "example.com",
        "phone": None,
        "name": name,
        "owner_id": 814860,
        "has_hard_bounced": False,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": number == 2,
        "created_at": TODAY - 50 * DAY,
        "updated_at": updated,
        "signed_up_at": TODAY - 50 * DAY,
        "last_seen_at": TODAY - DAY,
        "last_replied_at": None,
        "browser": "firefox",
        "browser_language": "sv",
        "location": {
            "type": "location",
            "country": "Sweden",
            "region": "Uppsala",
            "city": "Uppsala",
        },
        "social_profiles": {"data": [{"type": "social_profile", "name": "Net", "url": "/"}]},
        "custom_attributes": {"shoe": "left"},
        "tags": _counted([{"type": "tag", "id": "17513", "url": "/"}] if number == 1 else []),
        "notes": _counted([]),
        "companies": _counted(short),
    }


CONTACTS: list[Record] = [
    _contact(1, "Ada", TODAY + 3600, [*COMPANIES[:2]]),
    _contact(2, "Bo", TODAY - 5 * DAY + 60, []),
    _contact(3, "Cy", TODAY - 5 * DAY + 61, COMPANIES[2:]),
]
CONTACT_COMPANIES = {
    "contact-1": COMPANIES[:2],
    "contact-2": [],
    "contact-3": COMPANIES[2:],
}
_BY = {"type": "admin", "id": "814860"}
_EVA = {"type": "admin", "id": "814860", "name": "Eva", "email": "eva@example.com"}
_ADA = {"type": "user", "id": "contact-1", "name": "Ada", "email": "ada@example.com"}


def _conversation(number: int, updated: int, **more: Any) -> Record:
    return {
        "type": "conversation",
        "id": str(number),
        "title": f"Question {number}",
        "created_at": TODAY - 6 * DAY,
        "updated_at": updated,
        "waiting_since": None,
        "snoozed_until": None,
        "open": False,
        "state": "closed",
        "read": True,
        "priority": "not_priority",
        "admin_assignee_id": 814860,
        "team_assignee_id": None,
        "tags": _list("tag.list", "tags", []),
        "conversation_rating": None,
        "source": {
            "type": "conversation",
            "id": str(403918300 + number),
            "delivered_as": "customer_initiated",
            "subject": "",
            "body": "<p>Where is my lamp?</p>",
            "author": _ADA,
            "attachments": [{"type": "upload", "name": "lamp.png", "url": "/"}],
            "url": "http://shop.example.com",
            "redacted": False,
        },
        "contacts": _list(
            "contact.list",
            "contacts",
            [{"type": "contact", "id": "contact-1", "external_id": "1"}],
        ),
        "teammates": _list("admin.list", "teammates", [{"type": "admin", "id": "814860"}]),
        "custom_attributes": {},
        "topics": {},
        "first_contact_reply": None,
        "sla_applied": None,
        "statistics": None,
        "linked_objects": _list("list", "data", [], total_count=0, has_more=False),
        "ticket": None,
        "ai_agent": None,
        "ai_agent_participated": False,
        **more,
    }


CONVERSATIONS: list[Record] = [
    _conversation(
        501,
        TODAY - 3 * DAY + 10,
        tags=_list(
            "tag.list",
            "tags",
            [{**TAGS[0], "applied_at": TODAY - 3 * DAY, "applied_by": _BY}],
        ),
        conversation_rating={
            "rating": 5,
            "remark": "Quick!",
            "created_at": TODAY - 3 * DAY,
            "contact": {"type": "contact", "id": "contact-1"},
            "teammate": {"type": "admin", "id": "814860"},
        },
        first_contact_reply={"created_at": TODAY - 6 * DAY, "type": "conversation", "url": None},
        sla_applied={"type": "sla", "sla_name": "One hour", "sla_status": "hit"},
        statistics={
            "type": "conversation_statistics",
            "time_to_admin_reply": 600,
            "first_admin_reply_at": TODAY - 6 * DAY + 600,
            "count_reopens": 0,
            "count_conversation_parts": 3,
            "assigned_team_first_response_time": [
                {"team_id": 5017690, "team_name": "Billing", "response_time": 600}
            ],
        },
    ),
    _conversation(502, TODAY - 2 * DAY, open=True, state="open"),
    _conversation(503, TODAY - DAY, linked_objects=_list(
        "list",
        "data",
        [{"type": "ticket", "id": "633", "category": "Customer"}],
        total_count=1,
        has_more=False,
    )),
]  # fmt: skip


def _part(number: int, kind: str, at: int, **more: Any) -> Record:
    return {
        "type": "conversation_part",
        "id": str(number),
        "part_type": kind,
        "body": None,
        "created_at": at,
        "updated_at": at,
        "notified_at": at,
        "assigned_to": None,
        "author": _EVA,
        "attachments": [],
        "external_id": None,
        "redacted": False,
        "state": "open",
        "tags": [],
        "event_details": None,
        "app_package_code": None,
        **more,
    }


PARTS: dict[str, list[Record]] = {
    "501": [
        _part(1, "comment", TODAY - 6 * DAY + 600, body="<p>It is on its way.</p>"),
        _part(
            2, "assignment", TODAY - 6 * DAY + 601, assigned_to={"type": "admin", "id": "814860"}
        ),
        _part(3, "close", TODAY - 3 * DAY + 10, state="closed"),
    ],
    "502": [_part(4, "comment", TODAY - 2 * DAY, author=_ADA, body="<p>Hello?</p>")],
    "503": [],
}

_STATES: list[Record] = [
    {
        "type": "ticket_state",
        "id": str(number),
        "category": category,
        "internal_label": label,
        "external_label": label,
    }
    for number, category, label in (
        (8321, "submitted", "Submitted"),
        (8324, "resolved", "Resolved"),
    )
]
TICKET_TYPES: list[Record] = [
    {
        "type": "ticket_type",
        "id": "67",
        "category": "Customer",
        "name": "Broken",
        "description": "Something is broken",
        "icon": "x",
        "workspace_id": "workspace-1",
        "is_internal": False,
        "archived": False,
        "created_at": TODAY - 40 * DAY,
        "updated_at": TODAY - 40 * DAY,
        "ticket_type_attributes": _list(
            "list",
            "data",
            [
                {
                    "type": "ticket_type_attribute",
                    "id": "165",
                    "name": "_default_title_",
                    "description": "",
                    "data_type": "string",
                    "input_options": {"multiline": False},
                    "order": 0,
                    "default": True,
                    "ticket_type_id": 67,
                    "archived": False,
                    "created_at": TODAY - 40 * DAY,
                    "updated_at": TODAY - 40 * DAY,
                }
            ],
        ),
        "ticket_states": _list("list", "data", _STATES),
    }
]
TICKETS: list[Record] = [
    {
        "type": "ticket",
        "id": str(number),
        "ticket_id": str(number - 593),
        "category": "Customer",
        "ticket_attributes": {"_default_title_": "A lamp", "_default_description_": None},
        "ticket_state": _STATES[0],
        "ticket_type": TICKET_TYPES[0],
        "contacts": _list(
            "contact.list", "contacts", [{"type": "contact", "id": "contact-1", "external_id": "1"}]
        ),
        "admin_assignee_id": "0",
        "team_assignee_id": "5017690",
        "created_at": TODAY - 4 * DAY,
        "updated_at": TODAY - 4 * DAY + number,
        "open": True,
        "is_shared": True,
        "linked_objects": _list("list", "data", [], total_count=0, has_more=False),
        "ticket_parts": _list(
            "ticket_part.list",
            "ticket_parts",
            [
                {
                    "type": "ticket_part",
                    "id": str(number * 10),
                    "part_type": "ticket_state_updated_by_admin",
                    "ticket_state": "submitted",
                    "previous_ticket_state": "submitted",
                    "created_at": TODAY - 4 * DAY,
                    "updated_at": TODAY - 4 * DAY,
                    "author": _EVA,
                    "attachments": [],
                    "redacted": False,
                }
            ],
            total_count=1,
        ),
    }
    for number in (633, 634, 635)
]

ARTICLES: list[Record] = [
    {
        "type": "article",
        "id": str(number),
        "workspace_id": "workspace-1",
        "title": f"Lamps, part {number}",
        "description": "",
        "body": "<p>Turn it on.</p>",
        "author_id": 814860,
        "state": "published",
        "created_at": TODAY - 30 * DAY,
        "updated_at": TODAY - number * DAY,
        "url": "http://help.example.com/1",
        "parent_id": 159,
        "parent_ids": [159],
        "parent_type": "collection",
        "default_locale": "en",
        "tags": _list("tag.list", "tags", []),
    }
    for number in (1, 2, 3)
]
COLLECTIONS: list[Record] = [
    {
        "id": str(number),
        "workspace_id": "workspace-1",
        "name": name,
        "description": None,
        "created_at": TODAY - 30 * DAY,
        "updated_at": TODAY - 30 * DAY,
        "url": "http://help.example.com/c",
        "icon": "bookmark",
        "order": number - 158,
        "default_locale": "en",
        "parent_id": parent,
        "help_center_id": 79,
    }
    for number, name, parent in ((159, "Lamps", None), (160, "Bulbs", "159"), (161, "Chairs", None))
]
LOGS: list[Record] = [
    {
        "id": f"log-{number}",
        "performed_by": {
            "type": "admin",
            "id": "814860",
            "email": "eva@example.com",
            "ip": "192.0.2.1",
        },
        "metadata": {"before": "Old", "after": "New"},
        "created_at": TODAY - number * DAY,
        "activity_type": "app_name_change",
        "activity_description": "Eva changed the name.",
    }
    for number in (1, 2, 3)
]
