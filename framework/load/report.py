"""The report of a run, collected from its events; schemas/run-report.schema.json describes it."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Literal

from framework.definition.model import Resource
from framework.errors import FrameworkError, Interrupted
from framework.events import (
    Event,
    EventHandler,
    RequestAnswered,
    RequestSent,
    StepEnded,
    StepStarted,
    Waiting,
    WarningRaised,
)
from framework.load.declared_tables import table_name
from framework.load.destinations.target import Target
from framework.runtime.redaction import Redactor
from framework.text import count_noun

Status = Literal["ok", "skipped", "failed", "not_loaded"]

MAX_ALIKE = 10
"""Warnings of one code that a resource's part contains; the rest is counted."""
SLOWEST = 5
"""Number of slowest requests in a report."""


@dataclass
class ResourceReport:
    """One resource's part of a report.

    `rows` are rows loaded into its own table, child tables not counted. The status `not_loaded`
    means that the run ended before loading. `more` counts further warnings by code. `waited` is in
    seconds, summed over requests in flight. `bytes` are of response bodies, after decompression.
    `loads_part` means that the resource failed, but the windows before the failed one are loaded.
    `deleted` rows were marked or removed, because the API no longer has their records.
    `ignored_warnings` counts by code those that the resource ignores, which are in no list.
    """

    name: str
    status: Status = "ok"
    rows: int = 0
    requests: int = 0
    retries: int = 0
    ignored: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    not_asked: dict[str, int] = field(default_factory=dict)
    waited: float = 0.0
    bytes: int = 0
    warnings: list[WarningRaised] = field(default_factory=list)
    more: Counter[str] = field(default_factory=Counter)
    ignored_warnings: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    seconds: float = 0.0
    done: bool = False
    loads_part: bool = False
    deleted: int = 0

    @property
    def loads(self) -> bool:
        """Return whether records of this resource are loaded."""
        return self.status == "ok" or self.loads_part

    @property
    def warning_counts(self) -> Counter[str]:
        """Return the number of warnings by code."""
        return Counter(warning.code for warning in self.warnings) + self.more

    def as_dict(self) -> dict[str, Any]:
        """Return the part as the JSON Schema describes it."""
        return {
            "name": self.name,
            "status": self.status,
            "rows": self.rows,
            "requests": self.requests,
            "retries": self.retries,
            "waited": round(self.waited, 3),
            "bytes": self.bytes,
            "ignored": self.ignored,
            "left_out": self.left_out,
            "deleted": self.deleted,
            "not_asked": self.not_asked,
            "warnings": [
                *_plain_warnings(self.warnings),
                *({"code": c, "message": f"{n:,} more of this kind"} for c, n in self.more.items()),
            ],
            "ignored_warnings": dict(self.ignored_warnings),
            "error": self.error,
        }


