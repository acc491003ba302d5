"""A made-up organization, in the shapes of Sentry's API."""

from __future__ import annotations

from typing import Any

Json = Any

ORGANIZATION = {
    "id": "1",
    "slug": "acme-example",
    "name": "Acme Example",
    "dateCreated": "2024-01-02T08:00:00.123456Z",
    "status": {"id": "active", "name": "active"},
    "require2FA": False,
    "isEarlyAdopter": False,
    "defaultRole": "member",
    "openMembership": True,
    "links": {
        "organizationUrl": "https://acme-example.sentry.io",
        "regionUrl": "https://us.sentry.io",
    },
    "features": ["crons", "releases"],
    "access": ["org:read"],
}


def project(number: int, slug: str, platform: str) -> Json:
    """Return a project of the organization."""
    return {
        "id": str(number),
        "slug": slug,
        "name": slug.title(),
        "platform": platform,
        "dateCreated": "2024-02-01T08:00:00.000000Z",
        "status": "active",
        "isBookmarked": False,
        "isMember": True,
        "features": ["alert-filters"],
        "firstEvent": "2024-02-02T08:00:00Z",
        "firstTransactionEvent": True,
        "access": ["project:read"],
        "hasAccess": True,
        "hasMinifiedStackTrace": False,
        "hasMonitors": True,
        "hasProfiles": False,
        "hasReplays": False,
        "hasFeedbacks": False,
        "hasNewFeedbacks": False,
        "hasSessions": True,
        "team": {"id": "11", "slug": "core", "name": "Core"},
        "teams": [{"id": "11", "slug": "core", "name": "Core"}],
        "platforms": [platform],
        "environments": ["production"],
        "eventProcessing": {"symbolicationDegraded": False},
        "latestRelease": {"version": "shop@1.4.0"},
        "latestDeploys": None,
        "options": {},
        "stats": None,
    }


PROJECTS = [project(21, "shop", "python-django"), project(22, "web", "javascript-react")]
TEAMS = [
    {
        "id": "11",
        "slug": "core",
        "name": "Core",
        "dateCreated": "2024-02-01T08:00:00.000000Z",
        "isMember": True,
        "teamRole": "contributor",
        "flags": {"idp:provisioned": False},
        "access": ["team:read"],
        "hasAccess": True,
        "isPending": False,
        "memberCount": 2,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
    }
]


def member(number: int, name: str, user: Json) -> Json:
    """Return a member of the organization."""
    return {
        "id": str(number),
        "email": f"{name}@example.com",
        "name": name,
        "user": user,
        "orgRole": "member",
        "role": "member",
        "roleName": "Member",
        "pending": user is None,
        "expired": False,
        "flags": {
            "idp:provisioned": False,
            "idp:role-restricted": False,
            "sso:linked": False,
            "sso:invalid": False,
            "member-limit:restricted": False,
            "partnership:restricted": False,
        },
        "dateCreated": "2024-02-03T08:00:00.000000Z",
        "inviteStatus": "approved",
        "inviterName": None,
        "teams": ["core"],
        "teamRoles": [{"teamSlug": "core", "role": None}],
        "projects": ["shop"],
    }


MEMBERS = [
    member(
        31,
        "mona",
        {
            "id": "41",
            "name": "Mona Example",
            "username": "mona@example.com",
            "email": "mona@example.com",
            "avatarUrl": "https://gravatar.com/avatar/0?d=404",
            "isActive": True,
            "hasPasswordAuth": True,
            "isManaged": False,
            "dateJoined": "2024-02-03T08:00:00.000000Z",
            "lastLogin": "2026-11-19T08:00:00.000000Z",
            "has2fa": True,
            "lastActive": "2026-11-19T09:00:00.000000Z",
            "isSuperuser": False,
            "isStaff": False,
            "experiments": {},
            "emails": [{"id": "51", "email": "mona@example.com", "is_verified": True}],
            "avatar": {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None},
        },
    ),
    member(32, "hubert", None),
]


