"""A look at the API without loading: the first records of a resource, or one request each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from framework.author.cassette import read_cassette
from framework.author.replays import cassette_of, played
from framework.build.compile import Compiled, compile_connector
from framework.build.events import Watch
from framework.build.outcomes import ResourceSkipped
from framework.build.records import Record
from framework.build.settings import resolve_settings
from framework.build.source import Readings
from framework.build.terms import Terms
from framework.build.world import Stop, World
from framework.errors import FrameworkError, Interrupted, RequestError
from framework.run.options import RunOptions
from framework.spec.connector import Connector, Resource

Json = Any


@dataclass(frozen=True)
class Looked:
    """What one request to a resource gave: `readable`, `refused` (with the error), `skipped` by
    the file's own action, or `unknown` where the parent gave no record to ask for."""

    resource: str
    outcome: Literal["readable", "refused", "skipped", "unknown"]
    message: str
    status: int | None = None


def first_records(
    connector: Connector,
    resources: Iterable[Resource],
    limit: int,
    config: Mapping[str, Json],
    alias: str | None,
    world: World,
    watch: Watch,
) -> Iterator[tuple[Resource, list[Record] | FrameworkError]]:
    """At most `limit` records of each resource, as they would be loaded; parents likewise. Or why
    there are none: a list that cannot be read leaves the others."""
    compiled = _compile(connector, config, alias, world, watch)
    readings = _readings(compiled, limit, world, watch)
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
            yield resource, error


def recorded_or_live(
    connector: Connector,
    resources: Iterable[Resource],
    limit: int,
    config: Mapping[str, Json],
    alias: str | None,
    replay: str | None,
    stop: Stop,
    watch: Watch,
) -> Iterator[tuple[Resource, list[Record] | FrameworkError]]:
    """`first_records` of the API; with `replay` of that cassette, "" being the connector's own."""
    if replay is None:
        return first_records(connector, resources, limit, config, alias, World(stop=stop), watch)
    cassette = read_cassette(Path(replay) if replay else cassette_of(connector), connector.name)
    playing = played(cassette, RunOptions(config=config), stop)
    return first_records(
        connector, resources, limit, playing.options.config, alias, playing.world, watch
    )


def look_at(
    connector: Connector,
    resources: Iterable[Resource],
    config: Mapping[str, Json],
    alias: str | None,
    world: World,
    watch: Watch,
) -> list[Looked]:
    """Whether each resource can be read, by one request to it."""
    compiled = _compile(connector, config, alias, world, watch)
    readings = _readings(compiled, 1, world, watch, awaits_jobs=False)
    found = []
    for resource in resources:
        reading = readings[resource.name]
        # a child of this resource reads the same list: keep what was read for it
        reading.loads = True
        try:
            count = sum(len(page) for page in reading.pages())
        except ResourceSkipped as error:
            found.append(Looked(resource.name, "skipped", str(error)))
        except FrameworkError as error:
            status = getattr(error, "status", None)
            found.append(Looked(resource.name, "refused", str(error), status))
        else:
            if count == 0 and reading.explained_empty:
                reason = f"{resource.parent} has no record to ask for"
                found.append(Looked(resource.name, "unknown", reason))
            elif resource.endpoint.export is not None:
                found.append(Looked(resource.name, "readable", "its export job was created"))
            else:
                found.append(Looked(resource.name, "readable", "" if count else "no records"))
    return found


def _compile(
    connector: Connector,
    config: Mapping[str, Json],
    alias: str | None,
    world: World,
    watch: Watch,
) -> Compiled:
    settings = resolve_settings(connector, config, section=alias, replay=world.replay)
    return compile_connector(connector, settings, world, watch)


def _readings(
    compiled: Compiled, limit: int, world: World, watch: Watch, *, awaits_jobs: bool = True
) -> Readings:
    in_flight = compiled.connector.client.max_in_flight
    terms = Terms(
        world, watch, compiled.secrets, in_flight, limit, state={}, awaits_jobs=awaits_jobs
    )
    return Readings(compiled, terms)
