"""The records of an invented organization, with all fields that Asana has for them."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

ORGANIZATION, PERSONAL = "1200000000000001", "1200000000000002"


def thing(kind: str, gid: str, name: str) -> Json:
    """Return a compact record."""
    return {"gid": gid, "resource_type": kind, "name": name}


ADA = thing("user", "1200000000000011", "Ada Doe")
SAM = thing("user", "1200000000000012", "Sam Doe")
TEAM = thing("team", "1200000000000021", "Delivery")
SITE = thing("project", "1200000000000031", "Site")
LAUNCH = thing("project", "1200000000000032", "Launch")
OLD = thing("project", "1200000000000033", "Last year")
TODO = thing("section", "1200000000000041", "To do")
DONE = thing("section", "1200000000000042", "Done")

WORKSPACES: list[Json] = [
    {
        **thing("workspace", ORGANIZATION, "example.com"),
        "is_organization": True,
        "email_domains": ["example.com"],
    },
    {
        **thing("workspace", PERSONAL, "Personal"),
        "is_organization": False,
        "email_domains": [],
    },
]
USERS: dict[str, list[Json]] = {
    ORGANIZATION: [
        {
            **one,
            "email": f"{one['name'].split()[0].lower()}@example.com",
            "photo": None,
        }
        for one in (ADA, SAM)
    ],
    PERSONAL: [],
}
TEAMS: list[Json] = [
    {
        **TEAM,
        "description": "Ships things.",
        "visibility": "public",
        "permalink_url": f"https://app.asana.com/0/{TEAM['gid']}/overview",
        "edit_team_visibility_or_trash_team_access_level": "only_team_admins",
    }
]


def _project(base: Json, *, archived: bool = False) -> Json:
    return {
        **base,
        "archived": archived,
        "color": "light-green",
        "notes": "",
        "completed": archived,
        "completed_at": "2026-01-10T09:00:00.000Z" if archived else None,
        "completed_by": ADA if archived else None,
        "created_at": "2025-10-01T09:00:00.000Z",
        "modified_at": "2026-11-10T09:00:00.000Z",
        "start_on": "2026-10-01",
        "due_on": "2026-12-24",
        "default_view": "board",
        "privacy_setting": "public_to_workspace",
        "permalink_url": f"https://app.asana.com/0/{base['gid']}/{base['gid']}",
        "owner": ADA,
        "team": TEAM,
        "members": [ADA, SAM],
        "current_status_update": None
        if archived
        else {
            "gid": "1200000000000091",
            "resource_type": "status_update",
            "title": "On the way",
            "resource_subtype": "project_status_update",
            "created_at": "2026-11-10T09:00:00.000Z",
        },
    }


PROJECTS: dict[str, list[Json]] = {
    ORGANIZATION: [_project(SITE), _project(LAUNCH), _project(OLD, archived=True)],
    PERSONAL: [],
}
SECTIONS: dict[str, list[Json]] = {
    SITE["gid"]: [{**one, "created_at": "2025-10-01T09:00:00.000Z"} for one in (TODO, DONE)],
    LAUNCH["gid"]: [],
    OLD["gid"]: [],
}


def task(
    number: int,
    name: str,
    modified: str,
    places: list[tuple[Json, Json | None]],
    **changes: Any,
) -> Json:
    """Return a task with its places: projects and sections."""
    gid = f"12000000000001{number:02d}"
    done = name.startswith("Done")
    return {
        **thing("task", gid, name),
        "resource_subtype": "default_task",
        "notes": "Ask Sam about it.",
        "completed": done,
        "completed_at": modified if done else None,
        "completed_by": ADA if done else None,
        "created_at": "2026-10-02T09:00:00.000Z",
        "created_by": ADA,
        "modified_at": modified,
        "start_on": None,
        "start_at": None,
        "due_on": "2026-11-30",
        "due_at": None,
        "assignee": SAM,
        "assignee_status": "upcoming",
        "approval_status": None,
        "num_subtasks": 0,
        "num_likes": 0,
        "actual_time_minutes": None,
        "permalink_url": f"https://app.asana.com/0/0/{gid}",
        "parent": None,
        "projects": [project for project, _ in places],
        "memberships": [{"project": project, "section": section} for project, section in places],
        "tags": [],
        "followers": [ADA, SAM],
        "dependencies": [],
        "custom_fields": [
            {
                **thing("custom_field", "1200000000000051", "Priority"),
                "resource_subtype": "enum",
                "display_value": "High",
                "number_value": None,
                "enum_value": thing("enum_option", "1200000000000052", "High"),
                "multi_enum_values": [],
                "date_value": None,
            },
            {
                **thing("custom_field", "1200000000000053", "Effort"),
                "resource_subtype": "number",
                "display_value": "2.5",
                "number_value": 2.5,
                "enum_value": None,
                "multi_enum_values": [],
                "date_value": None,
            },
        ],
        **changes,
    }


TASKS: list[Json] = [
    task(
        1,
        "Draft the page",
        "2026-11-10T09:00:00.000Z",
        [(SITE, TODO), (LAUNCH, None)],
        num_subtasks=1,
        actual_time_minutes=45,
        tags=[thing("tag", "1200000000000061", "web")],
    ),
    task(2, "Done: choose colours", "2026-10-09T09:00:00.000Z", [(SITE, DONE)]),
    task(3, "Buy a domain", "2026-11-11T09:00:00.000Z", [(SITE, TODO)], due_on=None),
]
"""What a change of each counts from is its `modified_at`, unless MOVED says later."""
SUBTASKS: dict[str, list[Json]] = {
    TASKS[0]["gid"]: [
        task(
            11,
            "Ask for pictures",
            "2026-11-12T09:00:00.000Z",
            [],
            parent=thing("task", TASKS[0]["gid"], TASKS[0]["name"]),
        )
    ]
}
STORIES: dict[str, list[Json]] = {
    TASKS[0]["gid"]: [
        {
            "gid": f"12000000000002{number:02d}",
            "resource_type": "story",
            "created_at": f"2026-11-10T0{number}:00:00.000Z",
            "created_by": ADA,
            "type": kind,
            "resource_subtype": subtype,
            "text": text,
            "target": thing("task", TASKS[0]["gid"], TASKS[0]["name"]),
            "is_edited": False,
            "is_pinned": False,
            "num_likes": 0,
        }
        for number, kind, subtype, text in (
            (1, "system", "assigned", "assigned to Sam Doe"),
            (2, "comment", "comment_added", "Please start."),
        )
    ]
}
ENTRIES: dict[str, list[Json]] = {
    TASKS[0]["gid"]: [
        {
            "gid": "1200000000000301",
            "resource_type": "time_tracking_entry",
            "duration_minutes": 45,
            "entered_on": "2026-11-09",
            "created_at": "2026-11-09T16:00:00.000Z",
            "created_by": SAM,
            "task": thing("task", TASKS[0]["gid"], TASKS[0]["name"]),
            "attributable_to": SITE,
        }
    ]
}
UPDATES: dict[str, list[Json]] = {
    SITE["gid"]: [
        {
            "gid": "1200000000000091",
            "resource_type": "status_update",
            "resource_subtype": "project_status_update",
            "title": "On the way",
            "text": "The draft is there.",
            "status_type": "on_track",
            "author": ADA,
            "created_at": "2026-11-10T09:00:00.000Z",
            "modified_at": "2026-11-10T09:00:00.000Z",
            "parent": SITE,
            "num_likes": 1,
        }
    ]
}
TAGS: dict[str, list[Json]] = {
    ORGANIZATION: [
        {
            **thing("tag", "1200000000000061", "web"),
            "color": "light-blue",
            "notes": "",
            "created_at": "2025-10-01T09:00:00.000Z",
            "permalink_url": "https://app.asana.com/0/1200000000000061",
        }
    ],
    PERSONAL: [],
}
FIELDS: list[Json] = [
    {
        **thing("custom_field", "1200000000000051", "Priority"),
        "description": "",
        "type": "enum",
        "resource_subtype": "enum",
        "precision": None,
        "currency_code": None,
        "is_global_to_workspace": True,
        "enum_options": [
            {
                **thing("enum_option", "1200000000000052", "High"),
                "enabled": True,
                "color": "red",
            }
        ],
    }
]
GOALS: list[Json] = [
    {
        **thing("goal", "1200000000000071", "Launch before winter"),
        "notes": "",
        "status": "green",
        "start_on": "2026-10-01",
        "due_on": "2026-12-31",
        "is_workspace_level": True,
        "owner": ADA,
        "team": None,
        "time_period": {
            "gid": "1200000000000072",
            "resource_type": "time_period",
            "display_name": "Q4 FY26",
        },
        "metric": {
            "gid": "1200000000000073",
            "resource_type": "goal_metric",
            "unit": "percentage",
            "currency_code": None,
            "initial_number_value": 0,
            "target_number_value": 1,
            "current_number_value": 0.4,
        },
        "current_status_update": None,
    }
]
PORTFOLIOS: list[Json] = [
    {
        **thing("portfolio", "1200000000000081", "This year"),
        "color": "light-green",
        "created_at": "2026-01-05T09:00:00.000Z",
        "start_on": None,
        "due_on": None,
        "public": True,
        "permalink_url": "https://app.asana.com/0/portfolio/1200000000000081/list",
        "owner": ADA,
        "current_status_update": None,
    }
]
ITEMS: list[Json] = [SITE, LAUNCH]
