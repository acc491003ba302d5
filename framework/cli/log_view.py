"""A run told as JSON lines on stderr, for programs: log-event.schema.json describes them."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

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
from framework.load.report import Report


class JsonLog:
    """Call it with each event, from any thread: one object on one line for each worth telling."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._lock = threading.Lock()

    def __enter__(self) -> JsonLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, event: Event) -> None:
        """Write down one event of the run."""
        for kind, fields in _told(event):
            self._say(kind, **fields)

    def end(self, report: Report) -> None:
        """Write the last line: what became of the run."""
        parts = report.resources.values()
        self._say(
            "end",
            status=report.status,
            signal=report.signal,
            seconds=round(report.seconds, 3),
            rows=sum(part.rows for part in parts),
            requests=sum(part.requests for part in parts),
            error=report.error,
        )

    def _say(self, kind: str, **fields: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": at, "event": kind, **fields}, ensure_ascii=False)
        with self._lock:
            self._stream.write(line + "\n")


def _told(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(event, RequestAnswered):
        fields: dict[str, Any] = {"resource": event.resource, "attempt": event.attempt}
        fields |= {"method": event.method, "url": event.url, "status": event.status}
        fields |= {"seconds": round(event.seconds, 4), "bytes": event.size, "error": event.error}
        yield "request", fields
    elif isinstance(event, PageRead):
        yield "page", {"resource": event.resource, "records": event.records}
    elif isinstance(event, Waiting):
        seconds = round(event.seconds, 3)
        yield "wait", {"resource": event.resource, "seconds": seconds, "why": event.why}
    elif isinstance(event, WarningRaised):
        yield "warning", {
            "resource": event.resource, "code": event.code, "message": event.message,
        }  # fmt: skip
    elif isinstance(event, ResourceStarted):
        yield "resource", {"resource": event.resource, "status": "started"}
    elif isinstance(event, ResourceEnded):
        kind = "skip" if event.status == "skipped" else "resource"
        yield kind, {"resource": event.resource, "status": event.status, "reason": event.reason}
    elif isinstance(event, StepStarted):
        yield "step", {"step": event.step, "status": "started"}
    elif isinstance(event, StepEnded):
        yield "step", {"step": event.step, "status": "ended", "seconds": round(event.seconds, 3)}
