"""What holds for every reading of one run."""

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
    """A look instead of a reading: at most so many pages of each list, of at most so many lists.

    `look` is shown each page as it came, with the resource and the page's number in its list.
    """

    pages: int
    lists: int
    look: Callable[[str, int, Any], None]


@dataclass(frozen=True)
class ReadOptions:
    """What holds for every reading of a run. `limit` is at most so many records, or None.
    With `sample` a reading is a look.

    `state` is the incremental state by resource, read and moved in place; None leaves it to the
    pipeline that runs the source. `again` is a range that is read again; it moves no state. With
    `awaits_jobs` false an export job is created, and neither waited for nor downloaded.
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