def issue(number: int, seen: str, **more: Json) -> Json:
    """Return an issue of the shop."""
    return {
        "id": str(number),
        "shareId": None,
        "shortId": f"SHOP-{number}",
        "title": f"ValueError: number {number}",
        "culprit": "shop.views in pay",
        "permalink": f"https://acme-example.sentry.io/issues/{number}/",
        "logger": None,
        "level": "error",
        "status": "unresolved",
        "statusDetails": {},
        "substatus": "ongoing",
        "isPublic": False,
        "platform": "python",
        "project": {"id": "21", "name": "Shop", "slug": "shop", "platform": "python-django"},
        "type": "error",
        "metadata": {"type": "ValueError", "value": f"number {number}", "filename": "shop.py"},
        "numComments": 0,
        "assignedTo": None,
        "isBookmarked": False,
        "isSubscribed": False,
        "subscriptionDetails": None,
        "hasSeen": False,
        "annotations": [],
        "issueType": "error",
        "issueCategory": "error",
        "priority": "high",
        "priorityLockedAt": None,
        "isUnhandled": True,
        "count": "42",
        "userCount": 7,
        "firstSeen": "2026-09-01T08:00:00.123456Z",
        "lastSeen": seen,
        "stats": {"24h": [[1795132800, 1]]},
        "lifetime": {"count": "42"},
        **more,
    }


ISSUES = [
    issue(
        103,
        "2026-11-20T11:00:00.000000Z",
        annotations=[{"displayName": "ACME-7", "url": "https://tickets.example.com/ACME-7"}],
        assignedTo={
            "type": "user",
            "id": "41",
            "name": "mona@example.com",
            "email": "mona@example.com",
        },
    ),
    issue(102, "2026-11-10T09:00:00.000000Z", status="ignored", substatus="archived_forever"),
    issue(
        101,
        "2026-10-01T09:00:00.000000Z",
        status="resolved",
        statusDetails={"inRelease": "shop@1.4.0"},
        substatus=None,
    ),
    issue(100, "2026-03-01T09:00:00.000000Z"),
]
RELEASES = [
    {
        "id": 201 + number,
        "version": f"shop@1.{4 - number}.0",
        "shortVersion": f"1.{4 - number}.0",
        "status": "open",
        "ref": "a" * 40,
        "url": None,
        "dateReleased": None,
        "dateCreated": f"2026-11-1{5 - number}T08:00:00.000000Z",
        "dateStarted": None,
        "data": {},
        "newGroups": 1,
        "owner": None,
        "commitCount": 3,
        "lastCommit": {
            "id": "a" * 40,
            "message": "Fix",
            "dateCreated": "2026-11-14T08:00:00Z",
        },
        "deployCount": 1 - number,
        "lastDeploy": None,
        "authors": [
            {
                "id": "41",
                "name": "Mona Example",
                "email": "mona@example.com",
                "username": "mona@example.com",
                "avatarUrl": None,
            }
        ],
        "projects": [
            {
                "id": 21,
                "slug": "shop",
                "name": "Shop",
                "newGroups": 1,
                "platform": "python-django",
                "platforms": ["python"],
                "hasHealthData": True,
            }
        ],
        "firstEvent": "2026-11-15T09:00:00Z",
        "lastEvent": "2026-11-20T11:00:00Z",
        "currentProjectMeta": {},
        "userAgent": "sentry-cli/2.39.1",
        "versionInfo": {
            "package": "shop",
            "version": {
                "raw": f"1.{4 - number}.0",
                "major": 1,
                "minor": 4 - number,
                "patch": 0,
                "pre": None,
                "buildCode": None,
                "components": 3,
            },
            "description": f"1.{4 - number}.0",
            "buildHash": None,
        },
    }
    for number in range(2)
]
DEPLOYS = [
    {
        "id": "301",
        "environment": "production",
        "name": None,
        "url": None,
        "dateStarted": None,
        "dateFinished": "2026-11-15T08:30:00.000000Z",
    }
]
MONITORS = [
    {
        "id": "6f1c5a4e-0000-4000-8000-000000000001",
        "slug": "nightly-invoices",
        "name": "Nightly invoices",
        "status": "active",
        "isMuted": False,
        "isUpserting": True,
        "dateCreated": "2026-01-02T08:00:00Z",
        "config": {
            "schedule_type": "crontab",
            "schedule": "0 2 * * *",
            "checkin_margin": 5,
            "max_runtime": 30,
            "timezone": "Europe/Berlin",
            "failure_issue_threshold": 1,
            "recovery_threshold": 1,
            "alert_rule_id": None,
        },
        "project": PROJECTS[0],
        "owner": None,
        "alertRule": None,
        "environments": [
            {
                "name": "production",
                "status": "ok",
                "isMuted": False,
                "dateCreated": "2026-01-02T08:00:00Z",
                "lastCheckIn": "2026-11-20T01:00:04Z",
                "nextCheckIn": "2026-11-21T01:00:00Z",
                "nextCheckInLatest": "2026-11-21T01:05:00Z",
                "activeIncident": None,
            }
        ],
    }
]


