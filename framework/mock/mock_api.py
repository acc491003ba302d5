"""The mock itself: a request comes in, the response that the API would give goes out.

It looks for the list that a request is for among the connector's routes, then for a recorded
exchange. What it does not know is a 404 that names the nearest request that it knows.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from framework.authoring.cassettes.matching import RecordedRequest, differences, distance
from framework.authoring.exchange import Interaction
from framework.mock.faults import EnforcedRate, Faults, with_headers
from framework.mock.lists.drift import Drift
from framework.mock.lists.invented_jobs import InventedJobs
from framework.mock.lists.recording import Exchange
from framework.mock.lists.world import ListKey, World
from framework.mock.mock_auth import Guard
from framework.mock.mock_message import MockRequest, MockResponse
from framework.mock.pages.envelope import RecordedPage
from framework.mock.pages.paging import NOT_SENT, TOKEN, Pager, UnknownPage
from framework.mock.pages.ranges import RangeChoice
from framework.mock.pages.routes import WITH_PAGES, Route

Json = Any
Invent = Callable[[Route, ListKey, MockRequest], Sequence[Json] | None]
"""Returns the records of a list that is requested for the first time, None if there is no such
list."""


MOST_LOGGED = 10_000
"""Requests that the log keeps."""


@dataclass
class Behaviour:
    """How the mock behaves beside giving data. `latency` is in seconds."""

    faults: Faults | None = None
    rate: EnforcedRate | None = None
    drift: Drift | None = None
    latency: float = 0.0


@dataclass
class MockLog:
    """The requests that the mock has answered, with the statuses. Thread-safe.

    The latest are kept; `count` is the number of all.
    """

    requests: deque[tuple[MockRequest, int]] = field(
        default_factory=lambda: deque(maxlen=MOST_LOGGED)
    )
    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, request: MockRequest, status: int) -> None:
        """Add a request."""
        with self._lock:
            self.requests.append((request, status))
            self.count += 1


class MockApi:
    """Answers requests. `world` may be changed at any time; it is what the lists hold.

    `pagers` are by resource and step. `exchanges` are answered as recorded. `own` are the recorded
    pages by list. `invent` gives lists that are not known. `on_request` is told of each request
    with its response and the seconds it took.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        world: World,
        pagers: Mapping[tuple[str, str], Pager],
        guard: Guard,
        exchanges: Sequence[Exchange] = (),
        own: Mapping[ListKey, Sequence[RecordedPage]] | None = None,
        invent: Invent | None = None,
        jobs: InventedJobs | None = None,
    ) -> None:
        self.routes = list(routes)
        self.world = world
        self.pagers = dict(pagers)
        self.guard = guard
        self.behaviour = Behaviour()
        self.address = ""
        self.log = MockLog()
        self.on_request: Callable[[MockRequest, MockResponse, float], None] = lambda *_: None
        self.ranges: dict[str, RangeChoice] = {}
        self._own = own or {}
        self.invent: Invent = invent or (lambda *_: None)
        self._jobs = jobs
        self._lock = threading.Lock()
        self._exchanges: dict[object, list[Exchange]] = {}
        self._given: dict[object, int] = {}
        self.expect(exchanges)

    def expect(self, exchanges: Sequence[Exchange]) -> None:
        """Answer the requests of these exchanges as they were recorded, in their order."""
        for exchange in exchanges:
            for key in self._keys_of(exchange.request):
                self._exchanges.setdefault(key, []).append(exchange)

    def forget(self) -> None:
        """Begin anew: recorded exchanges are given from the first one on, and the log is empty."""
        with self._lock:
            self._given.clear()
        self.log = MockLog()

    def respond(self, request: MockRequest) -> MockResponse:
        """Return the response to a request."""
        begin, behaviour = time.monotonic(), self.behaviour
        headers: list[tuple[str, str]] = []
        refusal, fault = None, None
        if behaviour.rate is not None:
            refusal, headers = behaviour.rate.admit()
        if refusal is None and behaviour.faults is not None:
            fault = behaviour.faults.of(request)
            refusal = behaviour.faults.refusal(fault)
        response = self._answer(request) if refusal is None else refusal
        response = with_headers(response, headers) if headers else response
        response = Faults.spoil(fault, replace(response, delay=behaviour.latency))
        self.log.add(request, response.status)
        self.on_request(request, response, time.monotonic() - begin)
        return response

    def _answer(self, request: MockRequest) -> MockResponse:
        token = self.guard.token_for(request)
        if token is not None:
            return token
        matched = self._continued(request) or [
            (route, key) for route in self.routes if (key := route.key(request))
        ]
        if matched:
            refusal = self.guard.refusal(matched[0][0].resource, request, self.address)
            if refusal is not None:
                return refusal
        try:
            for route, key in matched:
                response = self._page(route, key, request)
                if response is not None:
                    return response
        except UnknownPage as error:
            text = f"the mock never gave the cursor {str(error)[:80]!r}"
            return MockResponse.of_json(400, {"error": "bad request", "message": text})
        return self._recorded(request) or self._unknown(request, matched)

    def _continued(self, request: MockRequest) -> list[tuple[Route, ListKey]]:
        """Return the list that a link or cursor of the mock leads on with, none without one."""
        token = TOKEN.search(request.text)
        key = None if token is None else self.world.find_digest(token[1])
        return [
            (pager.route, key)
            for (resource, _), pager in self.pagers.items()
            if key is not None and resource == key.resource
        ]

    def _page(self, route: Route, key: ListKey, request: MockRequest) -> MockResponse | None:
        """Return the page of a known list, or of one that is invented now; else None."""
        pager = self.pagers.get((route.resource, route.step))
        if pager is None:
            return None if self._jobs is None else self._jobs.respond(route, key, request)
        chosen = request
        if self._jobs is not None and route.step == "download":
            created = self._jobs.created(route, request)
            if created is None:
                return None
            route, key, chosen = created.route, created.key, created.request
        known = self.world.find(key)
        if known is None:
            made = self.invent(route, key, chosen)
            if made is None:
                return None
            with self._lock:
                if key not in self.world:
                    self.world.put(key, made)
            known = key
        version, records = self.world.snapshot(known)
        if route.resource in self.ranges:
            records = self.ranges[route.resource].chosen(chosen, known, version, records)
        response = pager.respond(known, request, records, self._own.get(known, ()))
        if self.behaviour.drift is not None and not pager.envelope.is_object:
            self.behaviour.drift.after_page(known, route)
        return response

    def _keys_of(self, request: MockRequest) -> list[object]:
        """Return the keys of an exchange, the strictest first."""
        keys: list[object] = []
        with_host, plain = _plain(request), _plain(request, host=False)
        keys += [with_host, plain]
        keys += [key for route in self.routes if (key := route.key(request, WITH_PAGES))]
        return keys

    def _recorded(self, request: MockRequest) -> MockResponse | None:
        with self._lock:
            for key in self._keys_of(request):
                recorded = self._exchanges.get(key)
                if recorded:
                    turn = self._given.get(key, 0)
                    self._given[key] = turn + 1
                    return _as_recorded(recorded[min(turn, len(recorded) - 1)], request)
        return None

    def _unknown(
        self, request: MockRequest, matched: Sequence[tuple[Route, ListKey]]
    ) -> MockResponse:
        """Return a 404 that names the nearest request that is known.

        Days, and batches of values, are others in each run: such a list is empty.
        """
        if any(
            one.kind == "dates" or one.batch for route, _ in matched for one in _partitions(route)
        ):
            route, key = matched[0]
            self.world.put(key, [])
            response = self._page(route, key, request)
            if response is not None:
                return response
        asked = _interaction(request)
        known = [_interaction_of(key) for key in self.world.lists()]
        known += [_interaction(one.request) for many in self._exchanges.values() for one in many]
        text = f"no list or recording has {self._shown(request)}"
        body: dict[str, Json] = {"error": "not found", "message": text}
        if known:
            sent = RecordedRequest.of(replace(asked, url=request.path + _query(request)))
            candidates = [RecordedRequest.of(one) for one in known]
            nearest = min(candidates, key=lambda one: distance(sent, one))
            body["nearest"] = str(nearest)
            body["differences"] = list(differences(sent, nearest))
        return MockResponse.of_json(404, body)

    def _shown(self, request: MockRequest) -> str:
        """Return a request as messages show it, without the parameters of credentials."""
        hidden = {place for places in self.guard.places.values() for place in places}
        query = tuple(pair for pair in request.query if ("query", pair[0]) not in hidden)
        return str(replace(request, query=query))


