"""API budgets and concurrency as `rate_limit`, `rate_limits` and `max_in_flight`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from framework.definition.model import NamedLimit
from framework.definition.values.durations import parse_duration
from framework.importers.airbyte.components.component_registry import component, translate
from framework.importers.airbyte.components.error_handlers import number_of
from framework.importers.airbyte.import_context import ImportContext
from framework.importers.airbyte.manifest import Component
from framework.importers.airbyte.time_notation import iso_duration

Json = Any
Limit = dict[str, Json]
Requests = Sequence[tuple[str, dict[str, Json]]]
"""The method and the endpoint of each resource."""


def translate_limits(
    context: ImportContext,
    manifest: Component,
    base_url: str = "",
    requests: Requests = (),
) -> dict[str, Json]:
    """Return the client's limits: requests per time, and requests at once.

    Endpoints whose requests count for more than one get their `cost`.
    """
    limits: dict[str, Json] = {}
    budget = manifest.part("api_budget", "HTTPAPIBudget")
    if budget is not None:
        limits.update(_rate_limits(context, budget, base_url, requests))
    level = manifest.part("concurrency_level", "ConcurrencyLevel")
    count = level.get("default_concurrency") if level is not None else None
    if isinstance(count, int) and 1 <= count <= 100:
        limits["max_in_flight"] = count
    elif level is not None and count is not None:
        context.note(level.place, f"{count} requests at once: here the client's own number holds")
    return limits


def _rate_limits(
    context: ImportContext,
    budget: Component,
    base_url: str,
    requests: Requests,
) -> dict[str, Json]:
    """Return `rate_limits` of paths, and the `rate_limit` of what matches none of them."""
    codes = budget.get("status_codes_for_ratelimit_hit", [])
    if [code for code in codes if code != 429]:
        place = budget.at("status_codes_for_ratelimit_hit")
        context.missing(place, f"{codes} as responses to too many requests")
    headers = {
        word: budget.get(f"ratelimit_{word}_header")
        for word in ("remaining", "reset")
        if isinstance(budget.get(f"ratelimit_{word}_header"), str)
    }
    more = {"headers": headers} if headers else {}
    named: list[Limit] = []
    for_all: list[Limit] = []
    for policy in budget.parts("policies"):
        limits: list[Limit] = translate(context, "rate_policy", policy, [])
        matchers = list(policy.parts("matchers"))
        matched = _matched(context, policy, matchers, base_url, requests)
        if matched is None:
            for_all += limits
            continue
        if len(limits) + (policy.type == "UnlimitedCallRatePolicy") == 0:
            continue
        for one in matched:
            own = {**limits[0], **more} if limits else {}
            named.append({"name": f"limit_{len(named) + 1}", **one, **own})
        if not matchers:
            for_all += limits
            break  # all that are left match this one
    found: dict[str, Json] = {}
    if for_all:
        strictest = min(for_all, key=_per_second)
        found["rate_limit"] = {**strictest, **more}
    return found | ({"rate_limits": named} if named else {})


def _matched(
    context: ImportContext,
    policy: Component,
    matchers: list[Component],
    base_url: str,
    requests: Requests,
) -> list[Limit] | None:
    """Return path and methods of each matcher, None if one of them has no counterpart."""
    matched = []
    for matcher in matchers:
        one: Limit = {}
        method, pattern = matcher.get("method"), matcher.get("url_path_pattern")
        path = None if pattern is None else path_of_pattern(str(pattern), base_url)
        if (path is None and pattern is not None) or method not in (None, "GET", "POST"):
            context.note(policy.place, "a limit for some requests: here it holds for all")
            return None
        if path is not None:
            one["path"] = path
        if method is not None:
            one["methods"] = [method]
        if matcher.get("params") or matcher.get("headers"):
            context.note(matcher.place, "its params and headers: here its path and method count")
        _add_costs(context, matcher, one, requests)
        matched.append(one)
    if len(matched) > 1:
        context.note(policy.place, "one limit for several paths: here each has it for itself")
    return matched


def _add_costs(
    context: ImportContext,
    matcher: Component,
    limit: Limit,
    requests: Requests,
) -> None:
    """Say on the endpoints that a matcher is about how many requests each of theirs counts as."""
    weight = matcher.get("weight", 1)
    if not isinstance(weight, int) or isinstance(weight, bool):
        context.missing(matcher.at("weight"), "what these requests cost: add `cost` to them")
        return
    named = NamedLimit(name="limit", **{**limit, "methods": tuple(limit.get("methods", ()))})
    for method, endpoint in requests if weight > 1 else ():
        if named.matches(method, str(endpoint["path"])):
            endpoint.setdefault("cost", weight)


_ANY = re.compile(r"\.[*+]\??|\[\^/\]\+|\\[dw]\+|\(\[\^/\]\+\)|\(\\[dw]\+\)|\(\.[*+]\)")
_ESCAPED = re.compile(r"\\([/.\-_])")


def path_of_pattern(pattern: str, base_url: str) -> str | None:
    """Return a regular expression on a URL's path as a path of `rate_limits`, or None.

    None for one that is more than text with parts that may be anything.
    """
    start, end = pattern.startswith("^"), pattern.endswith("$")
    text = pattern.removeprefix("^").removesuffix("$")
    parts = [_ESCAPED.sub(r"\1", part) for part in _ANY.split(text)]
    if any(re.search(r"[\\^$*+?()\[\]{}|]", part) for part in parts):
        return None
    base = urlsplit(base_url).path.strip("/")
    if base:
        parts[0] = parts[0].removeprefix(f"/{base}")
    path = "*".join(parts)
    return (("" if start else "*") + path + ("" if end else "*")) or "/"


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
