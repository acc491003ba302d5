"""The made-up account of `zendesk_api`: three people, their tickets and what happened to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Json = Any
HOST = "https://example.zendesk.com"
ADA, BO, KIM = 9001, 9002, 9003
HARDWARE, CUSTOMER = 7001, 7002


def epoch(text: str) -> int:
    """Return seconds since 1970 for an ISO 8601 time in UTC."""
    return int(datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=UTC).timestamp())


def _thing(kind: str, number: int, created: str, updated: str | None = None, **more: Json) -> Json:
    return {
        "url": f"{HOST}/api/v2/{kind}/{number}.json",
        "id": number,
        "created_at": created,
        "updated_at": updated or created,
        **more,
    }


def _metrics(ticket: int, replies: int, solved: str | None) -> Json:
    minutes = {"calendar": 130 if replies else None, "business": 70 if replies else None}
    return _thing(
        "ticket_metrics",
        ticket + 50_000,
        "2026-11-01T08:00:00Z",
        ticket_id=ticket,
        group_stations=1,
        assignee_stations=1,
        reopens=0,
        replies=replies,
        assignee_updated_at=None,
        requester_updated_at="2026-11-01T08:00:00Z",
        status_updated_at="2026-11-01T08:00:00Z",
        initially_assigned_at="2026-11-01T08:00:00Z",
        assigned_at="2026-11-01T08:00:00Z",
        solved_at=solved,
        latest_comment_added_at="2026-11-01T08:00:00Z",
        reply_time_in_minutes=minutes,
        first_resolution_time_in_minutes={"calendar": None, "business": None},
        full_resolution_time_in_minutes={"calendar": None, "business": None},
        agent_wait_time_in_minutes={"calendar": 0, "business": 0},
        requester_wait_time_in_minutes=minutes,
        on_hold_time_in_minutes={"calendar": 0, "business": 0},
        reply_time_in_seconds={"calendar": 7800 if replies else None},
    )


def _ticket(number: int, status: str, updated: str, **more: Json) -> Json:
    values = [
        {"id": HARDWARE, "value": "printer" if status == "open" else None},
        {"id": CUSTOMER, "value": "745" if status == "open" else None},
    ]
    return {
        **_thing("tickets", number, "2026-11-01T08:00:00Z", updated),
        "external_id": None,
        "via": {"channel": "email", "source": {"from": {"address": "kim@example.com"}, "to": {}}},
        "generated_timestamp": epoch(updated),
        "type": "incident",
        "subject": "The printer is warm",
        "raw_subject": "The printer is warm",
        "description": "Is that right?",
        "priority": "high",
        "status": status,
        "recipient": "support@example.com",
        "requester_id": KIM,
        "submitter_id": KIM,
        "assignee_id": BO,
        "organization_id": 8001,
        "group_id": 6001,
        "collaborator_ids": [],
        "follower_ids": [],
        "email_cc_ids": [],
        "problem_id": None,
        "has_incidents": False,
        "is_public": True,
        "due_at": None,
        "tags": ["printer"],
        "custom_fields": values,
        "satisfaction_rating": {"score": "unoffered"},
        "sharing_agreement_ids": [],
        "custom_status_id": 5001,
        "fields": values,
        "followup_ids": [],
        "ticket_form_id": 4001,
        "brand_id": 3001,
        "allow_channelback": False,
        "allow_attachments": True,
        "from_messaging_channel": False,
        **more,
    }


TICKETS = [
    _ticket(101, "open", "2026-11-02T09:00:00Z"),
    _ticket(102, "solved", "2026-11-03T10:00:00Z", priority=None, type="question"),
    _ticket(103, "deleted", "2026-11-04T11:00:00Z", subject="SCRUBBED", tags=[]),
]
METRICS = {
    101: _metrics(101, 1, None),
    102: _metrics(102, 2, "2026-11-03T10:00:00Z"),
    103: _metrics(103, 0, None),
}


def comment(number: int, author: int, body: str, *, public: bool = True) -> Json:
    """Return a comment as events contain it."""
    return {
        "id": number,
        "via": "Mail",
        "via_reference_id": None,
        "type": "Comment",
        "author_id": author,
        "body": body,
        "html_body": f"<p>{body}</p>",
        "plain_body": body,
        "public": public,
        "attachments": [],
        "audit_id": number - 1,
        "event_type": "Comment",
    }


def _event(number: int, ticket: int, at: str, updater: int, *children: Json) -> Json:
    return {
        "id": number,
        "ticket_id": ticket,
        "timestamp": epoch(at),
        "created_at": at,
        "updater_id": updater,
        "via": "Mail",
        "system": {"client": "Mail", "location": "Stockholm, Sweden"},
        "metadata": {},
        "event_type": "Audit",
        "child_events": list(children),
    }


_CREATED = {"id": 20002, "via": "Mail", "via_reference_id": None, "event_type": "Create"}
_FILE = f"{HOST}/attachments/token/made-up-token/?name=printer.png"
_ATTACHMENT = {
    "id": 30001,
    "file_name": "printer.png",
    "content_url": _FILE,
    "mapped_content_url": _FILE,
    "content_type": "image/png",
    "size": 2532,
    "inline": False,
}
EVENTS = [
    _event(
        20001,
        101,
        "2026-11-01T08:00:00Z",
        KIM,
        {**comment(20003, KIM, "Is that right?"), "attachments": [_ATTACHMENT]},
        {**_CREATED, "subject": "The printer is warm"},
        {**_CREATED, "id": 20004, "status": "new"},
    ),
    _event(
        20011,
        101,
        "2026-11-01T10:10:00Z",
        BO,
        comment(20012, BO, "Yes, it is new."),
        comment(20014, BO, "Keep an eye on it.", public=False),
        {
            **_CREATED,
            "id": 20013,
            "event_type": "Change",
            "status": "open",
            "previous_value": "new",
        },
    ),
    _event(
        20021,
        102,
        "2026-11-03T10:00:00Z",
        BO,
        {**_CREATED, "id": 20022, "event_type": "Change", "status": "solved"},
    ),
]


def _metric_event(number: int, metric: str, kind: str, at: str, **more: Json) -> Json:
    return {
        "id": number,
        "ticket_id": 101,
        "metric": metric,
        "instance_id": 1,
        "type": kind,
        "time": at,
        **more,
    }


_TARGET = {
    "target": 120,
    "target_in_seconds": 7200,
    "business_hours": False,
    "policy": {"id": 2001, "title": "Incidents", "description": None},
}
METRIC_EVENTS = [
    _metric_event(30001, "reply_time", "activate", "2026-11-01T08:00:00Z"),
    _metric_event(30002, "reply_time", "apply_sla", "2026-11-01T08:00:00Z", sla=_TARGET),
    _metric_event(30003, "reply_time", "breach", "2026-11-01T10:00:00Z", deleted=False),
    _metric_event(
        30004,
        "reply_time",
        "update_status",
        "2026-11-01T10:10:00Z",
        status={"calendar": 130, "business": 70},
    ),
]
AUDITS = {
    101: [
        {
            "id": 20001,
            "ticket_id": 101,
            "created_at": "2026-11-01T08:00:00Z",
            "author_id": KIM,
            "metadata": {"system": {"client": "Mail"}, "custom": {}},
            "events": [
                {"id": 20003, "type": "Comment", "attachments": [_ATTACHMENT]},
                {"id": 20004, "type": "Create", "field_name": "status", "value": "new"},
            ],
            "via": {"channel": "email", "source": {"from": {}, "to": {}, "rel": None}},
        }
    ]
}


def _user(number: int, name: str, role: str, updated: str, **more: Json) -> Json:
    return {
        **_thing("users", number, "2026-10-01T08:00:00Z", updated),
        "name": name,
        "email": f"{name.split()[0].lower()}@example.com",
        "time_zone": "Stockholm",
        "iana_time_zone": "Europe/Stockholm",
        "phone": None,
        "shared_phone_number": None,
        "photo": None,
        "locale_id": 1,
        "locale": "en-US",
        "organization_id": 8001 if role == "end-user" else None,
        "role": role,
        "verified": True,
        "external_id": None,
        "tags": [],
        "alias": None,
        "active": True,
        "shared": False,
        "shared_agent": False,
        "last_login_at": updated,
        "role_type": None,
        "custom_role_id": None,
        "moderator": role != "end-user",
        "ticket_restriction": None,
        "only_private_comments": False,
        "restricted_agent": False,
        "suspended": False,
        "default_group_id": None if role == "end-user" else 6001,
        "report_csv": role == "admin",
        "user_fields": {"language": "sv"},
        **more,
    }


USERS = [
    _user(ADA, "Ada Berg", "admin", "2026-10-02T08:00:00Z"),
    _user(BO, "Bo Ek", "agent", "2026-10-03T08:00:00Z"),
    _user(KIM, "Kim Dahl", "end-user", "2026-11-01T08:00:00Z", active=False),
]
ORGANIZATIONS = [
    _thing(
        "organizations",
        number,
        "2026-10-01T08:00:00Z",
        updated,
        name=name,
        shared_tickets=False,
        shared_comments=False,
        external_id=None,
        domain_names=[],
        details=None,
        notes=None,
        group_id=None,
        tags=["big"],
        organization_fields={"seats": 12},
        deleted_at=deleted,
    )
    for number, name, updated, deleted in [
        (8001, "Northwind", "2026-10-01T08:00:00Z", None),
        (8002, "Contoso", "2026-10-05T08:00:00Z", None),
        (8003, "Fabrikam", "2026-11-05T08:00:00Z", "2026-11-05T08:00:00Z"),
    ]
]
RATINGS = [
    _thing(
        "satisfaction_ratings",
        number,
        created,
        ticket_id=ticket,
        requester_id=KIM,
        assignee_id=BO,
        group_id=6001,
        score=score,
        comment=text,
        reason=None,
        reason_id=None,
    )
    for number, ticket, score, text, created in [
        (40001, 101, "offered", None, "2026-09-01T08:00:00Z"),
        (40002, 102, "good", "Thanks!", "2026-11-04T08:00:00Z"),
    ]
]
_DAY = "2026-09-01T08:00:00Z"


def _field(number: int, kind: str, title: str, **more: Json) -> Json:
    return _thing(
        "ticket_fields",
        number,
        _DAY,
        type=kind,
        title=title,
        raw_title=title,
        description="",
        position=number,
        active=True,
        required=False,
        collapsed_for_agents=False,
        regexp_for_validation=None,
        title_in_portal=title,
        visible_in_portal=True,
        editable_in_portal=True,
        required_in_portal=False,
        tag=None,
        removable=number in (HARDWARE, CUSTOMER),
        **more,
    )


_OPTION = {"id": 7101, "name": "Printer", "raw_name": "Printer", "value": "printer"}
LISTS: dict[str, list[Json]] = {
    "groups": [
        _thing(
            "groups", number, _DAY, name=name, description="", default=number == 6001, deleted=False
        )
        for number, name in [(6001, "Support"), (6002, "Sales")]
    ],
    "group_memberships": [
        _thing("group_memberships", 6101 + place, _DAY, user_id=user, group_id=6001, default=True)
        for place, user in enumerate((ADA, BO))
    ],
    "organization_memberships": [
        _thing(
            "organization_memberships",
            8101,
            _DAY,
            user_id=KIM,
            organization_id=8001,
            organization_name="Northwind",
            default=True,
            view_tickets=False,
        )
    ],
    "ticket_fields": [
        _field(7000, "subject", "Subject"),
        _field(HARDWARE, "tagger", "Hardware", custom_field_options=[_OPTION]),
        _field(CUSTOMER, "integer", "Customer number"),
    ],
    "brands": [
        _thing(
            "brands",
            3001,
            _DAY,
            name="Example",
            brand_url=HOST,
            subdomain="example",
            host_mapping=None,
            has_help_center=True,
            help_center_state="enabled",
            active=True,
            default=True,
            is_deleted=False,
            logo=None,
            ticket_form_ids=[4001],
            signature_template="{{agent.signature}}",
        )
    ],
    "macros": [
        _thing(
            "macros",
            1001,
            _DAY,
            title="Close",
            raw_title="Close",
            description=None,
            active=True,
            default=False,
            position=1,
            actions=[{"field": "status", "value": "solved"}],
            restriction=None,
        )
    ],
}
STATUSES = [
    _thing(
        "custom_statuses",
        5001,
        _DAY,
        status_category="open",
        agent_label="Open",
        raw_agent_label="Open",
        end_user_label="Open",
        raw_end_user_label="Open",
        description="",
        active=True,
        default=True,
    )
]
POLICIES = [
    _thing(
        "slas/policies",
        2001,
        _DAY,
        title="Incidents",
        description=None,
        position=1,
        filter={"all": [{"field": "type", "operator": "is", "value": "incident"}], "any": []},
        policy_metrics=[
            {
                "priority": "high",
                "metric": "first_reply_time",
                "target": 120,
                "target_in_seconds": 7200,
                "business_hours": False,
            }
        ],
    )
]
