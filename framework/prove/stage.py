"""The stage of a proof: a connector's mock with small pages, and an account of each resource."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dlt.sources.helpers.rest_client.paginators import OffsetPaginator, RangePaginator

from framework.authoring.cassettes.cassette import Cassette, cassette_path, read_cassette
from framework.authoring.cassettes.replayer import recorded_query
from framework.definition.model import Connector, Resource
from framework.errors import CassetteError, FrameworkError, Interrupted, Terminated
from framework.mock.lists.world import ListKey
from framework.mock.mock_builder import open_mock
from framework.mock.mock_options import Mock, MockOptions
from framework.mock.mock_run import mocked_config
from framework.mock.pages.paging import Pager
from framework.mock.stand_ins import stand_ins
from framework.prove.history.account import PlayedAccount
from framework.prove.history.api_traits import Assumption
from framework.prove.history.histories import History
from framework.prove.history.sampled_resource import SampledResource, sampled_resource
from framework.prove.plays.quick_runs import ClockedAdapter, QuickRuns
from framework.prove.plays.recorded_ends import early_ends, without_maximums
from framework.runtime.environment import StopSignal
from framework.runtime.settings import Settings, resolve_settings

Json = Any
RECORDING = "its recording"
"""What a mock of a recording says of its source."""
PAGE_SIZE = 2
"""Records in a page, so that few records take several pages."""
INVENTED = 3
"""Records of a list without a recording."""
NEWEST = datetime(2026, 1, 1, 12, tzinfo=UTC)
"""When histories begin, unless the file begins later."""
MOST_PARENTS = 12
"""Records of a parent that are tried to find one with a list of children."""


class NotProvable(Exception):
    """A resource whose promise cannot be tried; the message says why."""


@dataclass
class Stage:
    """A connector's mock, ready to play accounts. `connector` has the small pages."""

    connector: Connector
    mock: Mock
    settings: Settings
    adapter: ClockedAdapter
    stop: StopSignal
    assumptions: Sequence[Assumption]
    config: Mapping[str, Json]
    maximums: Mapping[str, tuple[str, int]]
    """By resource: the key by which the file ends its lists early, and its value."""
    ends: Mapping[str, str]
    """By resource: what its recorded pages say of further ones that the file does not read."""
    _base: dict[ListKey, list[Json]] = field(default_factory=dict)
    _error: str = ""
    """Why the last reading failed, empty if it did not."""

    @classmethod
    def open(
        cls,
        connector: Connector,
        config: Mapping[str, Json],
        assumptions: Sequence[Assumption],
        seed: int,
        stop: StopSignal,
    ) -> Stage:
        """Return the stage of a connector. Raise FrameworkError if it cannot be mocked."""
        options = MockOptions(
            page_size=PAGE_SIZE, seed=seed, rows=INVENTED, config=config, now=NEWEST
        )
        path = cassette_path(connector)
        recorded = read_cassette(path, connector.name) if path.is_file() else None
        mock = None if recorded is None else _recorded_mock(connector, options, recorded)
        ends = {}
        if recorded is not None:
            held = mocked_config(connector, {**recorded.config, **config})
            replayed = resolve_settings(connector, held, replay=True)
            ends = early_ends(connector, replayed, recorded, stop)
        if mock is None or not _is_whole(mock):
            try:
                invented = open_mock(connector, replace(options, invented=True))
            except FrameworkError:
                if mock is None:
                    raise
            else:
                if recorded is not None:  # the file was changed since then
                    invented.source += " (its recording does not fit the file)"
                mock, recorded = invented, None
        maximums = _page_small(mock)
        small = _with_small_pages(connector)
        own = stand_ins(connector) if recorded is None else recorded.config
        given = mocked_config(connector, {**own, **config})
        settings = resolve_settings(connector, given, replay=True)
        adapter = ClockedAdapter(mock.api, recorded_query(connector))
        every = {**given, **settings.config}  # none is looked up elsewhere by a real run
        stage = cls(small, mock, settings, adapter, stop, assumptions, every, maximums, ends)
        if not mock.world.lists():
            names = [one.name for one in connector.resources if one.selected]
            for name in names:
                with suppress(FrameworkError):
                    stage.read(stage.line(name), NEWEST)
        world = mock.world
        stage._base = {key: [one.data for one in world.records(key)] for key in world.lists()}
        return stage

    def line(self, name: str) -> list[str]:
        """Return a resource's ancestors and itself, parents first."""
        resource = self.connector.resource(name)
        wanted = {name, *(one.name for one in self.connector.ancestors(resource))}
        return [one.name for one in self.connector.resources if one.name in wanted]

    def read(self, names: Sequence[str], now: datetime) -> QuickRuns:
        """Run some resources once, with an empty state."""
        runs = self.runs(names)
        runs.run(now)
        return runs

    def runs(self, names: Sequence[str], connector: Connector | None = None) -> QuickRuns:
        """Return new quick runs of some resources, of a changed connector if one is given."""
        return QuickRuns(connector or self.connector, self.settings, names, self.adapter, self.stop)

    def account(self, name: str) -> PlayedAccount:
        """Return the account of a resource. Raise NotProvable if there can be none."""
        resource = self.connector.resource(name)
        self._refuse(resource)
        for key, data in self._base.items():
            self.mock.world.put(key, data)
        parents = self._narrow(name)
        target = self._listed(name, self._list_of(name))
        if target is None:
            raise NotProvable("no record of it is known; record a cassette that has one")
        if target.resource.endpoint.incremental is not None and not target.is_ranged:
            path = target.resource.endpoint.incremental.cursor_path
            raise NotProvable(f"the form of its cursor `{path}` is not known")
        listed = [one for one in map(self._parent, parents) if one is not None]
        zero, gap = self._times([*listed, target])
        given = (self.connector, self.mock.api, target, listed, zero, gap)
        account = PlayedAccount(*given, has_newer_parents=True)
        if self._has_newer_parents(account):
            return account
        return PlayedAccount(*given)

    def _has_newer_parents(self, account: PlayedAccount) -> bool:
        """Return whether a run reads a list alike if its parents have newer records.

        Their own requests must not be for the same list. A newer record of a parent that is read
        backwards is not known.
        """
        is_reversed = any(one.is_reversed for one in account.parents)
        if is_reversed or not account.ancestry.may_be_older:
            return False
        seen = []
        for has_newer in (False, True):
            runs = self.runs(account.names)
            history = History((account.spacing,), (), 1, has_newer_parent=has_newer)
            try:
                account.play(history, runs.run)
            except (Interrupted, Terminated):
                raise
            except FrameworkError:
                return False
            key, route = account.target.key, account.target.route
            count = sum(route.key(one) == key for one, _ in account.api.log.requests)
            seen.append((count, list(runs.rows(account.name))))
        (count, rows), (again, more) = seen
        return count == again and all(rows.count(one) == more.count(one) for one in rows)

    def lists_of(self, name: str) -> list[ListKey]:
        """Return the lists of a resource that a run with all parents reads, and empty them."""
        for key, data in self._base.items():
            self.mock.world.put(key, data)
        try:
            self.mock.api.forget()
            self.read(self.line(name), NEWEST)
        except FrameworkError:
            return []
        route, world = self.mock.api.pagers[name, "list"].route, self.mock.world
        keys = [
            route.key(request) for request, status in self.mock.api.log.requests if status < 300
        ]
        found = [world.find(key) for key in dict.fromkeys(keys) if key is not None]
        for key in world.lists(name):
            world.put(key, [])
        return [one for one in dict.fromkeys(found) if one is not None]

    def values(self, name: str) -> Iterator[Json]:
        """Yield every record of a resource, as the API has it at first."""
        for key, data in self._base.items():
            if key.resource == name:
                yield from data

    def _refuse(self, resource: Resource) -> None:
        """Raise NotProvable for what the mock cannot change, or what cannot be compared."""
        if resource.name in self.mock.replayed:
            raise NotProvable(
                f"the mock serves it as recorded: {self.mock.replayed[resource.name]}"
            )
        if (resource.name, "list") not in self.mock.api.pagers:
            raise NotProvable("the mock has no list of it")
        if resource.endpoint.export is not None:
            raise NotProvable("it is read by an export job")
        if resource.write_disposition == "skip":
            raise NotProvable("it is not loaded")
        if resource.only_new:
            raise NotProvable("each of its lists is read once, so that no change is looked for")
        arguments = {} if (spec := resource.endpoint.incremental) is None else spec.arguments
        if arguments.get("end_value") is not None:
            raise NotProvable("its incremental has an end_value, so that runs repeat one range")
        if resource.write_disposition == "merge" and not resource.primary_key:
            raise NotProvable("it is merged without a primary key")

    def _narrow(self, name: str) -> list[str]:
        """Leave one record to each ancestor, so that a list of the resource is read; name them."""
        world, above = self.mock.world, self.line(name)[:-1]
        for parent in above:
            keys = [key for key in world.lists(parent) if world.records(key)]
            if not keys:
                raise NotProvable(f"its parent {parent} has no record")
            for key in keys[1:]:
                world.put(key, [])
            records = [one.data for one in world.records(keys[0])]
            for record in [*records[:MOST_PARENTS], None]:
                if record is None:
                    raise NotProvable(f"none of the records of {parent} leads to a list of it")
                world.put(keys[0], [record])
                if self._is_read(name):
                    break
        return above

    def _is_read(self, name: str) -> bool:
        self.mock.api.forget()
        self._error = ""
        try:
            self.read(self.line(name), NEWEST)
        except FrameworkError as error:
            self._error = f": {str(error).splitlines()[0]}"
        return self._requested(name) is not None

    def _requested(self, name: str) -> ListKey | None:
        route = self.mock.api.pagers[name, "list"].route
        for request, status in self.mock.api.log.requests:
            key = route.key(request) if status < 300 else None
            known = None if key is None else self.mock.world.find(key)
            if known is not None and (self.mock.world.records(known) or not self._filled(name)):
                return known
        return None

    def _filled(self, name: str) -> bool:
        return any(self.mock.world.records(key) for key in self.mock.world.lists(name))

    def _list_of(self, name: str) -> ListKey:
        """Return the list that histories change; others of the resource become empty."""
        world = self.mock.world
        self._is_read(name)
        chosen = self._requested(name)
        if chosen is None:
            raise NotProvable(f"no list of it is read{self._error}")
        for key in world.lists(name):
            if key != chosen:
                world.put(key, [])
        return chosen

    def _parent(self, name: str) -> SampledResource | None:
        keys = [key for key in self.mock.world.lists(name) if self.mock.world.records(key)]
        return self._listed(name, keys[0], own=True) if keys else None

    def _listed(self, name: str, key: ListKey, *, own: bool = False) -> SampledResource | None:
        """Return a resource with a record of a list, of `own` ones or of others; None if none."""
        here = [one.data for one in self.mock.world.records(key)]
        return sampled_resource(
            self.connector.resource(name),
            self.mock.api.pagers[name, "list"],
            key,
            here,
            [*self.values(name)],
            self.assumptions,
            NEWEST,
            is_recorded=self.has_recording,
            own=own,
        )

    @property
    def has_recording(self) -> bool:
        """Whether the mock serves a recording."""
        return self.mock.source == RECORDING

    def _times(self, line: Iterable[SampledResource]) -> tuple[datetime, timedelta]:
        """Return when histories begin, and the time between two runs."""
        zero, gap = NEWEST, timedelta(days=1)
        for one in line:
            if one.lag:
                gap = min(gap, max(one.lag / 10, timedelta(seconds=100)))
            if one.form is None:
                continue
            gap = max(gap, one.form.unit)
            if one.begin is not None:
                zero = max(zero, one.begin + 3 * one.lag + timedelta(days=100))
        if any(one.form is not None and one.form.kind == "number" for one in line):
            zero = NEWEST
        return zero, gap


