"""Airtable's API as its documentation describes it: lists of records by a token in the body."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.support.servers.web import Answer, Asked, Web

Json = Any
SETTINGS = {"api_key": "patExample.0123456789"}
RESOURCES = (
    "bases",
    "tables",
    "fields",
    "views",
    "records",
    "comments",
    "base_details",
    "base_collaborators",
    "workspace_collaborators",
    "group_collaborators",
    "invite_links",
    "interfaces",
    "shares",
    "webhooks",
)
MADE = "2026-01-03T12:33:12.421Z"
FIRST, COPY, HIDDEN = "appExample0000001", "appExample0000002", "appExample0000003"


def _base(number: str, name: str, level: str) -> Json:
    return {"id": number, "name": name, "permissionLevel": level}


BASES = [
    _base(FIRST, "Projects", "create"),
    _base(COPY, "Projects copy", "read"),
    _base(HIDDEN, "Of others", "none"),
]


def _field(number: int, name: str, kind: str, options: Json = None) -> Json:
    field = {"id": f"fldExample000000{number}", "name": name, "type": kind}
    return {**field, "options": options} if options else field


# A copy of a base has the same ids.
TABLES = [
    {
        "id": "tblExample0000001",
        "name": "Tasks",
        "description": "What is to be done.",
        "primaryFieldId": "fldExample0000001",
        "fields": [
            _field(1, "Name", "singleLineText"),
            _field(2, "Due", "date", {"dateFormat": {"format": "YYYY-MM-DD", "name": "iso"}}),
            _field(
                3, "Status", "singleSelect", {"choices": [{"id": "selExample1", "name": "Open"}]}
            ),
        ],
        "views": [
            {
                "id": "viwExample0000001",
                "name": "All tasks",
                "type": "grid",
                "visibleFieldIds": ["fldExample0000001", "fldExample0000003"],
            },
            {"id": "viwExample0000002", "name": "Calendar", "type": "calendar"},
        ],
    },
    {
        "id": "tblExample0000002",
        "name": "People",
        "primaryFieldId": "fldExample0000004",
        "fields": [_field(4, "Person", "singleLineText")],
        "views": [{"id": "viwExample0000003", "name": "Grid view", "type": "grid"}],
    },
]


def _record(number: int, comments: int, **fields: Json) -> Json:
    record = {"id": f"recExample{number:07}", "createdTime": MADE, "fields": fields}
    return {**record, "commentCount": comments}


RECORDS: dict[tuple[str, str], list[Json]] = {
    (FIRST, "tblExample0000001"): [
        _record(1, 2, Name="Plan", Status="Open", Due="2026-12-01"),
        *(_record(number, 0, Name=f"Task {number}") for number in range(2, 104)),
    ],
    (FIRST, "tblExample0000002"): [_record(201, 0, Person="Example Person")],
    (COPY, "tblExample0000001"): [_record(1, 0, Name="Plan", Status="Open")],
    (COPY, "tblExample0000002"): [],
}
AUTHOR = {"id": "usrExample0000001", "email": "person1@example.com", "name": "Person One"}
COMMENTS = [
    {
        "id": "comExample0000002",
        "author": AUTHOR,
        "text": "Done, @[usrExample0000002]",
        "createdTime": "2026-02-02T08:00:00.000Z",
        "lastUpdatedTime": "2026-02-02T08:05:00.000Z",
        "mentioned": {
            "usrExample0000002": {
                "id": "usrExample0000002",
                "displayName": "Person Two",
                "email": "person2@example.com",
                "type": "user",
            }
        },
        "parentCommentId": "comExample0000001",
    },
    {
        "id": "comExample0000001",
        "author": AUTHOR,
        "text": "When is it due?",
        "createdTime": "2026-02-01T08:00:00.000Z",
        "lastUpdatedTime": None,
    },
]


def _details(base: Json) -> Json:
    granted = {
        "createdTime": MADE,
        "grantedByUserId": "usrExample0000001",
        "permissionLevel": "create",
    }
    user = {"userId": "usrExample0000002", "email": "person2@example.com", **granted}
    owner = {"userId": "usrExample0000001", "email": "person1@example.com", **granted}
    group = {"groupId": "ugpExample0000001", "name": "Everybody", **granted}
    link = {
        "id": "invExample0000001",
        "createdTime": MADE,
        "invitedEmail": None,
        "permissionLevel": "read",
        "referredByUserId": "usrExample0000001",
        "restrictedToEmailDomains": ["example.com"],
        "type": "multiUse",
    }
    interface = {
        "id": "pbdExample0000001",
        "name": "Dashboard",
        "createdTime": MADE,
        "firstPublishTime": MADE,
        "groupCollaborators": [],
        "individualCollaborators": [{**user, "permissionLevel": "read"}],
        "inviteLinks": [],
    }
    return {
        **base,
        "createdTime": MADE,
        "workspaceId": "wspExample0000001",
        "individualCollaborators": {
            "baseCollaborators": [user],
            "workspaceCollaborators": [{**owner, "permissionLevel": "owner"}],
        },
        "groupCollaborators": {"baseCollaborators": [group], "workspaceCollaborators": []},
        "inviteLinks": {"baseInviteLinks": [link], "workspaceInviteLinks": []},
        "interfaces": {"pbdExample0000001": interface},
    }


SHARES = [
    {
        "shareId": "shrExample0000001",
        "shareTokenPrefix": "shrExamp",
        "type": "view",
        "state": "enabled",
        "viewId": "viwExample0000001",
        "createdByUserId": "usrExample0000001",
        "createdTime": MADE,
        "isPasswordProtected": False,
        "restrictedToEnterpriseMembers": False,
        "restrictedToEmailDomains": [],
        "effectiveEmailDomainAllowList": ["example.com"],
    }
]
WEBHOOKS = [
    {
        "id": "achExample0000001",
        "areNotificationsEnabled": True,
        "cursorForNextPayload": 5,
        "expirationTime": "2026-11-25T00:00:00.000Z",
        "isHookEnabled": True,
        "lastNotificationResult": {"success": True, "durationMs": 2.603, "retryNumber": 0},
        "lastSuccessfulNotificationTime": "2026-11-18T21:25:05.663Z",
        "notificationUrl": "https://hooks.example.com/airtable",
        "specification": {"options": {"filters": {"dataTypes": ["tableData"]}}},
    }
]


def error(status: int, kind: str, message: str = "") -> Answer:
    """Return a refusal in the API's form."""
    return Answer(status, {"error": {"type": kind, "message": message}})


