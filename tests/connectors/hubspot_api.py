"""HubSpot's API as its documentation describes it, with pages of two records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.connectors.hubspot_data import (
    ASSOCIATIONS,
    FORMS,
    LISTS,
    OBJECTS,
    OWNERS,
    PIPELINES,
    PROPERTIES,
    Record,
)
from tests.support.servers.web import Answer, Asked, Web

SETTINGS = {"access_token": "pat-eu1-made-up"}
RESOURCES = (
    "owners",
    "pipelines",
    "contact_properties",
    "company_properties",
    "deal_properties",
    "ticket_properties",
    "contacts",
    "companies",
    "deals",
    "tickets",
    "deal_associations",
    "contact_associations",
    "ticket_associations",
    "line_items",
    "products",
    "engagements",
    "lists",
    "forms",
)
PAGE = 2
CHANGED = {"contacts": "lastmodifieddate"}


def serve(web: Web) -> None:
    """Serve the API; the second search is over the limit once."""
    searches: list[str] = []

    def search(asked: Asked) -> Any:
        searches.append(asked.path)
        if len(searches) == 2:
            return _error(429, "RATE_LIMITS", policyName="SECONDLY")
        return _search(asked)

    _on(web, "/crm/v3/objects/{kind}/search", search, "POST")
    _on(web, "/crm/v4/associations/{kind}/{other}/batch/read", _associations, "POST")
    _on(web, "/crm/v3/lists/search", _lists, "POST")
    _on(web, "/crm/v3/owners", _owners)
    _on(web, "/crm/v3/pipelines/{kind}", lambda asked: {"results": PIPELINES[asked.parts["kind"]]})
    _on(
        web, "/crm/v3/properties/{kind}", lambda asked: {"results": PROPERTIES[asked.parts["kind"]]}
    )
    _on(web, "/marketing/v3/forms", _forms)


def _on(web: Web, path: str, handler: Callable[[Asked], Any], method: str = "GET") -> None:
    def handle(asked: Asked) -> Any:
        if asked.headers.get("authorization") != f"Bearer {SETTINGS['access_token']}":
            return _error(401, "INVALID_AUTHENTICATION")
        found = handler(asked)
        if isinstance(found, Answer) or path.endswith("/search"):
            return found  # searches have no headers about limits
        return Answer(
            207 if "errors" in found else 200,
            found,
            {
                "X-HubSpot-RateLimit-Max": "100",
                "X-HubSpot-RateLimit-Remaining": "99",
                "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            },
        )

    web.on(path, handle, method)


def _error(status: int, category: str, message: str = "Refused.", **more: Any) -> Answer:
    body = {"status": "error", "message": message, "correlationId": "c0", "category": category}
    return Answer(status, body | more)


def _page(asked: Asked, records: list[Record]) -> Any:
    limit, after = int(asked.param("limit") or 0), int(asked.param("after") or 0)
    if not 1 <= limit <= 100:
        return _error(400, "VALIDATION_ERROR", "limit is out of range")
    end = after + PAGE
    more = {"paging": {"next": {"after": str(end)}}} if end < len(records) else {}
    return {"results": records[after:end], **more}


def _owners(asked: Asked) -> Any:
    archived = asked.param("archived") == "true"
    return _page(asked, [one for one in OWNERS if one["archived"] is archived])


def _search(asked: Asked) -> Any:
    """Filter, sort and cut as a search does; never more than 10,000 records."""
    kind, body = asked.parts["kind"], asked.json()
    ((group),) = body["filterGroups"]
    filters = {(one["propertyName"], one["operator"]): one["value"] for one in group["filters"]}
    changed = CHANGED.get(kind, "hs_lastmodifieddate")
    since, last = filters.pop((changed, "GTE")), filters.pop(("hs_object_id", "GT"))
    (order,) = body["sorts"]
    if filters or order != {"propertyName": "hs_object_id", "direction": "ASCENDING"}:
        return _error(400, "VALIDATION_ERROR", f"unexpected: {filters} {order}")
    if not isinstance(since, str) or not isinstance(last, str) or not 1 <= body["limit"] <= 200:
        return _error(400, "VALIDATION_ERROR", "values are texts, and a page has 200 records")
    if len(asked.body) > 3000:
        return _error(400, "VALIDATION_ERROR", "the body is too long")
    start = datetime.fromtimestamp(int(since) / 1000, UTC)
    found = [
        one
        for one in sorted(OBJECTS[kind], key=lambda one: int(one["id"]))
        if datetime.fromisoformat(one["updatedAt"]) >= start and int(one["id"]) > int(last)
    ]
    more = {"paging": {"next": {"after": str(PAGE)}}} if len(found) > PAGE else {}
    results = [_with_properties(one, kind, body["properties"]) for one in found[:PAGE]]
    return {"total": len(found), "results": results, **more}


def _with_properties(record: Record, kind: str, names: list[str]) -> Record:
    """Return the record with the properties that were asked for, and those that always come."""
    known = record["properties"]
    own = {
        "createdate": record["createdAt"],
        "hs_object_id": record["id"],
        CHANGED.get(kind, "hs_lastmodifieddate"): record["updatedAt"],
    }
    asked_for = {name: known.get(name) for name in names if name in known}
    return {**record, "properties": own | asked_for}


def _associations(asked: Asked) -> Any:
    inputs = asked.json()["inputs"]
    if not 1 <= len(inputs) <= 1000:
        return _error(400, "VALIDATION_ERROR", "a request has up to 1000 inputs")
    pairs = ASSOCIATIONS[asked.parts["kind"], asked.parts["other"]]
    results, errors = [], []
    for one in inputs:
        others, start = pairs.get(one["id"], []), int(one.get("after", 0))
        end = start + PAGE
        if not others:
            errors.append(
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "message": f"No {asked.parts['other']} is associated with {one['id']}.",
                    "context": {"fromObjectId": [one["id"]]},
                }
            )
            continue
        more = {"paging": {"next": {"after": str(end)}}} if end < len(others) else {}
        results.append({"from": {"id": one["id"]}, "to": others[start:end], **more})
    failed = {"numErrors": len(errors), "errors": errors} if errors else {}
    return {
        "status": "COMPLETE",
        "results": results,
        "startedAt": "2026-11-20T12:00:00.000Z",
        "completedAt": "2026-11-20T12:00:00.010Z",
        **failed,
    }


def _lists(asked: Asked) -> Any:
    body = asked.json()
    if not isinstance(body.get("additionalProperties"), list):
        return _error(400, "VALIDATION_ERROR", "additionalProperties is missing")
    start, count = body["offset"], body["count"]
    if not 1 <= count <= 500:
        return _error(400, "VALIDATION_ERROR", "count is out of range")
    end = start + count
    return {
        "offset": end,
        "hasMore": end < len(LISTS),
        "lists": LISTS[start:end],
        "total": len(LISTS),
    }


def _forms(asked: Asked) -> Any:
    """List forms of the types that were asked for; those of the type hubspot, if none was."""
    kind = asked.param("formTypes") or "hubspot"
    return _page(asked, [one for one in FORMS if kind in ("all", one["formType"])])
