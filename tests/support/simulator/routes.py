"""Which paths there are, and what each asks for: scope, plan, parameters, order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

UUID = r"(?:[A-Z0-9]{16}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
"""Both forms of an id; anything else in a path is not found."""

_ORGANIZATION = {"organization": "uri:organizations"}
_USER = {"user": "uri:users"}
_PAGES = {"count": "count", "page_token": "token"}


@dataclass(frozen=True)
class Route:
    """An endpoint. `params` maps each parameter to its form: `uri:KIND`, `count`, `token`,
    `boolean`, `time`, `email`, `text`, `a|b` (one of these) or `sort:FIELD,FIELD`. One of
    `one_of` must be there; all of `needs`. `most` is the largest page, 0 for no pages.
    `single` answers with a resource instead of a collection."""

    path: str
    scope: str
    table: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    one_of: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    plan: str = "free"
    leaders_only: bool = False
    sort: str = ""
    most: int = 0
    single: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """The path's ids by name, or None where the path is another."""
        pattern = re.sub(r"\{(\w+)\}", rf"(?P<\1>{UUID})", self.path)
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


ROUTES = (
    Route("/users/me", "users:read", "api_user", single=True),
    Route("/users/{uuid}", "users:read", single=True),
    Route("/organizations/{uuid}", "organizations:read", "organization", single=True),
    Route(
        "/event_types",
        "event_types:read",
        "event_types",
        _ORGANIZATION
        | _USER
        | _PAGES
        | {
            "active": "boolean",
            "admin_managed": "boolean",
            "sort": "sort:name,position,created_at,updated_at",
        },
        one_of=("organization", "user"),
        sort="name:asc",
        most=100,
    ),
    Route(
        "/groups",
        "groups:read",
        "groups",
        _ORGANIZATION | _PAGES,
        needs=("organization",),
        plan="teams",
        most=100,
    ),
    Route(
        "/group_relationships",
        "groups:read",
        "group_relationships",
        _ORGANIZATION | _PAGES | {"owner": "uri:", "group": "uri:groups"},
        one_of=("organization", "owner", "group"),
        plan="teams",
        most=100,
    ),
    Route(
        "/organization_memberships",
        "organizations:read",
        "organization_memberships",
        _ORGANIZATION | _USER | _PAGES | {"email": "email", "role": "owner|admin|user"},
        one_of=("organization", "user"),
        most=100,
    ),
    Route(
        "/organizations/{organization}/invitations",
        "organizations:read",
        "organization_invitations",
        _PAGES
        | {"sort": "sort:created_at", "email": "email", "status": "pending|accepted|declined"},
        leaders_only=True,
        sort="created_at:asc",
        most=100,
    ),
    Route(
        "/scheduled_events",
        "scheduled_events:read",
        "scheduled_events",
        _ORGANIZATION
        | _USER
        | _PAGES
        | {
            "group": "uri:groups",
            "invitee_email": "email",
            "status": "active|canceled",
            "sort": "sort:start_time",
            "min_start_time": "time",
            "max_start_time": "time",
        },
        one_of=("user", "organization", "group"),
        sort="start_time:asc",
        most=100,
    ),
    Route("/scheduled_events/{uuid}", "scheduled_events:read", single=True),
    Route(
        "/scheduled_events/{event}/invitees",
        "scheduled_events:read",
        "event_invitees",
        _PAGES | {"status": "active|canceled", "sort": "sort:created_at", "email": "email"},
        sort="created_at:asc",
        most=100,
    ),
    Route("/scheduled_events/{event}/invitees/{uuid}", "scheduled_events:read", single=True),
    Route(
        "/routing_forms",
        "routing_forms:read",
        "routing_forms",
        _ORGANIZATION | _PAGES | {"sort": "sort:created_at"},
        needs=("organization",),
        plan="teams",
        most=100,
    ),
    Route(
        "/routing_form_submissions",
        "routing_forms:read",
        "routing_form_submissions",
        _PAGES | {"form": "uri:routing_forms", "sort": "sort:created_at"},
        needs=("form",),
        plan="teams",
        most=100,
    ),
    Route(
        "/user_availability_schedules",
        "availability:read",
        "user_availability_schedules",
        _USER,
        needs=("user",),
    ),
    Route(
        "/activity_log_entries",
        "activity_log:read",
        "activity_log_entries",
        _ORGANIZATION
        | _PAGES
        | {
            "min_occurred_at": "time",
            "max_occurred_at": "time",
            "actor": "text",
            "namespace": "text",
            "action": "text",
            "sort": "sort:occurred_at",
        },
        needs=("organization",),
        plan="enterprise",
        leaders_only=True,
        sort="occurred_at:desc",
        most=1000,
    ),
    Route(
        "/outgoing_communications",
        "outgoing_communications:read",
        "outgoing_communications",
        _ORGANIZATION | _PAGES | {"min_created_at": "time", "max_created_at": "time"},
        needs=("organization",),
        plan="enterprise",
        leaders_only=True,
        sort="created_at:asc",
        most=100,
    ),
)
"""Every endpoint that answers; any other path is a 404."""