FORBIDDEN = error(
    403,
    "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND",
    "Invalid permissions, or the requested model was not found.",
)


def serve(web: Web) -> None:
    """Put the routes of the API on the server; the first request for records is one too many."""
    requests = itertools.count()
    full = {"error": "RATE_LIMIT_REACHED", "message": "Rate limit exceeded. Try again later"}
    records = _checked(
        records_page, "pageSize", "offset", "recordMetadata[]", "returnFieldsByFieldId"
    )

    def busy(asked: Asked) -> Json:
        return records(asked) if next(requests) else Answer(429, {"errors": [full]})

    web.on("/v0/{base}/{table}", busy)
    comments = _checked(_comments, "pageSize", "offset")
    web.on("/v0/{base}/{table}/{record}/comments", comments)
    web.on("/v0/bases/{base}/webhooks", _checked(_of_base({"webhooks": WEBHOOKS}, "create")))
    web.on("/v0/meta/bases", _checked(lambda asked: {"bases": BASES}, "offset"))
    web.on("/v0/meta/bases/{base}", _checked(_base_details, "include"))
    web.on("/v0/meta/bases/{base}/tables", _checked(_of_base({"tables": TABLES}), "include"))
    web.on("/v0/meta/bases/{base}/shares", _checked(_of_base({"shares": SHARES})))


def _checked(handler: Callable[[Asked], Json], *permitted: str) -> Callable[[Asked], Json]:
    """Return a handler that first looks at the token and the parameters' names."""

    def handle(asked: Asked) -> Json:
        if asked.headers.get("authorization") != f"Bearer {SETTINGS['api_key']}":
            return error(401, "AUTHENTICATION_REQUIRED", "Authentication required")
        if {key for key, _ in asked.query} - set(permitted):
            return error(422, "INVALID_REQUEST_UNKNOWN", f"Invalid request: {asked.query}")
        return handler(asked)

    return handle


def _of_base(body: Json, *levels: str) -> Callable[[Asked], Json]:
    def handle(asked: Asked) -> Json:
        level = next(one["permissionLevel"] for one in BASES if one["id"] == asked.parts["base"])
        return FORBIDDEN if level == "none" or (levels and level not in levels) else body

    return handle


def _base_details(asked: Asked) -> Json:
    included = [value for key, value in asked.query if key == "include"]
    assert sorted(included) == ["collaborators", "interfaces", "inviteLinks"], asked.query
    return _details(next(one for one in BASES if one["id"] == asked.parts["base"]))


def records_page(asked: Asked) -> Json:
    """Return a page of a table's records."""
    every = RECORDS.get((asked.parts["base"], asked.parts["table"]))
    if every is None:
        return FORBIDDEN
    size, offset = int(asked.param("pageSize", "100") or 0), asked.param("offset")
    if not 1 <= size <= 100:
        return error(422, "INVALID_PAGE_SIZE")
    start = 0
    if offset is not None:
        token, _, last = offset.partition("/")
        ids = [one["id"] for one in every]
        if token != "itrExample0000001" or last not in ids:
            return error(422, "INVALID_OFFSET_VALUE", "The value of offset is invalid")
        start = ids.index(last) + 1
    counted = asked.param("recordMetadata[]") == "commentCount"
    page = every[start : start + size]
    shown = page if counted else [{**one, "commentCount": None} for one in page]
    more = start + size < len(every)
    return {"records": shown, **({"offset": f"itrExample0000001/{page[-1]['id']}"} if more else {})}


def _comments(asked: Asked) -> Json:
    # Without more comments, the offset is null here.
    is_first = (asked.parts["base"], asked.parts["record"]) == (FIRST, "recExample0000001")
    return {"comments": COMMENTS if is_first else [], "offset": None}
