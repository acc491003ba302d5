"""Options of all reads in one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from framework.events import EventHandler
from framework.extract.incremental.policy import CursorRange
from framework.runtime.environment import Environment
from framework.runtime.redaction import Redactor

Json = Any


@dataclass(frozen=True)
class Sample:
    """Read a sample: at most `pages` of each list, of at most `lists` lists of a resource.

    `look` gets each page as selected, with the resource and the page's number in its list.
    """

    pages: int
    lists: int
    look: Callable[[str, int, Any], None]


@dataclass(frozen=True)
class ReadOptions:
    """Options of all reads in one run. `limit` is the most records of a resource, None for all.

    `state` is the incremental state by resource, read and moved in place; None leaves it to the
    pipeline that runs the source. `again` is a range that is read again, which moves no state. With
    `awaits_jobs=False` an export job is created, but neither waited for nor downloaded.
    """

    environment: Environment
    on_event: EventHandler
    redactor: Redactor
    max_in_flight: int
    limit: int | None = None
    state: dict[str, dict[str, Json]] | None = None
    sample: Sample | None = None
    again: CursorRange | None = None
    awaits_jobs: bool = True
