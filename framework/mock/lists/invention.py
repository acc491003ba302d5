"""A mock without a recording: lists are invented from the declared schemas as they are requested.

A list is the same for the same seed, in whatever order lists are requested. A child has lists for
the records of its parent only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Connector, Endpoint, Resource
from framework.definition.values.datetimes import (
    TimeError,
    is_time,
    read_time,
    same_format,
    write_time,
)
from framework.errors import SettingsError
from framework.events import ignore_event
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.next_page_signs import list_place
from framework.extract.paging_fields import Total
from framework.extract.selectors import JmesPath
from framework.mock.faults import chance
from framework.mock.lists.new_parents import ParentRecords
from framework.mock.lists.record_maker import RecordMaker
from framework.mock.lists.world import ListKey, World
from framework.mock.mock_api import MockApi
from framework.mock.mock_auth import guard_of
from framework.mock.mock_message import MockRequest, Pairs
from framework.mock.mock_options import Mock, MockOptions
from framework.mock.pages.elements import Elements
from framework.mock.pages.envelope import Envelope, RecordedPage, put, without_records
from framework.mock.pages.paging import Pager
from framework.mock.pages.ranges import RangeFilter
from framework.mock.pages.routes import Route, routes_of
from framework.runtime.environment import Environment
from framework.runtime.field_paths import ABSENT, get_field, put_field
from framework.runtime.settings import resolve_settings
from framework.runtime.templates import text_of

Json = Any
LEAST_EPOCH = 1_000_000_000
"""A number from here on is seconds since 1970; a smaller one counts something."""
CONTENT_TYPES = {"json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv"}
_WRAPPED = re.compile(r"((?:\w+\.)*\w+)?\[\*?\]\.((?:\w+\.)*\w+)")
"""A selector of one field of each element: `data.edges[].node`."""


@dataclass
class InventedLists:
    """Makes the records of lists that are requested for the first time.

    `shapes` say what surrounds each record in its list, by resource: the keys to it.
    """

    compiled: CompiledConnector
    seed: int
    rows: int
    now: datetime
    shapes: Mapping[str, tuple[str, ...]]
    parents: ParentRecords
    single: frozenset[str]
    _bound: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find which fields of parents their children need."""
        for plan in self.compiled.plans.values():
            for line in plan.lines:
                for one in (*line.bindings, *line.ancestor_bindings):
                    fields = self._bound.setdefault(one.binding.resource, set())
                    if isinstance(one.selector, Expression):
                        paths = (path for path in one.selector.reads(over_context=True) if path)
                        fields.update(".".join(map(str, path)) for path in paths)

    def __call__(self, route: Route, key: ListKey, request: MockRequest) -> Sequence[Json] | None:
        """Return the records of a list, None if its parent has no such record: an `Invent`."""
        if route.step != "list":
            return None
        if not self.parents.have(route, request):
            return None
        seed = int(chance(self.seed, key.digest) * 2**31)
        maker = RecordMaker(seed, self.now)
        count = 1 if route.resource in self.single else self.rows
        records = [self._record(route, maker, number, key) for number in range(count)]
        if route.plan.endpoint.response_format.kind in ("csv", "xml", "text"):
            records = [_as_text(record) for record in records]
        self._set_cursors(route, records)
        shape = self.shapes.get(route.resource, ())
        return [_wrapped(record, shape) for record in records]

    def _record(self, route: Route, maker: RecordMaker, number: int, key: ListKey) -> Json:
        resource = route.plan.resource
        record = maker.record(resource.schema or _SCHEMALESS)
        needed = [*resource.primary_key, *self._bound.get(route.resource, ())]
        for name in dict.fromkeys(needed):
            if name.startswith("_"):
                continue
            value = get_field(record, name)
            if name in resource.primary_key or value in (ABSENT, None, ""):
                put_field(record, name, _unique(value, key, number, resource))
        return record

    def _set_cursors(self, route: Route, records: Sequence[Json]) -> None:
        """Give the records cursors in the incremental's order, an hour apart, up to now."""
        spec = route.plan.endpoint.incremental
        if spec is None:
            return
        initial = spec.arguments.get("initial_value")
        ordered = list(records)
        if spec.arguments.get("row_order") == "desc":
            ordered.reverse()
        count = len(ordered)
        for number, record in enumerate(ordered):
            value = get_field(record, spec.cursor_path)
            example = initial if value in (ABSENT, None) else value
            written = same_format(value) if is_time(value) else spec.format or same_format(example)
            form = (*spec.cursor_formats, written)[0]
            moment = self.now - timedelta(hours=count - number)
            is_number = isinstance(initial, int) and isinstance(example, int) and not spec.timed
            if isinstance(initial, int) and is_number and initial < LEAST_EPOCH:
                put_field(record, spec.cursor_path, initial + number + 1)
            else:
                first = _moment(initial)
                moment = moment if first is None else max(moment, first)
                put_field(record, spec.cursor_path, write_time(moment, form))


_SCHEMALESS: Mapping[str, Json] = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
}
"""What records hold whose resource declares no schema."""


