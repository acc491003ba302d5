"""Read one list, page by page, with dlt's paginators over the connector's session.

A plan and the values of its placeholders come in, pages of selected items come out. Pagination
that repeats itself ends with an error.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.rest_client.client import RESTClient
from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException
from dlt.sources.helpers.rest_client.paginators import RangePaginator
from dlt.sources.helpers.rest_client.utils import join_url

from framework.definition.expressions.jmespath_expression import ExpressionError
from framework.errors import ListRestart, PageTooLarge, RequestError
from framework.events import WarningRaised
from framework.extract.api_list import ListLocator
from framework.extract.compilation.plan import Plan
from framework.extract.incremental.state_codec import key_of
from framework.extract.incremental.validators import NOT_MODIFIED
from framework.extract.monitors.csv_monitor import CsvMonitor
from framework.extract.monitors.duplicate_key_monitor import DuplicateKeyMonitor
from framework.extract.monitors.end_monitor import EndMonitor
from framework.extract.monitors.list_monitor import IGNORED, ListMonitor, PageJudge
from framework.extract.monitors.pagination_monitor import PaginationMonitor
from framework.extract.page import Page, RawList
from framework.extract.paging.next_page_signs import says_none
from framework.extract.paging.pagination import FrameworkPaginator, end_of, numbers
from framework.extract.paging.selectors import JmesPath, within
from framework.extract.raw_pages import RawPages, list_names
from framework.extract.read_options import ReadOptions
from framework.extract.record_urls import whole_url
from framework.http.error_messages import translate_error
from framework.http.error_reports import REPORT_KEYS
from framework.http.request_context import RequestContext
from framework.http.session import Session
from framework.http.transport import InvalidJson, Response
from framework.runtime.context import Context, without_secrets
from framework.runtime.redaction import Redactor
from framework.runtime.templates import Values, expand, text_of
from framework.runtime.thread_pool import run_in_order
from framework.text import count_noun

Json = Any
REFUSED = (400, 404, 413, 416, 422)
"""Statuses by which APIs refuse to page past some number."""
SMALLEST_PAGE = "`shrink_page` cannot request fewer records: the page has one record already."
_REQUEST = ("method", "url", "params", "json", "data")
BEYOND = (
    "If the list ends there, name its end: total_path, has_more_path, stop_when, maximum_page or "
    "maximum_offset. If the API only pages so far, read the list in parts that are shorter: "
    "`step` of an incremental with a start and an end, or partitions."
)


class RequestBuilder:
    """Build the requests of one list.

    `values` are those of its placeholders, by their text. `request_context` is the plan's own, or
    that of requests about an export job.
    """

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        values: Mapping[str, Json],
        secrets: Redactor,
        request_context: RequestContext,
    ) -> None:
        self._plan = plan
        self._client = client
        self._values = values
        self._secrets = secrets
        self._hooks = {"response": [request_context]}

    def build(self, context: Context) -> requests.Request:
        """Return the request, its templates filled in over the context."""
        plan, endpoint, client = self._plan, self._plan.endpoint, self._client
        values = Values(self._values, context, self._secrets)
        cursor = plan.cursor_params(self._values)
        params = {**expand(endpoint.params, values, "query"), **cursor}
        base = client.base_url or ""
        if endpoint.url is None:
            path = expand(endpoint.path, values, "path")
            is_whole = ":" in path and urlsplit(path).scheme in ("http", "https")
            url = path if is_whole else join_url(base, path)
        else:
            written = text_of(expand(endpoint.url, values, "text"))
            url = whole_url(written, base, plan.resource.name, endpoint.url)
        headers = {**(client.headers or {}), **(expand(endpoint.headers, values, "text") or {})}
        json = expand(endpoint.json, values, "json")
        data = _form(expand(endpoint.data, values, "text"))
        self._hide_credentials(headers, params, json, data)
        return requests.Request(
            endpoint.method,
            url,
            params={name: value for name, value in params.items() if value is not None},
            json=json,
            data=data,
            headers=headers,
            auth=plan.auth or client.auth,
            hooks=self._hooks,
        )

    def _hide_credentials(self, *parts: Json) -> None:
        """Make secrets of what is sent as a credential, and of a parent's field of such a name."""
        for text, value in self._values.items():
            self._secrets.add_sent(text.rpartition(".")[2], value)
        for part in parts:
            self._secrets.add_sent("", part)

    def rewrite(self, request: requests.Request, context: Context) -> None:
        """Write the request again for another page, with its templates over this context."""
        fresh = self.build(context)
        request.url, request.params, request.json = fresh.url, fresh.params, fresh.json
        request.data, request.headers = fresh.data, fresh.headers


