"""The made-up site of `jira_api`: two projects, their issues, boards, sprints and worklogs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

Json = Any
SITE = "https://example.atlassian.net"


def stamp(text: str) -> int:
    """Return milliseconds since 1970 for an ISO 8601 time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(text: str) -> str:
    """Return the time as Jira shows it to an account in Stockholm in winter."""
    hour = int(text[11:13]) + 1
    return f"{text[:11]}{hour:02}{text[13:]}.000+0100"


def person(number: int, name: str) -> Json:
    """Return a user as issues contain it."""
    account = f"5b10ac8d82e05b22cc7d4ef{number}"
    return {
        "self": f"{SITE}/rest/api/3/user?accountId={account}",
        "accountId": account,
        "emailAddress": f"{name.split()[0].lower()}@example.com",
        "avatarUrls": {"48x48": f"{SITE}/avatar/{number}"},
        "displayName": name,
        "active": number != 3,
        "timeZone": "Europe/Stockholm",
        "accountType": "atlassian",
    }


ADA, BO, KIM = person(1, "Ada Berg"), person(2, "Bo Ek"), person(3, "Kim Dahl")
USERS = [{**one, "locale": "en_GB"} for one in (ADA, BO, KIM)]


def document(text: str) -> Json:
    """Return a text in Atlassian Document Format."""
    paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
    return {"type": "doc", "version": 1, "content": [paragraph]}


def _status(number: str, name: str, category: tuple[int, str, str]) -> Json:
    return {
        "self": f"{SITE}/rest/api/3/status/{number}",
        "description": "",
        "iconUrl": f"{SITE}/images/{number}.png",
        "name": name,
        "id": number,
        "statusCategory": {
            "self": f"{SITE}/rest/api/3/statuscategory/{category[0]}",
            "id": category[0],
            "key": category[1],
            "colorName": category[2],
            "name": name,
        },
    }


OPEN = _status("10000", "To Do", (2, "new", "blue-gray"))
DONE = _status("10002", "Done", (3, "done", "green"))
STATUSES = [OPEN, DONE]

TASK = {
    "self": f"{SITE}/rest/api/3/issuetype/10001",
    "id": "10001",
    "description": "A small piece of work.",
    "iconUrl": f"{SITE}/images/task.svg",
    "name": "Task",
    "subtask": False,
    "avatarId": 10318,
    "hierarchyLevel": 0,
}
EPIC = {**TASK, "id": "10003", "name": "Epic", "hierarchyLevel": 1}
TYPES = [TASK, EPIC]

PRIORITIES = [
    {
        "self": f"{SITE}/rest/api/3/priority/{number}",
        "statusColor": color,
        "description": "",
        "iconUrl": f"{SITE}/images/{name}.svg",
        "name": name,
        "id": number,
        "isDefault": name == "Medium",
    }
    for number, name, color in [("2", "High", "#f15c75"), ("3", "Medium", "#f79232")]
]


def _field(name: str, title: str, schema: Json) -> Json:
    return {
        "id": name,
        "key": name,
        "name": title,
        "untranslatedName": title,
        "custom": "custom" in schema,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [name],
        "schema": schema,
    }


_KIND = "com.atlassian.jira.plugin.system.customfieldtypes"
FIELDS = [
    _field("summary", "Summary", {"type": "string", "system": "summary"}),
    _field(
        "customfield_10016",
        "Story points",
        {"type": "number", "custom": f"{_KIND}:float", "customId": 10016},
    ),
    _field(
        "customfield_10020",
        "Sprint",
        {
            "type": "array",
            "items": "json",
            "custom": "com.pyxis.greenhopper.jira:gh-sprint",
            "customId": 10020,
        },
    ),
    _field(
        "customfield_10031",
        "Steps",
        {"type": "string", "custom": f"{_KIND}:textarea", "customId": 10031},
    ),
    _field(
        "customfield_10032",
        "Customer",
        {"type": "string", "custom": f"{_KIND}:textfield", "customId": 10032},
    ),
    _field(
        "customfield_10033",
        "Reviewed",
        {"type": "datetime", "custom": f"{_KIND}:datetime", "customId": 10033},
    ),
]


def _project(number: str, key: str, name: str, style: str) -> Json:
    return {
        "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
        "self": f"{SITE}/rest/api/3/project/{number}",
        "id": number,
        "key": key,
        "description": f"All about {name.lower()}.",
        "lead": ADA,
        "name": name,
        "avatarUrls": {"48x48": f"{SITE}/avatar/{key}"},
        "projectTypeKey": "software",
        "simplified": style == "next-gen",
        "style": style,
        "isPrivate": False,
        "properties": {},
        "insight": {"totalIssueCount": 2, "lastIssueUpdateTime": shown("2026-11-10T09:00:00")},
    }


