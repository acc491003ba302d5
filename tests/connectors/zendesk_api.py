"""Zendesk's Ticketing API, as documented.

The exports have pages of two records, however many are asked for, and leave out the last minute.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

from tests.connectors import zendesk_data as account
from tests.connectors.vendor_server import NOW
from tests.support.servers.web import Answer, Asked, Web

SETTINGS = {"subdomain": "example", "email": "ada@example.com", "api_token": "6wiIBWbGkBMo1mRDMuVw"}
RESOURCES = (
    "tickets",
    "ticket_events",
    "ticket_comments",
    "ticket_metric_events",
    "ticket_audits",
    "users",
    "organizations",
    "satisfaction_ratings",
    "groups",
    "group_memberships",
    "organization_memberships",
    "ticket_fields",
    "custom_ticket_fields",
    "custom_statuses",
    "brands",
    "macros",
    "sla_policies",
)
_PAIR = f"{SETTINGS['email']}/token:{SETTINGS['api_token']}".encode()
LOGIN = f"Basic {b64encode(_PAIR).decode()}"
PAGE = 2
Json = Any


def guarded(handle: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
    """Answer 401 without the right credentials, and 404 on another host."""

    def answer(asked: Asked) -> Any:
        if asked.headers.get("host") != "example.zendesk.com":
            return Answer(404, {"error": "No help desk at this address"})
        if asked.headers.get("authorization") != LOGIN:
            return Answer(401, {"error": "Couldn't authenticate you"})
        limits = {"X-Rate-Limit": "700", "X-Rate-Limit-Remaining": "699", "ratelimit-reset": "41"}
        found = handle(asked)
        return found if isinstance(found, Answer) else Answer(200, found, limits)

    return answer


def invalid(description: str, status: int = 400) -> Answer:
    """Return an error as Zendesk writes it."""
    return Answer(status, {"error": "InvalidValue", "description": description})


def start_of(asked: Asked) -> int | Answer:
    """Return the start of an export, or why it is refused."""
    start = asked.param("start_time")
    if start is None or not start.isdigit():
        return invalid("start_time is invalid")
    if int(start) > NOW.timestamp() + 86_400 - 60:
        return invalid("Too recent start_time. Use a start_time older than 60 seconds", 422)
    return int(start)


def by_cursor(
    name: str, records: list[Json], moment: Callable[[Json], int]
) -> Callable[[Asked], Any]:
    """Export records by a cursor, which is the time and id of the last record."""

    def answer(asked: Asked) -> Any:
        cursor = asked.param("cursor")
        if cursor is not None and asked.param("start_time") is not None:
            return invalid("start_time and cursor cannot be combined")
        if cursor is None:
            start = start_of(asked)
            if isinstance(start, Answer):
                return start
            after = (start, 0)
        else:
            seconds, _, number = b64decode(cursor).decode().partition("|")
            after = (int(seconds), int(number))
        every = sorted(((moment(one), one["id"]), one) for one in records)
        found = [(place, one) for place, one in every if place > after]
        shown = found[:PAGE]
        last = shown[-1][0] if shown else after
        token = b64encode(f"{last[0]}|{last[1]}".encode()).decode()
        body: Json = {
            name: [one for _, one in shown],
            "after_url": f"{account.HOST}{asked.path}?cursor={token}",
            "after_cursor": token,
            "before_url": None,
            "before_cursor": None,
            "end_of_stream": len(found) <= PAGE,
        }
        if name == "tickets" and "metric_sets" in (asked.param("include") or ""):
            body[name] = [{**one, "metric_set": account.METRICS[one["id"]]} for one in body[name]]
        return body

    return answer


def by_time(
    name: str, records: list[Json], moment: Callable[[Json], int]
) -> Callable[[Asked], Any]:
    """Export records by time; records of one second are never on two pages."""

    def answer(asked: Asked) -> Any:
        start = start_of(asked)
        if isinstance(start, Answer):
            return start
        found = sorted(
            (one for one in records if moment(one) >= start),
            key=lambda one: (moment(one), one["id"]),
        )
        shown = found[:PAGE]
        shown += [one for one in found[PAGE:] if moment(one) == moment(shown[-1])]
        end = moment(shown[-1]) if shown else start
        if len(shown) < len(found):
            end = moment(found[len(shown)])
        if name == "ticket_events" and asked.param("include") != "comment_events":
            shown = [{**one, "child_events": []} for one in shown]
        return {
            name: shown,
            "count": len(shown),
            "end_of_stream": len(shown) == len(found),
            "end_time": end,
            "next_page": f"{account.HOST}{asked.path}?start_time={end}",
        }

    return answer


def paged(name: str, records: list[Json]) -> Callable[[Asked], Any]:
    """Return pages by `page[size]` and `page[after]`."""

    def answer(asked: Asked) -> Any:
        size, after = asked.param("page[size]"), asked.param("page[after]")
        if size is None or not 1 <= int(size) <= 100:
            return invalid("page[size] must be from 1 to 100")
        start = int(b64decode(after)) if after else 0
        found = records[start : start + int(size)]
        more = start + int(size) < len(records)
        cursor = b64encode(str(start + int(size)).encode()).decode() if found else None
        link = f"{account.HOST}{asked.path}?page[after]={cursor}&page[size]={size}"
        return {
            name: found,
            "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
            "links": {"next": link if more else None, "prev": None},
        }

    return answer


def ratings(asked: Asked) -> Any:
    """Return ratings from a time on."""
    start = int(asked.param("start_time") or 0)
    found = [one for one in account.RATINGS if account.epoch(one["created_at"]) >= start]
    return paged("satisfaction_ratings", found)(asked)


def audits(asked: Asked) -> Any:
    """Return the history of a ticket."""
    ticket = int(asked.parts["ticket"])
    if all(one["id"] != ticket or one["status"] == "deleted" for one in account.TICKETS):
        return Answer(404, {"error": "RecordNotFound", "description": "Not found"})
    return paged("audits", account.AUDITS.get(ticket, []))(asked)


def busy_once(handle: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
    """Answer the first request with a 429."""
    answered: list[Asked] = []

    def answer(asked: Asked) -> Any:
        answered.append(asked)
        if len(answered) > 1:
            return handle(asked)
        body = {"error": "APIRateLimitExceeded", "description": "Number of allowed API requests"}
        return Answer(429, body, {"Retry-After": "6"})

    return answer


def whole(name: str, records: list[Json]) -> Json:
    """Return a list that has no pages by cursor."""
    return {name: records, "next_page": None, "previous_page": None, "count": len(records)}


def updated(record: Json) -> int:
    """Return when a record was updated, in seconds since 1970."""
    return account.epoch(record["updated_at"])


def serve(web: Web) -> None:
    """Put the routes on the server."""

    def on(path: str, handle: Callable[[Asked], Any]) -> None:
        web.on(f"/api/v2/{path}.json", guarded(handle), "GET")

    tickets = by_cursor("tickets", account.TICKETS, lambda one: one["generated_timestamp"])
    on("incremental/tickets/cursor", busy_once(tickets))
    on("incremental/users/cursor", by_cursor("users", account.USERS, updated))
    on("incremental/organizations", by_time("organizations", account.ORGANIZATIONS, updated))
    on(
        "incremental/ticket_events",
        by_time("ticket_events", account.EVENTS, lambda one: one["timestamp"]),
    )
    on(
        "incremental/ticket_metric_events",
        by_time(
            "ticket_metric_events", account.METRIC_EVENTS, lambda one: account.epoch(one["time"])
        ),
    )
    on("tickets/{ticket}/audits", audits)
    on("satisfaction_ratings", ratings)
    for name, records in account.LISTS.items():
        on(name, paged(name, records))
    on("custom_statuses", lambda _: {"custom_statuses": account.STATUSES})
    on("slas/policies", lambda _: whole("sla_policies", account.POLICIES))
