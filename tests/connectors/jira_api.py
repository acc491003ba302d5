"""Jira Cloud's REST API v3 and Agile API, as documented.

Pages of searches hold two issues, however many are asked for: by the documentation there may be
fewer.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from tests.connectors import jira_data as site
from tests.support.servers.web import Answer, Asked, Web

SETTINGS = {
    "base_url": site.SITE,
    "email": "ada@example.com",
    "api_token": "ATATT3xFfGF0token",
}
RESOURCES = (
    "issues",
    "issue_comments",
    "issue_histories",
    "issue_changelogs",
    "updated_worklogs",
    "worklogs",
    "deleted_worklogs",
    "projects",
    "project_versions",
    "project_components",
    "boards",
    "sprints",
    "users",
    "fields",
    "custom_fields",
    "statuses",
    "issue_types",
    "priorities",
)
_PAIR = f"{SETTINGS['email']}:{SETTINGS['api_token']}".encode()
LOGIN = f"Basic {b64encode(_PAIR).decode()}"
Json = Any


def refused(status: int, message: str) -> Answer:
    """Return an error as Jira writes it."""
    return Answer(status, {"errorMessages": [message], "errors": {}})


def guarded(handle: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
    """Answer 401 without the right credentials."""

    def answer(asked: Asked) -> Any:
        if asked.headers.get("authorization") != LOGIN:
            return Answer(401, "Client must be authenticated to access this resource.")
        return handle(asked)

    return answer


def search(issues: list[Json]) -> Callable[[Asked], Any]:
    """Search issues by the one JQL that is understood here."""

    def answer(asked: Asked) -> Any:
        jql = asked.param("jql", "") or ""
        match = re.fullmatch(r"\((.+)\) AND updated >= (\d{13}) ORDER BY updated ASC", jql)
        if match is None:
            return refused(400, f"Error in the JQL Query: {jql}")
        project = re.fullmatch(r"project = (\w+)", match[1])
        since = int(match[2])
        found = [
            one
            for one in sorted(issues, key=updated)
            if updated(one) >= since
            and (project is None or one["fields"]["project"]["key"] == project[1])
        ]
        if asked.param("fields") != "*all":
            found = [{"id": one["id"]} for one in found]
        start = int((asked.param("nextPageToken") or "page-0").removeprefix("page-"))
        size = min(int(asked.param("maxResults") or 50), 2)
        body: Json = {"issues": found[start : start + size], "isLast": start + size >= len(found)}
        if not body["isLast"]:
            body["nextPageToken"] = f"page-{start + size}"
        return body

    return answer


def updated(issue: Json) -> int:
    """Return when the issue was updated, in milliseconds since 1970."""
    return site.stamp(issue["fields"]["updated"][:19]) - 3_600_000


def page(asked: Asked, records: list[Json], key: str = "values", **more: Json) -> Json:
    """Return a page by `startAt` and `maxResults`."""
    start, size = int(asked.param("startAt") or 0), int(asked.param("maxResults") or 50)
    body = {"startAt": start, "maxResults": size, "total": len(records), **more}
    if key == "values":
        body["isLast"] = start + size >= len(records)
    return {**body, key: records[start : start + size]}


def users(asked: Asked) -> Json:
    """Return users as a bare list."""
    start, size = int(asked.param("startAt") or 0), int(asked.param("maxResults") or 50)
    return site.USERS[start : start + size]


def comments(asked: Asked) -> Any:
    """Return the comments of an issue."""
    return page(asked, site.COMMENTS.get(asked.parts["issue"], []), "comments")


def changes(asked: Asked) -> Any:
    """Return the history of up to 1,000 issues, one change a page."""
    body = asked.json()
    if not 1 <= len(body["issueIdsOrKeys"]) <= 1000 or not 1 <= body["maxResults"] <= 10000:
        return refused(400, "The request is not valid.")
    every = [
        (issue, one) for issue in body["issueIdsOrKeys"] for one in site.CHANGES.get(issue, [])
    ]
    start = int((body.get("nextPageToken") or "page-0").removeprefix("page-"))
    logs: dict[str, list[Json]] = {}
    for issue, one in every[start : start + 1]:
        logs.setdefault(issue, []).append(one)
    answer: Json = {
        "issueChangeLogs": [
            {"issueId": issue, "changeHistories": found} for issue, found in logs.items()
        ]
    }
    if start + 1 < len(every):
        answer["nextPageToken"] = f"page-{start + 1}"
    return answer


def worklog_feed(path: str, times: dict[int, str]) -> Callable[[Asked], Any]:
    """Return ids of worklogs after a time, two a page."""

    def answer(asked: Asked) -> Any:
        since = int(asked.param("since") or 0)
        every = sorted((site.stamp(at), number) for number, at in times.items())
        found = [(at, number) for at, number in every if at > since]
        shown = found[:2]
        until = shown[-1][0] if shown else since
        url = f"{site.SITE}/rest/api/3/worklog/{path}?since="
        body: Json = {
            "values": [
                {"worklogId": number, "updatedTime": at, "properties": []} for at, number in shown
            ],
            "since": since,
            "until": until,
            "self": f"{url}{since}",
            "lastPage": len(found) <= 2,
        }
        return body if body["lastPage"] else {**body, "nextPage": f"{url}{until}"}

    return answer


def worklogs(asked: Asked) -> Any:
    """Return worklogs by id."""
    wanted = asked.json()["ids"]
    if not 1 <= len(wanted) <= 1000:
        return refused(400, "The number of worklogs is limited to 1000.")
    return [site.WORKLOGS[number][0] for number in wanted if number in site.WORKLOGS]


def sprints(asked: Asked) -> Any:
    """Return the sprints of a board."""
    board = int(asked.parts["board"])
    if board not in site.SPRINTS:
        return refused(400, "The board does not support sprints")
    return page(asked, site.SPRINTS[board])


def busy_once(handle: Callable[[Asked], Any]) -> Callable[[Asked], Any]:
    """Answer the first request with a 429."""
    answered: list[Asked] = []

    def answer(asked: Asked) -> Any:
        answered.append(asked)
        if len(answered) > 1:
            return handle(asked)
        reason = {"Retry-After": "1", "RateLimit-Reason": "jira-burst-based"}
        return Answer(429, {"errorMessages": ["Rate limit exceeded."]}, reason)

    return answer


def serve(web: Web) -> None:
    """Put the routes on the server."""

    def on(path: str, handle: Callable[[Asked], Any], method: str = "GET") -> None:
        web.on(path, guarded(handle), method)

    on("/rest/api/3/search/jql", busy_once(search(site.ISSUES)))
    on("/rest/api/3/issue/{issue}/comment", comments)
    on("/rest/api/3/changelog/bulkfetch", changes, "POST")
    times = {number: at for number, (_, at) in site.WORKLOGS.items()}
    on("/rest/api/3/worklog/updated", worklog_feed("updated", times))
    on("/rest/api/3/worklog/deleted", worklog_feed("deleted", site.DELETED_WORKLOGS))
    on("/rest/api/3/worklog/list", worklogs, "POST")
    on("/rest/api/3/project/search", lambda asked: page(asked, site.PROJECTS))
    for name, lists in (("version", site.VERSIONS), ("component", site.COMPONENTS)):
        on(
            f"/rest/api/3/project/{{project}}/{name}",
            lambda asked, lists=lists: page(asked, lists.get(asked.parts["project"], [])),
        )
    on("/rest/agile/1.0/board", lambda asked: page(asked, site.BOARDS))
    on("/rest/agile/1.0/board/{board}/sprint", sprints)
    on("/rest/api/3/users/search", users)
    on("/rest/api/3/field", lambda _: site.FIELDS)
    on("/rest/api/3/status", lambda _: site.STATUSES)
    on("/rest/api/3/issuetype", lambda _: site.TYPES)
    on("/rest/api/3/priority/search", lambda asked: page(asked, site.PRIORITIES))
