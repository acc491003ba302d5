"""A connector file held against the live API: a page or two of each resource, and what they show.

Proves the selector, the primary key, the cursor, the second page and what a child binds; for each
fault it says what would mend it. Nothing is loaded, and no value of a record is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from framework.author.recorder import Recorder, RecordingAdapter
from framework.author.suspects import keys, next_pages, record_lists, times
from framework.build.compile import compile_connector
from framework.build.events import Event, Warned, Watch
from framework.build.outcomes import ResourceSkipped
from framework.build.settings import resolve_settings
from framework.build.source import Readings
from framework.build.terms import Sample, Terms
from framework.build.wire import LiveAdapter
from framework.build.world import World
from framework.errors import FrameworkError
from framework.spec.connector import Connector, Resource

Json = Any
SAMPLE = Sample(pages=2, parents=3)
"""Two pages show whether paging works, three parents whether a child's request does."""


@dataclass(frozen=True)
class Proof:
    """One thing that was looked at. `remedy` is the change to the file, for a fault."""

    resource: str
    about: str
    outcome: Literal["ok", "fault", "unknown"]
    message: str
    remedy: str = ""


def prove(
    connector: Connector,
    resources: Sequence[Resource],
    config: Mapping[str, Json],
    alias: str | None,
    world: World,
    watch: Watch,
) -> Iterator[Proof]:
    """What the API's answers say to each resource, parents first."""
    recorder = Recorder()
    client = connector.client
    world = replace(world, wire=lambda n: RecordingAdapter(LiveAdapter.of(client, n), recorder))
    settings = resolve_settings(connector, config, section=alias, replay=world.replay)
    heard: list[Warned] = []

    def hear(event: Event) -> None:
        if isinstance(event, Warned):
            heard.append(event)
        watch(event)

    compiled = compile_connector(connector, settings, world, hear)
    in_flight = connector.client.max_in_flight
    terms = Terms(world, hear, compiled.secrets, in_flight, state={}, sample=SAMPLE)
    readings = Readings(compiled, terms)
    for resource in resources:
        reading = readings[resource.name]
        reading.loads = True
        before = len(recorder.exchanges)
        heard.clear()
        try:
            pages = [list(page) for page in reading.pages()]
        except ResourceSkipped as error:
            yield Proof(resource.name, "request", "unknown", str(error))
            continue
        except FrameworkError as error:
            yield _refused(resource, error)
            continue
        bodies = [_json(one.body) for one in recorder.exchanges[before:] if one.status < 300]
        bodies = [body for body in bodies if body is not None]
        yield from _proofs(resource, pages, bodies, heard, reading.parents)


def _proofs(
    resource: Resource,
    pages: list[list[Json]],
    bodies: list[Json],
    heard: list[Warned],
    parents: int,
) -> Iterator[Proof]:
    records = [record for page in pages for record in page]
    if not bodies:
        reason = f"{resource.parent} gave no record to ask for" if resource.parent else "no answer"
        yield Proof(resource.name, "request", "unknown", reason)
        return
    if not records:
        yield _nothing(resource, bodies[-1])
        return
    found = f"{_selector(resource)}: {_counted(len(records), 'record')}"
    yield Proof(resource.name, "data_selector", "ok", f"{found} on {_counted(len(pages), 'page')}")
    yield from _key(resource, records)
    yield from _cursor(resource, records)
    if resource.parent:
        asked = f"asked for {_counted(parents, 'record')} of {resource.parent}"
        yield Proof(resource.name, "parent", "ok", asked)
    if parents < 2:
        yield _paging(resource, pages, bodies[-1])
    for event in heard:
        yield Proof(resource.name, event.code, "fault", event.message)


def _refused(resource: Resource, error: FrameworkError) -> Proof:
    remedy = ""
    if resource.parent and getattr(error, "status", None) in (400, 404):
        bound = ", ".join(f"`{one.text}` of {one.resource}" for one in resource.bindings)
        remedy = f"the request is made of {bound}: take another field, or correct the path"
    return Proof(resource.name, "request", "fault", str(error), remedy)


def _nothing(resource: Resource, body: Json) -> Proof:
    lists = record_lists(body)
    if not lists:
        return Proof(resource.name, "data_selector", "unknown", "no records in the answer")
    return Proof(
        resource.name,
        "data_selector",
        "fault",
        f"{_selector(resource)}: no records, and the answer has a list",
        " or ".join(f"data_selector: {path}" for path in lists[:3]),
    )


def _key(resource: Resource, records: list[Json]) -> Iterator[Proof]:
    key = resource.primary_key
    rivals = " or ".join(f"primary_key: {name}" for name in keys(records)[:3])
    if not key:
        if resource.write_disposition == "merge" or rivals:
            yield Proof(resource.name, "primary_key", "unknown", "none is declared", rivals)
        return
    values = [tuple(_at(record, name) for name in key) for record in records]
    shown = ", ".join(key)
    empty = sum(None in value for value in values)
    doubled = len(values) - len(set(map(str, values)))
    if empty:
        message = f"{shown}: null or missing in {empty:,} of {len(values):,} records"
    elif doubled:
        message = f"{shown}: {doubled:,} of {len(values):,} records have a key that came before"
    else:
        yield Proof(resource.name, "primary_key", "ok", f"{shown}: tells all records apart")
        return
    yield Proof(resource.name, "primary_key", "fault", message, rivals)


def _cursor(resource: Resource, records: list[Json]) -> Iterator[Proof]:
    incremental = resource.endpoint.incremental
    if incremental is None:
        return
    path = incremental.cursor_path
    empty = sum(_at(record, path) is None for record in records)
    if not empty:
        yield Proof(resource.name, "cursor_path", "ok", f"{path}: in every record")
        return
    yield Proof(
        resource.name,
        "cursor_path",
        "fault",
        f"{path}: null or missing in {empty:,} of {len(records):,} records",
        " or ".join(f"cursor_path: {name}" for name in times(records)[:3]),
    )


def _paging(resource: Resource, pages: list[list[Json]], body: Json) -> Proof:
    if len(pages) > 1:
        return Proof(resource.name, "paginator", "ok", "the second page holds other records")
    more = next_pages(body, len(pages[0]))
    if more:
        return Proof(
            resource.name,
            "paginator",
            "fault",
            "one page was read, and its answer speaks of more",
            f"let the paginator read {' or '.join(more[:3])}",
        )
    return Proof(resource.name, "paginator", "unknown", "one page, and no sign of a second")


def _selector(resource: Resource) -> str:
    selector = resource.endpoint.data_selector
    return "none" if selector is None else getattr(selector, "text", str(selector))


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}"


def _at(record: Json, path: str) -> Json:
    for name in path.split("."):
        record = record.get(name) if isinstance(record, Mapping) else None
    return record


def _json(body: bytes) -> Json:
    import orjson

    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