def _partitions(route: Route) -> Sequence[Any]:
    return route.plan.resource.partitions


def _query(request: MockRequest) -> str:
    return "?" + urlencode(request.query) if request.query else ""


def _plain(request: MockRequest, *, host: bool = True) -> object:
    """Return a request in one spelling, to look for a recorded one by."""
    recorded = RecordedRequest.of(_interaction(request))
    if host:
        return recorded
    address = replace(recorded.address, scheme="", host="")
    return replace(recorded, address=address)


def _interaction(request: MockRequest) -> Interaction:
    kind = request.headers.get("content-type", "")
    headers = (("content-type", kind),) if kind else ()
    url = f"{request.origin}{request.path}{_query(request)}"
    return Interaction(
        request.method, url, 0, request_headers=headers, request_body=request.body or None
    )


def _interaction_of(key: ListKey) -> Interaction:
    identity = key.identity if isinstance(key.identity, tuple) else ()
    pairs = [
        (".".join(map(str, pair[0])), pair[1])
        for pair in (identity[1] if len(identity) > 1 else ())
        if isinstance(pair, tuple) and len(pair) == 2
    ]
    return Interaction(key.method, key.path + ("?" + urlencode(pairs) if pairs else ""), 0)


def _as_recorded(exchange: Exchange, request: MockRequest) -> MockResponse:
    """Return a recorded response; its links to the API lead to where the request was sent."""
    old, new = exchange.request.origin, request.origin
    headers = tuple(
        (name, value.replace(old, new))
        for name, value in exchange.headers
        if name.lower() not in NOT_SENT
    )
    body = exchange.body
    if old != new and exchange.is_page:  # records stay as they are
        own = re.escape(f"{old}{exchange.request.path}") + r"(?=[?#\"\s<]|$)"
        link = f"{new}{exchange.request.path}"
        body = re.sub(own.encode(), lambda _: link.encode(), body)
    elif old != new:
        body = body.replace(old.encode(), new.encode())
    return MockResponse(exchange.status, body, headers)
