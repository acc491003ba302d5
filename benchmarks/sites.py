"""Prepared responses on disk: all bodies of a site in one file, and where each one lies.

A site is made once, kept in the cache folder, and mapped into memory by the server, so that
nothing is encoded while a clock runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.records import Record, identifier, invitee, plain, scheduled_event

FORMAT = 3
"""Raise it when records or pages change, so that kept sites are made anew."""
PAGE = 100
LISTS = ("groups", "members", "event_types")


@dataclass(frozen=True)
class Site:
    """What a server offers. `kind` is events, invitees, numbered or small; `size` counts events,
    pages or rows of all lists."""

    kind: str
    size: int

    @property
    def name(self) -> str:
        """The name of its files."""
        return f"{self.kind}-{self.size}-v{FORMAT}"


def made(site: Site, folder: Path) -> Path:
    """The site's index, made where it is not there yet; the bodies lie beside it in `.bin`."""
    index = folder / f"{site.name}.json"
    if index.exists():
        return index
    folder.mkdir(parents=True, exist_ok=True)
    places: dict[str, tuple[int, int]] = {}
    at = 0
    with index.with_suffix(".bin").open("wb") as out:
        for key, body in _KINDS[site.kind](site.size):
            places[key] = (at, len(body))
            at += out.write(body)
    index.write_text(json.dumps(places))
    return index


def _events(size: int) -> Iterator[tuple[str, bytes]]:
    yield from _cursor_pages("/scheduled_events", scheduled_event, size, PAGE)


def _invitees(size: int) -> Iterator[tuple[str, bytes]]:
    yield from _events(size)
    for number in range(size):
        body = {"collection": [invitee(number)], "pagination": {"next_page_token": None}}
        path = f"/scheduled_events/{identifier('event', number)}/invitees"
        yield path, orjson.dumps(body)


def _numbered(size: int) -> Iterator[tuple[str, bytes]]:
    for page in range(1, size + 1):
        rows = [plain("contact", n) for n in range((page - 1) * PAGE, page * PAGE)]
        yield (
            f"/contacts?{page}",
            orjson.dumps({"contacts": rows, "page": page, "total_pages": size}),
        )
    # who does not read the total asks once more
    empty = {"contacts": [], "page": size + 1, "total_pages": size}
    yield f"/contacts?{size + 1}", orjson.dumps(empty)


def _small(size: int) -> Iterator[tuple[str, bytes]]:
    for name in LISTS:

        def row(number: int, kind: str = name) -> Record:
            return plain(kind, number)

        yield from _cursor_pages(f"/{name}", row, size // len(LISTS), 50)


def _cursor_pages(
    path: str, record: Callable[[int], Record], size: int, page: int
) -> Iterator[tuple[str, bytes]]:
    for first in range(0, size, page):
        last = min(first + page, size)
        body = {
            "collection": [record(number) for number in range(first, last)],
            "pagination": {"count": page, "next_page_token": str(last) if last < size else None},
        }
        yield (f"{path}?{first}" if first else path), orjson.dumps(body)


_KINDS: dict[str, Callable[[int], Iterator[tuple[str, bytes]]]] = {
    "events": _events,
    "invitees": _invitees,
    "numbered": _numbered,
    "small": _small,
}
