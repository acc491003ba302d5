"""Asana's API: lists with an offset token, and only the fields that `opt_fields` names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.connectors import asana_data as data
from tests.support.servers.web import Answer, Asked, Web

Json = dict[str, Any]
Find = Callable[[Asked], "list[Json] | Answer"]

SETTINGS = {"token": "2/1200000000000011/1200000000000900:0123456789abcdef", "page_size": 2}
RESOURCES = (
    "workspaces",
    "users",
    "teams",
    "projects",
    "sections",
    "tasks",
    "subtasks",
    "stories",
    "time_tracking_entries",
    "status_updates",
    "tags",
    "custom_fields",
    "goals",
    "portfolios",
    "portfolio_items",
)
HOST = "app.asana.com"
BASE = "/api/1.0"
MOVED: dict[str, str] = {}
"""When a task last changed in ways that its `modified_at` does not show."""
FREE: set[str] = set()
"""Workspaces whose plan does not have goals, portfolios and custom fields."""


def refuse(status: int, message: str, **headers: str) -> Answer:
    """Return an error as Asana writes it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"errors": [{"message": message}]}, named)


def selected(record: Json, fields: list[list[str]]) -> Json:
    """Return a record with the fields that were asked for; `gid` and the kind are always there."""
    kept: Json = {name: record[name] for name in ("gid", "resource_type") if name in record}
    wanted: dict[str, list[list[str]]] = {}
    for field in fields:
        wanted.setdefault(field[0], []).extend([field[1:]] if field[1:] else [])
    for name, inner in wanted.items():
        value = record[name]
        if isinstance(value, dict):
            value = selected(value, inner) if inner else value
        elif isinstance(value, list) and inner:
            value = [selected(one, inner) for one in value]
        kept[name] = value
    return kept


def listed(find: Find, *allowed: str) -> Callable[[Asked], Answer]:
    """Return a list in pages; `find` filters, or refuses what lacks a parameter."""

    def handle(asked: Asked) -> Answer:
        if asked.headers["host"] != HOST:
            return refuse(404, "Not Found")
        if asked.headers.get("authorization") != f"Bearer {SETTINGS['token']}":
            return refuse(401, "Not Authorized")
        known = {name for name, _ in asked.query}
        if wrong := known - {"limit", "offset", "opt_fields", *allowed}:
            return refuse(400, f"{min(wrong)}: Not a recognized parameter")
        limit = int(asked.param("limit") or 0)
        if not 1 <= limit <= 100:
            return refuse(400, "limit: Must be between 1 and 100")
        start = (asked.param("offset") or "token-0").removeprefix("token-")
        if not start.isdigit():
            return refuse(400, "offset: Your pagination token is invalid.")
        found = find(asked)
        if isinstance(found, Answer):
            return found
        fields = [name.split(".") for name in (asked.param("opt_fields") or "name").split(",")]
        end = int(start) + limit
        page = None
        if end < len(found):
            path = f"{asked.path.removeprefix(BASE)}?limit={limit}&offset=token-{end}"
            page = {
                "offset": f"token-{end}",
                "path": path,
                "uri": f"https://{HOST}{BASE}{path}",
            }
        records = [selected(one, fields) for one in found[int(start) : end]]
        return Answer(200, {"data": records, "next_page": page})

    return handle


def by(name: str, lists: dict[str, list[Json]]) -> Find:
    """Return the list of what a required parameter names."""

    def find(asked: Asked) -> list[Json] | Answer:
        value = asked.param(name)
        return lists.get(value, []) if value else refuse(400, f"{name}: Missing input")

    return find


def below(name: str, lists: dict[str, list[Json]]) -> Find:
    """Return the list of what the path names."""
    return lambda asked: lists.get(asked.parts[name], [])


def paid(records: list[Json], workspace: Callable[[Asked], str | None]) -> Find:
    """Return what the organization has, if the workspace's plan has it."""

    def find(asked: Asked) -> list[Json] | Answer:
        gid = workspace(asked)
        if gid in FREE:
            return refuse(402, "This feature is not available for free organizations.")
        return records if gid == data.ORGANIZATION else []

    return find


def _teams(asked: Asked) -> list[Json] | Answer:
    if asked.parts["workspace"] != data.ORGANIZATION:
        return refuse(400, "workspace: Not an organization")
    return data.TEAMS


def _tasks(asked: Asked) -> list[Json] | Answer:
    project, since = asked.param("project"), asked.param("modified_since") or ""
    if not project:
        return refuse(400, "You should specify one of workspace, project, tag, section, ...")
    times = {**{one["gid"]: str(one["modified_at"]) for one in data.TASKS}, **MOVED}
    changed = [one for one in data.TASKS if times[one["gid"]] >= since]
    return [one for one in changed if any(place["gid"] == project for place in one["projects"])]


def _updates(asked: Asked) -> list[Json] | Answer:
    found = by("parent", data.UPDATES)(asked)
    since = asked.param("created_since") or ""
    if isinstance(found, Answer):
        return found
    return [one for one in found if one["created_at"] >= since]


def _portfolios(asked: Asked) -> list[Json] | Answer:
    if asked.param("owner") != "me":
        return refuse(403, "owner: Must be the current user")
    return paid(data.PORTFOLIOS, lambda one: one.param("workspace"))(asked)


def _once(before: Answer, then: Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
    left = [before]
    return lambda asked: left.pop() if left else then(asked)


def serve(web: Web) -> None:
    """Put the API's routes on the server; the first list of tasks comes after a 429."""
    slow = refuse(429, "You've made too many requests and hit a rate limit.", Retry_After="30")

    def in_path(asked: Asked) -> str:
        return asked.parts["workspace"]

    def in_query(asked: Asked) -> str | None:
        return asked.param("workspace")

    lists = {
        "workspaces": listed(lambda _: data.WORKSPACES),
        "users": listed(by("workspace", data.USERS), "workspace"),
        "workspaces/{workspace}/teams": listed(_teams),
        "projects": listed(by("workspace", data.PROJECTS), "workspace"),
        "projects/{project}/sections": listed(below("project", data.SECTIONS)),
        "tasks": _once(slow, listed(_tasks, "project", "modified_since")),
        "tasks/{task}/subtasks": listed(below("task", data.SUBTASKS)),
        "tasks/{task}/stories": listed(below("task", data.STORIES)),
        "tasks/{task}/time_tracking_entries": listed(below("task", data.ENTRIES)),
        "status_updates": listed(_updates, "parent", "created_since"),
        "workspaces/{workspace}/tags": listed(below("workspace", data.TAGS)),
        "workspaces/{workspace}/custom_fields": listed(paid(data.FIELDS, in_path)),
        "goals": listed(paid(data.GOALS, in_query), "workspace"),
        "portfolios": listed(_portfolios, "workspace", "owner"),
        "portfolios/{portfolio}/items": listed(lambda _: data.ITEMS),
    }
    for path, handler in lists.items():
        web.on(f"{BASE}/{path}", handler, "GET")