PROJECTS = [
    _project("10000", "SHOP", "Web shop", "classic"),
    _project("10001", "OPS", "Operations", "next-gen"),
]
VERSIONS = {
    "10000": [
        {
            "self": f"{SITE}/rest/api/3/version/{number}",
            "id": number,
            "description": "",
            "name": name,
            "archived": False,
            "released": released,
            "releaseDate": day,
            "userReleaseDate": day,
            "projectId": 10000,
        }
        for number, name, released, day in [
            ("10100", "1.0", True, "2026-10-01"),
            ("10101", "1.1", False, "2026-12-15"),
        ]
    ]
}
COMPONENTS = {
    "10000": [
        {
            "self": f"{SITE}/rest/api/3/component/10200",
            "id": "10200",
            "name": "Checkout",
            "description": "From the cart to the receipt.",
            "lead": BO,
            "assigneeType": "COMPONENT_LEAD",
            "realAssigneeType": "COMPONENT_LEAD",
            "isAssigneeTypeValid": True,
            "project": "SHOP",
            "projectId": 10000,
            "issueCount": 1,
        }
    ]
}

BOARDS = [
    {
        "id": number,
        "self": f"{SITE}/rest/agile/1.0/board/{number}",
        "name": name,
        "type": kind,
        "location": {
            "projectId": 10000,
            "displayName": "Web shop (SHOP)",
            "projectName": "Web shop",
            "projectKey": "SHOP",
            "projectTypeKey": "software",
            "name": "Web shop (SHOP)",
        },
        "isPrivate": False,
    }
    for number, name, kind in [
        (1, "Shop", "scrum"),
        (2, "Everything", "scrum"),
        (3, "Support", "kanban"),
        (4, "Operations", "simple"),
    ]
]
SPRINT = {
    "id": 37,
    "self": f"{SITE}/rest/agile/1.0/sprint/37",
    "state": "closed",
    "name": "Shop 1",
    "startDate": "2026-10-05T08:00:00.000Z",
    "endDate": "2026-10-19T08:00:00.000Z",
    "completeDate": "2026-10-19T09:30:00.000Z",
    "createdDate": "2026-10-01T12:00:00.000Z",
    "originBoardId": 1,
    "goal": "Pay by card",
}
NEXT = {**SPRINT, "id": 38, "name": "Shop 2", "state": "future"}
SPRINTS = {1: [SPRINT, NEXT], 2: [SPRINT]}


def _issue(number: int, project: Json, kind: Json, updated: str, **fields: Json) -> Json:
    brief = {name: project[name] for name in ("self", "id", "key", "name", "projectTypeKey")}
    comments = COMMENTS.get(str(number), [])
    return {
        "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
        "id": str(number),
        "self": f"{SITE}/rest/api/3/issue/{number}",
        "key": f"{project['key']}-{number - 10000}",
        "fields": {
            "summary": f"Work number {number}",
            "description": document("To be done."),
            "environment": None,
            "issuetype": kind,
            "project": {**brief, "simplified": project["simplified"]},
            "status": OPEN,
            "statuscategorychangedate": shown("2026-10-01T08:00:00"),
            "priority": PRIORITIES[1],
            "resolution": None,
            "resolutiondate": None,
            "assignee": None,
            "reporter": ADA,
            "creator": ADA,
            "created": shown("2026-10-01T08:00:00"),
            "updated": shown(updated),
            "duedate": None,
            "lastViewed": None,
            "labels": [],
            "components": [],
            "fixVersions": [],
            "versions": [],
            "subtasks": [],
            "issuelinks": [],
            "attachment": [],
            "timeoriginalestimate": None,
            "timeestimate": None,
            "timespent": None,
            "workratio": -1,
            "progress": {"progress": 0, "total": 0},
            "votes": {"self": f"{SITE}/votes", "votes": 0, "hasVoted": False},
            "watches": {"self": f"{SITE}/watchers", "watchCount": 1, "isWatching": False},
            "comment": {
                "comments": comments[:1],
                "self": f"{SITE}/rest/api/3/issue/{number}/comment",
                "maxResults": len(comments),
                "total": len(comments),
                "startAt": 0,
            },
            "worklog": {"startAt": 0, "maxResults": 20, "total": 0, "worklogs": []},
            "customfield_10016": None,
            "customfield_10020": None,
            "customfield_10031": None,
            "customfield_10032": None,
            "customfield_10033": None,
            **fields,
        },
    }


