"""One request answered from a world: token, rate, route, scope, plan, query, data, in that order.
It knows no sockets."""

from __future__ import annotations

from collections.abc import Mapping

from tests.support.simulator.access import Token
from tests.support.simulator.identity import API, Record, moment_of
from tests.support.simulator.limits import Limiter
from tests.support.simulator.pages import Pages
from tests.support.simulator.questions import read_query
from tests.support.simulator.refusals import (
    Refusal,
    denied,
    insufficient_scope,
    not_found,
    too_many,
    unauthenticated,
)
from tests.support.simulator.routes import ROUTES, Route
from tests.support.simulator.selection import check_reach, select, single
from tests.support.simulator.world import World


def answer(
    world: World,
    tokens: Mapping[str, Token],
    limiter: Limiter,
    pages: Pages,
    *,
    method: str,
    path: str,
    query: str,
    authorization: str | None,
    number: int,
) -> tuple[int, dict[str, str], Record]:
    """Status, headers and body. `query` is the raw text, with uris as the API writes them;
    `number` counts the requests whose path begins with the same name."""
    scheme, _, value = (authorization or "").partition(" ")
    token = tokens.get(value) if scheme.lower() == "bearer" else None
    user = world.user(token.user)["uri"] if token else "nobody"
    allowed, headers = limiter.count(user)
    try:
        if token is None:
            raise unauthenticated()
        if not allowed:
            raise too_many()
        if method != "GET":
            raise not_found()
        body = _read(world, pages, token, path, query, number)
    except Refusal as refusal:
        return refusal.status, headers | dict(refusal.headers), refusal.body
    return 200, headers, body


def _read(world: World, pages: Pages, token: Token, path: str, text: str, number: int) -> Record:
    route, ids = _route(path)
    if route.scope not in token.scopes:
        raise insufficient_scope([route.scope])
    if not token.has_plan(route.plan):
        raise denied(f"Please upgrade your account to the {route.plan} plan.")
    query = read_query(route, text)
    if route.leaders_only and not token.leads:
        raise denied("Only an owner or admin may read the organization.")
    if route.single:
        return {"resource": single(world, route, path, token)}
    check_reach(world, query, token)

    def rows() -> list[Record]:
        return select(world, route, ids, query, token)

    if not route.most:
        return {"collection": rows()}
    page = pages.cut(path, query, number, rows)
    body: Record = {"collection": list(page.rows), "pagination": page.pagination}
    if route.table == "activity_log_entries":
        last = max((moment_of(row["occurred_at"]) for row in page.whole), default=None)
        body |= {
            "total_count": len(page.whole),
            "exceeds_max_total_count": False,
            "last_event_time": last.strftime("%Y-%m-%dT%H:%M:%SZ") if last else None,
        }
    return body


def _route(path: str) -> tuple[Route, dict[str, str]]:
    for route in ROUTES:
        ids = route.match(path)
        if ids is not None:
            return route, ids
    raise not_found()


def relocated(body: bytes, public_url: str) -> bytes:
    """The body with its uris under another address."""
    return body if public_url == API else body.replace(API.encode(), public_url.encode())
