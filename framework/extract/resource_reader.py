"""One resource read: its list asked for once, page after page, for its table and for its children.

Records come out as the file's steps and its incremental leave them. What children bind is taken
from them on the way, so no list is asked for twice and no page is kept for the children's sake.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from dlt.sources.helpers.rest_client.client import PageData, RESTClient

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.json_text import may_repeat_keys, repeated_keys
from framework.errors import FrameworkError, RecordError, RequestError, ResourceSkipped
from framework.events import PageRead, WarningRaised
from framework.extract.export_jobs import downloads
from framework.extract.incremental.cursor import Cursor, ResourceCursors, held_state
from framework.extract.incremental.policy import CursorPolicy
from framework.extract.incremental.windows import WHOLE, Window
from framework.extract.monitors.order_monitor import OrderMonitor
from framework.extract.page import Page, Record, TextPage, as_records, is_unparsed
from framework.extract.page_reader import PageReader
from framework.extract.parent_child import (
    ChangeFilter,
    ChildBindings,
    ParentValues,
    Slice,
    SpilledList,
    named,
    sliced,
)
from framework.extract.partitions import batched, multiplied
from framework.extract.plan import Plan
from framework.extract.read_options import ReadOptions
from framework.extract.transforms import marked, stepper, table_of_list
from framework.http.decoders import Undecodable, charset_of, json_in
from framework.http.error_messages import translate_error
from framework.http.transport import InvalidJson, Response
from framework.runtime.context import Context, with_incremental, without_secrets
from framework.runtime.redaction import redact_url
from framework.runtime.templates import Values
from framework.runtime.thread_pool import run_in_order

Json = Any


MOST_WINDOWS = 12
"""Windows without a record after which a look gives up."""


@dataclass
class SliceResult:
    """What one slice gave. `cut` is the error of the window that could not be read."""

    pages: list[list[Record]]
    slice: Slice
    cursor: Cursor | None
    cut: FrameworkError | None = None


class SliceReader:
    """Asks for the lists of one resource; thread-safe. With `loads` its records go to tables;
    `stays_text` says whether whoever takes them wants none of them parsed."""

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        options: ReadOptions,
        rules: CursorPolicy | None = None,
    ) -> None:
        self.loads = False
        self.stays_text: Callable[[], bool] | None = None
        self.order = None if rules is None else OrderMonitor(rules, plan.endpoint)
        self._doubtful = 0
        self.step = stepper(plan.resource)
        self._plan = plan
        self._client = client
        self._options = options
        self._some = False
        self._old = 0
        self._counting = threading.Lock()

    @property
    def left_out(self) -> dict[str, int]:
        """How many records were read and not handed on, by what left them out."""
        counts = {"filter": self.step.filtered, "incremental": self._old}
        return {what: count for what, count in counts.items() if count}

    def pages_of(self, asked: SliceResult) -> Iterator[list[Record]]:
        """The new records of a slice's windows; `asked.cut` is set where a later one fails."""
        cursor = asked.cursor
        if cursor is None:
            yield from self._pages_in(asked.slice, WHOLE, None)
            return
        for number, window in enumerate(cursor.windows()):
            if self._options.sample and (self._some or number >= MOST_WINDOWS):
                return
            pages = self._pages_in(asked.slice, window, cursor)
            if not cursor.resumable or self._plan.resource.write_disposition == "replace":
                yield from pages
            else:
                # a window that fails gives nothing, or its rows would come once more
                try:
                    pages = iter(list(pages))
                except Exception as error:
                    asked.cut = self._cut(error)
                    cursor.cut()
                    return
                yield from pages
            cursor.finish(window)

    def _cut(self, error: Exception) -> FrameworkError:
        """The error that ends a resource after the windows that were read; others are raised."""
        ours = translate_error(error, self._plan.resource.name, self._options.redactor)
        if ours is None or self._options.environment.stop.error is not None:
            raise error
        return ours

    def _pages_in(
        self, one: Slice, window: Window, cursor: Cursor | None
    ) -> Iterator[list[Record]]:
        context = with_incremental(
            one.context(self._plan.context, self._plan.resource.parent), window.values
        )
        values = {**one.values, **window.values}
        visible, table = without_secrets(context), self._table_of(values, context)
        start = window.values.get("incremental.start_value")
        order = None if self.order is None else self.order.of_list(start)
        for page in self._listed(values, context):
            self._look(page)
            records = self.step(self._records(page, one), visible)
            if order is not None:
                order.look(records)
            if cursor is not None:
                came = len(records)
                records = cursor.filter(records)
                with self._counting:
                    self._old += came - len(records)
            self._some = self._some or bool(records)
            yield records if table is None else marked(records, table)
            if cursor is not None and cursor.exhausted:
                return

    def _look(self, page: PageData[Json]) -> None:
        """Warn of keys that an object of the answer has twice: parsing hides them."""
        response = page.response
        if not isinstance(response, Response) or is_unparsed(page):
            return  # Arrow's reader refuses such a page, and then it is parsed
        body = response.parsed_body
        if body is None:
            body = self._json_of(response)
        self._look_into(response, body, response.json())

    def _json_of(self, response: Response) -> bytes:
        """The JSON of an answer that is packed, in lines, or not in UTF-8; empty where none is."""
        form, kind = self._plan.endpoint.response_format, response.headers.get("Content-Type", "")
        try:
            texts = json_in(form, response.content, charset_of(kind))
        except Undecodable:
            texts = []
        return f"[{','.join(texts)}]".encode() if texts else b""

    def _look_into(self, response: Response, body: bytes, parsed: Json) -> None:
        if not body or not may_repeat_keys(body, parsed):
            return
        with self._counting:
            self._doubtful += 1
            number = self._doubtful
        if number & (number - 1):
            return  # being sure takes as long as parsing: the first, the second, the fourth ...
        found = repeated_keys(body)
        if found:
            named = ", ".join(f"`{key}` (in {count:,})" for key, count in found.most_common(5))
            message = (
                "objects in the answer of "
                f"{redact_url(response.url, self._options.redactor)} have a key "
                f"twice, and only its last value is loaded: {named}. The API has to mend that"
            )
            self._options.on_event(
                WarningRaised(self._plan.resource.name, "json-key-repeated", message)
            )

    def _table_of(self, values: dict[str, Json], context: Context) -> str | None:
        """The table of a list's records, where the file has one for each list."""
        template = self._plan.resource.tables
        if template is None or not self.loads:
            return None
        known = Values(values, context, self._options.redactor)
        return table_of_list(self._plan.resource.name, template, known, self._plan.other_tables)

    def _listed(self, values: dict[str, Json], context: Context) -> Iterator[PageData[Json]]:
        """The pages of one list, or of all downloads of the job that exports it."""
        options, export = self._options, self._plan.endpoint.export
        if export is None:
            stays = self.stays_text
            yield from PageReader(self._plan, self._client, values, context, options, stays).pages()
            return
        for plan, ready in downloads(self._plan, export, self._client, values, context, options):
            yield from PageReader(plan, self._client, values, ready, options).pages()

    def _records(self, page: PageData[Json], one: Slice) -> list[Record]:
        """The page's records; with where they stand in the answer, if they are all objects."""
        if is_unparsed(page):
            return self._text(page)
        if one.include:
            records = as_records(page)
            for record in records:
                record.update(one.include)
            return records
        selector = self._plan.endpoint.data_selector
        names = selector.names if isinstance(selector, Expression) else ()
        body = page.response.parsed_body if isinstance(page.response, Response) else None
        if not names or body is None or not all(type(item) is dict for item in page):
            return as_records(page)
        return Page(page, body, names)

    def _text(self, page: PageData[Json]) -> TextPage:
        response, selector = page.response, self._plan.endpoint.data_selector
        assert isinstance(response, Response)
        assert isinstance(selector, Expression)

        def parse() -> list[Record]:
            try:
                parsed = response.whole()
            except InvalidJson as error:
                ours = translate_error(error, self._plan.resource.name, self._options.redactor)
                raise (ours or error) from error
            self._look_into(response, response.content, parsed)
            return as_records(selector.search(parsed) or ())

        return TextPage(page[0].count, response.content, selector.names, parse)


