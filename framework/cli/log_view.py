"""Write a run's events as JSON lines on stderr, as described by log-event.schema.json."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from typing import Any, TextIO

from framework.cli.terminal import is_utf_8
from framework.events import Event, event_fields
from framework.load.report import Report
from framework.runtime.redacted_output import process_redactor


class JsonLog:
    """An event handler that writes one JSON object per line. Thread-safe."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._redactor = process_redactor()
        self._lock = threading.Lock()

    def __enter__(self) -> JsonLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def __call__(self, event: Event) -> None:
        """Write the event, unless the log has no line for its type."""
        fields = event_fields(event)
        if fields is not None:
            self._write(**fields)

    def end(self, report: Report) -> None:
        """Write the last line: the outcome of the run."""
        parts = report.resources.values()
        self._write(
            event="end",
            status=report.status,
            signal=report.signal,
            seconds=round(report.seconds, 3),
            rows=sum(part.rows for part in parts),
            requests=sum(part.requests for part in parts),
            error=report.error,
        )

    def _write(self, **fields: Any) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        plain = is_utf_8(self._stream)
        line = json.dumps({"time": time, **fields}, ensure_ascii=not plain)
        if self._redactor.redact(line) != line:
            fields = self._redactor.redact_data(fields)
            line = json.dumps({"time": time, **fields}, ensure_ascii=not plain)
        with self._lock:
            self._stream.write(line + "\n")
