"""Read from the API without loading: the first records of a resource, or one request each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from framework.authoring.cassettes.cassette import cassette_path, read_cassette
from framework.authoring.cassettes.replayer import replay_of
from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError, Interrupted, RequestError, ResourceSkipped
from framework.events import Event, EventHandler, WarningRaised
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.page import Record
from framework.extract.read_options import ReadOptions, Sample
from framework.load.partition_queries import query_of
from framework.load.run_options import RunOptions
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.settings import resolve_settings

Json = Any


@dataclass(frozen=True)
class Probe:
    """The outcome of one request to a resource.

    `skipped` is by the file's own action. `unknown` means that the parent has no record to request
    it for, or is refused itself. `warnings` (code and message) are those that a run would raise.
    """

    resource: str
    outcome: Literal["readable", "refused", "skipped", "unknown"]
    message: str
    status: int | None = None
    warnings: tuple[dict[str, str], ...] = ()


def not_requested(ancestor: str) -> str:
    """Return why a resource was not requested if an ancestor failed, which has its own error."""
    return f"not requested, because {ancestor} cannot be read"


def first_records(
    connector: Connector,
    resources: Iterable[Resource],
    limit: int,
    config: Mapping[str, Json],
    alias: str | None,
    environment: Environment,
    on_event: EventHandler,
) -> Iterator[tuple[Resource, list[Record] | FrameworkError]]:
    """Yield at most `limit` records of each resource, as they would be loaded, or its error.

    Parents are limited likewise. A resource that cannot be read does not stop the others.
    """
    compiled = _compile(connector, config, alias, environment, on_event)
    readers = _readers(compiled, limit, environment, on_event)
    yielded: set[str] = set()
    for resource in resources:
        reader = readers[resource.name]
        try:
            yield resource, [one for page in reader.open_table() for one in page.records]
        except ResourceSkipped as error:
            yield resource, RequestError(str(error))
        except Interrupted:
            raise
        except FrameworkError as error:
            ancestor = reader.failed_ancestor(error)
            if ancestor in yielded:
                error = RequestError(f"{resource.name}: {not_requested(ancestor)}")
            yield resource, error
        yielded.add(resource.name)


def recorded_or_live(
    connector: Connector,
    resources: Iterable[Resource],
    limit: int,
    config: Mapping[str, Json],
    alias: str | None,
    replay: str | None,
    stop: StopSignal,
    on_event: EventHandler,
) -> Iterator[tuple[Resource, list[Record] | FrameworkError]]:
    """Yield `first_records` of the API, or of the cassette `replay` ("" is the connector's own)."""
    if replay is None:
        query = query_of(connector, RunOptions(alias=alias))
        environment = Environment(stop=stop, query=query)
        return first_records(connector, resources, limit, config, alias, environment, on_event)
    cassette = read_cassette(Path(replay) if replay else cassette_path(connector), connector.name)
    recorded = replay_of(cassette, RunOptions(config=config), stop)
    return first_records(
        connector, resources, limit, recorded.options.config, alias, recorded.environment, on_event
    )


def probe(
    connector: Connector,
    resources: Iterable[Resource],
    config: Mapping[str, Json],
    alias: str | None,
    environment: Environment,
    on_event: EventHandler,
) -> list[Probe]:
    """Return whether each resource can be read, by one request to it."""
    warnings: list[WarningRaised] = []

    def note(event: Event) -> None:
        if isinstance(event, WarningRaised):
            warnings.append(event)
        on_event(event)

    compiled = _compile(connector, config, alias, environment, note)
    # one page even if it is empty: a limit would read on until it has records
    sample = Sample(1, 1, lambda *_: None)
    read_options = ReadOptions(
        environment, note, compiled.redactor, 1, state={}, sample=sample, awaits_jobs=False
    )
    readers = ResourceReaders(compiled, read_options)
    probes: list[Probe] = []
    for resource in resources:
        reader = readers[resource.name]
        try:
            count = sum(page.count for page in reader.open_table())
        except ResourceSkipped as error:
            probes.append(Probe(resource.name, "skipped", str(error)))
        except Interrupted:
            raise
        except FrameworkError as error:
            ancestor = reader.failed_ancestor(error)
            if ancestor in {one.resource for one in probes}:
                probes.append(Probe(resource.name, "unknown", not_requested(ancestor)))
                continue
            status = getattr(error, "status", None)
            probes.append(Probe(resource.name, "refused", str(error), status))
        else:
            missing = [
                one.message
                for one in warnings
                if one.resource == resource.name and one.code == "selector-no-match"
            ]
            if missing:  # a run fails
                probes.append(Probe(resource.name, "refused", f"{resource.name}: {missing[0]}"))
            elif count == 0 and reader.is_unread:
                reason = f"{resource.parent} has no record to request it for"
                probes.append(Probe(resource.name, "unknown", reason))
            elif resource.endpoint.export is not None:
                probes.append(Probe(resource.name, "readable", "its export job was created"))
            else:
                probes.append(Probe(resource.name, "readable", "" if count else "no records"))
    ignored = {one.name: one.ignore_warnings for one in connector.resources}
    return [
        replace(one, warnings=_warnings(warnings, one.resource, ignored[one.resource]))
        for one in probes
    ]


def _warnings(
    warnings: Iterable[WarningRaised], resource: str, ignored: frozenset[str]
) -> tuple[dict[str, str], ...]:
    return tuple(
        {"code": one.code, "message": one.message}
        for one in warnings
        if one.resource == resource and one.code not in {"selector-no-match", *ignored}
    )


def _compile(
    connector: Connector,
    config: Mapping[str, Json],
    alias: str | None,
    environment: Environment,
    on_event: EventHandler,
) -> CompiledConnector:
    settings = resolve_settings(connector, config, section=alias, replay=environment.replay)
    return compile_connector(connector, settings, environment, on_event)


def _readers(
    compiled: CompiledConnector, limit: int, environment: Environment, on_event: EventHandler
) -> ResourceReaders:
    in_flight = compiled.connector.client.most_in_flight
    return ResourceReaders(
        compiled, ReadOptions(environment, on_event, compiled.redactor, in_flight, limit, state={})
    )