def _comment(number: str, issue: str, author: Json, text: str) -> Json:
    return {
        "self": f"{SITE}/rest/api/3/issue/{issue}/comment/{number}",
        "id": number,
        "author": author,
        "body": document(text),
        "updateAuthor": author,
        "created": shown("2026-11-02T10:00:00"),
        "updated": shown("2026-11-02T10:05:00"),
        "jsdPublic": True,
    }


COMMENTS = {
    "10011": [
        _comment("10301", "10011", BO, "I can do that."),
        _comment("10302", "10011", ADA, "Please do."),
    ]
}
_EPIC = _issue(10010, PROJECTS[0], EPIC, "2026-10-02T08:00:00")
ISSUES = [
    _EPIC,
    _issue(
        10011,
        PROJECTS[0],
        TASK,
        "2026-11-03T12:30:00",
        status=DONE,
        resolution={"id": "10000", "name": "Done", "description": "Work has been completed."},
        resolutiondate=shown("2026-11-03T12:29:00"),
        assignee=BO,
        labels=["card"],
        components=[{name: COMPONENTS["10000"][0][name] for name in ("self", "id", "name")}],
        fixVersions=[
            {name: VERSIONS["10000"][0][name] for name in ("self", "id", "name", "released")}
        ],
        parent={
            "id": "10010",
            "key": "SHOP-10",
            "self": f"{SITE}/rest/api/3/issue/10010",
            "fields": {"summary": "Payments", "status": OPEN, "issuetype": EPIC},
        },
        timespent=5400,
        customfield_10016=3.0,
        customfield_10020=[{"id": 37, "name": "Shop 1", "state": "closed", "boardId": 1}],
        customfield_10031=document("Pay with a card."),
        customfield_10032="Northwind",
        customfield_10033="2026-11-03T13:00:00.000+0100",
    ),
    _issue(
        10012,
        PROJECTS[1],
        TASK,
        "2026-11-10T09:00:00",
        issuelinks=[
            {
                "id": "10400",
                "self": f"{SITE}/rest/api/3/issueLink/10400",
                "type": {
                    "id": "1",
                    "name": "Blocks",
                    "inward": "is blocked by",
                    "outward": "blocks",
                },
                "outwardIssue": {"id": "10011", "key": "SHOP-11"},
            }
        ],
    ),
]


def _change(number: str, author: Json, at: str, *items: Json) -> Json:
    return {"id": number, "author": author, "created": stamp(at), "items": list(items)}


def _item(field: str, old: tuple[str | None, str | None], new: tuple[str, str]) -> Json:
    return {
        "field": field,
        "fieldtype": "jira",
        "fieldId": field,
        "from": old[0],
        "fromString": old[1],
        "to": new[0],
        "toString": new[1],
    }


CHANGES = {
    "10011": [
        _change(
            "10501",
            ADA,
            "2026-11-01T08:00:00",
            _item("assignee", (None, None), (BO["accountId"], "Bo Ek")),
            _item("status", ("10000", "To Do"), ("10001", "In Progress")),
        ),
        _change(
            "10502",
            BO,
            "2026-11-03T12:30:00",
            _item("status", ("10001", "In Progress"), ("10002", "Done")),
        ),
    ],
    "10012": [
        _change(
            "10503", KIM, "2026-11-10T09:00:00", _item("priority", ("2", "High"), ("3", "Medium"))
        )
    ],
}


def _worklog(number: str, author: Json, seconds: int, updated: str) -> Json:
    return {
        "self": f"{SITE}/rest/api/3/issue/10011/worklog/{number}",
        "author": author,
        "updateAuthor": author,
        "comment": document("Typing."),
        "created": shown(updated),
        "updated": shown(updated),
        "started": shown("2026-11-02T08:00:00"),
        "timeSpent": f"{seconds // 60}m",
        "timeSpentSeconds": seconds,
        "id": number,
        "issueId": "10011",
    }


WORKLOGS = {
    10601: (_worklog("10601", BO, 3600, "2026-11-02T09:00:00"), "2026-11-02T09:00:00"),
    10602: (_worklog("10602", BO, 1800, "2026-11-03T11:00:00"), "2026-11-03T11:00:00"),
    10603: (_worklog("10603", KIM, 600, "2026-11-09T11:00:00"), "2026-11-09T11:00:00"),
}
DELETED_WORKLOGS = {10600: "2026-11-02T09:30:00"}
