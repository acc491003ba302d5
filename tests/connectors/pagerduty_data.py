"""Made-up objects in the shapes of PagerDuty's API."""

from __future__ import annotations

from typing import Any

Json = Any
HOST = "https://api.pagerduty.com"


def _ref(kind: str, number: str, summary: str) -> Json:
    return {
        "id": number,
        "type": f"{kind}_reference",
        "summary": summary,
        "self": f"{HOST}/{kind}s/{number}",
        "html_url": f"https://example.pagerduty.com/{kind}s/{number}",
    }


def _whole(kind: str, number: str, summary: str, **more: Json) -> Json:
    return {**_ref(kind, number, summary), "type": kind, **more}


SERVICE = _ref("service", "PSVC001", "Web shop")
USER, OTHER = _ref("user", "PUSR001", "Person One"), _ref("user", "PUSR002", "Person Two")
TEAM = _ref("team", "PTEA001", "Platform")
POLICY = _ref("escalation_policy", "PPOL001", "Platform on call")
SCHEDULE = _ref("schedule", "PSCH001", "Platform primary")
ENTRY = _ref("trigger_log_entry", "RLOG001", "Triggered through the API")
PRIORITY = _whole(
    "priority", "PPRI001", "P2", name="P2", description="Many customers", color="ff9f00"
)


def incident(number: int, created: str, status: str, resolved: str | None = None) -> Json:
    """Return an incident, changed when it was resolved."""
    return _whole(
        "incident",
        f"QINC{number:03}",
        f"[#{number}] The shop is slow",
        incident_number=number,
        title="The shop is slow",
        description="The shop is slow",
        created_at=created,
        updated_at=resolved or created,
        status=status,
        incident_key=f"key-{number}",
        service=SERVICE,
        assignments=[] if resolved else [{"at": created, "assignee": USER}],
        assigned_via="escalation_policy",
        last_status_change_at=resolved or created,
        last_status_change_by=USER,
        resolved_at=resolved,
        first_trigger_log_entry=ENTRY,
        alert_counts={"all": number % 2, "triggered": 0, "resolved": number % 2},
        is_mergeable=True,
        incident_type={"name": "incident_default"},
        escalation_policy=POLICY,
        teams=[TEAM],
        pending_actions=[],
        acknowledgements=[],
        alert_grouping=None,
        priority=PRIORITY if number % 2 else None,
        urgency="high",
    )


INCIDENTS = [
    incident(100, "2026-05-02T08:00:00Z", "acknowledged"),  # older than the start date
    incident(101, "2026-10-02T08:00:00Z", "resolved", "2026-10-02T09:30:00Z"),
    incident(102, "2026-11-05T08:00:00Z", "triggered"),
    incident(103, "2026-11-20T02:00:00Z", "resolved", "2026-11-20T02:45:00Z"),
]


def _alert(number: int, parent: str, created: str) -> Json:
    return _whole(
        "alert",
        f"QALR{number:03}",
        "Latency over 2 s",
        created_at=created,
        updated_at=created,
        resolved_at=created,
        status="resolved",
        alert_key=f"latency-{number}",
        service=SERVICE,
        body={"type": "alert_body", "contexts": [], "details": {"region": "eu-north-1"}},
        incident={"id": parent, "type": "incident_reference"},
        suppressed=False,
        severity="critical",
        integration=_ref("integration", "PINT001", "Monitoring"),
    )


ALERTS = {
    "QINC101": [_alert(1, "QINC101", "2026-10-02T08:00:00Z")],
    "QINC103": [_alert(2, "QINC103", "2026-11-20T02:00:00Z")],
}


def _log_entry(number: int, kind: str, created: str, **more: Json) -> Json:
    return _whole(
        f"{kind}_log_entry",
        f"RLOG{number:03}",
        f"{kind} by Person One",
        created_at=created,
        agent=USER,
        channel={"type": "web_ui"},
        incident=_ref("incident", "QINC103", "[#103] The shop is slow"),
        service=SERVICE,
        teams=[TEAM],
        contexts=[],
        **more,
    )


def _note(number: int) -> Json:
    return {
        "id": f"PNOT{number:03}",
        "user": USER,
        "channel": {"summary": "The PagerDuty website or APIs"},
        "content": "Restarted the cache.",
        "created_at": "2026-11-20T02:30:00Z",
        "updated_at": "2026-11-20T02:30:00Z",
    }


