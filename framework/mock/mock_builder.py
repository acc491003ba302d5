"""Build a mock of a connector: of its recording, or of its schemas if it has none.

A recording is read back through the mock before it is served. What does not come back as it was
recorded is served as it was recorded, page by page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from framework.authoring.cassettes.cassette import Cassette, cassette_path, read_cassette
from framework.definition.model import Connector
from framework.errors import CassetteError, FrameworkError, SettingsError
from framework.events import ignore_event
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.plan import Plan
from framework.extract.paging.selectors import JmesPath
from framework.extract.records.transforms import OF_A_RESPONSE, Transforms
from framework.mock.faults import EnforcedRate, Faults
from framework.mock.lists.drift import Drift
from framework.mock.lists.invented_envelope import invented_envelope, is_single
from framework.mock.lists.invented_jobs import InventedJobs
from framework.mock.lists.invention import InventedLists
from framework.mock.lists.new_parents import NewParents, ParentRecords
from framework.mock.lists.record_maker import RecordMaker
from framework.mock.lists.recording import (
    RecordedLists,
    as_text,
    read_back,
    read_recording,
)
from framework.mock.lists.world import ListKey, World
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_api import Behaviour, MockApi
from framework.mock.mock_auth import guard_of
from framework.mock.mock_options import Mock, MockOptions
from framework.mock.pages.elements import Elements
from framework.mock.pages.paging import Pager
from framework.mock.pages.ranges import RangeFilter
from framework.mock.pages.routes import Route, routes_of
from framework.mock.stand_ins import stand_ins
from framework.runtime.environment import Environment
from framework.runtime.settings import resolve_settings


def open_mock(
    connector: Connector,
    options: MockOptions | None = None,
    cassette: Path | Cassette | None = None,
) -> Mock:
    """Return the mock of a connector.

    `cassette` is its recording, by default the connector's own; without one its declared schemas
    are used. Raise CassetteError for a recording that is not valid.
    """
    options = options or MockOptions()
    path = cassette_path(connector) if cassette is None else cassette
    if isinstance(path, Path):
        is_own = cassette is None and not path.is_file()
        recorded = None if is_own or options.invented else read_cassette(path, connector.name)
    else:
        recorded = path
    if recorded is None:
        mock = mock_of_schemas(connector, options)
    else:
        mock = mock_of_recording(connector, recorded, options)
    limit = connector.client.rate_limit
    api = mock.api
    api.behaviour = Behaviour(
        Faults(options.faults, options.seed, limit) if options.faults else None,
        EnforcedRate(options.rate, limit) if options.rate else None,
        Drift(api.world, options.seed) if options.drift else None,
        options.latency,
    )
    return mock


def mock_of_recording(connector: Connector, cassette: Cassette, options: MockOptions) -> Mock:
    """Return a mock that serves what a cassette holds."""
    config = {**cassette.config, **options.config}
    settings = resolve_settings(connector, config, replay=True)
    given = options.secrets_of(connector)
    recording = read_recording(connector, cassette, settings, given)
    plain: set[str] = set()
    replayed = {
        route.resource: "its pages hold more than one list, or none that was found"
        for route in recording.routes
        if route.step in ("list", "download")
        and route.resource in recording.pages
        and not any(name == route.resource for name, _ in recording.envelopes)
    }
    for name, plan in recording.compiled.plans.items():
        lists = [one for key, one in recording.lists.items() if key.resource == name]
        if _reads_response(plan) and any(len(one.pages) > 1 for one in lists):
            replayed[name] = "its records take values of the responses that they are in"
    for _ in range(2 * len(connector.resources) + 1):
        api = _api(recording, options, cassette.clock, replayed, plain)
        wrong = _first_wrong(recording, api, cassette, replayed)
        if wrong is None:
            break
        name, reason = wrong
        if name in api.ranges and name not in plain:
            plain.add(name)
        else:
            replayed[name] = reason
            for other in _sharing(recording, name):
                replayed.setdefault(other, f"its first request is also that of {name}")
    notes = list(recording.errors.values())
    if not recording.lists and not recording.others and not recording.pages:
        raise CassetteError(f"the cassette of {connector.name} holds nothing that a run reads")
    return Mock(connector, api, "its recording", notes, replayed, _differing(connector, config))


def _api(
    recording: RecordedLists,
    options: MockOptions,
    now: datetime,
    replayed: Mapping[str, str],
    plain: set[str],
) -> MockApi:
    """Return the mock. Resources in `replayed` are served as recorded, `plain` in any range."""
    world = World()
    routes = recording.routes
    for key, one in recording.lists.items():
        if key.resource not in replayed:
            world.put(key, one.records)
    pagers, ranges = {}, {}
    for route in routes:
        envelope = recording.envelopes.get((route.resource, route.step))
        if envelope is None or route.resource in replayed:
            continue
        unit = max((one.count for one in envelope.samples if not one.is_last), default=None)
        client = recording.compiled.client
        fresh = envelope.unlearned()
        pagers[route.resource, route.step] = Pager(route, fresh, client, options.page_size, unit)
        if route.step == "list" and route.resource not in plain:
            ranges[route.resource] = RangeFilter(Elements(route, fresh), now)
    exchanges = [*recording.others]
    for name in replayed:
        exchanges += recording.pages.get(name, [])
    own = {key: one.pages for key, one in recording.lists.items()}
    elements = {name: Elements(one.route, one.envelope) for (name, _), one in pagers.items()}
    children = NewParents(ParentRecords(world, elements, only_added=True))
    api = MockApi(routes, world, pagers, recording.guard, exchanges, own, children)
    api.ranges.update({name: one for name, one in ranges.items() if one.reads})
    return api


def _reads_response(plan: Plan) -> bool:
    """Return whether records of a resource depend on the page that they are on."""
    if Transforms(plan.resource).reads_response:
        return True
    selector = plan.selector
    if not isinstance(selector, JmesPath) or not selector.expression.contextual:
        return False
    return any(path[:1] in OF_A_RESPONSE for path in selector.expression.reads())


def _sharing(recording: RecordedLists, name: str) -> list[str]:
    """Return the other resources that have a list with the same request as one of this."""
    asked = {(key.method, key.identity) for key in recording.lists if key.resource == name}
    every = {key.resource for key in recording.lists if (key.method, key.identity) in asked}
    return sorted(every - {name})


def _first_wrong(
    recording: RecordedLists, api: MockApi, cassette: Cassette, replayed: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return the first resource that does not come back as it was recorded, and what came."""
    adapter = MockAdapter(api)
    again = read_back(recording, adapter, cassette)
    api.forget()
    for name, plan in recording.compiled.plans.items():
        if name in replayed or name not in recording.pages:
            continue
        expected = Counter(
            as_text(record)
            for key, one in recording.lists.items()
            if key.resource == name
            for record in one.records
        )
        records = again.records.get(name, [])
        found = Counter(map(as_text, records))
        is_same = (
            expected.keys() == found.keys() if plan.endpoint.incremental else expected == found
        )
        if name in again.errors:
            return name, again.errors[name]
        if not is_same:
            return name, f"{len(records)} of {expected.total()} records came back, or other ones"
    return None


