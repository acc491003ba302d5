"""A compiled connector as a DltSource: each resource handed to dlt with a generator of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dlt
from dlt.extract import DltResource, DltSource
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource

from framework.build.compile import Compiled
from framework.build.cursor import Cursor
from framework.build.hints import resource_hints
from framework.build.reading import Reading, Terms
from framework.build.records import shaper

BATCH = 5000
"""Records handed to dlt at once: each hand-over costs dlt milliseconds of its own."""


class Readings:
    """The readings of one run, by resource. A source used once more gets new ones."""

    def __init__(self, compiled: Compiled, terms: Terms) -> None:
        self._compiled = compiled
        self._terms = terms
        self._taken: set[str] = set()
        self._round = self._begin()

    def __getitem__(self, name: str) -> Reading:
        return self._round[name]

    def for_table(self, name: str) -> Reading:
        """The reading whose records will be loaded; a new round where it was taken before."""
        if name in self._taken:
            self._round = self._begin()
            self._taken.clear()
        self._taken.add(name)
        reading = self._round[name]
        reading.loads = True
        return reading

    def _begin(self) -> dict[str, Reading]:
        readings: dict[str, Reading] = {}
        for name, plan in self._compiled.plans.items():
            cursor = None
            incremental = plan.endpoint.incremental
            if incremental is not None:
                cursor = Cursor(
                    name,
                    incremental,
                    incremental.arguments,
                    plan.resource.primary_key,
                    self._terms.world.now,
                )
            reading = Reading(plan, self._compiled.client, cursor, self._terms)
            reading.loads = False
            readings[name] = reading
        for name, plan in self._compiled.plans.items():
            if plan.resource.parent is not None:
                readings[plan.resource.parent].feed(readings[name])
        return readings


def build_source(compiled: Compiled, terms: Terms) -> tuple[DltSource, Readings]:
    """The source, named after the connector, and what it reads from."""
    readings = Readings(compiled, terms)
    resources: list[str | EndpointResource | DltResource] = [
        _resource(compiled, readings, name) for name in compiled.plans
    ]
    source = rest_api_source(
        {"client": {"base_url": compiled.client.base_url}, "resources": resources},
        name=compiled.connector.name,
    )
    return source, readings


def _resource(compiled: Compiled, readings: Readings, name: str) -> DltResource:
    resource = compiled.plans[name].resource
    made: DltResource = dlt.resource(
        _starter(readings, name),
        name=name,
        selected=resource.selected,
        **resource_hints(resource),
    )
    return made


def _starter(readings: Readings, name: str) -> Callable[[], Iterator[Any]]:
    def start() -> Iterator[Any]:
        # dlt calls this for all selected resources before it reads any of them: so every
        # reading knows in time whether its records will be wanted
        return _rows(readings.for_table(name))

    return start


def _rows(reading: Reading) -> Iterator[Any]:
    """Batches of records for dlt; an empty table's schema where there are none."""
    resource = reading.plan.resource
    shape = shaper(resource)
    batch: list[dict[str, Any]] = []
    any_yielded = False
    for page in reading.pages():
        batch += shape(page)
        if len(batch) >= BATCH:
            any_yielded = True
            yield batch
            batch = []
    if batch:
        yield batch
    elif not any_yielded and resource.schema is not None:
        yield dlt.mark.materialize_table_schema()
