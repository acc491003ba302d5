"""A recording taken apart: a cassette is read as a run reads it, and its lists become a world.

What a run reads of lists is served in pages of any size. All other exchanges, such as the steps of
an export job, are served as they were recorded.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter

from framework.authoring.cassettes.cassette import Cassette
from framework.authoring.cassettes.replayer import ReplayAdapter
from framework.definition.model import Connector
from framework.errors import FrameworkError, Interrupted
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.page import Page
from framework.extract.paging.pagination import FrameworkPaginator
from framework.extract.read_options import ReadOptions, Sample
from framework.mock.lists.world import ListKey
from framework.mock.mock_auth import Guard, guard_of
from framework.mock.mock_message import MockRequest, Pairs, exact_json, json_bytes
from framework.mock.pages.envelope import Envelope, RecordedPage, leaf_value, without_records
from framework.mock.pages.routes import Route, routes_of
from framework.runtime.environment import Environment
from framework.runtime.settings import Settings

Json = Any
Step = str | int
MOST_SAMPLES = 500
"""Recorded pages of a resource that are looked at to tell what its bodies say."""


@dataclass(frozen=True)
class Exchange:
    """One recorded request and its response. `is_page` means that it holds records of a list."""

    request: MockRequest
    status: int
    headers: Pairs
    body: bytes
    is_page: bool = False


@dataclass
class RecordedList:
    """The pages of one list as they were recorded, and its records."""

    records: list[Json] = field(default_factory=list)
    pages: list[RecordedPage] = field(default_factory=list)


@dataclass
class RecordedLists:
    """What was read of a cassette.

    `lists` have the records by list, `envelopes` what surrounds them by route. `others` are the
    exchanges that are no pages of lists. `errors` are those of resources that the recorded
    run could not read.
    """

    compiled: CompiledConnector
    routes: list[Route]
    guard: Guard
    lists: dict[ListKey, RecordedList] = field(default_factory=dict)
    envelopes: dict[tuple[str, str], Envelope] = field(default_factory=dict)
    pages: dict[str, list[Exchange]] = field(default_factory=dict)
    others: list[Exchange] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


@dataclass
class _Look:
    """One page that a reader has seen. `is_unplaced`: its elements are no list of the body."""

    resource: str
    number: int
    exchange: Exchange
    body: Json
    place: tuple[Step, ...] | None
    is_object: bool
    records: list[Json]
    is_unplaced: bool = False


class _ListeningAdapter(BaseAdapter):
    """Passes requests on to another adapter, and keeps each exchange by its response."""

    def __init__(self, inner: BaseAdapter) -> None:
        super().__init__()
        self._inner = inner
        self.exchanges: dict[int, tuple[Exchange, requests.Response]] = {}

    def send(
        self, request: requests.PreparedRequest, *args: Any, **named: Any
    ) -> requests.Response:
        """Return the other adapter's response."""
        response = self._inner.send(request, *args, **named)
        headers = tuple(response.headers.items())
        exchange = Exchange(
            MockRequest.sent(request), response.status_code, headers, response.content
        )
        self.exchanges[id(response)] = exchange, response
        return response

    def close(self) -> None:
        """Do nothing: nothing is open."""


class _Looks:
    """The pages that readers see, in order; a page that is the same as the one before is not."""

    def __init__(self, adapter: _ListeningAdapter) -> None:
        self._adapter = adapter
        self.pages: list[_Look] = []
        self.first: dict[str, tuple[requests.Response, list[Json]]] = {}

    def __call__(self, resource: str, number: int, page: Page) -> None:
        """Keep a page: `Sample.look`."""
        response = page.response
        if response is None or id(response) not in self._adapter.exchanges:
            return
        exchange, _ = self._adapter.exchanges[id(response)]
        if number == 1 and page.items:
            self.first.setdefault(resource, (response, copy.deepcopy(page.items)))
        elements = page.items if page.elements is None else page.elements
        body = response.json()
        place, is_object = list_place_in(body, elements)
        own = _exact(exchange, body)
        found = [] if place is None else leaf_value(own, (), ("body", *place))
        records = found if isinstance(found, list) else [found]
        self.pages.append(
            _Look(
                resource,
                number,
                exchange,
                own,
                place,
                is_object,
                records if elements else [],
                bool(elements) and place is None,
            )
        )


