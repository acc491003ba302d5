"""The Notion API as its documentation describes it, for the connector notion."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.connectors import notion_data as data
from tests.support.servers.web import Answer, Asked, Web, each

Json = Any

TOKEN = "ntn_example_token"
VERSION = "2025-09-03"
PAGE = 2  # a response may have fewer than page_size
MOST_RESULTS = 10_000  # of one query of a data source
SETTINGS = {"token": TOKEN}
RESOURCES = (
    *("bot_user", "users", "data_sources", "data_source_properties", "databases"),
    *("data_source_pages", "page_properties", "pages", "blocks", "child_blocks"),
    *("grandchild_blocks", "comments", "data_source_templates", "file_uploads"),
)


def serve(web: Web) -> None:
    """Put each endpoint on the server; the first search is one too many."""
    for path, listed in {
        "/v1/users": lambda asked: data.USERS,
        "/v1/blocks/{id}/children": lambda asked: _known(asked, data.BLOCKS),
        "/v1/comments": lambda asked: data.COMMENTS.get(_required(asked, "block_id"), []),
        "/v1/file_uploads": lambda asked: data.FILE_UPLOADS,
    }.items():
        web.on(path, _guarded(_listed(listed)), method="GET")
    web.on("/v1/users/me", _guarded(lambda asked: data.USERS[-1]), method="GET")
    web.on("/v1/databases/{id}", _guarded(_database), method="GET")
    web.on("/v1/data_sources/{id}/templates", _guarded(_templates), method="GET")
    web.on("/v1/data_sources/{id}/query", _guarded(_query), method="POST")
    limited = Answer(429, _error(429, "rate_limited", "Slow down"), {"Retry-After": "5"})
    turn, search = each(True, False), _guarded(_search)
    web.on("/v1/search", lambda asked: limited if turn(asked) else search(asked), method="POST")


class Refused(Exception):
    """An error of the API: its status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.answer = Answer(status, _error(status, code, message))


def _error(status: int, code: str, message: str) -> Json:
    return {"object": "error", "status": status, "code": code, "message": message}


def _invalid(message: str) -> Refused:
    return Refused(400, "validation_error", message)


def _guarded(endpoint: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    def handle(asked: Asked) -> Json:
        try:
            if asked.headers.get("authorization") != f"Bearer {TOKEN}":
                raise Refused(401, "unauthorized", "API token is invalid.")
            if asked.headers.get("notion-version") != VERSION:
                raise Refused(400, "missing_version", "Notion-Version header should be defined")
            return endpoint(asked)
        except Refused as refused:
            return refused.answer

    return handle


def _listed(records: Callable[[Asked], list[Json]]) -> Callable[[Asked], Json]:
    def endpoint(asked: Asked) -> Json:
        query = dict(asked.query)
        return _page(records(asked), query.get("page_size"), query.get("start_cursor"))

    return endpoint


def _page(records: list[Json], page_size: Json, cursor: Json, most: int = 100) -> Json:
    """One page of a list; the cursor is the id of its first record."""
    size = int(page_size or 100)
    if not 1 <= size <= most:
        raise _invalid("page_size should be at most 100")
    ids = [one["id"] for one in records]
    if cursor is not None and cursor not in ids:
        raise _invalid("start_cursor is not valid")
    start = 0 if cursor is None else ids.index(cursor)
    end = start + min(size, PAGE)
    has_more = end < len(records)
    return {
        "object": "list",
        "results": records[start:end],
        "next_cursor": ids[end] if has_more else None,
        "has_more": has_more,
    }


def _required(asked: Asked, name: str) -> str:
    value = asked.param(name)
    if value is None:
        raise _invalid(f"{name} should be defined")
    return value


def _missing() -> Refused:
    return Refused(404, "object_not_found", "Could not find it. Make sure that it is shared.")


def _every_page() -> list[Json]:
    return [*data.OTHER_PAGES, *(one for rows in data.ROWS.values() for one in rows)]


def _known(asked: Asked, children: dict[str, list[Json]]) -> list[Json]:
    block = asked.parts["id"]
    if block not in children and all(one["id"] != block for one in _every_page()):
        raise _missing()
    return children.get(block, [])


def _database(asked: Asked) -> Json:
    if asked.parts["id"] not in data.DATABASES:
        raise _missing()
    return data.DATABASES[asked.parts["id"]]


def _templates(asked: Asked) -> Json:
    templates = data.TEMPLATES.get(asked.parts["id"], [])
    page = _page(templates, asked.param("page_size"), asked.param("start_cursor"))
    return {"templates": page.pop("results"), **page}


def _body(asked: Asked, *names: str) -> Json:
    body = asked.json()
    if unknown := set(body) - {*names, "page_size", "start_cursor"}:
        raise _invalid(f"body.{sorted(unknown)[0]} should be not present")
    return body


def _search(asked: Asked) -> Json:
    body = _body(asked, "query", "filter", "sort")
    sort = body["sort"]
    if body["filter"]["property"] != "object" or sort["timestamp"] != "last_edited_time":
        raise _invalid("only objects can be filtered, and last_edited_time sorted by")
    lists = {"page": _every_page(), "data_source": data.DATA_SOURCES}
    found = sorted(
        lists[body["filter"]["value"]],
        key=lambda one: one["last_edited_time"],
        reverse=sort["direction"] == "descending",
    )
    page = _page(found, body.get("page_size"), body.get("start_cursor"))
    return {**page, "type": "page_or_data_source", "page_or_data_source": {}}


def _query(asked: Asked) -> Json:
    """Rows edited at or after a time, by time; a query with too many says that it is incomplete."""
    if asked.parts["id"] not in data.ROWS:
        raise _missing()
    body = _body(asked, "filter", "sorts", "filter_properties", "result_type")
    condition = body["filter"]
    if condition["timestamp"] != "last_edited_time" or list(condition["last_edited_time"]) != [
        "on_or_after"
    ]:
        raise _invalid("body.filter is none of this server's")
    since = datetime.fromisoformat(condition["last_edited_time"]["on_or_after"])
    (sort,) = body["sorts"]
    rows = [
        one
        for one in data.ROWS[asked.parts["id"]]
        if datetime.fromisoformat(one["last_edited_time"]) >= since
    ]
    rows.sort(key=lambda one: one[sort["timestamp"]], reverse=sort["direction"] == "descending")
    page = _page(rows[:MOST_RESULTS], body.get("page_size"), body.get("start_cursor"))
    if len(rows) > MOST_RESULTS:
        reason = "query_result_limit_reached"
        page["request_status"] = {"type": "incomplete", "incomplete_reason": reason}
    return {**page, "type": "page_or_data_source", "page_or_data_source": {}}
