"""What a run did, as schemas/run-report.schema.json describes it, collected while it runs."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
from framework.load.pipeline import described

Status = Literal["ok", "skipped", "failed", "not_loaded"]

MOST_ALIKE = 10
"""Warnings of one code that are told of a resource; the rest is counted."""
SLOWEST = 5
"""How many of the slowest requests a report names."""


@dataclass
class ResourceReport:
    """One resource's part. `rows` are rows loaded into its own table, child tables not counted;
    `not_loaded` says that the run ended before that. `more` counts, by code, the warnings that
    are like those in `warnings`.

    `kept` says that what was read before it failed is whole in itself and is loaded: the windows
    before the one that failed.
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
    warnings: list[WarningRaised] = field(default_factory=list)
    more: Counter[str] = field(default_factory=Counter)
    error: str | None = None
    seconds: float = 0.0
    done: bool = False
    kept: bool = False

    @property
    def loads(self) -> bool:
        """Whether what was read goes into the tables."""
        return self.status == "ok" or self.kept

    def as_dict(self) -> dict[str, Any]:
        """The part as the JSON Schema has it."""
        return {
            "name": self.name,
            "status": self.status,
            "rows": self.rows,
            "requests": self.requests,
            "retries": self.retries,
            "ignored": self.ignored,
            "left_out": self.left_out,
            "not_asked": self.not_asked,
            "warnings": [
                *({"code": w.code, "message": w.message} for w in self.warnings),
                *({"code": c, "message": f"{n:,} more of this kind"} for c, n in self.more.items()),
            ],
            "error": self.error,
        }


@dataclass
class Report:
    """The whole run. `error` is what ended it where no single resource did, `interrupted` says
    that this came from outside, and `signal` is the signal's name.

    `where` says where the data is, in words; `query` is a first query to try, or None.
    """

    connector: str
    resources: dict[str, ResourceReport] = field(default_factory=dict)
    destination: str | None = None
    dataset: str | None = None
    error: str | None = None
    seconds: float = 0.0
    where: str | None = None
    query: str | None = None
    notes: list[str] = field(default_factory=list)
    slowest: list[RequestAnswered] = field(default_factory=list)
    interrupted: bool = False
    signal: str | None = None
    loaded: bool = False
    handed_over: bool = False
    began: float = field(default_factory=time.monotonic)

    def end(self, error: FrameworkError | None = None) -> None:
        """The run is over; with an error it ended before its time, and what is not in the tables
        by then is not loaded."""
        self.seconds = time.monotonic() - self.began
        if error is None:
            return
        self.error = str(error)
        if not self.loaded:
            for part in self.resources.values():
                part.rows = 0
                if part.status == "ok" or part.kept:
                    part.status = "not_loaded"
        if isinstance(error, Interrupted):
            self.interrupted, self.signal = True, error.signal
            self.error += f". {self._what_stays()}"

    def _what_stays(self) -> str:
        if self.loaded:
            return "All that was read is loaded"
        if self.handed_over:
            return (
                "What was read waits in dlt's folder: the next run loads it first, and goes on "
                "from there"
            )
        return (
            "Nothing of this run is loaded; what earlier runs loaded stays, and the next run reads "
            "on from there"
        )

    @property
    def status(self) -> Literal["ok", "partial", "failed", "interrupted"]:
        """interrupted where somebody ended it, failed where anything failed, partial where
        anything was skipped, else ok."""
        if self.interrupted:
            return "interrupted"
        statuses = {resource.status for resource in self.resources.values()}
        if self.error is not None or "failed" in statuses:
            return "failed"
        return "partial" if "skipped" in statuses else "ok"

    @property
    def exit_code(self) -> int:
        """1 for a failed run, else 0."""
        return int(self.status == "failed")

    def as_dict(self) -> dict[str, Any]:
        """The report as the JSON Schema has it."""
        return {
            "connector": self.connector,
            "status": self.status,
            "resources": [resource.as_dict() for resource in self.resources.values()],
            "seconds": round(self.seconds, 3),
            "destination": self.destination,
            "dataset": self.dataset,
            "error": self.error,
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


class Collector:
    """Counts events into a report, and hands them on. Thread-safe.

    A parent that is read for its children only has no part of its own: what it sends counts for
    the child that `read_for` names.
    """

    def __init__(
        self,
        report: Report,
        resources: Iterable[Resource],
        read_for: Mapping[str, str],
        on_event: EventHandler,
    ) -> None:
        self.report = report
        self._read_for = read_for
        self._on_event = on_event
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str, str]] = set()
        self._said: Counter[tuple[str, str]] = Counter()
        self._step: tuple[str, float] | None = None
        for resource in resources:
            report.resources[resource.name] = ResourceReport(resource.name)

    def __call__(self, event: Event) -> None:
        """Count and hand on; a warning that was said is not said again, and of those that differ
        by the request only (a child has one for each record of its parent) some are."""
        with self._lock:
            if isinstance(event, WarningRaised):
                key = (event.resource, event.code, event.message)
                if key in self._seen:
                    return
                self._seen.add(key)
                self._said[event.resource, event.code] += 1
                if self._said[event.resource, event.code] > MOST_ALIKE:
                    part = self._part(event.resource)
                    if part is not None:
                        part.more[event.code] += 1
                    return
            self._count(event)
        self._on_event(event)

    def step(self, name: str) -> None:
        """A step over all resources begins, and with that the one before it is done."""
        self.step_done()
        self._step = (name, time.monotonic())
        self(StepStarted(name))

    def step_done(self) -> None:
        """The step that began last is done."""
        if self._step is not None:
            name, began = self._step
            self._step = None
            self(StepEnded(name, time.monotonic() - began))

    def _count(self, event: Event) -> None:
        if isinstance(event, RequestAnswered):
            slowest = [*self.report.slowest, event]
            slowest.sort(key=attrgetter("seconds"), reverse=True)
            self.report.slowest = slowest[:SLOWEST]
            return
        part = self._part(str(getattr(event, "resource", "")))
        if part is None:
            return
        if isinstance(event, RequestSent):
            part.requests += 1
            part.retries += event.attempt > 1
        elif isinstance(event, Waiting):
            part.waited += event.seconds
        elif isinstance(event, WarningRaised):
            part.warnings.append(event)

    def _part(self, name: str) -> ResourceReport | None:
        return self.report.resources.get(self._read_for.get(name, name))


def say_where(
    report: Report, target: Target, pipeline: Any, chosen: Iterable[Resource], *, before: bool
) -> None:
    """Put it into the report: nothing where there is none, neither of this run nor of one
    `before`."""
    loaded = [resource for resource in chosen if report.resources[resource.name].rows]
    if not pipeline.default_schema_name or not (loaded or before):
        return
    report.where = described(target)
    if target.kind == "filesystem":
        report.where = f"{pipeline.destination_client().config.bucket_url}/{target.dataset}"
    if not loaded:
        report.where += ", as before: this run loaded no row"
        return
    if target.kind == "filesystem":
        return
    naming = pipeline.default_schema.naming
    most = max(loaded, key=lambda resource: report.resources[resource.name].rows)
    table = f"{target.dataset}.{naming.normalize_table_identifier(table_name(most))}"
    if target.file is not None:
        # Python is there where we are; DuckDB's own command line may not be
        opened = f"duckdb.connect('{target.file.name}')"
        report.query = f"python -c \"import duckdb; {opened}.sql('from {table} limit 10').show()\""
    else:
        report.query = f"select * from {table} limit 10"
