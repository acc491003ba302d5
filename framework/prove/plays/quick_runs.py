"""Runs that read as a run does, with requests, pages and watermarks, into tables in memory.

They take a fiftieth of the time of a run into a destination, so that many histories can be tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import requests
from requests.adapters import BaseAdapter

from framework.definition.model import Connector
from framework.events import ignore_event
from framework.extract.compilation.compiler import compile_connector
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.read_options import ReadOptions
from framework.mock.mock_adapter import MockAdapter
from framework.mock.mock_api import MockApi
from framework.prove.plays.memory_tables import MemoryTable
from framework.runtime.environment import Environment, QueryValues, StopSignal
from framework.runtime.redaction import Redactor
from framework.runtime.settings import Settings

Json = Any


class ClockedAdapter(BaseAdapter):
    """Answers from a mock whose clock is behind this machine's by `skew`: its `Date` says so."""

    def __init__(self, api: MockApi, query: QueryValues | None = None) -> None:
        super().__init__()
        self._inner = MockAdapter(api)
        self.query = query
        """The values of partitions from queries."""
        self.skew = timedelta(0)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the mock's response."""
        response = self._inner.send(request)
        if self.skew:
            response.headers["Date"] = format_datetime(datetime.now(UTC) - self.skew, usegmt=True)
        return response

    def close(self) -> None:
        """Do nothing: nothing is open."""


def environment_at(
    now: datetime, adapter: ClockedAdapter, skew: timedelta, stop: StopSignal
) -> Environment:
    """Return the environment of a run that begins then; the API's clock is behind by `skew`."""
    adapter.skew = skew
    return Environment(
        now=now,
        transport=lambda _: adapter,
        waits=False,
        stop=stop,
        redactor=Redactor(),
        query=adapter.query,
    )


class QuickRuns:
    """Runs of some resources of a connector, one after the other, with one state."""

    def __init__(
        self,
        connector: Connector,
        settings: Settings,
        names: Sequence[str],
        adapter: ClockedAdapter,
        stop: StopSignal,
    ) -> None:
        self._connector = connector
        self._settings = settings
        self._names = tuple(names)
        self._adapter = adapter
        self._stop = stop
        self._state: dict[str, dict[str, Json]] = {}
        self.tables = {name: MemoryTable(connector.resource(name)) for name in names}

    def run(self, now: datetime, skew: timedelta = timedelta(0)) -> None:
        """Run once. Raise FrameworkError if a resource cannot be read."""
        environment = environment_at(now, self._adapter, skew, self._stop)
        compiled = compile_connector(self._connector, self._settings, environment, ignore_event)
        options = ReadOptions(*(environment, ignore_event, compiled.redactor, 1), state=self._state)
        readers = ResourceReaders(compiled, options, self._names)
        opened = {name: readers.open_table(name) for name in self._names}
        for name, pages in opened.items():
            self.tables[name].load([record for page in pages for record in page.records])

    def rows(self, name: str) -> Sequence[Mapping[str, Json]]:
        """Return the rows of a resource's table."""
        return self.tables[name].rows
