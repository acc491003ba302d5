"""Prepared responses on disk: all bodies of a site in one file, and where each one lies.

A site is made once, kept in the cache folder, and mapped into memory by the server, so that
nothing is encoded while a clock runs. The truth about its tables is worked out from the records.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.site import bookings
from benchmarks.site.facts import Sums, Truth
from benchmarks.site.records import Record, identifier, invitee, plain, scheduled_event, wide

FORMAT = 4
"""Raise it when records, pages or facts change, so that kept sites are made anew."""
PAGE = 100
LISTS = ("groups", "members", "event_types")

SIMULATED = {
    "X-RateLimit-Limit": "1000000",
    "X-RateLimit-Remaining": "999999",
    "X-RateLimit-Reset": "60",
}
"""The headers that the scheduling API sends with each response."""


@dataclass(frozen=True)
class Site:
    """What a server offers. `kind` names its lists; `size` counts events, pages or rows of all
    lists, and `each` the children of an event."""

    kind: str
    size: int
    each: int = 1

    @property
    def name(self) -> str:
        """The name of its files."""
        return f"{self.kind}-{self.size}-{self.each}-v{FORMAT}"


@dataclass(frozen=True)
class Body:
    """A response: where it is asked for (`path` or `path?token`), and the records of a table."""

    path: str
    text: bytes
    table: str
    records: Sequence[Record]


def made(site: Site, folder: Path) -> Path:
    """The site's index, made where it is not there yet; the bodies lie beside it in `.bin`."""
    index = folder / f"{site.name}.json"
    if index.exists():
        return index
    folder.mkdir(parents=True, exist_ok=True)
    places: dict[str, tuple[int, int]] = {}
    truth = Truth(site.kind)
    at = 0
    with index.with_suffix(".bin").open("wb") as out:
        for body in _KINDS[site.kind](site):
            places[body.path] = (at, len(body.text))
            at += out.write(body.text)
            for record in body.records:
                truth.add(body.table, record)
    headers = SIMULATED if site.kind in ("bookings", "booked") else {}
    index.write_text(json.dumps({"truth": truth.sums(), "headers": headers, "places": places}))
    return index


def truth_of(index: Path) -> Sums:
    """What every tool's tables must give."""
    found: Sums = json.loads(index.read_text())["truth"]
    return found


def _events(site: Site) -> Iterator[Body]:
    yield from _cursor_pages("scheduled_events", scheduled_event, site.size, PAGE)


def _invitees(site: Site) -> Iterator[Body]:
    yield from _events(site)
    for number in range(site.size):
        path = f"/scheduled_events/{identifier('event', number)}/invitees"
        records = [invitee(number)]
        body = {"collection": records, "pagination": {"next_page_token": None}}
        yield Body(path, orjson.dumps(body), "event_invitees", records)


def _numbered(site: Site) -> Iterator[Body]:
    for page in range(1, site.size + 1):
        rows = [plain("contact", n) for n in range((page - 1) * PAGE, page * PAGE)]
        body = {"contacts": rows, "page": page, "total_pages": site.size}
        yield Body(f"/contacts?{page}", orjson.dumps(body), "contacts", rows)
    # who does not read the total asks once more
    empty = {"contacts": [], "page": site.size + 1, "total_pages": site.size}
    yield Body(f"/contacts?{site.size + 1}", orjson.dumps(empty), "contacts", [])


def _small(site: Site) -> Iterator[Body]:
    for name in LISTS:

        def row(number: int, kind: str = name) -> Record:
            return plain(kind, number)

        yield from _cursor_pages(name, row, site.size // len(LISTS), 50)


def _wide(site: Site) -> Iterator[Body]:
    yield from _cursor_pages("readings", wide, site.size, PAGE)


def _bookings(site: Site) -> Iterator[Body]:
    yield Body("/users/me", orjson.dumps({"resource": bookings.user()}), "api_user", ())

    def event(number: int) -> Record:
        return bookings.scheduled_event(number, site.each)

    yield from _cursor_pages("scheduled_events", event, site.size, PAGE, _simulated)


def _booked(site: Site) -> Iterator[Body]:
    yield from _bookings(site)
    for number in range(site.size):
        event = bookings.scheduled_event(number, site.each)
        path = event["uri"].removeprefix(bookings.API) + "/invitees"
        numbers = range(number * site.each, (number + 1) * site.each)
        rows = [bookings.invitee(event, one) for one in numbers]
        told = _simulated(path, 0, len(rows), None)
        body = {"collection": rows, "pagination": told}
        yield Body(path, orjson.dumps(body), "event_invitees", rows)


Pagination = Callable[[str, int, int, str | None], Record]


def _cursor_pages(
    table: str,
    record: Callable[[int], Record],
    size: int,
    page: int,
    pagination: Pagination | None = None,
) -> Iterator[Body]:
    path = f"/{table}"
    for first in range(0, size, page):
        last = min(first + page, size)
        rows = [record(number) for number in range(first, last)]
        if pagination is None:
            here, token = str(first), str(last) if last < size else None
            told: dict[str, Any] = {"count": page, "next_page_token": token}
        else:
            here, token = _token(path, first), _token(path, last) if last < size else None
            told = pagination(path, first, len(rows), token)
        body = {"collection": rows, "pagination": told}
        yield Body(f"{path}?{here}" if first else path, orjson.dumps(body), table, rows)


def _simulated(path: str, first: int, count: int, token: str | None) -> Record:
    """The simulator's `pagination`."""
    link = f"{bookings.API}{path}?count={PAGE}&page_token="
    before = _token(path, first - PAGE) if first else None
    return {
        "count": count,
        "next_page": token and link + token,
        "previous_page": before and link + before,
        "next_page_token": token,
        "previous_page_token": before,
    }


def _token(path: str, offset: int) -> str:
    return hashlib.sha256(f"{path}#{offset}".encode()).hexdigest()[:32]


_KINDS: dict[str, Callable[[Site], Iterator[Body]]] = {
    "events": _events,
    "invitees": _invitees,
    "numbered": _numbered,
    "small": _small,
    "wide": _wide,
    "bookings": _bookings,
    "booked": _booked,
}
