"""The extract stage: every selected resource is read into its sink before dlt gets a record.

The unit of failure is the resource: one that fails loads no record and moves no watermark, and
its descendants are skipped.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

import pyarrow as pa

from framework.definition.model import Connector, Resource
from framework.errors import FrameworkError, RecordError, ResourceSkipped
from framework.events import PathChosen, ResourceEnded, ResourceStarted, WarningRaised
from framework.extract.compilation.dlt_source import ResourceReaders
from framework.extract.lists.whole_read import WholeRead
from framework.extract.page import Page
from framework.extract.resource_reader import ResourceReader
from framework.extract.resume.resume_point import END
from framework.load.arrow.eligibility import parsed_pages_reason, path_text
from framework.load.commits.attempt import Committable
from framework.load.commits.commit_queue import PATIENCE, CommitQueue, Part
from framework.load.declared_tables import root_table
from framework.load.monitors.missing_fields import LEAST, MissingFieldMonitor
from framework.load.report import Collector, ResourceReport
from framework.load.sink import Sink
from framework.runtime.deferred_imports import import_ahead
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
        commits: CommitQueue,
        committable: Committable,
    ) -> None:
        self._connector = connector
        self._readers = readers
        self._on_event = collector
        self._parts = collector.report.resources
        self._environment = environment
        self._open_sink = open_sink
        self._ended: dict[str, threading.Event] = {}
        self._commits = commits
        self._committable = committable
        self._whole: dict[str, Resource] = {}
        self._with_job: set[str] = set()
        self._refused: dict[str, FrameworkError] = {}
        self._thread: threading.Thread | None = None
        self.sinks: dict[str, Sink] = {}

    def packages(self, resources: tuple[Resource, ...], side_by_side: int) -> Iterator[list[Part]]:
        """Read the resources as `read_all`; yield what can be loaded whenever a package is due."""

        def read() -> None:
            try:
                self.read_all(resources, side_by_side)
            except BaseException as error:
                self._commits.end(error)
            else:
                self._commits.end()

        self._thread = threading.Thread(target=read, name="framework-extract", daemon=True)
        self._thread.start()
        for parts in self._commits.packages():
            named = {part.resource.name for part in parts}
            package = [*parts, *self._ended_parts(named), *self._created_jobs(named)]
            if package:
                yield package

    def _ended_parts(self, others: Collection[str]) -> Iterator[Part]:
        """Yield the rows of other resources that were read to their end since the last package."""
        for name in self._whole.keys() - others:
            resource, sink = self._whole.pop(name), self.sinks.pop(name)
            yield Part(resource, sink, END)

    def _created_jobs(self, others: Collection[str]) -> Iterator[Part]:
        """Yield the points of other resources whose export jobs were created since."""
        for name in self._committable.parts - {*others, *self._with_job}:
            point = None if self._ended[name].is_set() else self._readers[name].job_point()
            if point is not None:
                self._with_job.add(name)
                yield Part(self._readers[name].plan.resource, None, point)

    def refuse(self, name: str, reason: str) -> None:
        """Fail a resource of which the destination refused rows while others are read."""
        self._refused[name] = RecordError(reason)
        part = self._parts[name]
        if self._ended[name].is_set() and part.status == "ok":
            part.status, part.error = "failed", reason
            self._whole.pop(name, None)
            self._drop(name)
            self._on_event(ResourceEnded(name, part.status, part.error))

    def is_refused(self, name: str) -> bool:
        """Return whether rows of the resource were refused."""
        return name in self._refused

    def read_all(self, resources: tuple[Resource, ...], side_by_side: int) -> None:
        """Read the resources, parents before their children, on up to `side_by_side` threads.

        The number of requests in flight is up to the rate limiter.
        """
        ended = self._ended = {resource.name: threading.Event() for resource in resources}

        def job(resource: Resource) -> Callable[[], None]:
            def read() -> None:
                try:
                    self.read(resource)
                except BaseException as error:
                    self._readers[resource.name].abandon(error)
                    raise
                finally:
                    ended[resource.name].set()

            return read

        import_ahead("pyarrow.compute", "dlt.common.libs.pyarrow", "pyarrow.parquet")
        # parents come first and jobs start in order, so a job waits only for one that runs
        workers = min(side_by_side, len(resources))
        for _ in run_in_order(map(job, resources), workers, self._environment.stop):
            pass

    def _await_parents(self, resource: Resource) -> None:
        for ancestor in self._connector.ancestors(resource):
            if ancestor.name in self._ended:
                while not self._ended[ancestor.name].wait(0.5):
                    self._environment.stop.check()

    def read(self, resource: Resource) -> None:
        """Read one resource, and put the outcome into its part of the report.

        Whatever it meets while its parents are read, an error of theirs comes first.
        """
        part = self._parts[resource.name]
        self._environment.stop.check()
        reader = self._readers[resource.name]
        if reader.is_read:
            self._on_event(ResourceEnded(resource.name, part.status, part.error))
            return
        if not reader.await_first_list():
            self._await_parents(resource)
        if self._is_blocked(resource):
            return
        self._on_event(ResourceStarted(resource.name))
        started = time.monotonic()
        error = self._error_of(reader, part)
        self._await_parents(resource)
        if self._is_blocked(resource):
            return
        error = reader.parents_error() or error
        if isinstance(error, ResourceSkipped):
            part.status, part.error = "skipped", str(error)
            self._on_event(WarningRaised(resource.name, "resource-skipped", str(error)))
        elif error is not None and error is reader.cut:
            part.status, part.loads_part = "failed", True
            part.error = f"{error}\nEarlier windows are loaded; the next run resumes from this one."
        elif error is not None:
            part.status, part.error = "failed", str(error)
        part.ignored = reader.plan.ignored
        part.left_out.update(reader.left_out)
        part.not_asked = reader.skipped_lists
        if not part.loads:
            self._drop(resource.name)
        if part.status == "ok" and resource.name in self._committable.whole:
            self._whole[resource.name] = reader.plan.resource
        part.seconds = time.monotonic() - started
        self._on_event(ResourceEnded(resource.name, part.status, part.error))

    def _is_blocked(self, resource: Resource) -> bool:
        """Skip the resource if it cannot be read, or not be loaded, because of an ancestor."""
        blocker, part = self._blocker(resource), self._parts[resource.name]
        if blocker is None:
            return False
        verb = "loaded" if part.requests else "requested"
        part.status, part.error = "skipped", f"not {verb}: {blocker}"
        self._readers[resource.name].abandon(ResourceSkipped(resource.name, part.error))
        self._drop(resource.name)
        self._on_event(ResourceEnded(resource.name, part.status, part.error))
        return True

    def _error_of(self, reader: ResourceReader, part: ResourceReport) -> Exception | None:
        """Read the resource into its sink; return the error that ended it, None if it is whole."""
        try:
            sink = self.sinks[reader.name] = self._open_sink(reader.plan.resource)
            self._say_path(sink, reader)
            self._fill(sink, reader, part)
        except (FrameworkError, ResourceSkipped) as error:
            if isinstance(error, FrameworkError) and self._environment.stop.error is not None:
                raise
            reader.abandon(error)
            return error
        return reader.cut

    def _drop(self, name: str) -> None:
        if name in self.sinks:
            self.drop(name)

    def _fill(self, sink: Sink, reader: ResourceReader, part: ResourceReport) -> None:
        name, commits = reader.name, self._commits
        missing, held, records = MissingFieldMonitor(reader.plan.resource), list[Page](), 0
        may_commit = False
        try:
            for page in self._readers.open_table(name, reads_raw=sink.reads_raw):
                if missing.is_open and page.count:
                    held.append(page)
                    records += page.count
                    if records >= LEAST:
                        missing.look(held)
                        held, records = [], 0
                sink.add(page)
                if name in self._refused:
                    raise self._refused[name]
                if not may_commit and self._may_commit(reader):
                    may_commit = True
                    commits.begin(name)
                commits.on_page(page.count)
                if may_commit and commits.is_due(name):
                    sink = self._commit(sink, reader)
        except FrameworkError as error:
            if error is not reader.cut:
                raise
        finally:
            commits.leave(name)
        missing.look(held)
        for code, message in chain(sink.finish(may_shift=reader.may_shift), missing.finish()):
            if code != "keys-repeated" or not reader.read_anew:  # it has read pages twice
                self._on_event(WarningRaised(name, code, message))
        if sink.discarded:
            part.left_out["contract"] = sink.discarded
        if left_out := len(sink.keys.left_out):
            part.left_out["primary_key"] = part.left_out.get("primary_key", 0) + left_out

    def _may_commit(self, reader: ResourceReader) -> bool:
        """Return whether rows may be loaded now: after those of all parents."""
        if reader.name not in self._committable.parts or not reader.has_whole_parents:
            return False
        ancestors = self._connector.ancestors(reader.plan.resource)
        return all(self._ended[one.name].is_set() for one in ancestors if one.name in self._ended)

    def _commit(self, sink: Sink, reader: ResourceReader) -> Sink:
        """Hand over the rows up to here, if a later run can go on here; return the next sink."""
        point = reader.resume_point()
        if point is None:
            return sink
        deque(sink.finish(), maxlen=0)  # its warnings count on: the last sink has them
        part = self._parts[reader.name]
        if left_out := len(sink.keys.left_out):
            part.left_out["primary_key"] = part.left_out.get("primary_key", 0) + left_out
        following = self.sinks[reader.name] = sink.following()
        self._commits.put(Part(reader.plan.resource, sink, point))
        return following

    def _say_path(self, sink: Sink, reader: ResourceReader) -> None:
        reason = parsed_pages_reason(reader.plan.resource, reader.raw_pages)
        self._on_event(PathChosen(reader.name, path_text(sink.record_reason, reason)))

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
                self._parts[resource.name].left_out["primary_key"] = len(keys.left_out)
            marks.append(keys.marks)

    def was_restarted(self, resource: Resource) -> bool:
        """Return whether a resource was read from its start though there was a resume point."""
        return self._readers[resource.name].restarted

    def close(self) -> None:
        """Release what was read; a thread that still reads is given time to end."""
        if self._thread is not None:
            self._thread.join(PATIENCE)
        for part in self._commits.take():
            if part.sink is not None:
                part.sink.close()
        for sink in self.sinks.values():
            sink.close()

    def is_unexplained(self, resource: Resource) -> bool:
        """Return whether a resource that was read has no records for no known reason."""
        reader = self._readers[resource.name]
        return not reader.records and not reader.is_empty_explained

    def whole_read(self, name: str) -> WholeRead | None:
        """Return what of a resource was read completely, None for nothing."""
        return self._readers[name].whole_read()

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
