"""What a run tells while it runs: small values, handed to one function that shows or logs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestSent:
    """One attempt went out for this resource; `attempt` counts from 1."""

    resource: str
    attempt: int


@dataclass(frozen=True)
class RequestAnswered:
    """What became of that attempt: `status`, or `error` (its kind) where no whole answer came.

    `url` may be shown: secrets and addresses of people are masked. `seconds` last until the body
    was read, `size` is the body's, in bytes.
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
    """The resource waits that many seconds before its next attempt; `why` says what told it to."""

    resource: str
    seconds: float
    why: str


@dataclass(frozen=True)
class PageRead:
    """A page of that many records arrived."""

    resource: str
    records: int


@dataclass(frozen=True)
class WarningRaised:
    """Something the person should know; `code` is kebab-case and stays in the report."""

    resource: str
    code: str
    message: str


@dataclass(frozen=True)
class ResourceStarted:
    """The resource is being read."""

    resource: str


@dataclass(frozen=True)
class ResourceEnded:
    """The resource was read (`ok`), skipped or failed; `reason` is why, where it is not ok."""

    resource: str
    status: str
    reason: str | None = None


@dataclass(frozen=True)
class StepStarted:
    """A step over all resources began: extract, normalize, load, or a word on pending work."""

    step: str


@dataclass(frozen=True)
class StepEnded:
    """That step is done."""

    step: str
    seconds: float


Event = (
    RequestSent
    | RequestAnswered
    | Waiting
    | PageRead
    | WarningRaised
    | ResourceStarted
    | ResourceEnded
    | StepStarted
    | StepEnded
)
EventHandler = Callable[[Event], None]


def ignore_event(_: Event) -> None:
    """Nobody is looking."""