def read_recording(
    connector: Connector, cassette: Cassette, settings: Settings, given: Mapping[str, str]
) -> RecordedLists:
    """Return what a run reads of a cassette. `given` are secrets that are the only valid ones."""
    adapter = _ListeningAdapter(ReplayAdapter(cassette))
    environment = Environment(
        now=cassette.clock,
        transport=lambda _: adapter,
        waits=False,
        replay=True,
        query=cassette.query_values,
    )
    compiled = compile_connector(connector, settings, environment, lambda _: None)
    looks = _Looks(adapter)
    errors = _read(compiled, cassette, environment, looks)
    detected = _detected(compiled, looks)
    guard = guard_of(compiled, given)
    routes = routes_of(compiled, detected, guard.places)
    recording = RecordedLists(compiled, routes, guard, errors=errors)
    _sort_pages(recording, looks.pages)
    used = {id(look.exchange) for look in looks.pages}
    recording.others = _others([one for one, _ in adapter.exchanges.values()], used)
    if cassette.limit is not None:
        _cut(recording, cassette.limit)
    return recording


@dataclass
class ReadBack:
    """What a run reads through a mock: records by resource, and the errors of those that fail."""

    records: dict[str, list[Json]]
    errors: dict[str, str]


def read_back(recording: RecordedLists, adapter: BaseAdapter, cassette: Cassette) -> ReadBack:
    """Return what a run reads through an adapter, without the errors of the recorded run."""
    listening = _ListeningAdapter(adapter)
    environment = Environment(
        now=cassette.clock,
        transport=lambda _: listening,
        waits=False,
        replay=True,
        query=cassette.query_values,
    )
    compiled = recording.compiled
    compiled = compile_connector(compiled.connector, compiled.settings, environment, lambda _: None)
    looks = _Looks(listening)
    errors = _read(compiled, cassette, environment, looks)
    records: dict[str, list[Json]] = {}
    before: _Look | None = None
    for look in looks.pages:
        is_again = before is not None and look.number > 1 and before.records == look.records
        if not is_again:
            records.setdefault(look.resource, []).extend(look.records)
        before = look
    new = {name: text for name, text in errors.items() if name not in recording.errors}
    return ReadBack(records, new)


def _read(
    compiled: CompiledConnector, cassette: Cassette, environment: Environment, looks: _Looks
) -> dict[str, str]:
    """Have every recorded resource read to its end; return the errors by resource."""
    sample = Sample(None, None, looks)
    options = ReadOptions(
        *(environment, lambda _: None, compiled.redactor, 1, cassette.limit),
        state={},
        sample=sample,
    )
    names = cassette.resources or tuple(
        plan.resource.name for plan in compiled.plans.values() if plan.resource.selected
    )
    described = [compiled.plans[name].resource for name in names if name in compiled.plans]
    sources = [one.columns_from.resource for one in described if one.columns_from is not None]
    names = tuple(dict.fromkeys((*sources, *names)))
    readers = ResourceReaders(compiled, options, [name for name in names if name in compiled.plans])
    opened = {name: readers.open_table(name) for name in names if name in compiled.plans}
    errors = {}
    for name, pages in opened.items():
        try:
            for _ in pages:
                pass
        except Interrupted:
            raise
        except FrameworkError as error:
            errors[name] = str(error).splitlines()[0]
    return errors


def _detected(compiled: CompiledConnector, looks: _Looks) -> dict[str, FrameworkPaginator]:
    """Return the paginators that dlt detects for resources without one."""
    client: Any = compiled.client
    found = {}
    for name, plan in compiled.plans.items():
        if plan.paginator is None and client.paginator is None and name in looks.first:
            response, items = looks.first[name]
            try:
                found[name] = cast("FrameworkPaginator", client.detect_paginator(response, items))
            except FrameworkError:
                continue
    return found


def list_place_in(body: Json, elements: Sequence[Json]) -> tuple[tuple[Step, ...] | None, bool]:
    """Return where the API's list is in a body, and whether one object is in its place.

    None if it is not one list of the body, or if it is empty and there is more than one.
    """
    if isinstance(body, list) and len(body) == len(elements) and _are_same(body, elements):
        return (), False
    found: list[tuple[tuple[Step, ...], bool]] = []

    def visit(value: Json, path: tuple[Step, ...], depth: int) -> None:
        if depth > 8 or len(found) > 1:
            return
        if isinstance(value, dict):
            if len(elements) == 1 and value is elements[0]:
                found.append((path, True))
                return
            for key, item in value.items():
                visit(item, (*path, key), depth + 1)
        elif isinstance(value, list):
            if len(value) == len(elements) and _are_same(value, elements):
                found.append((path, False))
                return
            for number, item in enumerate(value[:50]):
                visit(item, (*path, number), depth + 1)

    visit(body, (), 0)
    return found[0] if len(found) == 1 else (None, False)


def _are_same(one: Sequence[Json], other: Sequence[Json]) -> bool:
    """Return whether two lists hold the same objects."""
    pairs = zip(one, other, strict=True)
    return all(a is b or (a == b and not isinstance(a, (dict, list))) for a, b in pairs)


