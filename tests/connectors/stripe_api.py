"""Stripe's API as its documentation describes it: a version header, strict parameters."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.connectors.stripe_data import DAY, LINES, NOON, OBJECTS
from tests.support.servers.web import Answer, Asked, Web

Json = Any
SETTINGS = {"api_key": "rk_test_Example"}
RESOURCES = (
    "events",
    "customers",
    "subscriptions",
    "invoices",
    "charges",
    "payment_intents",
    "changed_customers",
    "changed_subscriptions",
    "changed_invoices",
    "changed_charges",
    "changed_payment_intents",
    "invoice_line_items",
    "long_invoice_line_items",
    "changed_invoice_line_items",
    "changed_long_invoice_line_items",
    "refunds",
    "payouts",
    "balance_transactions",
    "disputes",
    "products",
    "prices",
    "coupons",
    "checkout_sessions",
)
_VERSION = "2025-09-30.clover"
_SMALL = ("products", "prices", "coupons")
_EVENTS_ARE_KEPT = 30 * DAY


def error(status: int, message: str, **more: str) -> Answer:
    """Return a refusal in the API's form."""
    return Answer(status, {"error": {"message": message, "type": "invalid_request_error", **more}})


def serve(web: Web) -> None:
    """Put the routes of the API on the server."""
    for name in OBJECTS:
        web.on(f"/v1/{name}", _checked(_list(name)), method="GET")
        web.on(f"/v1/{name}/{{id}}", _checked(_object(name)), method="GET")
    web.on("/v1/checkout/sessions", _checked(_list("checkout/sessions")), method="GET")
    web.on("/v1/invoices/{id}/lines", _checked(_lines), method="GET")
    busy = itertools.count()
    charges = _checked(_list("charges"))
    web.on("/v1/charges", lambda asked: charges(asked) if next(busy) else _rate_limited())


def _rate_limited() -> Answer:
    body = {"message": "Request rate limit exceeded.", "type": "invalid_request_error"}
    return Answer(
        429,
        {"error": {**body, "code": "rate_limit"}},
        {"Stripe-Rate-Limited-Reason": "global-rate", "Stripe-Should-Retry": "true"},
    )


def _checked(handler: Callable[[Asked], Json]) -> Callable[[Asked], Json]:
    """Return a handler that first looks at the headers."""

    def handle(asked: Asked) -> Json:
        if asked.headers.get("authorization") != f"Bearer {SETTINGS['api_key']}":
            return error(401, "Invalid API Key provided: rk_test_*****")
        if asked.headers.get("stripe-version") != _VERSION:
            return error(400, "Invalid Stripe API version")
        if "stripe-account" in asked.headers:
            return error(403, "The provided key does not have access to this account.")
        return handler(asked)

    return handle


def _list(name: str) -> Callable[[Asked], Json]:
    def handle(asked: Asked) -> Json:
        permitted = {"limit", "starting_after", "ending_before"}
        permitted |= {"status"} if name == "subscriptions" else set()
        permitted |= {"active"} if name in ("prices", "products") else set()
        permitted |= {"created[gte]"}
        unknown = {key for key, _ in asked.query} - permitted
        if unknown:
            return error(400, f"Received unknown parameter: {unknown}", code="parameter_unknown")
        since = asked.param("created[gte]")
        if since is None and name not in _SMALL:
            raise AssertionError(f"{name} is read without created[gte]")
        earliest = int(since or 0)
        if name == "events":
            earliest = max(earliest, NOON - _EVENTS_ARE_KEPT)
        records = [one for one in OBJECTS[name] if one["created"] >= earliest]
        if name == "subscriptions" and asked.param("status") != "all":
            records = [one for one in records if one["status"] != "canceled"]
        if name == "prices" or asked.param("active"):
            # The list of prices without `active` is documented as that of active ones.
            active = asked.param("active", "true") == "true"
            records = [one for one in records if one["active"] is active]
        newest_first = sorted(records, key=lambda one: one["created"], reverse=True)
        return _page(asked, newest_first)

    return handle


def _object(name: str) -> Callable[[Asked], Json]:
    def handle(asked: Asked) -> Json:
        wanted = asked.parts["id"]
        if asked.query:
            return error(400, "Received unknown parameter", code="parameter_unknown")
        found = [one for one in OBJECTS[name] if one["id"] == wanted]
        missing = error(404, f"No such object: '{wanted}'", code="resource_missing")
        return found[0] if found else missing

    return handle


def _lines(asked: Asked) -> Json:
    return _page(asked, LINES[asked.parts["id"]])


def _page(asked: Asked, records: list[Json]) -> Json:
    limit = int(asked.param("limit", "10") or 10)
    if not 1 <= limit <= 100:
        return error(400, "Invalid integer: limit must be 1 to 100", param="limit")
    start = 0
    after = asked.param("starting_after")
    if after is not None:
        ids = [one["id"] for one in records]
        if after not in ids:
            return error(400, f"No such object: '{after}'", code="resource_missing")
        start = ids.index(after) + 1
    page = records[start : start + limit]
    has_more = start + limit < len(records)
    return {"object": "list", "data": page, "has_more": has_more, "url": asked.path}
