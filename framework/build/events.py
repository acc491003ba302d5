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
class Warned:
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
    """The resource was read (`ok`), skipped or failed."""

    resource: str
    status: str


@dataclass(frozen=True)
class StepStarted:
    """A step over all resources began: extract, normalize, load, or a word on pending work."""

    step: str


Event = RequestSent | Waiting | PageRead | Warned | ResourceStarted | ResourceEnded | StepStarted
Watch = Callable[[Event], None]


def unwatched(_: Event) -> None:
    """Nobody is looking."""
