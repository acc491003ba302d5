"""Rate limits: each named one is used, and no request needs more than its limit allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from framework.definition.draft import Draft
from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import AUTO, MOST_BY_AUTO, Client, NamedLimit
from framework.definition.rules.rule import Breach, rule

if TYPE_CHECKING:
    from framework.definition.defaults import MergedResource
    from framework.definition.yaml_reader import Pointer

Json = Any


@rule("duplicate-limit")
def check_names(draft: Draft) -> Iterator[Breach]:
    """Each of `rate_limits` has a name of its own."""
    seen: set[str] = set()
    for position, written in _named(draft):
        name = written.get("name")
        if isinstance(name, str) and name in seen:
            place = ("client", "rate_limits", position, "name")
            yield place, f"there is another limit {name} before this one; rename one of them"
        seen.add(str(name))


@rule("limit-unused", severity="warning")
def check_used_limits(draft: Draft) -> Iterator[Breach]:
    """Each of `rate_limits` is the first that some request of the file matches."""
    limits = [(position, written, limit_of(written)) for position, written in _named(draft)]
    requests = list(_requests(draft)) if limits else []
    if any(path.startswith("{") for _, path in requests):
        return  # its path is known when it runs
    for position, written, limit in limits:
        met = [one for one in requests if limit is None or limit.matches(*one)]
        requests = [one for one in requests if one not in met]
        if met or limit is None:
            continue
        key = "path" if "path" in written else "name"
        yield (
            ("client", "rate_limits", position, key),
            f"no request counts for the limit {limit.name}: each matches a limit before it, has a "
            "`rate_limit` of its own, or has another path or method. Correct `path` or `methods`, "
            "or remove it",
        )


@rule("cost-over-limit")
def check_costs(draft: Draft) -> Iterator[Breach]:
    """No request costs more than its limit allows at once."""
    limits = [(written, limit_of(written)) for _, written in _named(draft)]
    for merged in draft.resources:
        cost = merged.endpoint.get("cost")
        if type(cost) is not int:
            continue
        method, path = _request(draft, merged)
        named = (written for written, limit in limits if limit and limit.matches(method, path))
        own = merged.endpoint.get("rate_limit")
        used = own or next(named, None) or draft.client.get("rate_limit")
        for key in ("requests", "per_day"):
            most = used.get(key) if isinstance(used, Mapping) else None
            if type(most) is int and cost > most:
                yield (
                    merged.place("endpoint", "cost"),
                    f"each request costs {cost}, and its rate limit allows {most} ({key}); "
                    "correct one of them",
                )
                break


@rule("in-flight-over-client")
def check_in_flight(draft: Draft) -> Iterator[Breach]:
    """No part of the requests may be more at once than all of them."""
    most = draft.client.get("max_in_flight", Client("").max_in_flight)
    most = MOST_BY_AUTO if most == AUTO else most
    places: dict[Pointer, Mapping[str, Json]] = {
        ("client", "rate_limits", position, "max_in_flight"): written
        for position, written in _named(draft)
    }
    for merged in draft.resources:
        places[merged.place("endpoint", "max_in_flight")] = merged.endpoint
    for place, written in places.items():
        own = written.get("max_in_flight")
        if type(own) is int and type(most) is int and own > most:
            yield (
                place,
                f"found {own}, which is more than the {most} of all requests; raise "
                "client.max_in_flight, or lower this",
            )


def limit_of(written: Mapping[str, Json]) -> NamedLimit | None:
    """Return what a named limit matches, None for input that is not one."""
    path, methods = written.get("path", "*"), written.get("methods") or []
    if not isinstance(path, str) or not isinstance(methods, list):
        return None
    return NamedLimit(name=str(written.get("name")), path=path, methods=tuple(map(str, methods)))


def _named(draft: Draft) -> Iterator[tuple[int, Mapping[str, Json]]]:
    limits = draft.client.get("rate_limits")
    for position, written in enumerate(limits if isinstance(limits, list) else []):
        if isinstance(written, dict):
            yield position, written


def _requests(draft: Draft) -> Iterator[tuple[str, str]]:
    """Yield method and path of each request that may count for a named limit.

    Requests of an auth and of an export job have any text of it that may be their path.
    """
    parts: list[Json] = [draft.client.get("auth")]
    for merged in draft.resources:
        if not merged.endpoint.get("rate_limit"):
            yield _request(draft, merged)
            parts += (merged.endpoint.get("export"), merged.endpoint.get("auth"))
    for text in texts_of(parts):
        if "/" in text:
            yield from (("GET", _path(draft, text)), ("POST", _path(draft, text)))


def _request(draft: Draft, merged: MergedResource) -> tuple[str, str]:
    """Return method and path of a resource's requests."""
    method = merged.endpoint.get("method") or ("POST" if merged.endpoint.get("graphql") else "GET")
    return str(method), _path(draft, merged.path if merged.url is None else merged.url)


def _path(draft: Draft, text: str) -> str:
    """Return the path of a URL or a path, with its placeholders, as `rate_limits` see it."""
    _, scheme, rest = text.partition("://")
    if not scheme:
        return text.partition("?")[0].lstrip("/")
    base = str(draft.client.get("base_url")).partition("://")[2].partition("/")[2].strip("/")
    path = rest.partition("/")[2].partition("?")[0]
    return path.removeprefix(f"{base}/") if base else path