class ResourceReader:
    """A resource's records, read once.

    `pages` is for the table, `bound` for a child, which drains the list first. An error ends the
    reading for good: whoever asks later gets it again. `cut` is the error of a window after which
    nothing was asked for: what the windows before it gave is whole, and `pages` raises it when
    all of that was taken. `stays_text`, set before, says whether whoever takes the pages wants
    their records not parsed but as TextPage.
    """

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        cursors: ResourceCursors | None,
        options: ReadOptions,
        held: dict[str, Json] | None = None,
    ) -> None:
        self.plan = plan
        self.parent: ResourceReader | None = None
        self.loads = False
        self.stays_text: Callable[[], bool] | None = None
        self.records = 0
        self.cut: FrameworkError | None = None
        self._client = client
        self._cursors = cursors
        self._held = held
        self._options = options
        self._children: dict[str, ChildBindings] = {}
        self._pending: deque[list[Record]] = deque()
        self._source = self._read()
        self._error: Exception | None = None
        self._asker = SliceReader(plan, client, options, None if cursors is None else cursors.rules)
        self._parents = 0
        self._lists = 1
        self._unchanged = 0
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.plan.resource.name

    @property
    def parents(self) -> int:
        """How many of the parent's records it was asked for; 0 for a root."""
        return self._parents

    def ended_above(self, error: Exception) -> str | None:
        """The uppermost ancestor that this error ended, by name: it is none of this resource's."""
        found, above = None, self.parent
        while above is not None:
            found = above.name if error in (above._error, above.cut) else found
            above = above.parent
        return found

    @property
    def left_out(self) -> dict[str, int]:
        """How many records were read and not handed on, by what left them out."""
        return self._asker.left_out

    @property
    def not_asked(self) -> dict[str, int]:
        """How many lists were not asked for, by what said so."""
        fed = None if self.parent is None else self.parent._children.get(self.name)
        counts = {"when": fed.left_out if fed else 0, "only_changed": self._unchanged}
        return {what: count for what, count in counts.items() if count}

    @property
    def explained_empty(self) -> bool:
        """Whether having no records needs no explaining: there was nothing to ask for, or every
        answer was ignored, which is said elsewhere."""
        return not self._lists or self.plan.ignored > 0

    def feed(self, child: ResourceReader) -> None:
        """Keep for this child what it binds; before anything is read."""
        child.parent = self
        self._children[child.name] = ChildBindings(child.plan)

    def ask_above(self) -> None:
        """Have what is taken from ancestors further up carried down; after all were fed."""
        wanted = {binding.binding.resource for binding in self.plan.above}
        for ancestor in wanted | self.plan.resource.keeps_above.keys():
            below = self
            while below.parent is not None and below.parent.name != ancestor:
                below = below.parent
            if below.parent is not None:
                below.parent._children[below.name].carry(self.plan)

    def pages(self) -> Iterator[list[Record]]:
        """Lists of records, page by page, each once."""
        while True:
            while self._pending:
                yield self._pending.popleft()
            with self._lock:
                page = self._next()
            if page is None:
                if self.cut is not None:
                    raise self.cut
                return
            yield page

    def bound(self, child: str) -> SpilledList[ParentValues]:
        """What each record gives that child, after all pages were read."""
        with self._lock:
            while (page := self._next()) is not None:
                if self.loads:
                    self._pending.append(page)
        if self.cut is not None and not self.loads:
            raise self.cut
        fed = self._children[child]
        if fed.error is not None:
            raise fed.error
        return fed.bounds

    def _next(self) -> list[Record] | None:
        if self._error is not None:
            raise self._error
        try:
            return next(self._source, None)
        except ResourceSkipped as error:
            self._error = error
            raise
        except Exception as error:
            ours = translate_error(error, self.name, self._options.redactor)
            self._error = ours or error
            if ours is None:
                raise
            raise ours from error

    def _read(self) -> Iterator[list[Record]]:
        yield from self._read_pages()
        self._judge_ignored()
        self._judge_steps()
        for code, message in () if self._asker.order is None else self._asker.order.told():
            self._options.on_event(WarningRaised(self.name, code, message))

    def _read_pages(self) -> Iterator[list[Record]]:
        for one, records in self._all_pages():
            limit = self._options.limit
            if limit is not None and self.records + len(records) >= limit:
                records = records[: limit - self.records]
                self._take(records, one)
                yield records
                return
            self._take(records, one)
            if self._cursors is not None and self.loads:
                new = self._cursors.not_appended(one.key, records)
                self.records -= len(records) - len(new)
                records = new
            if records:
                yield records

    def _take(self, records: list[Record], one: Slice) -> None:
        self.records += len(records)
        self._options.on_event(PageRead(self.name, len(records)))
        for child in self._children.values():
            child.take(records, one.bound)

    def _all_pages(self) -> Iterator[tuple[Slice, list[Record]]]:
        """The records of every page, stepped and new: of the one list, or of all lists."""
        self._asker.loads = self.loads
        if not self._children and self._cursors is None and self._options.limit is None:
            self._asker.stays_text = self.stays_text
        cursors, changed, kept = self._cursors, self._changed(), set[str]()
        slices = self._slices(changed, kept)
        many = self._lists > 1 or not self._is_one_list
        if cursors is not None:
            cursors.begin(moves=self.loads)
        for asked in self._each(slices, many):
            for page in asked.pages:
                yield asked.slice, page
            if cursors is not None and asked.cursor is not None:
                cursors.done(asked.slice.key, asked.cursor, many=many)
            if asked.cut is not None:
                self.cut = asked.cut
                break
        whole = self.cut is None and self._is_whole
        if cursors is not None:
            cursors.end(many=many, kept=kept if whole else None)
        if changed is not None and self.cut is None:
            changed.end(kept if whole else None)

    def _changed(self) -> ChangeFilter | None:
        resource, again = self.plan.resource, self._options.again is not None
        if resource.only_changed is None:
            return None
        return ChangeFilter(
            held_state(resource.name, self._held),
            resource.only_changed.text,
            moves=self.loads and not again,
            asks_all=again,
        )

    def _slices(self, changed: ChangeFilter | None, kept: set[str]) -> Iterator[Slice]:
        """Each list to ask for, counted; `kept` comes to hold the keys of all that there are."""
        plan, keys = self.plan, self._cursors is not None or changed is not None
        now = self._options.environment.now
        partitions, empty = multiplied(plan.resource.partitions, now, self.name)
        bounds: Collection[ParentValues | None] = [None]
        if self.parent is not None:
            found = self.parent.bound(self.name)
            bounds = found.first(self._options.sample.lists) if self._options.sample else found
            self._parents = len(bounds)
        batches = next((one for one in plan.resource.partitions if one.kind == "resource"), None)
        if batches is not None:
            values = (one.values[f"partition.{batches.name}"] for one in bounds if one is not None)
            groups = list(batched(batches, values))
            partitions = [{**group, **rest} for group in groups for rest in partitions]
            bounds = [None]
        if self._options.sample:
            partitions = partitions[: self._options.sample.lists]
        for name in empty:
            message = f"the partition {name} has no values, so nothing is asked for"
            self._options.on_event(WarningRaised(self.name, "partition-empty", message))
        slices = sliced(bounds, partitions, plan, keys=keys)
        if changed is not None:
            every = list(slices)
            kept.update(one.key for one in every)
            if every and not any(one.bound and one.bound.changed for one in every):
                message = (
                    "no record of the parent has a value at `only_changed`, so all are asked for"
                )
                self._options.on_event(WarningRaised(self.name, "only-changed-nothing", message))
            asked = changed.chosen(every)
            self._lists = len(asked)
            self._unchanged = len(every) - len(asked)
            return iter(asked)
        self._lists = len(bounds) * len(partitions)
        return _noted(slices, kept) if keys else slices

    @property
    def _is_one_list(self) -> bool:
        """Whether there is one list in each run, by the file's word."""
        if self.plan.resource.partitions:
            return False
        return self.parent is None or self.parent.gives_one

    def _each(self, slices: Iterator[Slice], many: bool) -> Iterator[SliceResult]:
        """Every slice asked for, several at once; a single one page by page."""
        if self._lists == 1:
            yield from self._streamed(next(slices), many)
            return
        jobs = (self._job(one, many) for one in slices)
        workers = min(self._options.max_in_flight, self._lists)
        yield from run_in_order(jobs, workers, self._options.environment.stop)

    def _streamed(self, one: Slice, many: bool) -> Iterator[SliceResult]:
        asked = SliceResult([], one, self._cursor_of(one, many))
        for page in self._blamed(asked):
            yield SliceResult([page], one, None)
        yield asked

    def _job(self, one: Slice, many: bool) -> Callable[[], SliceResult]:
        def fetch() -> SliceResult:
            asked = SliceResult([], one, self._cursor_of(one, many))
            asked.pages.extend(self._blamed(asked))
            return asked

        return fetch

    def _blamed(self, asked: SliceResult) -> Iterator[list[Record]]:
        """The pages of a slice; an error names the record of the parent that it was asked for."""
        try:
            yield from self._asker.pages_of(asked)
        except Exception as error:
            redactor = self._options.redactor
            ours = translate_error(error, self.name, redactor)
            if asked.slice.bound is None or not isinstance(ours, (RequestError, RecordError)):
                raise
            raise named(ours, asked.slice.bound, self.plan, redactor) from error

    def _cursor_of(self, one: Slice, many: bool) -> Cursor | None:
        if self._cursors is None:
            return None
        return self._cursors.one_of_many(one.key) if many else self._cursors.alone(one.key)

    @property
    def gives_one(self) -> bool:
        """Whether there is one record by the file's word: a root that has a single page."""
        paginator = self.plan.paginator or self._client.paginator
        return self.parent is None and getattr(paginator, "is_single_page", False)

    @property
    def _is_whole(self) -> bool:
        """Whether a list of this resource that is not asked for has no parent any more."""
        resource = self.plan.resource
        if resource.write_disposition != "merge":
            return False
        return resource.when is None and (self.parent is None or self.parent.comes_whole)

    @property
    def comes_whole(self) -> bool:
        """Whether each run gives all records that there are."""
        above = self.parent is None or self.parent.comes_whole
        resource = self.plan.resource
        return (
            above
            and self._cursors is None
            and resource.when is None
            and resource.only_changed is None
        )

    def _judge_ignored(self) -> None:
        ignored = self.plan.ignored
        alone = self.parent is None and self._lists <= 1
        if ignored and not self.records and (alone or ignored >= self._lists > 1):
            self._options.on_event(
                WarningRaised(
                    self.name,
                    "all-ignored",
                    f"every answer ({ignored}) was ignored by response_actions: no records",
                )
            )

    def _judge_steps(self) -> None:
        for failed in self._asker.step.failures:
            step = failed.step
            what = "null was put in its place" if step.on_error == "null" else "left out"
            self._options.on_event(
                WarningRaised(
                    self.name,
                    "step-failed",
                    f"processing_steps: `{step.kind}` failed on {failed.count:,} "
                    f"record{'s' * (failed.count > 1)}, by its on_error {what}; "
                    f"the first: {failed.first}",
                )
            )


def _noted(slices: Iterator[Slice], kept: set[str]) -> Iterator[Slice]:
    for one in slices:
        kept.add(one.key)
        yield one
