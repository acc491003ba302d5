"""How far the lists of one resource are read, and how its pages go on from a resume point."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from framework.errors import FrameworkError, RequestError
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.export_jobs import JobPosition
from framework.extract.incremental.cursor import ResourceCursors
from framework.extract.incremental.watermark import Watermark
from framework.extract.lists.slices import Slice
from framework.extract.page import Page
from framework.extract.page_reader import PageReader
from framework.extract.read_options import ReadOptions
from framework.extract.resume.resume_point import START, ResumePoint

Json = Any

LONGEST = 256 << 10
"""Bytes of a resume point: the state should stay small."""

NOT_FOR_POSITION = (None, 401, 403, 408, 429, *range(500, 600))
"""Statuses that say nothing about the place in the list."""


@dataclass
class SliceResult:
    """One slice while it is read. `cut` is the error of a window that could not be read.

    `goes_on` says that a window ended early, and begins anew at the last cursor.
    `is_window_end` says whether the page that was yielded last is the last one of a window. Of a
    resource's only list, `pages` is the reader, and `request` a hash of its first request. One that
    `is_unchanged` was not sent again.
    """

    slice: Slice
    cursor: Watermark | None
    cut: FrameworkError | None = None
    is_window_end: bool = False
    goes_on: bool = False
    pages: PageReader | None = None
    request: str = ""
    is_unchanged: bool = False
    job: JobPosition = field(default_factory=JobPosition)


class ResourcePosition:
    """Where the reading of one resource begins, and how far it is.

    `start` is the point at which an earlier run ended. `restarted` says that it could not be used,
    because the API or the list's request did not allow it.
    """

    def __init__(self, plan: Plan, options: ReadOptions, cursors: ResourceCursors | None) -> None:
        self.start = options.resume.get(plan.resource.name, START)
        self.restarted = False
        self._plan = plan
        self._options = options
        self._cursors = cursors
        self._only: SliceResult | None = None
        self._ended: set[str] = set()
        self.is_list_end = False
        """Whether the page that the table gets next is the last one of its list."""
        incremental = plan.endpoint.incremental
        self._has_windows = incremental is not None and incremental.step is not None

    def read_only(self, result: SliceResult) -> None:
        """Say that this is the only list."""
        self._only = result

    def read_many(self) -> None:
        """Say that there are several lists."""
        self.restarted = bool(self.start.position or self.start.progress)

    def on_list_end(self, result: SliceResult) -> None:
        """Say that a list was read."""
        if self._options.commits and result.cut is None:
            self._ended.add(result.slice.key)

    def point(self) -> ResumePoint | None:
        """Return where a later run goes on after the page that the table got last.

        None within a list of many, or within a window: it is read as a whole.
        """
        only = self._only
        if only is None:
            return self._point_of_many() if self.is_list_end else None
        if self._plan.endpoint.export is not None:
            return None if self._appends else self.job_point() or START
        progress = None if only.cursor is None else only.cursor.progress()
        if only.cursor is not None and progress is None:
            return ResumePoint(reason="it has too many records at its watermark to remember them")
        if self._has_windows:
            if not only.is_window_end:
                return None
            return ResumePoint(request=only.slice.key, progress=progress)
        position = None if only.pages is None else only.pages.position()
        if position is None:
            return None
        point = ResumePoint(request=only.request, position=position, progress=progress)
        return self._storable(point) if position else START

    def _point_of_many(self) -> ResumePoint:
        lists = frozenset(self._ended) | self.start.lists
        cursors = self._cursors
        watermarks = {} if cursors is None else cursors.watermarks_of(lists)
        return ResumePoint(lists=lists, watermarks=watermarks)

    def job_point(self) -> ResumePoint | None:
        """Return the point of a resource that has created its export job, None without one."""
        only = self._only
        if only is None or only.job.created is None or (self._appends and only.job.is_read):
            return None
        point = self._storable(ResumePoint(position={"job": only.job.created}))
        return None if point.is_start else point

    @property
    def _appends(self) -> bool:
        return self._plan.resource.write_disposition == "append"

    def _storable(self, point: ResumePoint) -> ResumePoint:
        """Return the point, or the start in the place of one that is large or holds a secret."""
        stored = point.as_json()
        if len(json.dumps(stored)) > LONGEST:
            return ResumePoint(reason=f"the request of its next page is over {LONGEST:,} bytes")
        if self._options.redactor.redact_data(stored) != stored:
            return ResumePoint(reason="the request of its next page contains a secret")
        return point

    def resume_windows(self, result: SliceResult) -> None:
        """Leave out the windows of a list that an earlier run has read."""
        point = self.start
        if not self._has_windows or not point.progress or result is not self._only:
            return
        self.restarted = point.request != result.slice.key
        if not self.restarted and result.cursor is not None:
            result.cursor.resume(point.progress)

    def pages(self, result: SliceResult, reader: Callable[[], PageReader]) -> Iterator[Page]:
        """Return the pages of a list, after the point if it is for this list.

        `reader` returns a new reader of the whole list.
        """
        pages = reader()
        if result is not self._only or not self._options.commits:
            return pages.pages()
        result.pages, result.request = pages, pages.request_hash()
        if self.start.position is None:
            return pages.pages()
        return self._pages_after(self.start.position, result, reader)

    def _pages_after(
        self, position: Json, result: SliceResult, reader: Callable[[], PageReader]
    ) -> Iterator[Page]:
        """Yield the pages after a position; all, with a warning, if the API refuses it."""
        pages, point, cursor = result.pages, self.start, result.cursor
        assert pages is not None
        problem = "the request of its list is another one now"
        if result.request == point.request:
            pages.go_to(position)
            if cursor is not None and point.progress is not None:
                cursor.resume(point.progress)
            following = pages.pages()
            try:
                yield next(following)
            except StopIteration:
                return
            except RequestError as error:
                if error.status in NOT_FOR_POSITION:
                    raise
                problem = f"the API refuses to go on there ({error})"
                if cursor is not None:
                    cursor.restart()
            else:
                yield from following
                return
        self._restart(problem)
        result.pages = reader()
        yield from result.pages.pages()

    def again(self, result: SliceResult, reader: Callable[[], PageReader]) -> Iterator[Page]:
        """Return the pages of a list from its start, in the place of those that ended."""
        pages = reader()
        if result.pages is not None:
            result.pages, result.request = pages, pages.request_hash()
        return pages.pages()

    def pages_of_job(
        self, result: SliceResult, pages: Callable[[JobPosition], Iterator[Page]]
    ) -> Iterator[Page]:
        """Yield the pages of an export job; of a new one if the API has lost the old one."""
        stored = self.start.position if result is self._only else None
        job = result.job = JobPosition() if stored is None else JobPosition(stored.get("job"))
        try:
            yield from pages(job)
        except RequestError as error:
            if stored is None or job.is_read or error.status in NOT_FOR_POSITION:
                raise
            self._restart(f"the API no longer has the export job ({error})")
            result.job = JobPosition()
            yield from pages(result.job)

    def _restart(self, problem: str) -> None:
        """Warn that the resource is read from its start, though there is a resume point."""
        self.restarted = True
        message = f"read from the start, not from where the run before ended: {problem}"
        name = self._plan.resource.name
        self._options.on_event(WarningRaised(name, "not-resumed", message))
