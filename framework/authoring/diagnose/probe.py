"""A look at the API without loading: the first records of a resource, or one request each."""

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
from framework.extract.compiler import CompiledConnector, compile_connector
from framework.extract.dlt_source import ResourceReaders
from framework.extract.page import Record
from framework.extract.read_options import ReadOptions, Sample
from framework.load.run_options import RunOptions
from framework.runtime.environment import Environment, StopSignal
from framework.runtime.settings import resolve_settings

Json = Any


@dataclass(frozen=True)
class Probe:
    """What one request to a resource gave: `readable`, `refused` (with the error), `skipped` by
    the file's own action, or `unknown` where the parent gave no record to ask for or is itself told
    to be refused. `warnings` are those that a run would give, each with its code and message."""

    resource: str
    outcome: Literal["readable", "refused", "skipped", "unknown"]
    message: str
    status: int | None = None
    warnings: tuple[dict[str, str], ...] = ()


def not_asked(above: str) -> str:
    """Why a resource was not asked, where an ancestor's error is told at that one."""
    return f"not asked, because {above} cannot be read"


def first_records(
    connector: Connector,
    resources: Iterable[Resource],
    limit: int,
    config: Mapping[str, Json],
    alias: str | None,
    environment: Environment,
    on_event: EventHandler,
) -> Iterator[tuple[Resource, list[Record] | FrameworkError]]:
    """At most `limit` records of each resource, as they would be loaded; parents likewise. Or why
    there are none: a list that cannot be read leaves the others."""
    compiled = _compile(connector, config, alias, environment, on_event)
    readings = _readings(compiled, limit, environment, on_event)
    told: set[str] = set()
    for resource in resources:
        reading = readings[resource.name]
        # a child of this resource reads the same list: keep what was read for it
        reading.loads = True
        try:
            yield resource, [record for page in reading.pages() for record in page]
        except ResourceSkipped as error:
            yield resource, RequestError(str(error))
        except Interrupted:
            raise
        except FrameworkError as error:
            above = reading.ended_above(error)
            if above in told:
                error = RequestError(f"{resource.name}: {not_asked(above)}")
            yield resource, error
        told.add(resource.name)


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
    """`first_records` of the API; with `replay` of that cassette, "" being the connector's own."""
    if replay is None:
        return first_records(
            connector, resources, limit, config, alias, Environment(stop=stop), on_event
        )
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
    """Whether each resource can be read, by one request to it."""
    heard: list[WarningRaised] = []

    def hear(event: Event) -> None:
        if isinstance(event, WarningRaised):
            heard.append(event)
        on_event(event)

    compiled = _compile(connector, config, alias, environment, hear)
    # one page, however few records it has: a limit would go on to the next ones until it has some
    sample = Sample(1, 1, lambda *_: None)
    read_options = ReadOptions(
        environment, hear, compiled.redactor, 1, state={}, sample=sample, awaits_jobs=False
    )
    readings = ResourceReaders(compiled, read_options)
    found: list[Probe] = []
    for resource in resources:
        reading = readings[resource.name]
        # a child of this resource reads the same list: keep what was read for it
        reading.loads = True
        try:
            count = sum(len(page) for page in reading.pages())
        except ResourceSkipped as error:
            found.append(Probe(resource.name, "skipped", str(error)))
        except FrameworkError as error:
            above = reading.ended_above(error)
            if above in {one.resource for one in found}:
                found.append(Probe(resource.name, "unknown", not_asked(above)))
                continue
            status = getattr(error, "status", None)
            found.append(Probe(resource.name, "refused", str(error), status))
        else:
            if count == 0 and reading.explained_empty:
                reason = f"{resource.parent} has no record to ask for"
                found.append(Probe(resource.name, "unknown", reason))
            elif resource.endpoint.export is not None:
                found.append(Probe(resource.name, "readable", "its export job was created"))
            else:
                found.append(Probe(resource.name, "readable", "" if count else "no records"))
    return [replace(one, warnings=_warnings(heard, one.resource)) for one in found]


def _warnings(heard: Iterable[WarningRaised], resource: str) -> tuple[dict[str, str], ...]:
    return tuple(
        {"code": one.code, "message": one.message} for one in heard if one.resource == resource
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


def _readings(
    compiled: CompiledConnector, limit: int, environment: Environment, on_event: EventHandler
) -> ResourceReaders:
    in_flight = compiled.connector.client.max_in_flight
    return ResourceReaders(
        compiled, ReadOptions(environment, on_event, compiled.redactor, in_flight, limit, state={})
    )