def mock_of_schemas(connector: Connector, options: MockOptions) -> Mock:
    """Return a mock whose records are invented. Raise SettingsError if no resource can be."""
    now = options.now or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    config = {**required_config(connector), **options.config}
    settings = resolve_settings(connector, config, replay=True)
    environment = Environment(now=now, waits=False, replay=True)
    compiled = compile_connector(connector, settings, environment, ignore_event)
    given = {
        name: str(options.config[name]) for name in connector.secrets if name in options.config
    }
    guard = guard_of(compiled, given)
    routes = routes_of(compiled, {}, guard.places)
    notes, pagers, shapes, single, ranges = [], {}, {}, set(), {}
    for route in routes:
        name = route.resource
        if route.step != "list" or route.plan.endpoint.export is not None:
            continue
        try:
            envelope, shape = _envelope(route)
        except SettingsError as error:
            notes.append(str(error))
            continue
        shapes[name] = shape
        if envelope.is_object:
            single.add(name)
        pagers[name, "list"] = Pager(route, envelope, compiled.client, options.page_size)
        ranges[name] = RangeFilter(Elements(route, envelope), now)
    notes += [
        f"{plan.resource.name}: export jobs cannot be invented; record a cassette"
        for plan in compiled.plans.values()
        if plan.endpoint.export is not None
    ]
    if not pagers:
        raise SettingsError("\n".join(notes) or f"{connector.name} has no list to invent")
    world = World()
    elements = {name: Elements(one.route, one.envelope) for (name, _), one in pagers.items()}
    parents = ParentRecords(world, elements)
    lists = InventedLists(
        compiled, options.seed, options.rows, now, shapes, parents, frozenset(single)
    )
    api = MockApi(routes, world, pagers, guard, invent=lists)
    api.ranges.update({name: one for name, one in ranges.items() if one.reads})
    return Mock(connector, api, f"its schemas, seed {options.seed}", notes)


def required_config(connector: Connector) -> dict[str, Json]:
    """Return stand-ins for config that has no default."""
    stand_ins: dict[str, Json] = {}
    for name, entry in connector.config.items():
        if entry.required:
            begins_url = connector.client.base_url.startswith(f"{{config.{name}}}")
            schema = {**entry.schema, "format": "uri"} if begins_url else entry.schema
            stand_ins[name] = RecordMaker(0).value(schema, name, 0)
    return stand_ins


def _envelope(route: Route) -> tuple[Envelope, tuple[str, ...]]:
    """Return what surrounds a resource's list, and each record in it.

    Raise SettingsError if the selector does not tell.
    """
    endpoint, plan = route.plan.endpoint, route.plan
    names, is_whole = list_place(endpoint)
    shape: tuple[str, ...] = ()
    if endpoint.data_selector is None:
        names, is_whole = (("data",) if _reads_body(route) else ()), True
    wrapped = _WRAPPED.fullmatch(str(getattr(endpoint.data_selector, "text", "")))
    if not is_whole and wrapped is not None:
        names = tuple(wrapped[1].split(".")) if wrapped[1] else ()
        shape, is_whole = tuple(wrapped[2].split(".")), True
    if not is_whole and isinstance(plan.selector, JmesPath):
        raise SettingsError(
            f"{route.resource}: no body can be invented for the data_selector "
            f"`{endpoint.data_selector and plan.selector}`; record a cassette"
        )
    is_object = bool(route.paginator and route.paginator.is_single_page and _is_single(endpoint))
    body: dict[str, Json] = {}
    if names:
        put(body, names, [])
    kind = CONTENT_TYPES.get(endpoint.response_format.kind, "application/xml")
    headers: Pairs = (("Content-Type", kind),)
    sample = RecordedPage(without_records(body, names), headers, 200, 1, 0, 0, True)
    return Envelope(tuple(names), is_object, [sample]), shape


def _reads_body(route: Route) -> bool:
    inner = route.inner
    total = getattr(inner, "total_path", None)
    paths = ("cursor_path", "next_url_path", "has_more_path")
    return isinstance(total, Total) or any(getattr(inner, name, None) for name in paths)


def _is_single(endpoint: Endpoint) -> bool:
    """Return whether a path is that of one object: its last word is a variable or no plural."""
    last = endpoint.path.rstrip("/").rpartition("/")[2]
    return last.startswith("{") or not last.endswith("s")


def _unique(value: Json, key: ListKey, number: int, resource: Resource) -> Json:
    base = int(key.digest, 16) % 1_000_000
    if isinstance(value, bool) or value in (ABSENT, None, ""):
        properties = (resource.schema or {}).get("properties") or {}
        return f"{resource.name}-{key.digest}-{number + 1}" if properties else number + 1
    if isinstance(value, (int, float)):
        return base * 1000 + number + 1 if resource.parent else number + 1
    text = str(value)
    if re.fullmatch(r"[0-9a-f-]{36}", text):
        return text
    return (
        text
        if "://" in text and re.search(r"[0-9a-f-]{36}$", text)
        else f"{text}-{key.digest}{number}"
    )


def _wrapped(record: Json, shape: Iterable[str]) -> Json:
    for name in reversed(tuple(shape)):
        record = {name: record}
    return record


def _as_text(record: Mapping[str, Json]) -> dict[str, Json]:
    """Return a record of plain texts, as CSV and XML have them."""
    plain = {name: value for name, value in record.items() if not isinstance(value, (dict, list))}
    return {name: "-" if value is None else text_of(value) for name, value in plain.items()}


def _moment(value: Json) -> datetime | None:
    try:
        return read_time(value, (same_format(value), "iso"))[0]
    except TimeError:
        return None
