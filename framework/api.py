"""Open a connector by name, as a DltSource or a RESTAPIConfig."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dlt.extract import DltSource

from framework.definition.finder import Location, find_connector
from framework.definition.model import Connector
from framework.definition.validation import validate
from framework.errors import FindingsError
from framework.events import ignore_event
from framework.extract.compilation.compiler import CompiledConnector, compile_connector
from framework.extract.compilation.dlt_config import rest_api_config
from framework.extract.compilation.dlt_source import reading_source
from framework.extract.metadata_columns import columns_for_dlt
from framework.extract.read_options import ReadOptions
from framework.runtime.environment import Environment, QueryValues
from framework.runtime.settings import resolve_settings

Json = Any


def valid_connector(location: Location) -> Connector:
    """Return the connector of a file; raise FindingsError with all findings if it has errors."""
    result = validate(location)
    if result.connector is None:
        raise FindingsError(result.findings)
    return result.connector


def open_source(name: str, config: Mapping[str, Json], query: QueryValues) -> DltSource:
    """Return the DltSource; see `framework.source`. `query` reads from its pipeline's tables."""
    compiled, options = _open(name, config, query)
    return reading_source(compiled, options, partial(columns_for_dlt, compiled, options))


def open_config(name: str, config: Mapping[str, Json]) -> dict[str, Json]:
    """Return the RESTAPIConfig; see `framework.rest_api_config`."""
    compiled, _ = _open(name, config)
    return rest_api_config(compiled)


def _open(
    name: str, config: Mapping[str, Json], query: QueryValues | None = None
) -> tuple[CompiledConnector, ReadOptions]:
    connector = valid_connector(find_connector(name))
    environment = Environment(query=query)
    compiled = compile_connector(
        connector, resolve_settings(connector, config), environment, ignore_event
    )
    limit = connector.client.most_in_flight
    return compiled, ReadOptions(environment, ignore_event, compiled.redactor, limit)
