"""Options of all reads in one run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from framework.events import EventHandler
from framework.extract.incremental.policy import CursorRange
from framework.extract.resume.resume_point import ResumePoint
from framework.runtime.environment import Environment
from framework.runtime.redaction import Redactor

Json = Any
Trace = Callable[[str, str, Sequence[Mapping[str, Json]]], None]
"""Gets records of a resource at one place of their way, before later places change them."""
SELECTED, LOADED = "data_selector", "loaded"
"""Places of a trace before the steps and after them; those between are `step_place`."""


@dataclass(frozen=True)
class Sample:
    """Read a sample: at most `pages` of each list, of at most `lists` lists of a resource.

    `look` gets each page as selected, with the resource and the page's number in its list. None is
    all of them, one after the other. `trace` gets the records of a page at each place of their way
    (SELECTED, each step, LOADED).
    """

    pages: int | None
    lists: int | None
    look: Callable[[str, int, Any], None]
    trace: Trace | None = None


@dataclass
class PageLimit:
    """dlt's `add_limit` on one resource: the most pages, or records, and the most seconds."""

    most: int | None
    counts_records: bool = False
    seconds: float | None = None
    _count: int = 0
    _begin: float = field(default_factory=time.monotonic)

    def is_last(self, records: int) -> bool:
        """Count a page with this number of records; return whether the limit is reached."""
        self._count += records if self.counts_records else 1
        is_late = bool(self.seconds) and time.monotonic() - self._begin > (self.seconds or 0)
        return is_late or (self.most is not None and self._count >= self.most)


@dataclass(frozen=True)
class ReadOptions:
    """Options of all reads in one run. `limit` is the most records of a resource, None for all.

    `state` is the incremental state by resource, read and moved in place; None leaves it to the
    pipeline that runs the source. `again` is a range that is read again, which moves no state. With
    `awaits_jobs=False` an export job is created, but neither waited for nor downloaded. With
    `commits` readers know how far they are; `resume` are the points at which they begin.

    `checks_maximums` also checks the end of a list that `maximum_page` or `maximum_offset` has cut.

    `in_threads` are the resources that threads of their own read for their tables. Lists of
    children may then be requested meanwhile. If there are none, a child reads its parent first.
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
    in_threads: frozenset[str] = frozenset()
    commits: bool = False
    checks_maximums: bool = False
    resume: Mapping[str, ResumePoint] = field(default_factory=dict)