def _exact(exchange: Exchange, body: Json) -> Json:
    """Return the body with all digits of its numbers."""
    try:
        exact = exact_json(exchange.body)
    except ValueError:
        return copy.deepcopy(body)
    return exact if type(exact) is type(body) else copy.deepcopy(body)


def _sort_pages(recording: RecordedLists, looks: Sequence[_Look]) -> None:
    """Put every page into its list, and what surrounds its records into its route's envelope."""
    places = _places(looks)
    key: ListKey | None = None
    reads: dict[ListKey, int] = {}
    before: _Look | None = None
    seen: set[str] = set()
    for number, look in enumerate(looks):
        page = replace(look.exchange, is_page=True)
        recording.pages.setdefault(look.resource, []).append(page)
        place = places.get(look.resource)
        route = next((one for one in recording.routes if _is_of(one, look)), None)
        if place is None or route is None:
            continue
        if look.number == 1:
            key = route.key(look.exchange.request)
            before = None
        if key is None:
            continue
        one = recording.lists.setdefault(key, RecordedList())
        if look.number == 1:
            reads[key] = reads.get(key, 0) + 1
            seen = set(map(as_text, one.records)) if reads[key] > 1 else set()
        is_again = before is not None and look.records and before.records == look.records
        before = look
        if is_again:
            continue
        # two windows may share the records at their border
        one.records += [
            record for record in look.records if not seen or as_text(record) not in seen
        ]
        one.pages.append(_recorded_page(look, place[0], looks[number + 1 : number + 2]))
        envelope = recording.envelopes.setdefault(
            (route.resource, route.step), Envelope(place[0], place[1])
        )
        envelope.samples.append(one.pages[-1])
    _count(recording)


def _recorded_page(
    look: _Look, place: tuple[Step, ...], following: Sequence[_Look]
) -> RecordedPage:
    """Return a page without its records; it is the last if no page of its list has others."""
    is_last = not any(
        one.number > 1 and one.resource == look.resource and one.records for one in following
    )
    body = without_records(look.body, place)
    headers, status = look.exchange.headers, look.exchange.status
    return RecordedPage(body, headers, status, look.number, len(look.records), 0, is_last)


def _count(recording: RecordedLists) -> None:
    """Note on each recorded page how many records its list has."""
    counted: dict[int, RecordedPage] = {}
    for one in recording.lists.values():
        for page in one.pages:
            counted[id(page)] = replace(page, total=len(one.records))
        one.pages = [counted[id(page)] for page in one.pages]
    for envelope in recording.envelopes.values():
        envelope.samples = [counted[id(page)] for page in envelope.samples[:MOST_SAMPLES]]


def _places(looks: Sequence[_Look]) -> dict[str, tuple[tuple[Step, ...], bool]]:
    """Return where each resource has its list, if all of its pages have it there."""
    places: dict[str, tuple[tuple[Step, ...], bool]] = {}
    for look in looks:
        if look.place is not None and look.records:
            places.setdefault(look.resource, (look.place, look.is_object))
    for look in looks:
        if look.place is not None:
            places.setdefault(look.resource, (look.place, look.is_object))
    for look in looks:
        known = places.get(look.resource)
        if known is None:
            continue
        is_elsewhere = look.is_unplaced or (look.records and (look.place, look.is_object) != known)
        if is_elsewhere or not (look.records or _may_be_empty(look.body, *known)):
            del places[look.resource]
    return places


def _may_be_empty(body: Json, place: tuple[Step, ...], is_object: bool) -> bool:
    """Return whether a body without records has at the place what a page's body has there."""
    found = leaf_value(body, (), ("body", *place))
    return not place or found is None or isinstance(found, dict if is_object else list)


def _is_of(route: Route, look: _Look) -> bool:
    step = "list" if route.plan.endpoint.export is None else "download"
    is_own = route.resource == look.resource and route.step == step
    return is_own and (look.number > 1 or route.key(look.exchange.request) is not None)


def _others(exchanges: Sequence[Exchange], used: set[int]) -> list[Exchange]:
    """Return the exchanges that are no pages, without failures that a retry has overcome."""
    answered = {_same(one) for one in exchanges if one.status < 400}
    return [
        one
        for one in exchanges
        if id(one) not in used and not (one.status >= 400 and _same(one) in answered)
    ]


def _same(exchange: Exchange) -> tuple[str, str, Pairs, bytes]:
    request = exchange.request
    return request.method, request.origin + request.path, request.query, request.body


def _cut(recording: RecordedLists, limit: int) -> None:
    """Leave no more records to a resource than the recorded run has loaded."""
    left: dict[str, int] = {}
    for key, one in recording.lists.items():
        rest = left.setdefault(key.resource, limit)
        one.records = one.records[:rest]
        left[key.resource] = max(rest - len(one.records), 0)


def as_text(data: Json) -> str:
    """Return data as one text, to compare records by."""
    return json_bytes(data).decode()
