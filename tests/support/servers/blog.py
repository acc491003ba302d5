"""A blog's API with one face for every way of paging, on a `Web`.

`/{style}/{list}` pages a list in that style (see STYLES), `/{style}/{list}/{id}/{children}` the
records below one; the other paths are those that the corpus of dlt's own configs asks for.
"""

from __future__ import annotations

import math
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from tests.support.servers.web import Answer, Asked, Web

Json = Any
Record = dict[str, Any]

STYLES = (
    "single_page",
    "page_number",
    "offset",
    "cursor",
    "json_link",
    "header_link",
    "header_cursor",
)
SIZE = 3
"""Records a page."""


class Blog:
    """The data and the handlers. `more()` makes the lists longer, for a second run."""

    def __init__(self, web: Web, records: int = 7) -> None:
        self.web = web
        self.records = records
        for style in STYLES:
            web.on(f"/{style}/{{list}}", self._list(style))
            web.on(f"/{style}/{{list}}/{{id}}", self._one)
            web.on(f"/{style}/{{list}}/{{id}}/{{children}}", self._children(style))
        web.on("/{org}/{repo}/issues/", lambda _: self.list("issues"))
        web.on("/{org}/{repo}/issues/{id}/{children}", self._children("single_page"))
        web.on("/single_page/posts/search_by_id/{id}", self._search, method="POST")
        web.on("/single_page/posts/search", self._search_all, method="POST")
        web.on("/single_page/post_detail", self._detail)
        web.on("/single_page/post_comments_via_form_data", self._form, method="POST")
        web.on("/single_page/post_form_data", self._form, method="POST")
        web.on("/single_page/post_raw_data", self._raw, method="POST")
        web.on(
            "/single_page/posts/0/some_details_404",
            Answer(404, "Post body 0 is not there"),
        )

    def more(self, records: int = 2) -> None:
        """As many records more in every list."""
        self.records += records

    def list(self, name: str, count: int | None = None) -> list[Record]:
        """The records of a list, the same at every call."""
        return [record(name, number) for number in range(1, (count or self.records) + 1)]

    def _list(self, style: str) -> Callable[[Asked], Answer]:
        def handle(asked: Asked) -> Answer:
            return page(style, asked, _wanted(asked, self.list(asked.parts["list"])), self.web.url)

        return handle

    def _children(self, style: str) -> Callable[[Asked], Answer]:
        def handle(asked: Asked) -> Answer:
            parent = asked.parts["id"]
            found = [
                {**record(asked.parts["children"], number), "parent": parent}
                for number in range(40, 45)
            ]
            return page(style, asked, _wanted(asked, found), self.web.url)

        return handle

    def _one(self, asked: Asked) -> Json:
        return {
            "id": asked.parts["id"],
            "room_id": f"r{asked.parts['id']}",
            "tags": ["a", "b"],
            "of": {"list": asked.parts["list"]},
        }

    def _search(self, asked: Asked) -> Json:
        return {"found": asked.json(), "id": asked.parts["id"]}

    def _search_all(self, asked: Asked) -> Json:
        assert asked.json() in (None, {})
        return self.list("posts")

    def _detail(self, asked: Asked) -> Json:
        return {
            "id": asked.param("post_id"),
            "seen": {key: asked.headers[key] for key in sorted(asked.headers) if key[:2] == "x-"},
        }

    def _form(self, asked: Asked) -> Json:
        return [{"key": key, "text": text} for key, text in asked.form()]

    def _raw(self, asked: Asked) -> Json:
        return [{"raw": asked.body.decode()}]


def record(name: str, number: int) -> Record:
    """Record `number` of a list: every type of JSON, nested objects and lists."""
    return {
        "id": number,
        "number": number * 10,
        "name": f"{name}-{number}",
        "title": f"Title {number} of {name}",
        "group": f"g{number % 2}",
        "published": number % 2 == 0,
        "rating": number + 0.5,
        "note": None if number % 3 else "third",
        "author": {"name": f"Person {number}", "address": {"email": f"p{number}@example.com"}},
        "tags": [f"t{number}", "all"],
        "links": [{"rel": "self", "href": f"/x/{number}"}] if number % 2 else [],
        "items": [{"sku": f"s{number}", "count": number}],
        "updated_at": f"2024-01-{26 + number // 10:02d}T{number % 10:02d}:00:00Z",
        "publishedAt": f"2024-02-{10 + number:02d}",
    }