NOTES = {"QINC103": [_note(1)]}
MEMBERS = {"PTEA001": [{"user": USER, "role": "manager"}, {"user": OTHER, "role": "responder"}]}
CALENDAR = "webcal://example.pagerduty.com/private/example/feed"
RANGES: dict[str, tuple[str, list[Json]]] = {
    "log_entries": (
        "created_at",
        [
            _log_entry(1, "trigger", "2026-10-02T08:00:00Z", event_details={"description": "slow"}),
            _log_entry(2, "acknowledge", "2026-11-20T02:10:00Z"),
            _log_entry(3, "resolve", "2026-11-20T02:45:00Z"),
        ],
    ),
    "notifications": (
        "started_at",
        [
            {
                "id": "PNTF001",
                "type": "sms_notification",
                "started_at": "2026-11-20T02:00:20Z",
                "address": "+46700000001",
                "status": "success",
                "conferenceAddress": "",
                "user": USER,
            }
        ],
    ),
    "change_events": (
        "timestamp",
        [
            {
                "id": "01EXAMPLE0000000000000001",
                "type": "change_event",
                "summary": "Deployed version 12",
                "timestamp": "2026-11-19T10:00:00Z",
                "source": "deployments",
                "integration": {"id": "PINT002", "type": "inbound_integration_reference"},
                "services": [{"id": "PSVC001", "type": "service_reference"}],
                "custom_details": {"version": "12"},
                "links": [{"href": "https://ci.example.com/12", "text": "Build"}],
            }
        ],
    ),
}
"""Lists that are searched by a time: its field, and the records."""

AUDIT_RECORDS = [
    {
        "id": "PDRECORD1",
        "execution_time": "2026-11-10T15:30:16.272Z",
        "execution_context": {"request_id": "req-1", "remote_address": "192.0.2.1"},
        "actors": [USER],
        "method": {"type": "browser"},
        "root_resource": TEAM,
        "action": "update",
        "details": {"resource": TEAM, "fields": [{"name": "name", "value": "Platform"}]},
    },
    {
        "id": "PDRECORD2",
        "execution_time": "2026-11-09T15:30:16.272Z",
        "execution_context": None,
        "actors": None,
        "method": {"type": "identity_provider", "description": None, "truncated_token": None},
        "root_resource": OTHER,
        "action": "create",
        "details": None,
    },
]


def _user(ref: Json, number: int) -> Json:
    return {
        **ref,
        "type": "user",
        "name": ref["summary"],
        "email": f"person{number}@example.com",
        "time_zone": "Europe/Stockholm",
        "color": "purple",
        "role": "admin" if number == 1 else "limited_user",
        "avatar_url": f"https://avatars.example.com/{number}.png",
        "description": None,
        "job_title": "Engineer",
        "invitation_sent": False,
        "billed": True,
        "teams": [TEAM],
        "contact_methods": [_ref("email_contact_method", f"PCON00{number}", "Default")],
        "notification_rules": [],
        "coordinated_incidents": [],
    }


LISTS: dict[str, list[Json]] = {
    "services": [
        {
            **SERVICE,
            "type": "service",
            "name": "Web shop",
            "description": None,
            "created_at": "2024-01-03T12:33:12Z",
            "updated_at": "2026-10-03T12:33:12Z",
            "status": "active",
            "last_incident_timestamp": "2026-11-20T02:00:00Z",
            "auto_resolve_timeout": 14400,
            "acknowledgement_timeout": None,
            "escalation_policy": POLICY,
            "teams": [TEAM],
            "integrations": [_ref("integration", "PINT001", "Monitoring")],
            "addons": [],
            "incident_urgency_rule": {"type": "constant", "urgency": "high"},
            "support_hours": None,
            "scheduled_actions": [],
            "response_play": None,
            "alert_creation": "create_alerts_and_incidents",
            "alert_grouping_parameters": {"type": "intelligent", "config": None},
        }
    ],
    "users": [_user(USER, 1), _user(OTHER, 2)],
    "teams": [
        {**TEAM, "type": "team", "name": "Platform", "description": None, "default_role": "manager"}
    ],
    "schedules": [
        {
            **SCHEDULE,
            "type": "schedule",
            "name": "Platform primary",
            "description": None,
            "time_zone": "Europe/Stockholm",
            "web_cal_url": CALENDAR,
            "escalation_policies": [POLICY],
            "users": [USER, OTHER],
            "teams": [TEAM],
        }
    ],
    "escalation_policies": [
        {
            **POLICY,
            "type": "escalation_policy",
            "name": "Platform on call",
            "description": None,
            "num_loops": 2,
            "on_call_handoff_notifications": "if_has_services",
            "escalation_rules": [
                {"id": "PRUL001", "escalation_delay_in_minutes": 30, "targets": [SCHEDULE, USER]}
            ],
            "services": [SERVICE],
            "teams": [TEAM],
        }
    ],
    "priorities": [PRIORITY],
    "maintenance_windows": [
        _whole(
            "maintenance_window",
            "PWIN001",
            "Database upgrade",
            sequence_number=1,
            start_time="2026-11-01T02:00:00Z",
            end_time="2026-11-01T04:00:00Z",
            description="Database upgrade",
            created_by=USER,
            services=[SERVICE],
            teams=[TEAM],
        )
    ],
    "tags": [
        {**_whole("tag", f"PTAG{n:03}", f"tag {n}"), "html_url": None, "label": f"tag {n}"}
        for n in range(1, 103)
    ],
}
ONCALLS = [
    {
        "user": USER,
        "schedule": SCHEDULE,
        "escalation_policy": POLICY,
        "escalation_level": 1,
        "start": "2026-11-16T08:00:00Z",
        "end": "2026-11-23T08:00:00Z",
    },
    {
        "user": OTHER,
        "schedule": None,
        "escalation_policy": POLICY,
        "escalation_level": 2,
        "start": None,
        "end": None,
    },
]