def _form(data: Json) -> Json:
    """Return form data as requests takes it: pairs as tuples, booleans and objects as JSON."""
    if isinstance(data, list):
        pairs = [_form_value(pair) for pair in data]
        return [tuple(pair) if isinstance(pair, list) else pair for pair in pairs]
    if isinstance(data, dict):
        return {name: _form_value(value) for name, value in data.items()}
    return data


def _form_value(value: Json) -> Json:
    if isinstance(value, list):
        return [_form_value(item) for item in value]
    return text_of(value) if isinstance(value, (dict, bool)) else value


def _changes(now: Mapping[str, Json], before: Mapping[str, Json]) -> dict[str, Json]:
    # a copy, since the next page is written into the values
    return {k: copy.deepcopy(v) for k, v in now.items() if k not in before or before[k] != v}


class ListRequests:
    """The requests of one list, each sent when the page before it is known.

    `raw` says how pages stay unparsed, None if they do not.
    """

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        builder: RequestBuilder,
        context: Context,
        paginator: FrameworkPaginator | None,
        duplicates: DuplicateKeyMonitor,
        raw: RawPages | None = None,
    ) -> None:
        self._plan = plan
        self._client = client
        self._session = cast("Session", client.session)
        self._context = without_secrets(context)
        self._duplicates = duplicates
        self._raw = raw
        self._builder = builder
        self._begin = context
        self._known: Collection[str] = ()
        self._validators: Mapping[str, str] = {}
        self.is_unchanged = False
        self._selector = within(plan.selector, self._context)
        self.paginator = paginator
        if paginator is not None:
            context = self._begin = paginator.begin(context, builder.rewrite)
        self.request = builder.build(context)
        if paginator is not None:
            paginator.init_request(self.request)

    def position(self) -> dict[str, Json]:
        """Return as JSON how the next page's request differs from the first one, for `go_to`.

        So a secret among the parameters is no part of it.
        """
        request, fresh, paginator = self.request, self._builder.build(self._begin), self.paginator
        params = request.params or {}  # that a link to the next page replaces
        return {
            "url": request.url,
            "params": _changes(params, fresh.params),
            "without": sorted(fresh.params.keys() - params.keys()),
            "json": copy.deepcopy(request.json),
            "data": request.data,
            "headers": _changes(request.headers, fresh.headers),
            "place": None if paginator is None else paginator.place,
            "promises": paginator is not None and paginator.promises,
            **({"size": paginator.page_size} if paginator and paginator.is_smaller else {}),
        }

    def go_to(self, position: Mapping[str, Json]) -> None:
        """Begin with the page of a position; call before the first request."""
        request, position = self.request, copy.deepcopy(position)
        request.url, request.params = position["url"], {**request.params, **position["params"]}
        for name in position["without"]:
            request.params.pop(name, None)
        request.json, request.data = position["json"], _form(position["data"])
        request.headers = {**request.headers, **position["headers"]}
        if self.paginator is not None:
            size = position.get("size")
            self.paginator.go_to(position["place"], promises=position["promises"], page_size=size)

    def validate(self, headers: Mapping[str, str]) -> None:
        """Have the first request ask whether its response has changed, by these headers."""
        self._validators = headers

    @property
    def was_stopped(self) -> bool:
        """Whether a condition of the file ended the list."""
        return self.paginator is not None and self.paginator.ended

    @property
    def has_next(self) -> bool:
        """Whether another page follows the one that was read last."""
        return self.paginator is None or self.paginator.has_next_page

    @cached_property
    def _locator(self) -> ListLocator:
        return ListLocator(self._selector, self._plan.resource.steps, self._context)

    @cached_property
    def _judge(self) -> PageJudge:
        return PageJudge(self._plan, self._selector, self._locator, self._duplicates.secrets)

    def next_page(self) -> Page | None:
        """Send the next request; return its page, None if its response ends the list unread.

        A page with a fault is not read by the paginator. One that is too large for the API is
        requested again with half as many records.
        """
        try:
            response = self._fetch()
        except PageTooLarge as error:
            if self.paginator is None or not self.paginator.shrink(self.request):
                raise RequestError(f"{error}\n{SMALLEST_PAGE}", status=error.status) from error
            return self.next_page()
        except IgnoreResponseException:
            if self.paginator is None or not self.paginator.promises:
                return None
            return Page.of([], fault=self._judge.placed(self.request.prepare(), IGNORED))
        if response is None:
            return None
        lazy = self._lazy_page(response)
        page = self._parsed_page(response) if lazy is None else lazy
        if page.fault:
            return page
        if not self._known and isinstance(page.first, dict):
            self._known = page.first.keys()
        if self.paginator is None:
            detected: Any = self._client.detect_paginator(response, page.items)
            self.paginator = cast("FrameworkPaginator", detected)
        # dlt's paginators look at no more than the length
        self.paginator.update_state(response, page)
        self.paginator.update_request(self.request)
        return page

    def _fetch(self) -> requests.Response | None:
        """Return the response, None if it says that the list has not changed."""
        validators, self._validators = self._validators, {}  # those of the first page
        if not validators:
            return self._session.fetch(self.request)
        written = self.request.headers
        self.request.headers = {**written, **validators}
        try:
            response = self._session.fetch(self.request)
        finally:
            self.request.headers = written
        self.is_unchanged = response.status_code == NOT_MODIFIED
        return None if self.is_unchanged else response

    def _lazy_page(self, response: requests.Response) -> Page | None:
        if self._raw is None or not isinstance(response, Response):
            return None
        path, projection = self._raw.path, self._raw.projection
        outline = response.outline(path)
        if outline is None:
            return None
        return Page(
            len(outline.items),
            *(outline.first, outline.last),
            partial(self._parse_again, response),
            RawList(response.content, path),
            response,
            fields=None if projection is None else projection.read(outline, response),
            parse_item=lambda place: response.parse_part(bytes(outline.items[place])),
        )

    def _parsed_page(self, response: requests.Response) -> Page:
        body = response.json()
        if self._selector is None:
            self._selector = self._client.detect_data_selector(response)
        items = self._select(response, body)
        elements, fault, is_none = None, "", False
        may_be_other = len(items) < 2 or not self._locator.is_direct  # several are of a list
        if may_be_other or self._plan.endpoint.response_format.kind == "jsonl":
            found = self._locator.locate(body, items)
            elements = found.items
            fault = self._judge.fault(found, items, response, self.paginator, self._known)
            if items == [{}] and found.kind == "list" and not found.items:
                items = []
            is_null = found.kind == "null" and self._plan.endpoint.response_format.kind != "xml"
            is_none = not found.items and (is_null or says_none(response, list_names(self._plan)))
        raw = None
        names = list_names(self._plan)
        if names and isinstance(response, Response) and set(map(type, items)) == {dict}:
            plain = response.parsed_body
            raw = None if plain is None else RawList(plain, names)
        page = Page.of(items, raw, response, elements=elements, fault=fault, is_none=is_none)
        self._duplicates.on_page(page)
        return page

    def _select(self, response: requests.Response, body: Json) -> list[Json]:
        if not isinstance(self._selector, JmesPath):
            return self._client.extract_response(response, self._selector)
        try:
            items = self._selector.expression.search(body, {**self._context, "response": body})
        except ExpressionError:
            if self._locator.locate(body, []).kind in ("list", "object"):
                raise
            return []  # a function that needs the list
        if items is None:
            return []
        return items if isinstance(items, list) else [items]

    def _parse_again(self, response: Response) -> list[Json]:
        """Return the items of a page that was not parsed at first."""
        try:
            body = response.whole()
        except InvalidJson as error:
            ours = translate_error(error, self._plan.resource.name, self._duplicates.secrets)
            raise (ours or error) from error
        items = self._select(response, body)
        self._duplicates.check(response, body)
        return items


