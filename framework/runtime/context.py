"""The context that expressions read while a connector runs.

A context maps the roots of `definition/expressions/context_roots.py` to values; a missing root is
null. Contexts are never changed in place: each function returns a copy with more roots.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import requests

from framework.runtime.settings import Settings

Json = Any
Context = Mapping[str, Json]


def run_context(settings: Settings, now: datetime) -> Context:
    """Return the roots of a whole run: config, secrets, and `now`, the time of its start."""
    return {
        "config": dict(settings.config),
        "secrets": dict(settings.secrets),
        "now": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def without_secrets(context: Context) -> Context:
    """Return the context for expressions whose value is loaded and not sent."""
    return {root: value for root, value in context.items() if root != "secrets"}


def with_parent(context: Context, parent: str | None, record: Mapping[str, Json] | None) -> Context:
    """Return the context of a child resource: its parent record, under its two names."""
    if parent is None or record is None:
        return context
    above = context.get("resources") or {}
    return {**context, "parent": record, "resources": {**above, parent: record}}


def with_ancestors(
    context: Context, above: Mapping[str, Json], parent: str, record: Mapping[str, Json]
) -> Context:
    """Return the context of a child resource with values of further ancestors, by resource."""
    child = with_parent(context, parent, record)
    return {**child, "resources": {**above, **child["resources"]}} if above else child


def with_partition(context: Context, values: Mapping[str, Json]) -> Context:
    """Return the context with the values of a partition."""
    return {**context, "partition": values} if values else context


def with_incremental(context: Context, values: Mapping[str, Json]) -> Context:
    """Return the context with the values of an incremental, given as `incremental.NAME`."""
    named = {
        name.removeprefix("incremental."): value
        for name, value in values.items()
        if name.startswith("incremental.")
    }
    return {**context, "incremental": named} if named else context


def with_response(context: Context, response: requests.Response) -> Context:
    """Return the context with a response: body, headers by lower-case name, and status."""
    try:
        body = response.json()
    except ValueError:
        body = None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return {**context, "response": body, "headers": headers, "status": response.status_code}
