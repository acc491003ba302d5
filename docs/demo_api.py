"""The API of a small library, for docs/tutorial.md. It listens on 127.0.0.1:48765.

It uses only Python's standard library and requires the header `Authorization: Bearer demo-token`.
The people in it are invented.
"""

from __future__ import annotations

import argparse
import json
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "demo-token"
PAGE = 3
"""Default number of books per page."""

TITLES = (
    "The Salt Road",
    "Nine Small Machines",
    "A Winter Almanac",
    "Letters to a Lighthouse",
    "The Cartographer's Cat",
    "Bread, Slowly",
    "Night Trains",
)
PEOPLE = (
    {"name": "Ada Byrne", "email": "ada@example.com"},
    {"name": "Bo Lindqvist", "email": "bo@example.com"},
    {"name": "Chidi Okafor", "email": "chidi@example.com"},
)
LENT = {1: 2, 3: 1, 4: 3, 7: 1}
"""Number of loans by book; other books were never lent."""

BOOKS: list[dict[str, Any]] = [
    {
        "id": f"book_{number}",
        "title": title,
        "price": {"amount": f"{9 + number}.50", "currency": "EUR"},
        "tags": ["new", "staff pick"] if number % 3 == 0 else [],
        "published": f"20{10 + number}-05-01",
        "loans_count": LENT.get(number, 0),
        "updated_at": f"2026-0{number}-15T08:00:00Z",
    }
    for number, title in enumerate(TITLES, 1)
]
LOANS: dict[str, list[dict[str, Any]]] = {
    f"book_{number}": [
        {
            "id": f"loan_{number}{index}",
            "book_id": f"book_{number}",
            "borrower": PEOPLE[(number + index) % len(PEOPLE)],
            "lent_at": f"2026-03-0{index}T10:00:00Z",
            "returned_at": None if index == count else f"2026-03-1{index}T16:30:00Z",
        }
        for index in range(1, count + 1)
    ]
    for number, count in LENT.items()
}


def respond(target: str, authorization: str | None) -> tuple[int, dict[str, Any]]:
    """Return status and body for a request target, such as `/v1/books?limit=3`."""
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    if authorization != f"Bearer {TOKEN}":
        return 401, {"title": "Unauthorized", "message": "The header Authorization is required."}
    match url.path.strip("/").split("/"):
        case ["v1", "books"]:
            since = query.get("updated_since", "")
            books = [book for book in BOOKS if book["updated_at"] >= since]
            start, size = int(query.get("cursor", 0)), int(query.get("limit", PAGE))
            more = start + size < len(books)
            return 200, {
                "data": books[start : start + size],
                "next_cursor": str(start + size) if more else None,
            }
        case ["v1", "books", book, "loans"] if book in LOANS:
            return 200, {"data": LOANS[book]}
        case ["v1", "books", book, "loans"]:
            return 404, {"title": "Not Found", "message": f"There are no loans of {book}."}
    return 404, {"title": "Not Found", "message": f"There is no {url.path}."}


class Handler(BaseHTTPRequestHandler):
    """Handle one connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Send the response as JSON."""
        status, body = respond(self.path, self.headers.get("Authorization"))
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Do not log requests."""


def serve(port: int) -> ThreadingHTTPServer:
    """Return a server on loopback (port 0: any free port). Start it with `serve_forever`."""
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=48765)
    server = serve(parser.parse_args().port)
    print(f"The library's API: http://127.0.0.1:{server.server_port}/v1 (stop it with Ctrl-C)")
    with suppress(KeyboardInterrupt):
        server.serve_forever()
