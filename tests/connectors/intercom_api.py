"""Intercom's API as its documentation describes it, with pages of two records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.connectors.intercom_data import (
    ADMINS,
    ARTICLES,
    ATTRIBUTES,
    COLLECTIONS,
    COMPANIES,
    CONTACT_COMPANIES,
    CONTACTS,
    CONVERSATIONS,
    DAY,
    LOGS,
    PARTS,
    SEGMENTS,
    TAGS,
    TEAMS,
    TICKET_TYPES,
    TICKETS,
    TODAY,
    Record,
)
from tests.support.servers.web import Answer, Asked, Web

SETTINGS = {"access_token": "made-up-token"}
RESOURCES = (
    "admins",
    "teams",
    "tags",
    "segments",
    "data_attributes",
    "companies",
    "contacts",
    "contact_companies",
    "conversations",
    "conversation_parts",
    "tickets",
    "ticket_types",
    "articles",
    "collections",
    "activity_logs",
)
PAGE = 2


def serve(web: Web) -> None:
    """Serve the API; the first list of admins is over the limit once."""
    refused: list[str] = []

    def admins(asked: Asked) -> Any:
        if not refused:
            refused.append(asked.path)
            headers = {"X-RateLimit-Limit": "1666", "X-RateLimit-Remaining": "0"}
            answer = _error(429, "rate_limit_exceeded")
            return Answer(429, answer.body, headers | {"X-RateLimit-Reset": str(TODAY + 43_205)})
        return {"type": "admin.list", "admins": ADMINS}

    _on(web, "/admins", admins)
    _on(web, "/teams", lambda _: {"type": "team.list", "teams": TEAMS})
    _on(web, "/tags", lambda _: {"type": "list", "data": TAGS})
    _on(web, "/segments", lambda _: {"type": "segment.list", "segments": SEGMENTS})
    _on(web, "/data_attributes", _attributes)
    _on(web, "/companies/scroll", _scroll)
    _on(web, "/contacts/search", lambda asked: _search(asked, "data", CONTACTS, DAY), "POST")
    _on(web, "/contacts/{contact}/companies", _contact_companies)
    _on(
        web,
        "/conversations/search",
        lambda asked: _search(asked, "conversations", CONVERSATIONS),
        "POST",
    )
    _on(web, "/conversations/{conversation}", _conversation)
    _on(web, "/tickets/search", lambda asked: _search(asked, "tickets", TICKETS), "POST")
    _on(web, "/ticket_types", lambda _: {"type": "list", "data": TICKET_TYPES})
    _on(web, "/articles", lambda asked: _numbered(asked, ARTICLES))
    _on(web, "/help_center/collections", lambda asked: _numbered(asked, COLLECTIONS))
    _on(web, "/admins/activity_logs", _logs)


def _on(web: Web, path: str, handler: Callable[[Asked], Any], method: str = "GET") -> None:
    def handle(asked: Asked) -> Any:
        if asked.headers.get("authorization") != f"Bearer {SETTINGS['access_token']}":
            return _error(401, "unauthorized", "Access Token Invalid")
        if asked.headers.get("intercom-version") != "2.14":
            return _error(400, "intercom_version_invalid")
        found = handler(asked)
        if isinstance(found, Answer):
            return found
        limits = {"X-RateLimit-Limit": "1666", "X-RateLimit-Remaining": "1600"}
        return Answer(200, found, limits | {"X-RateLimit-Reset": str(TODAY + 43_210)})

    web.on(path, handle, method)


def _error(status: int, code: str, message: str = "Refused.") -> Answer:
    errors = [{"code": code, "message": message}]
    return Answer(status, {"type": "error.list", "request_id": "r0", "errors": errors})


def _attributes(asked: Asked) -> Record:
    found = [one for one in ATTRIBUTES if one["model"] == asked.param("model")]
    return {"type": "list", "data": found}


def _scroll(asked: Asked) -> Any:
    """Give two companies a page, the last one empty; the parameter names the page."""
    param = asked.param("scroll_param")
    if param is not None and not param.startswith("scroll-"):
        return _error(404, "not_found", "scroll parameter not found")
    start = int(param.removeprefix("scroll-")) if param else 0
    end = min(start + PAGE, len(COMPANIES))
    data = COMPANIES[start:end]
    return {
        "type": "list",
        "data": data,
        "pages": None,
        "total_count": None,
        "scroll_param": f"scroll-{end}",
    }


def _search(asked: Asked, key: str, records: list[Record], unit: int = 1) -> Any:
    """Filter by a time in whole units: for contacts it is cut down to its day, and `>` skips it."""
    body = asked.json()
    query, sort, pagination = body["query"], body["sort"], body["pagination"]
    if (query["field"], query["operator"]) != ("updated_at", ">"):
        return _error(400, "parameter_invalid", f"unexpected query {query}")
    if type(query["value"]) is not int or not 1 <= pagination["per_page"] <= 150:
        return _error(400, "parameter_invalid", "a date is a number, and a page has 150 records")
    if sort != {"field": "updated_at", "order": "ascending"}:
        return _error(400, "parameter_invalid", f"unexpected order {sort}")
    floor = (query["value"] // unit + 1) * unit
    found = sorted(
        (one for one in records if one["updated_at"] >= floor), key=lambda one: one["updated_at"]
    )
    start = int(pagination.get("starting_after", "page-0").removeprefix("page-"))
    end = start + PAGE
    pages: Record = {
        "type": "pages",
        "page": start // PAGE + 1,
        "per_page": PAGE,
        "total_pages": -(-len(found) // PAGE),
    }
    if end < len(found):
        pages["next"] = {"per_page": PAGE, "starting_after": f"page-{end}"}
    return {"type": "list", key: found[start:end], "total_count": len(found), "pages": pages}


def _contact_companies(asked: Asked) -> Any:
    return _numbered(asked, CONTACT_COMPANIES[asked.parts["contact"]])


def _numbered(asked: Asked, records: list[Record]) -> Record:
    page, start = int(asked.param("page") or 1), (int(asked.param("page") or 1) - 1) * PAGE
    pages = {
        "type": "pages",
        "page": page,
        "per_page": PAGE,
        "total_pages": max(-(-len(records) // PAGE), 1),
    }
    data = records[start : start + PAGE]
    return {"type": "list", "data": data, "total_count": len(records), "pages": pages}


def _conversation(asked: Asked) -> Any:
    number = asked.parts["conversation"]
    found = next((one for one in CONVERSATIONS if one["id"] == number), None)
    if found is None:
        return _error(404, "not_found", "Resource Not Found")
    parts = PARTS[number]
    listed = {
        "type": "conversation_part.list",
        "conversation_parts": parts,
        "total_count": len(parts),
    }
    return {**found, "conversation_parts": listed}


def _logs(asked: Asked) -> Any:
    after, page = asked.param("created_at_after"), int(asked.param("page") or 1)
    if after is None:
        return _error(400, "parameter_not_found", "created_at_after is missing")
    found = [one for one in LOGS if one["created_at"] >= int(after)]
    start = (page - 1) * PAGE
    url = f"https://{asked.headers['host']}{asked.path}?created_at_after={after}&page={page + 1}"
    more = start + PAGE < len(found)
    pages = {"type": "pages", "next": url if more else None, "page": page, "per_page": PAGE}
    return {
        "type": "activity_log.list",
        "pages": {**pages, "total_pages": -(-len(found) // PAGE)},
        "activity_logs": found[start : start + PAGE],
    }
