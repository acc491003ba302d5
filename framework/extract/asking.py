"""One list asked for: its windows, their pages, and the records that are new in them.

Records come out stepped and filtered. What failed in a window after others were read whole is
told, so that those are kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dlt.sources.helpers.rest_client.client import PageData, RESTClient

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.json_text import may_repeat_keys, repeated_keys
from framework.errors import FrameworkError
from framework.events import Warned
from framework.extract.export_jobs import downloads
from framework.extract.incremental.cursor import Cursor
from framework.extract.incremental.policy import Rules
from framework.extract.incremental.windows import WHOLE, Window
from framework.extract.monitors.order_monitor import Order
from framework.extract.outline import is_unparsed
from framework.extract.page import Page, Record, TextPage, as_records
from framework.extract.page_reader import Listing
from framework.extract.plan import Plan
from framework.extract.read_options import Terms
from framework.extract.slices import Slice
from framework.extract.table_names import marked, table_of_list
from framework.extract.transforms import stepper
from framework.http.decoders import charset_of, json_in
from framework.http.error_messages import in_our_words
from framework.http.packing import Undecodable
from framework.http.transport import NotJson, Response
from framework.runtime.context import Context, with_incremental, without_secrets
from framework.runtime.templates import Values
from framework.runtime.urls import shown

Json = Any
MOST_WINDOWS = 12
"""Windows without a record after which a look gives up."""


@dataclass
class Asked:
    """What one slice gave. `cut` is the error of the window that could not be read."""

    pages: list[list[Record]]
    slice: Slice
    cursor: Cursor | None
    cut: FrameworkError | None = None


class Asker:
    """Asks for the lists of one resource; thread-safe. With `loads` its records go to tables;
    `stays_text` says whether whoever takes them wants none of them parsed."""

    def __init__(
        self, plan: Plan, client: RESTClient, terms: Terms, rules: Rules | None = None
    ) -> None:
        self.loads = False
        self.stays_text: Callable[[], bool] | None = None
        self.order = None if rules is None else Order(rules, plan.endpoint)
        self._doubtful = 0
        self.step = stepper(plan.resource)
        self._plan = plan
        self._client = client
        self._terms = terms
        self._some = False
        self._old = 0
        self._counting = threading.Lock()

    @property
    def left_out(self) -> dict[str, int]:
        """How many records were read and not handed on, by what left them out."""
        counts = {"filter": self.step.filtered, "incremental": self._old}
        return {what: count for what, count in counts.items() if count}

    def pages_of(self, asked: Asked) -> Iterator[list[Record]]:
        """The new records of a slice's windows; `asked.cut` is set where a later one fails."""
        cursor = asked.cursor
        if cursor is None:
            yield from self._pages_in(asked.slice, WHOLE, None)
            return
        for number, window in enumerate(cursor.windows()):
            if self._terms.sample and (self._some or number >= MOST_WINDOWS):
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
        ours = in_our_words(error, self._plan.resource.name, self._terms.secrets)
        if ours is None or self._terms.world.stop.error is not None:
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
                f"objects in the answer of {shown(response.url, self._terms.secrets)} have a key "
                f"twice, and only its last value is loaded: {named}. The API has to mend that"
            )
            self._terms.watch(Warned(self._plan.resource.name, "json-key-repeated", message))

    def _table_of(self, values: dict[str, Json], context: Context) -> str | None:
        """The table of a list's records, where the file has one for each list."""
        template = self._plan.resource.tables
        if template is None or not self.loads:
            return None
        known = Values(values, context, self._terms.secrets)
        return table_of_list(self._plan.resource.name, template, known, self._plan.other_tables)

    def _listed(self, values: dict[str, Json], context: Context) -> Iterator[PageData[Json]]:
        """The pages of one list, or of all downloads of the job that exports it."""
        terms, export = self._terms, self._plan.endpoint.export
        if export is None:
            stays = self.stays_text
            yield from Listing(self._plan, self._client, values, context, terms, stays).pages()
            return
        for plan, ready in downloads(self._plan, export, self._client, values, context, terms):
            yield from Listing(plan, self._client, values, ready, terms).pages()

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
            except NotJson as error:
                ours = in_our_words(error, self._plan.resource.name, self._terms.secrets)
                raise (ours or error) from error
            self._look_into(response, response.content, parsed)
            return as_records(selector.search(parsed) or ())

        return TextPage(page[0].count, response.content, selector.names, parse)
