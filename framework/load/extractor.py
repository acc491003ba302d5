"""Every chosen resource read, parents first, before anything is handed to dlt.

The unit of failure is the resource: what fails leaves no record and moves no watermark, and its
descendants are not asked. State is held here and written with the rows it speaks of.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Container
from typing import Any

from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError, RecordError, ResourceSkipped
from framework.events import ResourceEnded, ResourceStarted, WarningRaised
from framework.extract.dlt_source import ResourceReaders
from framework.extract.incremental.cursor import APPENDED
from framework.extract.incremental.state_codec import pack_watermarks, unpack_watermarks
from framework.extract.resource_reader import ResourceReader
from framework.load.preflight import holds_back
from framework.load.report import Collector, ResourceReport
from framework.load.sink import Sink
from framework.runtime.environment import Environment
from framework.runtime.thread_pool import run_in_order

State = dict[str, dict[str, Any]]
"""The `incremental` state of each resource, in dlt's form."""


class Extractor:
    """The resources of one run, read into sinks."""

    def __init__(
        self,
        connector: Connector,
        readings: ResourceReaders,
        collector: Collector,
        environment: Environment,
        open_sink: Callable[[Resource], Sink],
    ) -> None:
        self._connector = connector
        self._readings = readings
        self._on_event = collector
        self._parts = collector.report.resources
        self._environment = environment
        self._open_sink = open_sink
        self.sinks: dict[str, Sink] = {}

    def read_all(self, resources: tuple[Resource, ...], side_by_side: int) -> None:
        """Read these, parents before their children, else up to so many side by side.

        How many requests are in flight is the budget's business; this bounds threads.
        """
        done = {resource.name: threading.Event() for resource in resources}

        def job(resource: Resource) -> Callable[[], None]:
            def read() -> None:
                try:
                    self._await_parents(resource, done)
                    self.read(resource)
                finally:
                    done[resource.name].set()

            return read

        # parents stand first and jobs begin in order, so whoever waits waits for one that runs
        workers = min(side_by_side, len(resources))
        for _ in run_in_order(map(job, resources), workers, self._environment.stop):
            pass

    def _await_parents(self, resource: Resource, done: dict[str, threading.Event]) -> None:
        for ancestor in self._connector.ancestors(resource):
            if ancestor.name in done:
                while not done[ancestor.name].wait(0.5):
                    self._environment.stop.check()

    def read(self, resource: Resource) -> None:
        """Read one resource; its part of the report says what became of it."""
        part = self._parts[resource.name]
        self._environment.stop.check()
        blocked = self._blocked_by(resource)
        if blocked is not None:
            part.status, part.error = "skipped", f"not asked: {blocked}"
            self._on_event(ResourceEnded(resource.name, part.status, part.error))
            return
        self._on_event(ResourceStarted(resource.name))
        began = time.monotonic()
        reading = self._readings[resource.name]
        try:
            sink = self.sinks[resource.name] = self._open_sink(resource)
            self._fill(sink, reading, part)
        except ResourceSkipped as error:
            part.status, part.error = "skipped", str(error)
            self._on_event(WarningRaised(resource.name, "resource-skipped", str(error)))
        except FrameworkError as error:
            if self._environment.stop.error is not None:
                raise
            part.status, part.error, part.kept = "failed", str(error), False
        part.ignored = reading.plan.ignored
        part.left_out.update(reading.left_out)
        part.not_asked = reading.skipped_lists
        if not part.loads and resource.name in self.sinks:
            self.sinks.pop(resource.name).close()
        part.seconds = time.monotonic() - began
        self._on_event(ResourceEnded(resource.name, part.status, part.error))

    def _fill(self, sink: Sink, reading: ResourceReader, part: ResourceReport) -> None:
        try:
            for page in self._readings.open_table(reading.name, reads_raw=sink.reads_raw):
                sink.add(page)
        except FrameworkError as error:
            if error is not reading.cut:
                raise
            part.status, part.kept = "failed", True
            part.error = f"{error}\nThe windows before it are loaded; the next run goes on there."
        self._refuse_to_empty(reading, part)
        for code, message in sink.finish():
            self._on_event(WarningRaised(reading.name, code, message))
        if sink.discarded:
            part.left_out["contract"] = sink.discarded

    def _refuse_to_empty(self, reading: ResourceReader, part: ResourceReport) -> None:
        """A table is not emptied by an answer in which the selector found nothing: it may be an
        error that the API calls a success."""
        resource = reading.plan.resource
        lost = any(warned.code == "selector-no-match" for warned in part.warnings)
        if resource.write_disposition == "replace" and lost and not reading.records:
            raise RecordError(
                f"{resource.name}: data_selector finds nothing in the answer, and its table would "
                "be emptied: it keeps its rows. Correct data_selector; where the API leaves the "
                'list out if there is nothing, give it one: data_selector: "PATH || `[]`".'
            )

    def close(self) -> None:
        """Let go of what was not loaded."""
        for sink in self.sinks.values():
            sink.close()

    def is_unexplained(self, resource: Resource) -> bool:
        """Whether a resource that was read has no records, for no reason that we know."""
        reading = self._readings[resource.name]
        return not reading.records and not reading.is_empty_explained

    def records_of(self, resource: Resource) -> int:
        """How many records of a resource were read for its table."""
        return self._readings[resource.name].records

    def settled(
        self, before: State, moved: State, *, limited: bool, refreshed: Container[str]
    ) -> State:
        """The state to load: moved where all was loaded that hangs on it, else as before.

        What was refreshed and may not move begins again: its rows are gone, and so is what hangs
        on them.
        """
        after = copy.deepcopy(before)
        stay = {
            resource.name: before.get(resource.name, {})
            for resource in self._connector.resources
            if resource.endpoint.incremental is not None
            and resource.parent is None
            and resource.name in self._parts
            and not self._parts[resource.name].loads
        }
        for name, state in {**stay, **moved}.items():
            again = name in refreshed and name in self.sinks
            if state == before.get(name, {}) and not again and name not in stay:
                continue
            reason = "--limit" if limited else holds_back(self._connector, name, self._parts)
            if reason is None:
                after[name] = state
                continue
            if again:
                after.pop(name, None)
            if not limited and name in self._parts and self._parts[name].loads:
                after[name] = self._appended(name, after.get(name, {}), state)
            if not limited and name in self._parts:
                self._on_event(
                    WarningRaised(name, "watermark-stays", f"the watermark stays: {reason}")
                )
        return after

    def _appended(self, name: str, stays: dict[str, Any], moved: dict[str, Any]) -> dict[str, Any]:
        """The state that stays. Rows that were appended will be read again for what hangs on them:
        how far they came is kept, so that they are not appended again."""
        resource = self._connector.resource(name)
        spec = resource.endpoint.incremental
        if resource.write_disposition != "append" or spec is None:
            return stays
        path = spec.cursor_path
        there, came = stays.get(path, {}), dict(moved.get(path) or {})
        earlier = there.get(APPENDED) or {}
        if "lists" in came and "lists" in earlier:  # lists that were not come to stay as they were
            came["lists"] = pack_watermarks(
                {**unpack_watermarks(earlier["lists"]), **unpack_watermarks(came["lists"])}
            )
            came["hashes"] = {**earlier.get("hashes", {}), **came.get("hashes", {})}
        return {**stays, path: {**there, APPENDED: came}}

    def _blocked_by(self, resource: Resource) -> str | None:
        """Why a resource is not asked: an ancestor of it failed or was skipped."""
        for ancestor in self._connector.ancestors(resource):
            part = self._parts.get(ancestor.name)
            if part is not None and not part.loads:
                return f"{part.name} {'failed' if part.status == 'failed' else 'was skipped'}"
        return None
