"""PagerDuty's API as its documentation describes it: offsets up to 10,000, searches by time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.connectors import pagerduty_data as data
from tests.support.servers.web import Answer, Asked, Web

Json = Any
SETTINGS = {"api_key": "u+Example0123456789", "start_date": "2026-10-01T00:00:00Z"}
RESOURCES = (
    "incidents",
    "open_incidents",
    "resolved_incidents",
    "alerts",
    "log_entries",
    "services",
    "users",
    "teams",
    "team_members",
    "schedules",
    "escalation_policies",
    "oncalls",
    "priorities",
    "incident_notes",
    "notifications",
    "change_events",
    "maintenance_windows",
    "tags",
    "audit_records",
)
MOST = 10_000
"""Records of a list that can be paged through."""
_PAGED = ("limit", "offset", "total")
_LONGEST = {
    "incidents": timedelta(days=184),
    "notifications": timedelta(days=89),
    "log_entries": timedelta(days=3650),
    "change_events": timedelta(days=3650),
    "audit/records": timedelta(days=31),
}


def error(status: int, code: int, message: str, *errors: str) -> Answer:
    """Return a refusal in the API's form."""
    return Answer(status, {"error": {"message": message, "code": code, "errors": list(errors)}})


def serve(web: Web) -> None:
    """Put the routes of the API on the server; the first request for services is one too many."""
    for name, records in data.LISTS.items():
        more = ("filter",) if name == "maintenance_windows" else ()
        web.on(f"/{name}", _checked(_list(name, records), *_PAGED, *more))
    services = _checked(_list("services", data.LISTS["services"]), *_PAGED)
    requests = itertools.count()
    web.on("/services", lambda asked: services(asked) if next(requests) else _limited())
    for name in data.RANGES:
        zone = () if name == "change_events" else ("time_zone",)
        web.on(f"/{name}", _checked(_search(name), *_PAGED, "since", "until", *zone))
    filters = ("since", "until", "date_range", "statuses[]", "sort_by", "time_zone")
    web.on("/incidents", _checked(_incidents, *_PAGED, *filters))
    web.on("/incidents/{id}/alerts", _checked(_of(data.ALERTS, "alerts"), *_PAGED))
    web.on("/incidents/{id}/notes", _checked(lambda asked: _notes(asked.parts["id"])))
    web.on("/teams/{id}/members", _checked(_of(data.MEMBERS, "members"), *_PAGED))
    oncalls = _list("oncalls", data.ONCALLS)
    web.on("/oncalls", _checked(oncalls, *_PAGED, "since", "until", "time_zone"))
    web.on("/audit/records", _checked(_audit_records, "limit", "cursor", "since", "until"))


def _limited() -> Answer:
    headers = {"ratelimit-limit": "960", "ratelimit-remaining": "0", "ratelimit-reset": "2"}
    return Answer(429, {"error": {"message": "Rate Limit Exceeded", "code": 2020}}, headers)


def _checked(handler: Callable[[Asked], Json], *permitted: str) -> Callable[[Asked], Json]:
    """Return a handler that first looks at the key and the parameters' names."""

    def handle(asked: Asked) -> Json:
        if asked.headers.get("authorization") != f"Token token={SETTINGS['api_key']}":
            return error(401, 2006, "Unauthorized")
        if asked.headers.get("accept") != "application/vnd.pagerduty+json;version=2":
            return error(400, 2001, "Invalid Input Provided", "Accept is not a known version")
        unknown = {key for key, _ in asked.query} - set(permitted)
        if unknown:
            return error(400, 2001, "Invalid Input Provided", f"Unknown: {unknown}")
        return handler(asked)

    return handle


def _page(asked: Asked, name: str, records: list[Json]) -> Json:
    limit, offset = int(asked.param("limit", "25") or 0), int(asked.param("offset", "0") or 0)
    if limit > 100:
        return error(400, 2001, "Invalid Input Provided", "Limit must be at most 100.")
    if limit + offset > MOST:
        text = "Offset+limit exceeds maximum allowed value of 10000."
        return error(400, 2002, "Arguments Caused Error", text)
    page = records[offset : offset + limit]
    more = offset + limit < len(records)
    return {name: page, "limit": limit, "offset": offset, "total": None, "more": more}


def _list(name: str, records: list[Json]) -> Callable[[Asked], Json]:
    return lambda asked: _page(asked, name, records)


def _of(lists: dict[str, list[Json]], name: str) -> Callable[[Asked], Json]:
    return lambda asked: _page(asked, name, lists.get(asked.parts["id"], []))


def _notes(incident: str) -> Json:
    return {"notes": data.NOTES.get(incident, [])}


def _time(text: str | None) -> datetime:
    assert text is not None, "a search without since and until has a default that nobody wants"
    return datetime.fromisoformat(text)


def _between(asked: Asked, name: str, key: str, records: list[Json]) -> list[Json] | Answer:
    since, until = _time(asked.param("since")), _time(asked.param("until"))
    if until - since > _LONGEST[name]:
        return error(400, 2001, "Invalid Input Provided", "The date range is too long.")
    found = [one for one in records if since <= _time(one[key]) <= until]
    return sorted(found, key=lambda one: str(one[key]), reverse=True)


def _search(name: str) -> Callable[[Asked], Json]:
    def handle(asked: Asked) -> Json:
        found = _between(asked, name, *data.RANGES[name])
        return found if isinstance(found, Answer) else _page(asked, name, found)

    return handle


def _incidents(asked: Asked) -> Json:
    statuses = [value for key, value in asked.query if key == "statuses[]"]
    every: list[Json] | Answer = data.INCIDENTS
    if asked.param("date_range") != "all":
        every = _between(asked, "incidents", "created_at", data.INCIDENTS)
    if isinstance(every, Answer):
        return every
    found = [one for one in every if not statuses or one["status"] in statuses]
    if asked.param("sort_by") == "resolved_at:desc":
        found = sorted(found, key=lambda one: str(one["resolved_at"]), reverse=True)
    return _page(asked, "incidents", found)


def _audit_records(asked: Asked) -> Json:
    found = _between(asked, "audit/records", "execution_time", data.AUDIT_RECORDS)
    if isinstance(found, Answer):
        return found
    # A page may be shorter than the limit, which is the smaller of two.
    start = int(asked.param("cursor", "0") or 0)
    following = str(start + 1) if start + 1 < len(found) else None
    return {"records": found[start : start + 1], "limit": 1, "next_cursor": following}
