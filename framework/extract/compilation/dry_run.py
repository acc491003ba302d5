"""Build a valid connector once, with stand-ins for unknown settings, to see if dlt accepts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from framework.definition.model import Connector
from framework.definition.schema.string_formats import FORMAT_EXAMPLES
from framework.events import ignore_event
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import reading_source
from framework.extract.read_options import ReadOptions
from framework.runtime.environment import Environment
from framework.runtime.settings import STAND_IN, Settings

Json = Any
SAMPLES = {
    "integer": 1,
    "number": 1.0,
    "boolean": True,
    "array": [],
    "object": {},
}


def build_with_placeholders(connector: Connector) -> list[tuple[tuple[()], str]]:
    """Return dlt's errors about the connector, each with its place.

    No request is sent and no setting is looked up.
    """
    settings = Settings(
        connector.name,
        {
            name: _sample(entry.schema) if entry.required else entry.default
            for name, entry in connector.config.items()
        },
        dict.fromkeys(connector.secrets, STAND_IN),
    )
    environment = Environment(waits=False)
    try:
        compiled = compile_connector(connector, settings, environment, ignore_event)
        reading_source(compiled, ReadOptions(environment, ignore_event, compiled.redactor, 1))
    except Exception as error:
        return [((), f"dlt cannot build it: {type(error).__name__}: {error}")]
    return []


def _sample(schema: Mapping[str, Json]) -> Json:
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind in SAMPLES:
        return schema.get("minimum", SAMPLES[kind])
    return FORMAT_EXAMPLES.get(schema.get("format", ""), "sample")
