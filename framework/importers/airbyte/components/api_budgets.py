"""API budgets and concurrency as `rate_limit` and `max_in_flight`."""

from __future__ import annotations

from typing import Any

from framework.definition.values.durations import parse_duration
from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.components.error_handlers import number_of
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.time_notation import iso_duration

Json = Any
Limit = dict[str, Json]


def translate_limits(context: ImportContext, manifest: Component) -> dict[str, Json]:
    """Return the client's limits: requests per time, and requests at once."""
    limits: dict[str, Json] = {}
    budget = manifest.part("api_budget", "HTTPAPIBudget")
    rate = _rate_limit(context, budget) if budget is not None else {}
    if rate:
        limits["rate_limit"] = rate
    level = manifest.part("concurrency_level", "ConcurrencyLevel")
    count = level.get("default_concurrency") if level is not None else None
    if isinstance(count, int) and 1 <= count <= 100:
        limits["max_in_flight"] = count
    elif level is not None and count is not None:
        context.note(level.place, f"{count} requests at once: here the client's own number holds")
    return limits


def _rate_limit(context: ImportContext, budget: Component) -> Limit:
    policies = list(budget.parts("policies"))
    limits: list[Limit] = []
    for policy in policies:
        limits += translate(context, "rate_policy", policy, [])
    codes = budget.get("status_codes_for_ratelimit_hit", [])
    if [code for code in codes if code != 429]:
        place = budget.at("status_codes_for_ratelimit_hit")
        context.missing(place, f"{codes} as responses to too many requests")
    if len(policies) > 1 or any(policy.get("matchers") for policy in policies):
        context.note(
            budget.place, "limits for single paths: here the strictest holds for all requests"
        )
    if not limits:
        return {}
    headers = {
        word: budget.get(f"ratelimit_{word}_header")
        for word in ("remaining", "reset")
        if isinstance(budget.get(f"ratelimit_{word}_header"), str)
    }
    return min(limits, key=_per_second) | ({"headers": headers} if headers else {})


@component("rate_policy", "FixedWindowCallRatePolicy")
def _fixed_window(context: ImportContext, policy: Component) -> list[Limit]:
    return _limit(context, policy, "call_limit", "period")


@component("rate_policy", "MovingWindowCallRatePolicy", "UnlimitedCallRatePolicy", "")
def _moving_window(context: ImportContext, policy: Component) -> list[Limit]:
    rates = [
        one for rate in policy.parts("rates") for one in _limit(context, rate, "limit", "interval")
    ]
    return [min(rates, key=_per_second)] if rates else []


def _limit(context: ImportContext, rate: Component, count: str, time: str) -> list[Limit]:
    requests = number_of(context, rate, count)
    per = iso_duration(str(rate.get(time)))
    if per is None:
        context.missing(rate.at(time), f"not a duration: {rate.get(time)}")
    return (
        [] if per is None or not isinstance(requests, int) else [{"requests": requests, "per": per}]
    )


def _per_second(limit: Limit) -> float:
    try:
        seconds = parse_duration(limit["per"]).total_seconds()
    except ValueError:
        # a month or a year
        seconds = 86_400.0 * 30
    return float(limit["requests"] / max(seconds, 1.0))
