"""API budgets and concurrency as `rate_limit` and `max_in_flight`."""

from __future__ import annotations

from typing import Any

from framework.author.airbyte.durations import iso_duration
from framework.author.airbyte.importing import Importing
from framework.author.airbyte.manifest import Component

Json = Any


def translate_limits(importing: Importing, manifest: Component) -> dict[str, Json]:
    """What the client keeps to: requests per time, requests at once."""
    found: dict[str, Json] = {}
    budget = manifest.part("api_budget", "HTTPAPIBudget")
    if budget is not None:
        limit = _budget(importing, budget)
        if limit:
            found["rate_limit"] = limit
    level = manifest.part("concurrency_level", "ConcurrencyLevel")
    count = level.get("default_concurrency") if level is not None else None
    if isinstance(count, int) and 1 <= count <= 100:
        found["max_in_flight"] = count
    elif count is not None:
        importing.remarks.note(
            level.place if level else "", f"{count} at once: here the client's own number holds"
        )
    return found


def _budget(importing: Importing, budget: Component) -> dict[str, Json]:
    policies = list(budget.parts("policies"))
    limits = [one for one in map(_policy, policies) if one is not None]
    if len(policies) > 1 or any(policy.get("matchers") for policy in policies):
        importing.remarks.note(
            budget.place, "limits for single paths: here the strictest holds for all requests"
        )
    found: dict[str, Json] = {}
    if limits:
        found = min(limits, key=lambda one: one["requests"] / _seconds(one["per"]))
    headers = {
        word: budget.get(key)
        for word, key in (
            ("remaining", "ratelimit_remaining_header"),
            ("reset", "ratelimit_reset_header"),
        )
        if isinstance(budget.get(key), str)
    }
    if headers and found:
        found["headers"] = headers
    return found


def _policy(policy: Component) -> dict[str, Json] | None:
    if policy.type == "FixedWindowCallRatePolicy":
        return _limit(policy.get("call_limit"), policy.get("period"))
    rates = list(policy.parts("rates"))
    found = [one for one in (_limit(r.get("limit"), r.get("interval")) for r in rates) if one]
    return min(found, key=lambda one: one["requests"] / _seconds(one["per"])) if found else None


def _limit(requests: Json, period: Json) -> dict[str, Json] | None:
    per = iso_duration(str(period))
    if not isinstance(requests, int) or per is None:
        return None
    return {"requests": requests, "per": per}


def _seconds(duration: str) -> float:
    from framework.spec.durations import parse_duration

    try:
        return max(parse_duration(duration).total_seconds(), 1.0)
    except ValueError:
        return 86_400.0 * 30
