"""Slack's Web API as its documentation describes it, for the connector slack."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from tests.connectors import slack_data as data
from tests.support.servers.web import Answer, Asked, Web, each

Json = Any

TOKEN = "xoxb-example-token"
PAGE = 2  # Slack may return fewer than `limit`, also before the end of the list
SETTINGS = {"token": TOKEN}
RESOURCES = (
    *("team", "users", "channels", "channel_members", "messages", "thread_replies"),
    *("message_reactions", "reply_reactions", "usergroups", "files", "emoji", "pins"),
    *("bookmarks", "profile_fields", "billable_users"),
)

Method = Callable[[Asked], Json]


def serve(web: Web) -> None:
    """Put each method on the server; the first request for users is too many."""
    users = _paged("members", lambda asked: data.USERS, maximum=1000)
    methods: Mapping[str, Method] = {
        "team.info": lambda asked: {"team": data.TEAM},
        "users.list": users,
        "conversations.list": _paged("channels", _channels, maximum=1000),
        "conversations.members": _paged(
            "members", lambda asked: data.MEMBERS[_channel(asked)], maximum=1000
        ),
        "conversations.history": _history,
        "conversations.replies": _replies,
        "usergroups.list": lambda asked: {"usergroups": data.USERGROUPS},
        "files.list": _files,
        "emoji.list": lambda asked: {"emoji": data.EMOJI, "cache_ts": "1793793600.000000"},
        "pins.list": lambda asked: {"items": data.PINS.get(_readable(asked), [])},
        "bookmarks.list": lambda asked: {
            "bookmarks": data.BOOKMARKS.get(_readable(asked, "channel_id"), [])
        },
        "team.profile.get": lambda asked: {"profile": {"fields": data.PROFILE_FIELDS}},
        "team.billableInfo": lambda asked: {
            "billable_info": data.BILLABLE,
            "response_metadata": {"next_cursor": ""},
        },
    }
    for name, method in methods.items():
        web.on(f"/api/{name}", _guarded(method), method="GET")
    limited = Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
    web.on("/api/users.list", each_once(limited, _guarded(users)), method="GET")


def each_once(first: Answer, later: Method) -> Method:
    """A method that answers its first request with `first`."""
    turn = each(True, False)
    return lambda asked: first if turn(asked) else later(asked)


class Refused(Exception):
    """A method's error: Slack answers with status 200 and `ok: false`."""


def _guarded(method: Method) -> Method:
    def handle(asked: Asked) -> Json:
        token = asked.headers.get("authorization", "")
        if not token:
            return {"ok": False, "error": "not_authed"}
        if token != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        try:
            return {"ok": True, **method(asked)}
        except Refused as refused:
            return {"ok": False, "error": str(refused)}

    return handle


def _paged(key: str, listed: Callable[[Asked], list[Json]], maximum: int) -> Method:
    def method(asked: Asked) -> Json:
        page, cursor = _cut(asked, listed(asked), maximum)
        return {key: page, "response_metadata": {"next_cursor": cursor}}

    return method


def _cut(asked: Asked, records: list[Json], maximum: int) -> tuple[list[Json], str]:
    """The page that the cursor names, and the next one's cursor: empty text at the end."""
    limit = int(asked.param("limit") or 100)
    if not 1 <= limit <= maximum:
        raise Refused("invalid_limit")
    start = 0
    if cursor := asked.param("cursor"):
        try:
            start = int(base64.b64decode(cursor, validate=True).decode().removeprefix("next:"))
        except ValueError as error:
            raise Refused("invalid_cursor") from error
    end = start + min(limit, PAGE)
    following = base64.b64encode(f"next:{end}".encode()).decode() if end < len(records) else ""
    return records[start:end], following


def _channels(asked: Asked) -> list[Json]:
    types = (asked.param("types") or "public_channel").split(",")
    if set(types) - {"public_channel", "private_channel", "mpim", "im"}:
        raise Refused("invalid_types")
    kinds = {"private_channel" if one["is_private"] else "public_channel" for one in data.CHANNELS}
    wanted = kinds & set(types)
    hides_archived = asked.param("exclude_archived") == "true"
    return [
        one
        for one in data.CHANNELS
        if ("private_channel" if one["is_private"] else "public_channel") in wanted
        and not (hides_archived and one["is_archived"])
    ]


def _channel(asked: Asked, param: str = "channel") -> str:
    """The channel that a request names."""
    name = asked.param(param)
    if not any(one["id"] == name for one in data.CHANNELS):
        raise Refused("channel_not_found")
    return str(name)


def _readable(asked: Asked, param: str = "channel") -> str:
    name = _channel(asked, param)
    if not next(one for one in data.CHANNELS if one["id"] == name)["is_member"]:
        raise Refused("not_in_channel")
    return name


def _history(asked: Asked) -> Json:
    """Messages from `oldest` on, newest first; the last page has no next_cursor at all."""
    oldest, latest = float(asked.param("oldest") or 0), float(asked.param("latest") or 1e12)
    is_inclusive = asked.param("inclusive") in ("true", "1")
    found = [
        one
        for one in data.MESSAGES.get(_readable(asked), [])
        if oldest < float(one["ts"]) < latest
        or (is_inclusive and float(one["ts"]) in (oldest, latest))
    ]
    page, cursor = _cut(asked, found[::-1], maximum=999)
    metadata = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    return {"messages": page, "has_more": bool(cursor), "pin_count": 0, **metadata}


def _replies(asked: Asked) -> Json:
    """The thread's first message on each page, then its replies, oldest first."""
    channel, ts = _readable(asked), asked.param("ts")
    first = next((one for one in data.MESSAGES.get(channel, []) if one["ts"] == ts), None)
    if first is None:
        raise Refused("thread_not_found")
    replies = data.REPLIES if ts == data.THREAD and channel == "C0EXAMPLE1" else []
    page, cursor = _cut(asked, replies, maximum=1000)
    metadata = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    return {"messages": [first, *page], "has_more": bool(cursor), **metadata}


def _files(asked: Asked) -> Json:
    """Files by pages, newest first."""
    since, until = int(asked.param("ts_from") or 0), int(asked.param("ts_to") or 10**12)
    count, page = int(asked.param("count") or 100), int(asked.param("page") or 1)
    if not 1 <= count <= 1000:
        raise Refused("invalid_arg_value")
    found = [one for one in data.FILES if since <= one["created"] <= until]
    size = min(count, PAGE)
    pages = -(-len(found) // size)
    return {
        "files": found[(page - 1) * size : page * size],
        "paging": {"count": size, "total": len(found), "page": page, "pages": pages},
    }
