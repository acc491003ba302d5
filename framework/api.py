"""A connector's name to what Python code wants of it: a DltSource or a RESTAPIConfig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlt.extract import DltSource

from framework.definition.finder import Location, locate
from framework.definition.model import Connector
from framework.definition.validation import judge
from framework.errors import FindingsError
from framework.events import unwatched
from framework.extract.compiler import Compiled, compile_connector
from framework.extract.dlt_config import rest_api_config
from framework.extract.dlt_source import reading_source
from framework.extract.read_options import Terms
from framework.runtime.environment import World
from framework.runtime.settings import resolve_settings

Json = Any


def judged(location: Location) -> Connector:
    """The connector of a file without errors; FindingsError with all of them otherwise."""
    outcome = judge(location)
    if outcome.connector is None:
        raise FindingsError(outcome.findings)
    return outcome.connector


def open_source(name: str, config: Mapping[str, Json]) -> DltSource:
    """See `framework.source`."""
    compiled, terms = _open(name, config)
    return reading_source(compiled, terms)


def open_config(name: str, config: Mapping[str, Json]) -> dict[str, Json]:
    """See `framework.rest_api_config`."""
    compiled, _ = _open(name, config)
    return rest_api_config(compiled)


def _open(name: str, config: Mapping[str, Json]) -> tuple[Compiled, Terms]:
    connector = judged(locate(name))
    world = World()
    compiled = compile_connector(connector, resolve_settings(connector, config), world, unwatched)
    limit = connector.client.max_in_flight
    return compiled, Terms(world, unwatched, compiled.secrets, limit)
