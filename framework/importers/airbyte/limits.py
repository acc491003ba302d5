"""API budgets and concurrency as `rate_limit` and `max_in_flight`."""

from __future__ import annotations

from typing import Any

from framework.importers.airbyte.durations import iso_duration
from framework.importers.airbyte.errors import by_default
from framework.importers.airbyte.importing import Importing
from framework.importers.airbyte.manifest import Component

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
    limits = [one for policy in policies if (one := _policy(importing, policy)) is not None]
    codes = budget.get("status_codes_for_ratelimit_hit", [])
    if [code for code in codes if code != 429]:
        importing.remarks.missing(
            budget.at("status_codes_for_ratelimit_hit"), f"{codes} as answers to too many requests"
        )
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


def _policy(importing: Importing, policy: Component) -> dict[str, Json] | None:
    """The limit of a policy; None for one without."""
    if policy.type == "FixedWindowCallRatePolicy":
        return _limit(importing, policy, "call_limit", "period")
    rates = [_limit(importing, rate, "limit", "interval") for rate in policy.parts("rates")]
    found = [one for one in rates if one is not None]
    return min(found, key=lambda one: one["requests"] / _seconds(one["per"])) if found else None


def _limit(importing: Importing, rate: Component, count: str, time: str) -> dict[str, Json] | None:
    scope = importing.sent(rate)
    requests = importing.text(rate.get(count), scope, rate.at(count))
    if isinstance(requests, str):
        requests = by_default(importing, rate, requests, count)
    per = iso_duration(str(rate.get(time)))
    if per is None:
        importing.remarks.missing(rate.at(time), f"no duration: {rate.get(time)}")
    if per is None or not isinstance(requests, int):
        return None
    return {"requests": requests, "per": per}


def _seconds(duration: str) -> float:
    from framework.definition.durations import parse_duration

    try:
        return max(parse_duration(duration).total_seconds(), 1.0)
    except ValueError:
        return 86_400.0 * 30
