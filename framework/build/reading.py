"""One resource read: its list asked for once, page after page, for its table and for its children.

Records come out as the file's steps and its incremental leave them. What children bind is taken
from them on the way, so no list is asked for twice and no page is kept for the children's sake.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from dlt.sources.helpers.rest_client.client import PageData, RESTClient

from framework.build.context import Context, with_incremental, with_parent, without_secrets
from framework.build.cursor import Cursor
from framework.build.events import PageRead, Warned
from framework.build.failures import in_our_words
from framework.build.listing import Listing
from framework.build.outcomes import BindingError, RecordError, ResourceSkipped
from framework.build.plan import Plan
from framework.build.pool import in_order
from framework.build.records import Page, Record, as_records
from framework.build.steps import stepper
from framework.build.terms import Terms
from framework.build.wire import Response
from framework.spec.expressions import Expression, ExpressionError
from framework.spec.value_functions import truthy

Json = Any


@dataclass(frozen=True)
class Bound:
    """What one record of the parent gives a child: values by placeholder, fields to copy, and
    those that the child's expressions read."""

    values: dict[str, Json]
    include: dict[str, Json] = field(default_factory=dict)
    kept: dict[str, Json] = field(default_factory=dict)


class Reading:
    """A resource's records, read once.

    `pages` is for the table, `bound` for a child, which drains the list first. An error ends the
    reading for good: whoever asks later gets it again.
    """

    def __init__(self, plan: Plan, client: RESTClient, cursor: Cursor | None, terms: Terms) -> None:
        self.plan = plan
        self.parent: Reading | None = None
        self.loads = False
        self.records = 0
        self._client = client
        self._cursor = cursor
        self._terms = terms
        self._children: dict[str, _Child] = {}
        self._pending: deque[list[Record]] = deque()
        self._source = self._read()
        self._error: Exception | None = None
        self._step = stepper(plan.resource)
        self._parents = 0
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.plan.resource.name

    @property
    def parents(self) -> int:
        """How many of the parent's records it was asked for; 0 for a root."""
        return self._parents

    @property
    def explained_empty(self) -> bool:
        """Whether having no records needs no explaining: no record of the parent asked for any,
        or every answer was ignored, which is said elsewhere."""
        return (self.parent is not None and not self._parents) or self.plan.answers.ignored > 0

    def feed(self, child: Reading) -> None:
        """Keep for this child what it binds; before anything is read."""
        child.parent = self
        self._children[child.name] = _Child(child.plan)

    def pages(self) -> Iterator[list[Record]]:
        """Lists of records, page by page, each once."""
        while True:
            while self._pending:
                yield self._pending.popleft()
            with self._lock:
                page = self._next()
            if page is None:
                return
            yield page

    def bound(self, child: str) -> list[Bound]:
        """What each record gives that child, after all pages were read."""
        with self._lock:
            while (page := self._next()) is not None:
                if self.loads:
                    self._pending.append(page)
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
            ours = in_our_words(error, self.name, self._terms.secrets)
            self._error = ours or error
            if ours is None:
                raise
            raise ours from error

    def _read(self) -> Iterator[list[Record]]:
        yield from self._read_pages()
        self._judge_ignored()
        self._judge_steps()

    def _read_pages(self) -> Iterator[list[Record]]:
        cursor = self._cursor
        if cursor is not None:
            cursor.bind(moves=self.loads)
        for context, page in self._all_pages(cursor.values() if cursor is not None else {}):
            records = self._step(page, without_secrets(context))
            if cursor is not None:
                records = cursor.filter(records)
            limit = self._terms.limit
            if limit is not None and self.records + len(records) >= limit:
                records = records[: limit - self.records]
                self._take(records)
                yield records
                return
            self._take(records)
            if records:
                yield records
            if cursor is not None and cursor.exhausted:
                return

    def _take(self, records: list[Record]) -> None:
        self.records += len(records)
        self._terms.watch(PageRead(self.name, len(records)))
        for child in self._children.values():
            child.take(records)

    def _all_pages(self, cursor_values: dict[str, Json]) -> Iterator[tuple[Context, list[Record]]]:
        """The selected records of every page, of the one list or of every parent's, with the
        context of their list."""
        context = with_incremental(self.plan.context, cursor_values)
        if self.parent is None:
            for page in self._listing(cursor_values, context).pages():
                yield context, self._records(page)
            return
        bounds = self.parent.bound(self.name)
        if self._terms.sample:
            bounds = bounds[: self._terms.sample.parents]
        self._parents = len(bounds)
        if self._cursor is not None and len(bounds) > 1:
            raise RecordError(
                f"{self.name}: has an incremental, but its parent {self.parent.name} gave "
                f"{len(bounds)} records: one watermark for all of them would lose rows"
            )
        jobs = (self._child_job(bound, cursor_values, context) for bound in bounds)
        workers = min(self._terms.max_in_flight, len(bounds))
        for pages in in_order(jobs, workers, self._terms.world.stop):
            yield from pages

    def _records(self, page: PageData[Json]) -> list[Record]:
        """The page's records; with where they stand in the answer, if they are all objects."""
        selector = self.plan.endpoint.data_selector
        names = selector.names if isinstance(selector, Expression) else ()
        body = page.response.parsed_body if isinstance(page.response, Response) else None
        if not names or body is None or not all(type(item) is dict for item in page):
            return as_records(page)
        return Page(page, body, names)

    def _child_job(
        self, bound: Bound, cursor_values: dict[str, Json], context: Context
    ) -> Callable[[], list[tuple[Context, list[Record]]]]:
        def fetch() -> list[tuple[Context, list[Record]]]:
            pages = []
            own = with_parent(context, self.plan.resource.parent, bound.kept)
            for page in self._listing({**bound.values, **cursor_values}, own).pages():
                if bound.include:
                    records = as_records(page)
                    for record in records:
                        record.update(bound.include)
                    pages.append((own, records))
                else:
                    pages.append((own, self._records(page)))
            return pages

        return fetch

    def _listing(self, values: dict[str, Json], context: Context) -> Listing:
        return Listing(self.plan, self._client, values, context, self._terms)

    def _judge_ignored(self) -> None:
        ignored = self.plan.answers.ignored
        if ignored and (self._parents == 0 or (ignored >= self._parents > 1)):
            self._terms.watch(
                Warned(
                    self.name,
                    "all-ignored",
                    f"every answer ({ignored}) was ignored by response_actions: no records",
                )
            )

    def _judge_steps(self) -> None:
        for failed in self._step.failures:
            step = failed.step
            what = "null was put in its place" if step.on_error == "null" else "left out"
            self._terms.watch(
                Warned(
                    self.name,
                    "step-failed",
                    f"processing_steps: `{step.kind}` failed on {failed.count:,} "
                    f"record{'s' * (failed.count > 1)}, by its on_error {what}; "
                    f"the first: {failed.first}",
                )
            )