def page(style: str, asked: Asked, records: list[Record], base: str) -> Answer:
    """The page that was asked for, in that style's envelope."""
    if style == "single_page":
        return Answer(200, records)
    if style == "page_number":
        # APIs that count from 0 and from 1 are both told apart by `base`
        first = int(asked.param("base", "1") or 1)
        number = int(asked.param("page", str(first)) or first)
        return Answer(
            200,
            {
                "data": _cut(records, (number - first) * SIZE),
                "page": number,
                "total_pages": _pages(records),
                "response": {"pages": _pages(records)},
            },
        )
    if style == "offset":
        offset = int(asked.param("offset", "0") or 0)
        limit = int(asked.param("limit", str(SIZE)) or SIZE)
        return Answer(
            200, {"results": records[offset : offset + limit], "total": len(records), "more": True}
        )
    start = int(asked.param("cursor", "0") or 0)
    following = start + SIZE if start + SIZE < len(records) else None
    found = _cut(records, start)
    if style == "cursor":
        token = None if following is None else str(following)
        return Answer(200, {"items": found, "cursors": {"next": token}, "next_token": token})
    kept = "".join(f"&{key}={value}" for key, value in asked.query if key != "cursor")
    link = None if following is None else f"{base}{asked.path}?cursor={following}{kept}"
    if style == "json_link":
        return Answer(200, {"items": found, "paging": {"next": link}, "next": link})
    if style == "header_link":
        sent = {"Link": f'<{link}>; rel="next", <{link}>; rel="next_page"'} if link else {}
        return Answer(200, found, sent)
    if style == "header_cursor":
        return Answer(200, found, {"next": str(following)} if following else {})
    raise AssertionError(f"no such style: {style}")


def _cut(records: list[Record], start: int) -> list[Record]:
    return records[start : start + SIZE]


def _pages(records: list[Record]) -> int:
    return math.ceil(len(records) / SIZE)


def _wanted(asked: Asked, records: list[Record]) -> list[Record]:
    """The records between `since` and `until`, where numbers were asked for."""
    since, until = asked.param("since"), asked.param("until")
    if since and since.isdigit():
        records = [record for record in records if record["id"] >= int(since)]
    if until and until.isdigit():
        records = [record for record in records if record["id"] < int(until)]
    return records


def bearer(token: str) -> Callable[[Asked], bool]:
    """Whether a request carries this bearer token."""
    return lambda asked: asked.headers.get("authorization") == f"Bearer {token}"


def key_in_header(name: str, key: str) -> Callable[[Asked], bool]:
    """Whether a request carries this key in a header."""
    return lambda asked: asked.headers.get(name.lower()) == key


def key_in_query(name: str, key: str) -> Callable[[Asked], bool]:
    """Whether a request carries this key in its query."""
    return lambda asked: asked.param(name) == key


def key_in_cookie(name: str, key: str) -> Callable[[Asked], bool]:
    """Whether a request carries this key in a cookie."""
    return lambda asked: (
        f"{name}={key}" in [one.strip() for one in asked.headers.get("cookie", "").split(";")]
    )


def basic(username: str, password: str) -> Callable[[Asked], bool]:
    """Whether a request carries this pair."""

    def allowed(asked: Asked) -> bool:
        kind, _, pair = asked.headers.get("authorization", "").partition(" ")
        return kind == "Basic" and b64decode(pair).decode() == f"{username}:{password}"

    return allowed


def only(allowed: Callable[[Asked], bool], answer: Any) -> Callable[[Asked], Any]:
    """The answer where the credentials are right, else a 401."""

    def handle(asked: Asked) -> Any:
        if not allowed(asked):
            return Answer(401, {"title": "Unauthenticated", "message": "The token is invalid"})
        return answer(asked) if callable(answer) else answer

    return handle


def token_endpoint(client_id: str, client_secret: str, token: str) -> Callable[[Asked], Any]:
    """A token endpoint of OAuth 2 client credentials (RFC 6749 section 4.4), form-encoded."""

    def handle(asked: Asked) -> Any:
        form = dict(asked.form())
        assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
        if form.get("grant_type") != "client_credentials":
            return Answer(400, {"error": "unsupported_grant_type"})
        if (form.get("client_id"), form.get("client_secret")) != (client_id, client_secret):
            return Answer(
                401, {"error": "invalid_client", "error_description": "Unknown client or secret"}
            )
        return {"access_token": token, "token_type": "Bearer", "expires_in": 3600}

    return handle
