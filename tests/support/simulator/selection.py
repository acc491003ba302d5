"""The records that a judged query selects, and who may see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from tests.support.simulator.access import Token
from tests.support.simulator.identity import API, Record, moment_of
from tests.support.simulator.refusals import denied, not_found
from tests.support.simulator.routes import Route
from tests.support.simulator.world import World

_TIMES = {
    "start_time": ("min_start_time", "max_start_time"),
    "occurred_at": ("min_occurred_at", "max_occurred_at"),
    "created_at": ("min_created_at", "max_created_at"),
}


def select(
    world: World, route: Route, ids: Mapping[str, str], query: Mapping[str, str], token: Token
) -> list[Record]:
    """The rows of a list, filtered and sorted. Raises 403 and 404 Refusals."""
    rows = _rows(world, route, ids, token)
    for name, value in query.items():
        test = _TESTS.get(name)
        if test is not None:
            rows = [row for row in rows if test(world, row, value)]
    for key, (least, most) in _TIMES.items():
        if least in query:
            low = moment_of(query[least])
            rows = [row for row in rows if _at(row, key) >= low]
        if most in query:
            high = moment_of(query[most])
            rows = [row for row in rows if _at(row, key) <= high]
    sort = query.get("sort") or route.sort
    if sort:
        key, way = sort.split(":")
        rows = sorted(rows, key=lambda row: (row[key] is None, row[key]), reverse=way == "desc")
    return rows


def single(world: World, route: Route, path: str, token: Token) -> Record:
    """The one thing at a path. Raises 403 and 404 Refusals."""
    if route.table == "api_user":
        return world.user(token.user)
    if route.table == "organization":
        if API + path != world.organization:
            raise not_found()
        return {"uri": world.organization, "name": "Example Organization"}
    try:
        record = world.find(API + path)
    except KeyError:
        raise not_found() from None
    event = record.get("event", API + path)
    if "/scheduled_events/" in path and not token.leads:
        _check_hosts(world, event, token)
    return record


def check_reach(world: World, query: Mapping[str, str], token: Token) -> None:
    """A whole organization is for its owner and admins; others see themselves. Raises 403 and
    404 Refusals."""
    me = world.user(token.user)["uri"]
    if query.get("organization", world.organization) != world.organization:
        raise denied()
    if "organization" in query and not token.leads:
        raise denied("Only an owner or admin may read the organization.")
    if query.get("user", me) != me:
        if not token.leads:
            raise denied("Only an owner or admin may read another user.")
        if all(user["uri"] != query["user"] for user in world.users):
            raise not_found()
    for name in ("group", "form"):
        if name in query:
            try:
                world.find(query[name])
            except KeyError:
                raise not_found() from None


def _rows(world: World, route: Route, ids: Mapping[str, str], token: Token) -> list[Record]:
    if route.table == "event_invitees":
        event = f"{API}/scheduled_events/{ids['event']}"
        if not world.has_event(event):
            raise not_found()
        if not token.leads:
            _check_hosts(world, event, token)
        return world.invitees_of(event)
    if "organization" in ids and world.organization != f"{API}/organizations/{ids['organization']}":
        raise not_found()
    return world.rows[route.table]


def _check_hosts(world: World, event: str, token: Token) -> None:
    if not _hosted(world.find(event), {world.user(token.user)["uri"]}):
        raise denied()


def _hosted(event: Record, users: set[str]) -> bool:
    return any(member["user"] in users for member in event["event_memberships"])


def _at(row: Record, key: str) -> datetime:
    return moment_of(row[key])


def _of_user(world: World, row: Record, user: str) -> bool:
    if "event_memberships" in row:
        return _hosted(row, {user})
    if "profile" in row:
        return (row["profile"] or {}).get("owner") == user
    owner = row["user"]
    return bool((owner["uri"] if isinstance(owner, dict) else owner) == user)


def _of_group(world: World, row: Record, group: str) -> bool:
    if "group" in row:
        return bool(row["group"] == group)
    return _hosted(row, world.group_members(group))


def _by_email(_: World, row: Record, email: str) -> bool:
    return bool((row["user"] if isinstance(row.get("user"), dict) else row)["email"] == email)


def _with_invitee(world: World, row: Record, email: str) -> bool:
    return any(who["email"] == email for who in world.invitees_of(row["uri"]))


def _equal(key: str) -> Callable[[World, Record, str], bool]:
    return lambda _, row, value: bool(row[key] == value)


def _flag(key: str) -> Callable[[World, Record, str], bool]:
    return lambda _, row, value: bool(row[key] is (value == "true"))


_TESTS: dict[str, Callable[[World, Record, str], bool]] = {
    "user": _of_user,
    "group": _of_group,
    "email": _by_email,
    "invitee_email": _with_invitee,
    "status": _equal("status"),
    "role": _equal("role"),
    "form": lambda _, row, value: bool(row["routing_form"] == value),
    "owner": lambda _, row, value: bool(row["owner"]["uri"] == value),
    "actor": lambda _, row, value: bool((row.get("actor") or {}).get("uri") == value),
    "namespace": _equal("namespace"),
    "action": _equal("action"),
    "active": _flag("active"),
    "admin_managed": _flag("admin_managed"),
}