def event(number: int, when: str) -> Json:
    """Return an event of the shop, as lists have it."""
    name = f"{number:032x}"
    return {
        "id": name,
        "eventID": name,
        "projectID": "21",
        "groupID": "103",
        "event.type": "error",
        "title": "ValueError: number 103",
        "message": "number 103",
        "culprit": "shop.views in pay",
        "location": "shop.py",
        "platform": "python",
        "dateCreated": when,
        "crashFile": None,
        "tags": [
            {"key": "environment", "value": "production"},
            {"key": "release", "value": "shop@1.4.0"},
        ],
        "user": {"id": "9", "email": "buyer@example.com", "username": None, "ip_address": None},
        "metadata": {"type": "ValueError", "value": "number 103"},
    }


EVENTS = [event(3, "2026-11-20T11:00:00Z"), event(2, "2026-11-18T11:00:00Z")]
ENVIRONMENTS = [
    {"id": "401", "name": "production", "isHidden": False},
    {"id": "402", "name": "staging", "isHidden": True},
]
_FEEDBACK = {
    "id": "501",
    "name": "Berta",
    "email": "berta@example.com",
    "comments": "I could not pay.",
    "dateCreated": "2026-11-20T11:05:00.000000Z",
    "eventID": EVENTS[0]["id"],
    "issue": issue(103, "2026-11-20T11:00:00.000000Z"),
    "event": {"id": EVENTS[0]["id"], "eventID": EVENTS[0]["id"]},
    "user": {
        "id": "9",
        "email": "buyer@example.com",
        "username": None,
        "name": None,
        "ipAddress": None,
        "avatarUrl": None,
        "hash": "45c48cce2e2d7fbdea1afc51c7c6ad26",
        "tagValue": "id:9",
        "identifier": "9",
        "dateCreated": "2026-11-20T11:00:01.000000Z",
    },
}
FEEDBACK = [
    _FEEDBACK,
    {
        **_FEEDBACK,
        "id": "502",
        "comments": "It works again.",
        "issue": {**issue(102, "2026-11-20T11:00:00.000000Z"), "status": "resolved"},
    },
]
REPOSITORIES = [
    {
        "id": "601",
        "name": "acme-example/shop",
        "url": "https://github.com/acme-example/shop",
        "provider": {"id": "integrations:github", "name": "GitHub"},
        "status": "active",
        "dateCreated": "2024-02-01T08:00:00.000000Z",
        "integrationId": "71",
        "externalSlug": "acme-example/shop",
        "externalId": "101",
    }
]
AUTHOR = {"id": 41, "name": "Mona Example", "email": "mona@example.com"}
METRIC_RULES = [
    {
        "id": "701",
        "name": "Too many errors",
        "organizationId": "1",
        "queryType": 0,
        "dataset": "events",
        "query": "level:error",
        "aggregate": "count()",
        "thresholdType": 0,
        "resolveThreshold": 10.0,
        "timeWindow": 60.0,
        "environment": None,
        "projects": ["shop"],
        "owner": "team:11",
        "dateCreated": "2026-01-02T08:00:00.000000Z",
        "dateModified": "2026-01-02T08:00:00.000000Z",
        "status": 0,
        "triggers": [
            {
                "id": "711",
                "alertRuleId": "701",
                "label": "critical",
                "thresholdType": 0,
                "alertThreshold": 100.0,
                "resolveThreshold": 10.0,
                "dateCreated": "2026-01-02T08:00:00.000000Z",
                "actions": [{"id": "721", "type": "email", "targetType": "team"}],
            }
        ],
        "createdBy": AUTHOR,
        "comparisonDelta": None,
        "detectionType": "static",
    }
]
ISSUE_RULES = [
    {
        "id": "801",
        "name": "New issues",
        "status": "active",
        "actionMatch": "any",
        "filterMatch": "all",
        "frequency": 30,
        "environment": None,
        "owner": "team:11",
        "dateCreated": "2026-01-02T08:00:00.000000Z",
        "createdBy": AUTHOR,
        "projects": ["shop"],
        "conditions": [{"id": "first_seen_event", "name": "A new issue is created"}],
        "filters": [],
        "actions": [{"id": "notify_email", "targetType": "IssueOwners"}],
        "snooze": False,
        "lastTriggered": "2026-11-20T11:00:02.000000Z",
    }
]
