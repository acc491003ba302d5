"""Events of a run: small values, passed to one function that shows or logs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

RUN_WARNINGS = frozenset(
    {
        *("all-ignored", "begins-late", "credentials-withheld", "csv-footer-odd", "csv-row-odd"),
        *("cursor-in-future", "cursor-not-honoured", "cursor-out-of-order", "deletes-left"),
        *("discarded", "ended-early", "errors-beside-records", "field-missing"),
        *("json-key-repeated", "keys-meet", "keys-repeated", "link-drops-params"),
        *("list-restarted", "no-records", "not-resumed", "nul-removed", "number-in-text"),
        *("only-changed-nothing", "page-repeated", "page-shrunk", "page-too-short"),
        *("partition-empty", "refresh-limited", "resource-skipped", "restart-gap", "step-failed"),
        *("sync-token-missing", "text-cut", "total-changed", "total-differs"),
        *("undeclared-fields", "unknown-column-type", "variant-columns", "watermark-stays"),
        "window-shrunk",
    }
)
"""Codes of warnings that a run may raise about one resource."""


@dataclass(frozen=True)
class RequestSent:
    """A request of the resource was sent; `attempt` counts from 1."""

    resource: str
    attempt: int


@dataclass(frozen=True)
class RequestAnswered:
    """The attempt has ended: with `status`, or with `error` (its kind) without a whole response.

    `url` is redacted. `seconds` last until the body was read, `size` is the body's, in bytes.
    """

    resource: str
    attempt: int
    method: str
    url: str
    status: int | None
    seconds: float
    size: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Waiting:
    """The resource waits that many seconds before its next attempt; `why` is the reason."""

    resource: str
    seconds: float
    why: str


@dataclass(frozen=True)
class PageRead:
    """A page with that many records was read."""

    resource: str
    records: int


@dataclass(frozen=True)
class WarningRaised:
    """Something the user should know; `code` is kebab-case and part of the report."""

    resource: str
    code: str
    message: str


@dataclass(frozen=True)
class ResourceStarted:
    """The resource is being read."""

    resource: str


@dataclass(frozen=True)
class PathChosen:
    """How the records of a resource become rows: `arrow` or `records`, and why not the faster."""

    resource: str
    path: str


@dataclass(frozen=True)
class ResourceEnded:
    """The resource was read (`ok`), skipped or failed; `reason` is why it is not ok."""

    resource: str
    status: str
    reason: str | None = None


@dataclass(frozen=True)
class StepStarted:
    """A step over all resources began: extract, normalize, load, or a note on pending work."""

    step: str


@dataclass(frozen=True)
class StepEnded:
    """That step has ended."""

    step: str
    seconds: float


@dataclass(frozen=True)
class Committed:
    """What was read so far of these resources was loaded, while the run goes on reading."""

    resources: tuple[str, ...]
    rows: int
    seconds: float


Event = (
    RequestSent
    | RequestAnswered
    | Waiting
    | PageRead
    | WarningRaised
    | ResourceStarted
    | PathChosen
    | ResourceEnded
    | StepStarted
    | StepEnded
    | Committed
)
EventHandler = Callable[[Event], None]


def ignore_event(_: Event) -> None:
    """Ignore the event."""


def event_fields(event: Event) -> dict[str, Any] | None:
    """Return what a log line has of the event, or None if it has no line."""
    match event:
        case RequestAnswered():
            return {
                "event": "request",
                "resource": event.resource,
                "attempt": event.attempt,
                "method": event.method,
                "url": event.url,
                "status": event.status,
                "seconds": round(event.seconds, 4),
                "bytes": event.size,
                "error": event.error,
            }
        case PageRead(resource, records):
            return {"event": "page", "resource": resource, "records": records}
        case Waiting(resource, seconds, why):
            return {
                "event": "wait",
                "resource": resource,
                "seconds": round(seconds, 3),
                "why": why,
            }
        case WarningRaised(resource, code, message):
            return {"event": "warning", "resource": resource, "code": code, "message": message}
        case ResourceStarted(resource):
            return {"event": "resource", "resource": resource, "status": "started"}
        case ResourceEnded(resource, status, reason):
            kind = "skip" if status == "skipped" else "resource"
            return {"event": kind, "resource": resource, "status": status, "reason": reason}
        case Committed(resources, rows, seconds):
            return {
                "event": "commit",
                "resources": list(resources),
                "rows": rows,
                "seconds": round(seconds, 3),
            }
        case StepStarted(step):
            return {"event": "step", "step": step, "status": "started"}
        case StepEnded(step, seconds):
            return {
                "event": "step",
                "step": step,
                "status": "ended",
                "seconds": round(seconds, 3),
            }
    return None