class PageReader:
    """Read the pages of one list.

    `values` are those of its placeholders, by their text; `context` is what its expressions reach.
    """

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        values: Mapping[str, Json],
        context: Context,
        options: ReadOptions,
        duplicates: DuplicateKeyMonitor,
        raw: RawPages | None = None,
    ) -> None:
        builder = RequestBuilder(plan, client, values, options.redactor, plan.requests)
        declared: Any = plan.paginator or client.paginator
        paginator: FrameworkPaginator | None = copy.deepcopy(declared)
        self._plan = plan
        self._declared = declared
        self._options = options
        self._requests_with = partial(ListRequests, plan, client, builder, context)
        self._duplicates = duplicates
        self._requests = self._requests_with(paginator, duplicates, raw)
        self._number = 0
        self._following: int | None = None
        self._list = ListMonitor(plan, options)
        self._csv = CsvMonitor.of(plan, options)
        self._monitor = PaginationMonitor(plan, options, lambda: self._requests.paginator)
        self._end = EndMonitor(plan, options, lambda: self._requests.paginator)

    def request_hash(self) -> str:
        """Return what tells the next request from another one: a hash, secrets left out."""
        request, secrets = self._requests.request, self._options.redactor
        parts = {name: getattr(request, name) for name in _REQUEST}
        return key_of(secrets.redact_data(parts))

    def validate(self, headers: Mapping[str, str]) -> None:
        """Have the first request ask whether the list has changed, by these headers."""
        self._requests.validate(headers)

    @property
    def is_unchanged(self) -> bool:
        """Whether the API answered that it has not."""
        return self._requests.is_unchanged

    def position(self) -> dict[str, Json] | None:
        """Return as JSON where the list goes on after the page that was read last.

        None where nothing follows, or where only a first page tells how the list is paged.
        """
        requests_, whole = self._requests, self._requests.paginator
        if whole is None or not requests_.has_next:
            return None
        if self._declared is None and isinstance(whole.inner, RangePaginator):
            return None
        if self._following is not None:
            requests_ = self._requests_with(whole.alone(self._following), self._duplicates)
        return {**requests_.position(), **self._end.counts}

    @property
    def has_next(self) -> bool:
        """Whether another page follows the one that was read last."""
        return self._requests.has_next

    def go_to(self, position: Mapping[str, Json]) -> None:
        """Begin with the page of a position; call before the pages are read."""
        self._requests.go_to(position)
        self._end.counts = {"pages": position["pages"], "records": position["records"]}

    def pages(self) -> Iterator[Page]:
        """Yield the pages in the list's order. Raise RequestError if they repeat or do not end."""
        requests_, sample, number = self._requests, self._options.sample, 0
        try:
            while (page := requests_.next_page()) is not None:
                number += 1
                if sample and page.response is not None:
                    sample.look(self._plan.resource.name, number, page)
                if not self._on_page(page):
                    self._end.on_end()
                    return
                if page.fault:
                    return
                yield page
                most = sample.pages if sample else None
                is_sampled = most is not None and number >= most
                if not requests_.has_next:
                    if not is_sampled:
                        self._end.on_end()
                    return
                last_number = None if sample else self._last_number(page)
                if last_number is not None:
                    yield from self._parallel_pages(last_number)
                    return
                self._monitor.on_next(requests_.request)
                if is_sampled:
                    return
        except ListRestart:
            raise
        except RequestError as error:
            is_numbered = isinstance(self._paginator(), RangePaginator)
            is_asked_for = type(error) is not RequestError  # by an action: restart, shrink_window
            if number and error.status in REFUSED and is_numbered and not is_asked_for:
                verb = "was" if number == 1 else "were"
                raise RequestError(
                    f"{error}\n{count_noun(number, 'page')} {verb} read before. {BEYOND}",
                    status=error.status,
                    code=error.code,
                ) from error
            raise
        finally:
            self._list.on_end()
            self._tell_smaller_pages()

    def _tell_smaller_pages(self) -> None:
        """Warn that the API gives fewer records at once than the file asks for."""
        paginator = self._requests.paginator
        if paginator is not None and paginator.is_smaller:
            message = (
                f"the API refused pages of {paginator.rules.page_size:,} records, and was asked "
                f"for {paginator.page_size:,} at once. Write that size to save refused requests"
            )
            self._options.on_event(WarningRaised(self._plan.resource.name, "page-shrunk", message))

    def _on_page(self, page: Page) -> bool:
        """Show a page to the monitors; return False if it is the last page once more."""
        self._number += 1
        body = None if page.response is None else page.response.json()
        if page.fault or (type(body) is dict and not REPORT_KEYS.isdisjoint(body)):
            self._list.on_page(page, self._number)
        if self._csv is not None:
            self._csv.on_page(page)
        if not self._monitor.on_page(page):
            return False
        self._end.on_page(page)
        return True

    def _paginator(self) -> Any:
        """Return dlt's paginator of the list, without the file's additions to it."""
        paginator = self._requests.paginator
        return None if paginator is None else paginator.inner

    def _last_number(self, first: Page) -> int | None:
        """Return where the numbers of pages end if they can be requested in parallel, else None."""
        numbered = self._paginator()
        if not self._plan.ahead or not isinstance(numbered, RangePaginator):
            return None
        if self._plan.endpoint.shrinks_pages:
            return None  # where the next page begins depends on the size of this one
        assert first.response is not None
        return end_of(numbered, first.response.json())

    def _parallel_pages(self, end: int) -> Iterator[Page]:
        """Request all pages after the first in parallel; follow a total that grows meanwhile."""
        numbered, whole = self._paginator(), self._requests.paginator
        assert whole is not None
        following = numbered.current_value

        def fetch(value: int) -> tuple[Page | None, bool]:
            one = self._requests_with(whole.alone(value), self._duplicates)
            return one.next_page(), one.was_stopped

        while following < end:
            values = list(numbers(numbered, following, end))
            workers = min(self._options.max_in_flight, len(values))
            fetched = run_in_order(
                [partial(fetch, value) for value in values], workers, self._options.environment.stop
            )
            for value, (page, is_last) in zip(values, fetched, strict=True):
                self._following = value + numbered.value_step
                if page is None:
                    self._end.on_end()
                    return
                self._on_page(page)
                if not page.size and numbered.stop_after_empty_page:
                    self._end.on_end()
                    return
                yield page
                if is_last:
                    return  # the file's own condition: the total says nothing then
                assert page.response is not None
                end = max(end, end_of(numbered, page.response.json()) or 0)
            following = values[-1] + numbered.value_step
        self._end.on_end()