def mock_of_schemas(connector: Connector, options: MockOptions) -> Mock:
    """Return a mock whose records are invented. Raise SettingsError if no resource can be."""
    now = options.now or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    needed = stand_ins(connector)
    settings = resolve_settings(connector, {**needed, **options.config}, replay=True)
    environment = Environment(now=now, waits=False, replay=True)
    compiled = compile_connector(connector, settings, environment, ignore_event)
    guard = guard_of(compiled, options.secrets_of(connector))
    routes = routes_of(compiled, {}, guard.places)
    world = World()
    elements: dict[str, Elements] = {}
    parents = ParentRecords(world, elements)
    single = frozenset(route.resource for route in routes if is_single(route))
    sharing = _same_requests(routes)
    lists = InventedLists(
        compiled, options.seed, options.rows, now, parents, elements, single, sharing
    )
    jobs = InventedJobs(lists)
    notes, pagers, ranges = [], {}, {}
    for route in routes:
        name, has_jobs = route.resource, route.plan.endpoint.export is not None
        if route.step != "list":
            continue
        try:
            schema = route.plan.resource.schema
            if schema is not None and not isinstance(RecordMaker(0).value(schema, "", 0), dict):
                raise SettingsError(
                    f"{name}: its schema is not that of an object; record a cassette"
                )
            envelope = invented_envelope(route)
            elements[name] = Elements(route, envelope)
            paged = route if not has_jobs else jobs.download_of(route, routes)
        except FrameworkError as error:
            elements.pop(name, None)
            notes.append(str(error).splitlines()[0])
            continue
        pagers[name, paged.step] = Pager(paged, envelope, compiled.client, options.page_size)
        ranges[name] = RangeFilter(elements[name], now)
    if not pagers:
        raise SettingsError("\n".join(notes) or f"{connector.name} has no list to invent")
    notes += _told(lists, elements, sharing)
    api = MockApi(routes, world, pagers, guard, invent=lists, jobs=jobs)
    api.ranges.update({name: one for name, one in ranges.items() if one.reads})
    own = _differing(connector, {**needed, **options.config})
    return Mock(connector, api, f"its schemas, seed {options.seed}", notes, config=own)


def _differing(connector: Connector, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config that a run against the mock has to set, without secrets."""
    return {
        name: config[name]
        for name, entry in connector.config.items()
        if name in config and (entry.required or config[name] != entry.default)
    }


def _same_requests(routes: Sequence[Route]) -> dict[str, list[Route]]:
    """Return the routes whose lists have the same request, by resource."""
    groups: dict[str, list[Route]] = {}
    for route in routes:
        if route.step == "list":
            sent = route.plan.endpoint
            text = repr((sent.method, sent.path, sent.params, sent.json, sent.data))
            groups.setdefault(text, []).append(route)
    return {route.resource: group for group in groups.values() for route in group}


def _place_of(one: Elements) -> object:
    """Return where a resource reads its list in a response: its keys, or its selector."""
    is_plain = one.envelope.builds is None
    return one.envelope.place if is_plain else str(one.route.plan.endpoint.data_selector)


def _told(
    lists: InventedLists, elements: Mapping[str, Elements], sharing: Mapping[str, Sequence[Route]]
) -> Iterator[str]:
    """Yield what a run will not find, though it was invented."""
    for name, one in elements.items():
        first, steps = sharing[name][0], one.route.plan.resource.steps
        if first.resource in elements and _place_of(elements[first.resource]) != _place_of(one):
            yield f"{name}: its request is also that of {first.resource}, whose list is served"
        count = min(lists.rows, max(3, len(sharing[name])))
        trial = lists.records(first, ListKey(first.resource, first.method, ""), count)
        reads_run = any(step.expression and step.expression.contextual for step in steps)
        if count and not reads_run and not any(map(one.records, trial)):
            yield (
                f"{name}: no record could be invented that passes its processing_steps; a run "
                "finds none, or few"
            )
