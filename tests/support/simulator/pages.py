"""Lists cut into pages, and the tokens that lead on. A list stays as it was when its first page
was asked for. A token belongs to one path and query, and grows stale: after so many further
requests for the list or what is below it, or so much time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.support.simulator.identity import API, Record
from tests.support.simulator.refusals import invalid

DEFAULT_COUNT = 20


@dataclass(frozen=True)
class _Place:
    """Where a token leads: into `rows` at `offset`. `request` and `moment` are its birth."""

    path: str
    query: Mapping[str, str]
    rows: Sequence[Record]
    offset: int
    request: int
    moment: float


@dataclass(frozen=True)
class Page:
    """One page: its rows, its `pagination`, and the whole list that it is of."""

    rows: Sequence[Record]
    pagination: Record
    whole: Sequence[Record]


class Pages:
    """The tokens given out so far. `requests` and `seconds` are a token's life (None: for ever);
    `old` leaves all but count and next_page out of `pagination`, as servers once did."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        requests: int | None,
        seconds: float | None,
        old: bool,
    ) -> None:
        self._clock = clock
        self._requests = requests
        self._seconds = seconds
        self._old = old
        self._places: dict[str, _Place] = {}
        self._lock = threading.Lock()

    def forget(self) -> None:
        """All tokens given out so far are stale from now on."""
        with self._lock:
            self._places.clear()

    def cut(
        self,
        path: str,
        query: Mapping[str, str],
        number: int,
        select: Callable[[], Sequence[Record]],
    ) -> Page:
        """The page that a query asks for; `select` gives the list when it is the first one.
        `number` counts the requests for the list and what is below it. Raises a 400 Refusal for a
        stale or foreign token."""
        count = int(query.get("count", DEFAULT_COUNT))
        rest = {k: v for k, v in query.items() if k not in ("count", "page_token")}
        if "page_token" in query:
            place = self._place(query["page_token"], path, rest, number)
            whole, start = place.rows, place.offset
        else:
            whole, start = select(), 0

        def issue(offset: int) -> str:
            return self._issue(_Place(path, rest, whole, offset, number, self._clock()))

        onward = issue(start + count) if start + count < len(whole) else None
        backward = issue(max(0, start - count)) if start else None
        page = whole[start : start + count]
        told: Record = {"count": len(page), "next_page": _link(path, rest, count, onward)}
        if not self._old:
            told |= {
                "previous_page": _link(path, rest, count, backward),
                "next_page_token": onward,
                "previous_page_token": backward,
            }
        return Page(page, told, whole)

    def _place(self, token: str, path: str, rest: Mapping[str, str], number: int) -> _Place:
        with self._lock:
            place = self._places.get(token)
        if place is None or (place.path, place.query) != (path, rest) or self._stale(place, number):
            raise invalid(("page_token", "is invalid"))
        return place

    def _stale(self, place: _Place, number: int) -> bool:
        if self._requests is not None and number - place.request > self._requests:
            return True
        return self._seconds is not None and self._clock() - place.moment > self._seconds

    def _issue(self, place: _Place) -> str:
        # The same place gets the same token in every run, so that recordings are stable; its age
        # is that of the last time it was given out.
        said = f"{place.path}?{urlencode(sorted(place.query.items()))}#{place.offset}"
        token = hashlib.sha256(said.encode()).hexdigest()[:32]
        with self._lock:
            self._places[token] = place
        return token


def _link(path: str, rest: Mapping[str, str], count: int, token: str | None) -> str | None:
    if token is None:
        return None
    return f"{API}{path}?{urlencode({'count': count, 'page_token': token, **rest})}"