class _Child:
    """What a child takes from the records as they pass; its error is its own, not the parent's."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.bounds: list[Bound] = []
        self.error: BindingError | None = None

    def take(self, records: list[Record]) -> None:
        """Keep what these records give; after an error nothing more."""
        if self.error is not None:
            return
        try:
            for record in records:
                bound = _bind(self._plan, record)
                if bound is not None:
                    self.bounds.append(bound)
        except BindingError as error:
            self.error = error


def _bind(plan: Plan, record: Record) -> Bound | None:
    """What this record gives the child, None where `when` says no request.

    BindingError where a value to bind is null or missing.
    """
    resource = plan.resource
    parent = resource.parent
    context = None
    if plan.binds_in_context:
        context = with_parent(without_secrets(plan.context), parent, record)
    try:
        if resource.when is not None and not truthy(resource.when.search(record, context)):
            return None
        values = {binding.name: binding.find(record, context) for binding in plan.bindings}
    except ExpressionError as error:
        raise BindingError(f"{resource.name}: on a record of {parent}: {error}") from error
    for binding in plan.bindings:
        if values[binding.name] is None:
            raise BindingError(
                f"{resource.name}: takes `{binding.binding.text}` from each record of {parent}, "
                "but a record has null or nothing there. Correct the field, or leave such "
                "records out with `when`."
            )
    include = {}
    for name in resource.include_from_parent:
        if name not in record:
            raise BindingError(
                f"{resource.name}: include_from_parent wants `{name}`, but a record of {parent} "
                f"has only: {', '.join(record)}"
            )
        include[f"_{parent}_{name}"] = record[name]
    return Bound(values, include, _kept(resource.keeps, record))


def _kept(names: tuple[str, ...] | None, record: Record) -> Record:
    """What the child's expressions read of the record: some fields, or all where None says so."""
    return (
        dict(record) if names is None else {name: record[name] for name in names if name in record}
    )
