"""Read one list of a resource, window by window, and change its records on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count
from typing import Any

from dlt.sources.helpers.rest_client.client import RESTClient

from framework.definition.references import FROM
from framework.errors import FrameworkError, RecordError, RequestError, WindowTooLarge
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.export_jobs import JobPosition, downloads
from framework.extract.incremental.cursor import ResourceCursors
from framework.extract.incremental.keyset import Keyset
from framework.extract.incremental.sync_tokens import ResourceTokens
from framework.extract.incremental.watermark import Watermark
from framework.extract.incremental.windows import WHOLE, Window
from framework.extract.lists.list_restarts import ListRestarts
from framework.extract.lists.parent_child import name_parent
from framework.extract.monitors.duplicate_key_monitor import DuplicateKeyMonitor
from framework.extract.monitors.order_monitor import OrderMonitor
from framework.extract.page import Page, Record, as_records
from framework.extract.page_reader import PageReader
from framework.extract.raw_pages import RawPages
from framework.extract.read_options import LOADED, SELECTED, ReadOptions
from framework.extract.records.transforms import Transforms, table_of_list, with_table
from framework.extract.resume.resource_position import ResourcePosition, SliceResult
from framework.http.error_messages import translate_error
from framework.runtime.context import (
    Context,
    with_incremental,
    with_response,
    without_secrets,
)
from framework.runtime.templates import Values

Json = Any

NO_STEPS = frozenset[int]()
SHORTEST = "`shrink_window` cannot read less at once: the window is as short as windows can be."
MAX_EMPTY_WINDOWS = 12
"""Windows without a record after which a sample gives up."""


class SliceReader:
    """Read lists of one resource, several at once if need be; thread-safe.

    `loads` says that a table gets the records. `known` counts records that the incremental left
    out. `is_paged` says that a list had more than one page, `is_none` that a response said in words
    that there are no records.
    """

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        options: ReadOptions,
        cursors: ResourceCursors | None,
        tokens: ResourceTokens | None,
        position: ResourcePosition,
        restarts: ListRestarts,
    ) -> None:
        self.options = options
        self.loads = False
        self.known = 0
        self.is_paged = False
        self.is_none = False
        self._trace = None if options.sample is None else options.sample.trace
        self.transforms = Transforms(plan.resource, None if self._trace is None else self._watch)
        self.restarts = restarts
        self.order = None
        if cursors is not None:
            self.order = OrderMonitor(cursors.rules, plan.endpoint, options)
        self._plan = plan
        self._name = plan.resource.name
        self._client = client
        self._cursors = cursors
        self._tokens = tokens
        self._position = position
        self._has_records = False
        self._changes = Transforms(plan.resource)  # of pages whose steps are counted already
        self._duplicates = DuplicateKeyMonitor(plan, options)
        self._counting = threading.Lock()

    def read(self, result: SliceResult, raw: RawPages | None) -> Iterator[Page]:
        """Yield the pages of a slice, window by window; set `result.cut` if a later one fails.

        An error names the parent record of the slice.
        """
        one, cursor, options = result.slice, result.cursor, self.options
        all_or_nothing = self._plan.resource.write_disposition == "replace"
        try:
            self._position.resume_windows(result)
            windows = iter((WHOLE,)) if cursor is None else cursor.windows()
            halves: list[Window] = []
            for number in count():
                window = halves.pop() if halves else next(windows, None)
                if window is None:
                    return
                is_sample = options.sample is not None and options.sample.pages is not None
                is_late = (number and self._has_records) or number >= MAX_EMPTY_WINDOWS
                if is_sample and cursor is not None and is_late:
                    return
                pages: Iterable[Page] = self._read_from_last(result, window, raw)
                whole = 0
                may_be_cut = cursor is not None and cursor.resumable and not all_or_nothing
                if cursor is not None and (may_be_cut or self._plan.endpoint.shrinks_windows):
                    # a window that fails gives nothing, or its rows would be loaded again
                    try:
                        pages = list(pages)
                    except Exception as error:
                        parts = self._halves(cursor, window, error)
                        if parts:
                            halves += reversed(parts)
                            continue
                        if isinstance(error, WindowTooLarge):
                            error = RequestError(f"{error}\n{SHORTEST}", status=error.status)
                        if not may_be_cut:
                            raise error
                        result.cut = self._cut(error)
                        cursor.cut()
                        return
                    whole = len(pages)
                for place, page in enumerate(pages, 1):
                    result.is_window_end = place == whole
                    if result.is_window_end and cursor is not None:
                        cursor.finish(window)
                    yield page
                if cursor is not None and not whole:
                    cursor.finish(window)
        except Exception as error:
            secrets = options.redactor
            ours = translate_error(error, self._name, secrets)
            if one.parent is None or not isinstance(ours, (RequestError, RecordError)):
                raise
            raise name_parent(ours, one.parent, self._plan, secrets) from error

    def _halves(
        self, cursor: Watermark, window: Window, error: Exception
    ) -> tuple[Window, Window] | None:
        """Return what to read in the place of a window that the API finds too large, else None."""
        halves = cursor.halves(window) if isinstance(error, WindowTooLarge) else None
        if halves is None:
            return None
        start, end = (window.values[f"incremental.{name}_value"] for name in ("start", "end"))
        message = f"the window from {start} to {end} is read in two halves: {error}"
        self.options.on_event(WarningRaised(self._name, "window-shrunk", message))
        return halves

    def _cut(self, error: Exception) -> FrameworkError:
        """Return the error that ends a resource after complete windows; raise any other."""
        ours = translate_error(error, self._name, self.options.redactor)
        if ours is None or self.options.environment.stop.error is not None:
            raise error
        return ours

    def _read_from_last(
        self, result: SliceResult, window: Window, raw: RawPages | None
    ) -> Iterator[Page]:
        """Yield the pages of a window, begun anew at the last cursor as often as needed."""
        incremental = self._plan.endpoint.incremental
        if self._cursors is None or incremental is None or incremental.restart_after is None:
            yield from self._read_window(result, window, raw)
            return
        keyset, result.goes_on = Keyset(self._cursors.rules), True
        while result.goes_on:
            result.goes_on = False
            yield from self._read_window(result, window, raw, keyset)
            if result.goes_on:
                start = keyset.restart(window.values["incremental.start_value"])
                bounds = {"incremental.start_value": start, "incremental.last_value": start}
                window = Window({**window.values, **bounds}, window.following, window.begin)
        keyset.end()
        if keyset.gap is not None and self._plan.resource.primary_key != (incremental.cursor_path,):
            self._warn_of_gap(keyset.gap)

    def _warn_of_gap(self, cursor: Json) -> None:
        self.options.on_event(
            WarningRaised(
                self._name,
                "restart-gap",
                f"the list that began anew at {cursor} has no record with that cursor: the API "
                "seems to return later ones only, so records with the same cursor may be missing. "
                "Request an earlier start, such as "
                "{subtract_time(incremental.start_value, 'PT1S')}",
            )
        )

    def _read_window(
        self,
        result: SliceResult,
        window: Window,
        raw: RawPages | None,
        keyset: Keyset | None = None,
    ) -> Iterator[Page]:
        """Yield the pages of one list, transformed, without the records that are known already."""
        one, cursor = result.slice, result.cursor
        bounds = dict(window.values)
        if self._tokens is not None:
            bounds |= self._tokens.values(one.key)
        context = with_incremental(
            one.context(self._plan.context, self._plan.resource.parent), bounds
        )
        values = {**one.values, **bounds}
        visible, table = without_secrets(context), self._table_of(values, context)
        order = None
        if self.order is not None:
            order = self.order.of_list(window.values.get("incremental.start_value"))
        steps = self.transforms or None
        looks = order is not None or cursor is not None or self._trace is not None
        for number, page in enumerate(self._pages_of(result, values, context, raw)):
            self.is_paged = self.is_paged or (number > 0 and page.count > 0)
            self.is_none = self.is_none or page.is_none
            only = None
            if steps is not None and raw is not None and self._is_unparsed(page, raw):
                only = raw.steps
                if raw.has_changes:
                    page = page.before(self._changes)
            if looks or page.is_parsed or (steps is not None and only != NO_STEPS):
                records = page.fields
                if self._trace is not None:
                    self._trace(self._name, SELECTED, records)
                if one.fields:
                    for record in records:
                        record.update(one.fields)
                if steps is not None:
                    around = visible
                    if steps.reads_response and page.response is not None:
                        around = with_response(visible, page.response)
                    records = steps(records, around, only)
                if order is not None:
                    order.on_records(records)
                if keyset is not None:
                    keyset.add(records)
                if cursor is not None:
                    new = cursor.filter(records, page.whole)
                    self._count_known(len(records) - len(new))
                    records = new
                if self._trace is not None:
                    self._trace(self._name, LOADED, records)
                if table is not None:
                    records = with_table(records, table)
                if one.fields or records is not page.fields:
                    page = page.selected(records)
                elif page.is_parsed:
                    page = page.parsed()
            self._has_records = self._has_records or page.count > 0
            yield page
            if cursor is not None and cursor.exhausted:
                return

    def _watch(self, place: str, record: Record) -> None:
        assert self._trace is not None
        self._trace(self._name, place, (record,))

    @staticmethod
    def _is_unparsed(page: Page, raw: RawPages) -> bool:
        """Return whether all that is needed of a page was read without parsing it."""
        return not page.is_parsed and page.has_fields is (raw.projection is not None)

    def _count_known(self, count: int) -> None:
        with self._counting:
            self.known += count

    def _pages_of(
        self,
        result: SliceResult,
        values: dict[str, Json],
        context: Context,
        raw: RawPages | None,
    ) -> Iterator[Page]:
        """Return the pages of one list, or of all downloads of the job that exports it."""
        if self._plan.endpoint.source is not None:
            found = values[FROM]
            items = found if isinstance(found, list) else [found]
            return iter([Page.of(as_records(items))])
        client, options, duplicates = self._client, self.options, self._duplicates
        export = self._plan.endpoint.export
        reader = partial(PageReader, client=client, options=options, duplicates=duplicates)
        if export is None:
            of_list = partial(reader, self._plan, values=values, context=context, raw=raw)
            return self.restarts.pages(result, values, context, of_list)

        def pages_of(job: JobPosition) -> Iterator[Page]:
            for plan, ready in downloads(self._plan, export, client, values, context, options, job):
                job.is_read = True
                yield from reader(plan, values=values, context=ready).pages()

        return self._position.pages_of_job(result, pages_of)

    def _table_of(self, values: dict[str, Json], context: Context) -> str | None:
        """Return the table of a list's records, None if the resource has one table."""
        template = self._plan.resource.tables
        if template is None or not self.loads:
            return None
        known = Values(values, context, self.options.redactor)
        return table_of_list(self._name, template, known, self._plan.other_tables)
