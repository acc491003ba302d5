"""The context of expressions while a connector runs: what its roots hold at each place.

A context is a mapping with the roots of `spec/context.py`; a root that is not there is null.
Contexts are never changed in place: each place adds its roots to a copy.
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
    """What holds in all of a run: config, secrets, and when the run started."""
    return {
        "config": dict(settings.config),
        "secrets": dict(settings.secrets),
        "now": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def without_secrets(context: Context) -> Context:
    """The context for expressions whose value is loaded and not sent."""
    return {root: value for root, value in context.items() if root != "secrets"}


def with_parent(context: Context, parent: str | None, record: Mapping[str, Json] | None) -> Context:
    """The context of a child: the record that it is asked for, by its two names."""
    if parent is None or record is None:
        return context
    above = context.get("resources") or {}
    return {**context, "parent": record, "resources": {**above, parent: record}}


def with_ancestors(
    context: Context, above: Mapping[str, Json], parent: str, record: Mapping[str, Json]
) -> Context:
    """The context of a child with what is kept of records further up, by resource."""
    child = with_parent(context, parent, record)
    return {**child, "resources": {**above, **child["resources"]}} if above else child


def with_partition(context: Context, values: Mapping[str, Json]) -> Context:
    """The context with the values of the partition that is asked for."""
    return {**context, "partition": values} if values else context


def with_incremental(context: Context, values: Mapping[str, Json]) -> Context:
    """The context with the values of an incremental, which come keyed by `incremental.NAME`."""
    named = {
        name.removeprefix("incremental."): value
        for name, value in values.items()
        if name.startswith("incremental.")
    }
    return {**context, "incremental": named} if named else context


def with_response(context: Context, response: requests.Response) -> Context:
    """The context with an answer: body, headers by lower-case name, and status."""
    try:
        body = response.json()
    except ValueError:
        body = None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return {**context, "response": body, "headers": headers, "status": response.status_code}