@dataclass
class Report:
    """The report of a whole run.

    `id` identifies the run, and `resumes` is the id of the interrupted run that it continues.
    `error` is what ended it, if that was not one resource. `warnings` are those of no single
    resource. `interrupted` means that it was
    stopped from outside, by a signal of the name in `signal`. `where` says where the data is, and
    `query` is a first query to try. `handed_over` means that a load package is complete,
    `committed` that rows were loaded before all was read.
    """

    connector: str
    resources: dict[str, ResourceReport] = field(default_factory=dict)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    resumes: str | None = None
    destination: str | None = None
    dataset: str | None = None
    error: str | None = None
    warnings: list[WarningRaised] = field(default_factory=list)
    seconds: float = 0.0
    where: str | None = None
    query: str | None = None
    notes: list[str] = field(default_factory=list)
    slowest: list[RequestAnswered] = field(default_factory=list)
    interrupted: bool = False
    signal: str | None = None
    loaded: bool = False
    handed_over: bool = False
    committed: bool = False
    began: float = field(default_factory=time.monotonic)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def end(self, error: BaseException | None = None) -> None:
        """End the report. With an error, resources not in the tables become `not_loaded`.

        Of an error that is not the framework's, only the type is named.
        """
        self.seconds = time.monotonic() - self.began
        if error is None:
            return
        is_ours = isinstance(error, FrameworkError)
        self.error = str(error) if is_ours else f"ended by {type(error).__name__}"
        if not self.loaded:
            for part in self.resources.values():
                if part.loads:
                    part.status = "not_loaded"
        if isinstance(error, Interrupted):
            self.interrupted, self.signal = True, error.signal
            self.error += f". {self._outcome()}"

    def _outcome(self) -> str:
        if self.loaded:
            return "All extracted data is loaded"
        if self.handed_over:
            return (
                "Extracted data is kept in dlt's working folder; the next run loads it first and "
                "then continues"
            )
        if self.committed:
            rows = count_noun(sum(part.rows for part in self.resources.values()), "row")
            return f"The next run goes on after the {rows} that this one has loaded"
        return (
            "Nothing of this run is loaded; data of earlier runs stays, and the next run continues "
            "from there"
        )

    @property
    def status(self) -> Literal["ok", "partial", "failed", "interrupted"]:
        """Return the worst status: interrupted, failed, partial (a resource was skipped), or ok."""
        if self.interrupted:
            return "interrupted"
        statuses = {resource.status for resource in self.resources.values()}
        if self.error is not None or "failed" in statuses:
            return "failed"
        return "partial" if "skipped" in statuses else "ok"

    @property
    def exit_code(self) -> int:
        """Return 1 for a failed run, else 0."""
        return int(self.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """Return the report as the JSON Schema describes it."""
        return {
            "connector": self.connector,
            "id": self.id,
            "resumes": self.resumes,
            "status": self.status,
            "resources": [resource.as_dict() for resource in self.resources.values()],
            "seconds": round(self.seconds, 3),
            "destination": self.destination,
            "dataset": self.dataset,
            "error": self.error,
            "warnings": _plain_warnings(self.warnings),
            "signal": self.signal,
            "notes": self.notes,
            "slowest_requests": [
                {
                    "resource": one.resource,
                    "method": one.method,
                    "url": one.url,
                    "status": one.status,
                    "seconds": round(one.seconds, 3),
                }
                for one in self.slowest
            ],
        }


def _plain_warnings(warnings: Iterable[WarningRaised]) -> list[dict[str, str]]:
    return [{"code": warning.code, "message": warning.message} for warning in warnings]


@dataclass(frozen=True)
class EndedRun:
    """A run whose report is complete, for a caller that records it.

    `pipeline` is dlt's, or None if the run ended before it was open. Texts of the report may
    contain secrets that `redactor` knows.
    """

    report: Report
    target: Target
    alias: str | None
    redactor: Redactor
    on_event: EventHandler
    pipeline: Any = None


RunRecorder = Callable[[EndedRun], None]
"""Records a run while its lock is held, so that no other run writes to the destination."""


class Collector:
    """Aggregate events into a report and forward them. Thread-safe.

    Events of an unselected parent count for the child that it is read for, by `read_for`. `ignored`
    are the codes of the warnings that each resource ignores.
    """

    def __init__(
        self,
        report: Report,
        resources: Iterable[Resource],
        read_for: Mapping[str, str],
        on_event: EventHandler,
        ignored: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self.report = report
        self._ignored = ignored or {}
        self._read_for = read_for
        self._on_event = on_event
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str, str]] = set()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._step: tuple[str, float] | None = None
        for resource in resources:
            report.resources[resource.name] = ResourceReport(resource.name)

    def __call__(self, event: Event) -> None:
        """Count and forward an event, but not a repeated warning.

        Of warnings with the same code, only the first are forwarded: a child may have one for
        each record of its parent.
        """
        with self._lock:
            if isinstance(event, WarningRaised):
                key = (event.resource, event.code, event.message)
                if key in self._seen:
                    return
                self._seen.add(key)
                if event.code in self._ignored.get(event.resource, ()):
                    part = self._part(event.resource)
                    if part is not None:
                        part.ignored_warnings[event.code] += 1
                    return
                self._counts[event.resource, event.code] += 1
                if self._counts[event.resource, event.code] > MAX_ALIKE:
                    part = self._part(event.resource)
                    if part is not None:
                        part.more[event.code] += 1
                    return
            self._count(event)
        self._on_event(event)

    def step(self, name: str) -> None:
        """Start a step over all resources; end the one before."""
        self.step_done()
        self._step = (name, time.monotonic())
        self(StepStarted(name))

    def step_done(self) -> None:
        """End the current step."""
        if self._step is not None:
            name, began = self._step
            self._step = None
            self(StepEnded(name, time.monotonic() - began))

    def _count(self, event: Event) -> None:
        if isinstance(event, RequestAnswered):
            slowest = self.report.slowest
            if len(slowest) < SLOWEST or event.seconds > slowest[-1].seconds:
                by_seconds = sorted((*slowest, event), key=attrgetter("seconds"), reverse=True)
                self.report.slowest = by_seconds[:SLOWEST]
        name = getattr(event, "resource", "")
        part = self.report.resources.get(self._read_for.get(name, name))
        if part is None:
            if isinstance(event, WarningRaised):
                self.report.warnings.append(event)
        elif isinstance(event, RequestAnswered):
            part.bytes += event.size
        elif isinstance(event, RequestSent):
            part.requests += 1
            part.retries += event.attempt > 1
        elif isinstance(event, Waiting):
            part.waited += event.seconds
        elif isinstance(event, WarningRaised):
            part.warnings.append(event)

    def _part(self, name: str) -> ResourceReport | None:
        return self.report.resources.get(self._read_for.get(name, name))


def say_where(
    report: Report, target: Target, pipeline: Any, selected: Iterable[Resource], *, had_rows: bool
) -> None:
    """Add to the report where the data is, and a query for it.

    `had_rows` means that an earlier run loaded rows; without any, nothing is added.
    """
    loaded = [resource for resource in selected if report.resources[resource.name].rows]
    if not pipeline.default_schema_name or not (loaded or had_rows):
        return
    report.where = str(target)
    if target.profile.is_file_store:
        report.where = f"{pipeline.destination_client().config.bucket_url}/{target.dataset}"
    if not loaded:
        report.where += ", unchanged: this run loaded no rows"
        return
    if target.profile.is_file_store:
        return
    most = max(loaded, key=lambda resource: report.resources[resource.name].rows)
    name = _table_of(pipeline.default_schema, most)
    if name is None:
        return
    table = f"{target.dataset}.{name}"
    if target.file is not None:
        # Python is installed; DuckDB's command line may not be
        opened = f"duckdb.connect('{target.file.name}')"
        report.query = f"python -c \"import duckdb; {opened}.sql('from {table} limit 10').show()\""
    else:
        report.query = f"select * from {table} limit 10"


def _table_of(schema: Any, resource: Resource) -> str | None:
    """Return a table of dlt's schema that holds the resource's rows, None if there is none.

    A `table_name` with placeholders gives a table for each list.
    """
    name = schema.naming.normalize_table_identifier(table_name(resource))
    if name in schema.tables:
        return str(name)
    own = (
        table["name"]
        for table in schema.data_tables()
        if table.get("resource") == resource.name and "parent" not in table
    )
    return next(own, None)
