"""The extract stage: every selected resource is read into its sink before dlt gets a record.

The unit of failure is the resource: one that fails loads no record and moves no watermark, and
its descendants are skipped.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from itertools import chain

import pyarrow as pa

from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError, ResourceSkipped
from framework.events import ResourceEnded, ResourceStarted, WarningRaised
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.page import Page
from framework.extract.resource_reader import ResourceReader
from framework.load.declared_tables import root_table
from framework.load.monitors.missing_fields import LEAST, MissingFieldMonitor
from framework.load.report import Collector, ResourceReport
from framework.load.sink import Sink
from framework.runtime.environment import Environment
from framework.runtime.thread_pool import run_in_order


class Extractor:
    """Read the resources of one run into sinks.

    `sinks` has one for each resource that was read whole, until `close`.
    """

    def __init__(
        self,
        connector: Connector,
        readers: ResourceReaders,
        collector: Collector,
        environment: Environment,
        open_sink: Callable[[Resource], Sink],
    ) -> None:
        self._connector = connector
        self._readers = readers
        self._on_event = collector
        self._parts = collector.report.resources
        self._environment = environment
        self._open_sink = open_sink
        self.sinks: dict[str, Sink] = {}

    def read_all(self, resources: tuple[Resource, ...], side_by_side: int) -> None:
        """Read the resources, parents before their children, on up to `side_by_side` threads.

        The number of requests in flight is up to the rate limiter.
        """
        ended = {resource.name: threading.Event() for resource in resources}

        def job(resource: Resource) -> Callable[[], None]:
            def read() -> None:
                try:
                    self._await_parents(resource, ended)
                    self.read(resource)
                finally:
                    ended[resource.name].set()

            return read

        # parents come first and jobs start in order, so a job waits only for one that runs
        workers = min(side_by_side, len(resources))
        for _ in run_in_order(map(job, resources), workers, self._environment.stop):
            pass

    def _await_parents(self, resource: Resource, ended: dict[str, threading.Event]) -> None:
        for ancestor in self._connector.ancestors(resource):
            if ancestor.name in ended:
                while not ended[ancestor.name].wait(0.5):
                    self._environment.stop.check()

    def read(self, resource: Resource) -> None:
        """Read one resource, and put the outcome into its part of the report."""
        part = self._parts[resource.name]
        self._environment.stop.check()
        blocker = self._blocker(resource)
        if blocker is not None:
            part.status, part.error = "skipped", f"not requested: {blocker}"
            self._on_event(ResourceEnded(resource.name, part.status, part.error))
            return
        self._on_event(ResourceStarted(resource.name))
        started = time.monotonic()
        reader = self._readers[resource.name]
        try:
            sink = self.sinks[resource.name] = self._open_sink(reader.plan.resource)
            self._fill(sink, reader, part)
        except ResourceSkipped as error:
            part.status, part.error = "skipped", str(error)
            self._on_event(WarningRaised(resource.name, "resource-skipped", str(error)))
        except FrameworkError as error:
            if self._environment.stop.error is not None:
                raise
            part.status, part.error, part.loads_part = "failed", str(error), False
        part.ignored = reader.plan.ignored
        part.left_out.update(reader.left_out)
        part.not_asked = reader.skipped_lists
        if not part.loads and resource.name in self.sinks:
            self.sinks.pop(resource.name).close()
        part.seconds = time.monotonic() - started
        self._on_event(ResourceEnded(resource.name, part.status, part.error))

    def _fill(self, sink: Sink, reader: ResourceReader, part: ResourceReport) -> None:
        missing, held, records = MissingFieldMonitor(reader.plan.resource), list[Page](), 0
        try:
            for page in self._readers.open_table(reader.name, reads_raw=sink.reads_raw):
                if missing.is_open and page.count:
                    held.append(page)
                    records += page.count
                    if records >= LEAST:
                        missing.look(held)
                        held, records = [], 0
                sink.add(page)
        except FrameworkError as error:
            if error is not reader.cut:
                raise
            part.status, part.loads_part = "failed", True
            part.error = f"{error}\nEarlier windows are loaded; the next run resumes from this one."
        missing.look(held)
        for code, message in chain(sink.finish(may_shift=reader.may_shift), missing.finish()):
            self._on_event(WarningRaised(reader.name, code, message))
        if sink.discarded:
            part.left_out["contract"] = sink.discarded
        if left_out := len(sink.keys.left_out):
            part.left_out["primary_key"] = left_out

    def drop(self, name: str) -> None:
        """Release what was read of a resource that is not to be loaded."""
        self.sinks.pop(name).close()

    def keep_last(self, loaded: Iterable[Resource]) -> None:
        """Of records with one key in a table that resources share, keep those of the last one."""
        later: dict[str, list[pa.Array]] = {}
        for resource in reversed(list(loaded)):
            if resource.write_disposition != "merge" or not resource.primary_key or resource.tables:
                continue
            keys = self.sinks[resource.name].keys
            marks = later.setdefault(root_table(resource), [])
            if marks:
                keys.leave_out(pa.concat_arrays(marks))
            marks.append(keys.marks)
            if left_out := len(keys.left_out):
                self._parts[resource.name].left_out["primary_key"] = left_out

    def close(self) -> None:
        """Release what was read."""
        for sink in self.sinks.values():
            sink.close()

    def is_unexplained(self, resource: Resource) -> bool:
        """Return whether a resource that was read has no records for no known reason."""
        reader = self._readers[resource.name]
        return not reader.records and not reader.is_empty_explained

    def records_of(self, resource: Resource) -> int:
        """Return how many records of a resource were read for its table."""
        return self._readers[resource.name].records

    def _blocker(self, resource: Resource) -> str | None:
        """Return which ancestor failed or was skipped, so that this resource cannot be read."""
        for ancestor in self._connector.ancestors(resource):
            part = self._parts.get(ancestor.name)
            if part is not None and not part.loads:
                return f"{part.name} {'failed' if part.status == 'failed' else 'was skipped'}"
        return None
