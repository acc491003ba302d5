"""Read one resource once, page by page, for its own table and for child resources.

A resource is many lists: one for each parent record, partition and window. What children need of
its records is kept on the way, so no list is read twice and no page is kept for children. They may
read it while later pages are still to come.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from typing import Any

from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.paginators import RangePaginator

from framework.errors import (
    FrameworkError,
    RequestError,
    ResourceSkipped,
)
from framework.events import PageRead
from framework.extract.compilation.plan import Plan
from framework.extract.incremental.cursor import ResourceCursors
from framework.extract.incremental.sync_tokens import ResourceTokens
from framework.extract.incremental.validators import ListValidators
from framework.extract.incremental.watermark import Watermark
from framework.extract.lists.list_restarts import ListRestarts
from framework.extract.lists.parent_child import ChildValues, ParentValues, SpilledList
from framework.extract.lists.slices import ChangeFilter, ResourceSlices, Slice
from framework.extract.lists.whole_read import WholeRead
from framework.extract.monitors.outcome_monitor import OutcomeMonitor
from framework.extract.page import Page
from framework.extract.raw_pages import RawPages, raw_pages
from framework.extract.read_options import PageLimit, ReadOptions
from framework.extract.resume.resource_position import ResourcePosition, SliceResult
from framework.extract.resume.resume_point import START, ResumePoint
from framework.extract.slice_reader import SliceReader
from framework.http.error_messages import translate_error
from framework.runtime.thread_pool import run_in_order

Json = Any


class ResourceReader:
    """Read a resource's lists once; thread-safe.

    `open_table` gives the pages for the resource's table, `values_for` and `follow` what a child
    needs. An error ends the reading for good: whoever reads later gets it again. `cut` is the
    error of a window after which nothing was requested: what the windows before it gave is
    complete, and the table's pages raise it at their end.
    """

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        parents: Sequence[ResourceReader],
        cursors: ResourceCursors | None,
        options: ReadOptions,
        state: dict[str, Json] | None = None,
        tokens: ResourceTokens | None = None,
        validators: ListValidators | None = None,
    ) -> None:
        self.plan = plan
        self.name = plan.resource.name
        self._parent_readers = tuple(parents)
        self.records = 0
        self.cut: FrameworkError | None = None
        self._client = client
        self._cursors = cursors
        self._tokens = tokens
        self._validators = validators
        self._state = state
        most = plan.endpoint.max_in_flight or options.max_in_flight
        if most < options.max_in_flight:
            options = replace(options, max_in_flight=most)
        self._options = options
        self._children = ChildValues(options.environment.stop)
        self._loads = False
        self._reads_raw = False
        self._page_limit: PageLimit | None = None
        self._pending: deque[Page] = deque()
        self._source = self._read()
        self._error: Exception | None = None
        self._is_draining = False
        self._lists = 1
        self._unchanged = 0
        self._lock = threading.Lock()
        self._counting = threading.Lock()
        self._position = ResourcePosition(plan, options, cursors)
        self._list_restarts = ListRestarts(plan, options, self._position, tokens, validators)
        self._slice_reader = SliceReader(
            plan, client, options, cursors, tokens, self._position, self._list_restarts
        )
        self._outcome = OutcomeMonitor(plan, options, self._slice_reader.transforms)
        self._slices = ResourceSlices(plan, self._parent_readers, options, self._outcome)
        self._list_fields: list[dict[str, Json]] = []

    def failed_ancestor(self, error: Exception) -> str | None:
        """Return the name of the uppermost ancestor that this error ended, or None."""
        for reader in self._parent_readers:
            name = reader.failed_ancestor(error)
            if name is None and error in (reader._error, reader.cut):
                name = reader.name
            if name is not None:
                return name
        return None

    @property
    def left_out(self) -> dict[str, int]:
        """The number of records that were read and not loaded, by what left them out."""
        counts = {
            "filter": self._slice_reader.transforms.filtered,
            "incremental": self._slice_reader.known,
        }
        return {reason: count for reason, count in counts.items() if count}

    @property
    def skipped_lists(self) -> dict[str, int]:
        """The number of lists that were not read, by reason (`when`, `only_changed`, ...)."""
        bindings = (reader._children.by_child.get(self.name) for reader in self._parent_readers)
        skipped = sum(one.skipped for one in bindings if one is not None)
        not_modified = 0 if self._validators is None else self._validators.unchanged
        counts = {
            "when": skipped,
            "only_new" if self.plan.resource.only_new else "only_changed": self._unchanged,
            "conditional": not_modified,
        }
        return {reason: count for reason, count in counts.items() if count}

    @property
    def parents(self) -> int:
        """The number of parent records whose lists were read."""
        return self._slices.parents

    @property
    def is_unread(self) -> bool:
        """Whether there was no list, or responses were ignored."""
        has_unchanged = self._validators is not None and self._validators.unchanged > 0
        return not self._lists or self.plan.ignored > 0 or has_unchanged

    @property
    def is_empty_explained(self) -> bool:
        """Whether having no records is explained: nothing was read, or the API has none."""
        return self.is_unread or self._slice_reader.is_none or not self._position.start.is_start

    @property
    def has_whole_parents(self) -> bool:
        """Whether all records of the parents, and of theirs, are known."""
        return all(
            parent._children.is_ended and parent._error is None and parent.has_whole_parents
            for parent in self._parent_readers
        )

    @property
    def is_read(self) -> bool:
        """Whether the run that this one resumes has read and loaded all lists."""
        return self._position.start.is_end

    @property
    def restarted(self) -> bool:
        """Whether the resource is read from its start though there was a resume point."""
        return self._position.restarted

    @property
    def read_anew(self) -> bool:
        """Whether pages of a list were read a second time."""
        return self._list_restarts.happened

    @property
    def has_read_all(self) -> bool:
        """Whether this run has requested every list that there is, each from its start."""
        states = (self._cursors, self._tokens)
        begins_anew = all(one is None or one.begins_anew for one in states)
        has_all_parents = all(
            one.has_read_all and not one.plan.ignored for one in self._parent_readers
        )
        return begins_anew and self.cut is None and not self.skipped_lists and has_all_parents

    def whole_read(self) -> WholeRead | None:
        """Return what this run has read completely, after its end; None for nothing."""
        bounds, lists = None, None
        if self._tokens is not None and not self._tokens.begins_anew:
            return None
        if self._cursors is not None:
            if not self._cursors.begins_anew:
                return None
            bounds = self._cursors.rules.bounds()
        if not self.has_read_all:
            parents = [one.plan.resource for one in self._parent_readers]
            if not self.plan.resource.knows_lists(parents[0] if parents else None):
                return None
            lists = tuple(self._list_fields)
        return WholeRead(lists, bounds)

    def resume_point(self) -> ResumePoint | None:
        """Return where a later run goes on after the page that the table got last, or None."""
        if self._children.by_child:
            return START  # they need the values of all records
        return self._position.point()

    def job_point(self) -> ResumePoint | None:
        """Return the point of a resource that waits for its export job, None without one."""
        return self._position.job_point()

    def add_child(self, child: ResourceReader, line: Plan) -> None:
        """Keep what this child and its descendants need; call before anything is read.

        `line` is the child's plan for this parent.
        """
        self._children.open(child.name, line)
        ancestors = {binding.binding.resource for binding in line.ancestor_bindings}
        for ancestor in ancestors | line.resource.ancestor_fields.keys():
            self._keep_for(ancestor, child.name, line)

    def _keep_for(self, ancestor: str, below: str, descendant: Plan) -> None:
        """Have an ancestor keep what a descendant needs of it; `below` is next on the way."""
        if self.name == ancestor:
            self._children.by_child[below].add_descendant(descendant)
        for reader in self._parent_readers:
            reader._keep_for(ancestor, self.name, descendant)

    def limit_pages(self, limit: PageLimit) -> None:
        """Read no more pages than dlt's `add_limit` allows, one at a time, and move no watermark.

        Call it before anything is read.
        """
        self._page_limit = limit
        self._options = replace(self._options, max_in_flight=1)
        self._slice_reader.options = self._options

    def open_table(self, *, reads_raw: bool = False) -> Iterator[Page]:
        """Return the pages for the resource's table, each once.

        Call it before a child reads this resource. With `reads_raw` pages may come unparsed.
        """
        self._loads, self._reads_raw = True, reads_raw
        self._slice_reader.loads = True
        return self._table_pages()

    @property
    def raw_pages(self) -> RawPages | str:
        """How pages come unparsed if the sink takes them so, or why they do not."""
        paginator: Any = self.plan.paginator or self._client.paginator
        return raw_pages(self.plan, paginator, self._children.by_child.values())

    def _table_pages(self) -> Iterator[Page]:
        while True:
            with self._lock:
                page = self._pending.popleft() if self._pending else self._next()
            if page is None:
                if self.cut is not None:
                    raise self.cut
                return
            yield page

    def values_for(self, child: str) -> SpilledList[ParentValues]:
        """Return what each record gives that child, after all pages are read."""
        if self._options.in_threads:
            self._drain_in_thread()
        else:
            self._drain()
        return self._children.all(child)

    def follow(self, child: str) -> Iterator[ParentValues]:
        """Yield what each record gives that child, while another thread reads the pages."""
        self._drain_in_thread()
        yield from self._children.follow(child)

    def await_first_list(self) -> bool:
        """Wait for a list that can be requested while the parents are read.

        Return False if there is none: the parents have to be read first, or they are.
        """
        if not self._slices.follows_parent:
            return False
        parent = self._parent_readers[0]
        parent._drain_in_thread()
        return parent._children.await_first(self.name)

    def parents_error(self) -> Exception | None:
        """Wait for parents that are read; return the error that this resource has from them."""
        for parent in self._parent_readers:
            if parent._is_draining:
                parent._children.await_end()
        return self._error_above()

    def _error_above(self) -> Exception | None:
        errors = (parent._children.error_for(self.name) for parent in self._parent_readers)
        return next(filter(None, errors), None)

    def abandon(self, error: BaseException) -> None:
        """End the reading with this error if it has not ended: children must not wait for more."""
        if not self._children.is_ended:
            usual = error if isinstance(error, Exception) else None
            self._end(usual or RequestError(f"{self.name} was not read to its end"))

    def _drain(self) -> None:
        with self._lock:
            while (page := self._next()) is not None:
                if self._loads:
                    self._pending.append(page)

    def _drain_in_thread(self) -> None:
        """Have a thread read this resource if it is read for its children only."""
        with self._counting:
            if self._is_draining or self.name in self._options.in_threads:
                return
            self._is_draining = True
        threading.Thread(target=self._drain_quietly, name="framework-read", daemon=True).start()

    def _drain_quietly(self) -> None:
        with suppress(Exception):  # the children raise it
            self._drain()

    def _end(self, error: Exception) -> None:
        self._error = error
        self._children.end(error)

    def _next(self) -> Page | None:
        if self._error is not None:
            raise self._error
        try:
            page = next(self._source, None)
        except ResourceSkipped as error:
            self._end(error)
            raise
        except Exception as error:
            ours = translate_error(error, self.name, self._options.redactor)
            self._end(ours or error)
            if ours is None:
                raise
            raise ours from error
        if page is None:
            self._children.end(None if self._loads else self.cut)
        return page

    def _read(self) -> Iterator[Page]:
        """Yield the pages of all lists, counted and passed to children and monitors."""
        if self.plan.problem is not None:
            raise self.plan.problem
        limit, page_limit = self._options.limit, self._page_limit
        for one, page in self._read_lists():
            is_last = limit is not None and self.records + page.count >= limit
            if limit is not None and is_last:
                page = Page.of(page.records[: limit - self.records])
            if page_limit is not None:
                is_last = page_limit.is_last(page.count) or is_last
            self.records += page.count
            self._options.on_event(PageRead(self.name, page.count))
            if self._children.by_child:
                if self._list_restarts.happened:
                    self._children.add_once()
                self._children.add(page.fields, one.parent, page.whole)
            if is_last:
                yield page
                break
            if self._cursors is not None and self._loads:
                new = self._cursors.not_appended(one.key, page.fields, page.whole)
                if new is not page.fields:
                    self.records -= page.count - len(new)
                    page = page.selected(new)
            if page.count:
                yield page
        self._lists = self._slices.count
        self._outcome.on_end(self.records, self._lists)
        if self._slice_reader.order is not None and self._cursors is not None:
            self._slice_reader.order.on_end(self._cursors.future_value)

    def _read_lists(self) -> Iterator[tuple[Slice, Page]]:
        """Yield the pages of all lists in their order; then write the watermarks."""
        cursors, tokens = self._cursors, self._tokens
        changed = ChangeFilter.of(self.plan.resource, self._state, self._options, self._loads)
        has_state = any(one is not None for one in (cursors, tokens, self._validators))
        has_keys = has_state or self._options.commits
        slices = self._slices.read(changed, has_keys=has_keys)
        if changed is not None and not self._slices.follows_parent:
            slices = iter(list(slices))  # under a limit, too, all of them are counted
        first = list(islice(slices, 2))
        many = len(first) > 1 or not self._slices.has_one
        if cursors is not None:
            cursors.begin(moves=self._loads)
            cursors.resume(self._position.start.watermarks)
        if tokens is not None:
            tokens.begin(moves=self._loads)
        if self._validators is not None:
            self._validators.begin(moves=self._loads and self._options.limit is None)
        for result, pages in self._results(first, slices, many):
            whole = len(pages) if isinstance(pages, list) else 0
            for number, page in enumerate(pages, 1):
                self._position.is_list_end = number == whole
                if number == whole:
                    self._end_list(result, many)
                yield result.slice, page
            if not whole:
                self._end_list(result, many)
            if result.cut is not None:
                self.cut = result.cut
                break
        live_keys = self._slices.keys if self.cut is None and self._drops_old_keys else None
        if cursors is not None:
            cursors.end(many=many, live_keys=live_keys)
        if tokens is not None and self.cut is None:
            tokens.end(live_keys)
        if self._validators is not None and self.cut is None:
            self._validators.end()
        if changed is not None:
            self._unchanged = changed.skipped
            if self.cut is None:
                changed.end(live_keys)

    def _end_list(self, result: SliceResult, many: bool) -> None:
        """Note that a list was read, before its last page is given to the table if it is known."""
        if self._cursors is not None and result.cursor is not None:
            self._cursors.done(result.slice.key, result.cursor, many=many)
        self._position.on_list_end(result)
        if (
            self.plan.resource.deletes is not None
            and result.slice.fields
            and not result.is_unchanged
        ):
            self._list_fields.append(result.slice.fields)

    def _results(
        self, first: list[Slice], others: Iterator[Slice], many: bool
    ) -> Iterator[tuple[SliceResult, Iterable[Page]]]:
        """Return each slice with its pages: of one slice as they come, of many read in parallel.

        `first` are the first two, or all.
        """
        raw = self.raw_pages if self._reads_raw else None
        raw = None if isinstance(raw, str) else raw

        def read(one: Slice) -> tuple[SliceResult, Iterator[Page]]:
            result = SliceResult(one, self._cursor_of(one, many))
            return result, self._slice_reader.read(result, raw)

        def read_all(one: Slice) -> tuple[SliceResult, Iterable[Page]]:
            result, pages = read(one)
            return result, list(map(self._unless_ended, pages))

        done = self._position.start.lists
        if len(first) == 1 and not done:
            only = read(first[0])
            self._position.read_only(only[0])
            return iter([only])
        self._position.read_many()
        jobs = (partial(read_all, one) for one in chain(first, others) if one.key not in done)
        return run_in_order(jobs, self._options.max_in_flight, self._options.environment.stop)

    def _unless_ended(self, page: Page) -> Page:
        """Return the page of a list; raise if another list or a parent has ended the reading."""
        error = self._error or self._error_above()
        if error is not None:
            raise error
        return page

    def _cursor_of(self, one: Slice, many: bool) -> Watermark | None:
        if self._cursors is None:
            return None
        return self._cursors.one_of_many(one.key) if many else self._cursors.alone(one.key)

    @property
    def has_one_record(self) -> bool:
        """Whether the file says that there is one record: a root with a single page."""
        paginator = self.plan.paginator or self._client.paginator
        return not self._parent_readers and getattr(paginator, "is_single_page", False)

    @property
    def may_shift(self) -> bool:
        """Whether records may have moved between the pages of a list that counts them."""
        paginator: Any = self.plan.paginator or self._client.paginator
        return self._slice_reader.is_paged and isinstance(
            getattr(paginator, "inner", None), RangePaginator
        )

    @property
    def _drops_old_keys(self) -> bool:
        """Whether a list that is not read in this run has no parent record any more."""
        resource = self.plan.resource
        if resource.write_disposition != "merge":
            return False
        return resource.when is None and all(one.is_complete for one in self._parent_readers)

    @property
    def is_complete(self) -> bool:
        """Whether each run reads all records that the API has."""
        resource = self.plan.resource
        return (
            all(reader.is_complete for reader in self._parent_readers)
            and self._cursors is None
            and self._tokens is None
            and self._validators is None
            and resource.when is None
            and resource.only_changed is None
            and not resource.only_new
        )