def _recorded_mock(connector: Connector, options: MockOptions, recorded: Cassette) -> Mock | None:
    """Return the mock of a recording, None if a run reads nothing of it."""
    try:
        return open_mock(connector, options, recorded)
    except CassetteError:
        return None


def _is_whole(mock: Mock) -> bool:
    """Return whether a mock has lists of all selected resources that request any."""
    known = {name for name, _ in mock.api.pagers} | mock.replayed.keys()
    requested = [one for one in mock.connector.resources if one.endpoint.source is None]
    return all(one.name in known for one in requested if one.selected)


def _page_small(mock: Mock) -> dict[str, tuple[str, int]]:
    """Let the mock have small pages, also where the file sets their size, and no last one.

    Return the last pages that the file had, by resource.
    """
    api = mock.api
    maximums = {}
    for key, pager in list(api.pagers.items()):
        route = pager.route
        if route.paginator is None:
            continue
        paginator = copy.copy(route.paginator)
        paginator.inner = inner = copy.copy(route.paginator.inner)
        if paginator.maximum is not None:
            maximums[key[0]] = paginator.maximum
        if isinstance(inner, OffsetPaginator):
            inner.limit = PAGE_SIZE
        if isinstance(inner, RangePaginator):
            inner.maximum_value = None
        if paginator.rules.page_size:
            paginator.rules = replace(paginator.rules, page_size=PAGE_SIZE)
        small = replace(route, paginator=paginator)
        fresh = pager.envelope.unlearned()
        api.pagers[key] = Pager(small, fresh, pager.client, PAGE_SIZE, pager.unit)
        api.routes = [small if one is route else one for one in api.routes]
    return maximums


def _with_small_pages(connector: Connector) -> Connector:
    """Return the connector with small pages where its file sets their size, and no last one."""

    def small(paginator: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
        if paginator is None or paginator.get("type") == "single_page":
            return paginator
        return {**paginator, **dict.fromkeys({"limit", "page_size"} & paginator.keys(), PAGE_SIZE)}

    connector = without_maximums(connector)
    resources = tuple(
        replace(one, endpoint=replace(one.endpoint, paginator=small(one.endpoint.paginator)))
        for one in connector.resources
    )
    client = replace(connector.client, paginator=small(connector.client.paginator))
    return replace(connector, resources=resources, client=client)
