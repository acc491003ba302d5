"""Turn the events of one run into spans of run, step, resource and request, and into metrics.

Attributes are names of the file, methods, statuses, hosts and codes: no value of a record, no path
and no query string. Attribute names are those of OpenTelemetry's conventions for HTTP clients where
there is one.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from framework import __version__
from framework.events import (
    Event,
    PageRead,
    RequestAnswered,
    ResourceEnded,
    ResourceStarted,
    StepEnded,
    StepStarted,
    Waiting,
    WarningRaised,
)

if TYPE_CHECKING:
    from framework.load.report import Report

SCOPE = "rest_connector_framework"
_SECOND = 1_000_000_000


class RunTelemetry:
    """An event handler that reports one run of a connector, from its creation until `end`.

    Thread-safe: events come from the threads that read.
    """

    def __init__(self, connector: str, tracers: TracerProvider, meters: MeterProvider) -> None:
        self._connector = connector
        self._tracer = tracers.get_tracer(SCOPE, __version__)
        self._lock = threading.Lock()
        self._run = self._tracer.start_span("run", attributes={"framework.connector": connector})
        self._resources: dict[str, Span] = {}
        self._step: Span | None = None
        meter = meters.get_meter(SCOPE, __version__)
        self._durations = meter.create_histogram(
            "http.client.request.duration", "s", "From sending a request to the end of its response"
        )
        self._sizes = meter.create_histogram(
            "http.client.response.body.size", "By", "Size of a body after decompression"
        )
        self._waits = meter.create_histogram("framework.wait.duration", "s", "Waits before retries")
        self._runs = meter.create_histogram("framework.run.duration", "s", "Duration of a run")
        self._records = meter.create_counter("framework.records", "{record}", "Records read")
        self._rows = meter.create_counter("framework.rows", "{row}", "Rows loaded")
        self._warnings = meter.create_counter("framework.warnings", "{warning}", "Warnings")

    def __call__(self, event: Event) -> None:
        """Report one event."""
        with self._lock:
            self._report(event)

    def end(self, report: Report) -> None:
        """End all spans with the outcome of the run, and count its rows."""
        with self._lock:
            self._connector = report.connector
            for name in list(self._resources):
                self._end_resource(name, "not_loaded")
            if self._step is not None:
                self._step.end()
            for part in report.resources.values():
                self._rows.add(part.rows, self._labels(part.name))
            outcome = {"framework.connector": report.connector, "framework.status": report.status}
            self._runs.record(report.seconds, outcome)
            self._run.set_attributes({**outcome, "framework.run.id": report.id})
            if report.status in ("failed", "interrupted"):
                self._run.set_status(Status(StatusCode.ERROR, report.status))
            self._run.end()

    def _report(self, event: Event) -> None:
        match event:
            case ResourceStarted(name):
                self._resources[name] = self._child("resource", **{"framework.resource": name})
            case ResourceEnded(name, status):
                self._end_resource(name, status)
            case RequestAnswered():
                self._request(event)
            case StepStarted(step):
                # a note on pending work is a step of its own, whose text may name anything
                named = step if step in ("extract", "normalize", "load") else "other"
                self._step = self._child("step", **{"framework.step": named})
            case StepEnded():
                if self._step is not None:
                    self._step.end()
                self._step = None
            case PageRead(name, records):
                self._records.add(records, self._labels(name))
            case Waiting(name, seconds):
                self._waits.record(seconds, self._labels(name))
            case WarningRaised(name, code):
                self._warnings.add(1, {**self._labels(name), "framework.warning": code})
                self._resources.get(name, self._run).add_event(code)

    def _request(self, event: RequestAnswered) -> None:
        """Report a request that has ended, as a span of the time that it took."""
        end = time.time_ns()
        labels: dict[str, str | int] = {
            **self._labels(event.resource),
            "http.request.method": event.method,
            "server.address": urlsplit(event.url).hostname or "",
        }
        if event.status is not None:
            labels["http.response.status_code"] = event.status
        if event.error is not None:
            labels["error.type"] = event.error
        self._durations.record(event.seconds, labels)
        self._sizes.record(event.size, labels)
        span = self._tracer.start_span(
            event.method,
            trace.set_span_in_context(self._resources.get(event.resource, self._run)),
            kind=SpanKind.CLIENT,
            attributes={**labels, "http.request.resend_count": event.attempt - 1},
            start_time=end - int(event.seconds * _SECOND),
        )
        if event.error is not None or (event.status or 0) >= 400:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def _end_resource(self, name: str, status: str) -> None:
        span = self._resources.pop(name, None)
        if span is None:
            return
        span.set_attribute("framework.status", status)
        if status == "failed":
            span.set_status(Status(StatusCode.ERROR, status))
        span.end()

    def _child(self, name: str, **attributes: str) -> Span:
        context = trace.set_span_in_context(self._run)
        return self._tracer.start_span(name, context, attributes=attributes)

    def _labels(self, resource: str) -> dict[str, str]:
        labels = {"framework.connector": self._connector}
        return {**labels, "framework.resource": resource} if resource else labels
