"""One list asked for, page after page, through dlt's client and paginators.

A plan and the values of its placeholders come in, the selected items of each page come out.
Paging that repeats itself ends with an error; a selector that finds nothing is said.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.rest_client.client import PageData, RESTClient
from dlt.sources.helpers.rest_client.paginators import RangePaginator
from dlt.sources.helpers.rest_client.utils import join_url

from framework.definition.expressions.jmespath_expression import Expression
from framework.definition.model import Endpoint
from framework.extract.monitors.pagination_monitor import PaginationMonitor
from framework.extract.page import list_of, outlined
from framework.extract.pagination import FrameworkPaginator, end_of, numbers
from framework.extract.plan import Plan
from framework.extract.read_options import ReadOptions
from framework.extract.selectors import within
from framework.http.response_actions import unlike
from framework.http.transport import Response
from framework.runtime.context import Context, without_secrets
from framework.runtime.field_paths import get_field
from framework.runtime.redaction import Redactor, redact_url
from framework.runtime.templates import Values, expand
from framework.runtime.thread_pool import run_in_order

Json = Any


class RequestBuilder:
    """The requests of one list. `values` are those of its placeholders, by their text; `plan`
    knows the incremental's parameters, None where there is none."""

    def __init__(self, endpoint: Endpoint, plan: Plan | None, values: Mapping[str, Json]) -> None:
        self._endpoint = endpoint
        self._plan = plan
        self._known = values

    def parts(self, context: Context, redactor: Redactor) -> dict[str, Json]:
        """`path`, `method`, `params`, `json`, `data` and `headers` as dlt's client takes them."""
        endpoint = self._endpoint
        values = Values(self._known, context, redactor)
        params = expand(endpoint.params, values, "query")
        if self._plan is not None:
            params.update(self._plan.cursor_params(dict(self._known)))
        return {
            "path": expand(endpoint.path, values, "path"),
            "method": endpoint.method,
            "params": {name: value for name, value in params.items() if value is not None},
            "json": expand(endpoint.json, values, "json"),
            "data": form(expand(endpoint.data, values, "text")),
            "headers": expand(endpoint.headers, values, "text") or None,
        }

    def writer(
        self, base_url: str, headers: Mapping[str, Json] | None, redactor: Redactor
    ) -> Callable[[requests.Request, Context], None]:
        """What writes a request anew for a page; `headers` are the client's own."""

        def write(request: requests.Request, context: Context) -> None:
            parts = self.parts(context, redactor)
            path = parts["path"]
            absolute = urlsplit(path).scheme in ("http", "https")
            request.url = path if absolute else join_url(base_url, path)
            request.params, request.json = parts["params"], parts["json"]
            request.data = parts["data"] or []
            request.headers = {**(headers or {}), **(parts["headers"] or {})}

        return write


def form(data: Json) -> Json:
    """Form data as requests takes it: pairs as tuples."""
    if isinstance(data, list):
        return [tuple(pair) if isinstance(pair, list) else pair for pair in data]
    return data


class PageReader:
    """The pages of one list. `values` are those of its placeholders, by their text; `context`
    is what its expressions reach. `stays_text` says, page by page, whether nobody wants the
    records parsed."""

    def __init__(
        self,
        plan: Plan,
        client: RESTClient,
        values: Mapping[str, Json],
        context: Context,
        options: ReadOptions,
        stays_text: Callable[[], bool] | None = None,
    ) -> None:
        self._plan = plan
        self._client = client
        self._stays_text = stays_text
        self._context = context
        self._requested = RequestBuilder(plan.endpoint, plan, values)
        self._selector = within(plan.selector, without_secrets(context))
        self._options = options

    def pages(self) -> Iterator[PageData[Json]]:
        """The selected items, a list a page, in the list's order."""
        seen = PaginationMonitor(self._plan, self._options)
        try:
            yield from self._pages(seen)
        finally:
            seen.tell_missed()

    def _pages(self, seen: PaginationMonitor) -> Iterator[PageData[Json]]:
        given: Any = self._plan.paginator or self._client.paginator
        paginator: FrameworkPaginator | None = copy.deepcopy(given)
        sample = self._options.sample
        for number, page in enumerate(self._paginate(paginator), 1):
            if sample:
                sample.look(self._plan.resource.name, number, page)
            self._judge_empty(page, seen)
            seen.came(page)
            yield page
            if sample and number >= sample.pages:
                if page.paginator.has_next_page:
                    seen.follows(page)
                return
            if not page.paginator.has_next_page:
                seen.ended(page)
                return
            numbered = getattr(page.paginator, "inner", page.paginator)
            if self._plan.ahead and not sample and isinstance(numbered, RangePaginator):
                end = end_of(numbered, page.response.json())
                if end is not None:
                    last = yield from self._rest(page, numbered, end, seen)
                    seen.ended(last, numbered)
                    return
            seen.follows(page)

    def _rest(
        self, last: PageData[Json], paginator: RangePaginator, end: int, seen: PaginationMonitor
    ) -> Generator[PageData[Json], None, PageData[Json]]:
        """All pages after the first, side by side; a total that grows meanwhile is followed.
        Gives back the last of them."""
        whole = last.paginator
        assert isinstance(whole, FrameworkPaginator)
        following = paginator.current_value

        def job(value: int) -> Callable[[], PageData[Json] | None]:
            return lambda: next(self._paginate(whole.alone(value)), None)

        while following < end:
            values = list(numbers(paginator, following, end))
            jobs = map(job, values)
            workers = min(self._options.max_in_flight, len(values))
            for page in run_in_order(jobs, workers, self._options.environment.stop):
                if page is None or (not page and paginator.stop_after_empty_page):
                    return last
                self._judge_empty(page, seen)
                seen.came(page)
                yield page
                last = page
                if page.paginator.ended:  # type: ignore[attr-defined]
                    return last
                end = max(end, end_of(paginator, page.response.json()) or 0)
            following = values[-1] + paginator.value_step
        return last

    def _paginate(self, paginator: FrameworkPaginator | None) -> Iterator[PageData[Json]]:
        context, client, redactor = self._context, self._client, self._options.redactor
        if paginator is not None:
            write = self._requested.writer(client.base_url, client.headers, redactor)
            context = paginator.begin(context, write)
        hooks: list[Callable[..., None]] = [self._plan.requests]
        names = list_of(self._plan, paginator)
        if self._stays_text is not None and names:
            hooks.append(partial(_leave, self._stays_text, names))
        return client.paginate(
            **self._requested.parts(context, redactor),
            auth=self._plan.auth,
            paginator=paginator,
            data_selector=self._selector,
            hooks={"response": hooks},
        )

    def _judge_empty(self, page: PageData[Json], seen: PaginationMonitor) -> None:
        if page:
            return
        selector = self._selector
        body = page.response.json()
        if selector is None or not body or selector.find(body) or self._is_empty_element(body):
            return
        seen.misses(
            f"data_selector `{selector}` finds nothing in the answer of "
            f"{redact_url(page.response.url, self._options.redactor)}; "
            f"{unlike(page.response, self._options.redactor)}"
        )

    def _is_empty_element(self, body: Json) -> bool:
        """Whether the body is XML in which the list's element stands and holds no other: without
        items it does not say what they would be called."""
        selector = self._plan.endpoint.data_selector
        names = selector.names if isinstance(selector, Expression) else ()
        if self._plan.endpoint.response_format.kind != "xml" or len(names) < 2:
            return False
        element = get_field(body, ".".join(names[:-1]))
        if isinstance(element, dict):
            return all(name[:1] in ("@", "#") for name in element)
        return element is None or isinstance(element, str)


def _leave(
    stays_text: Callable[[], bool], names: tuple[str, ...], response: Any, *_: Any, **__: Any
) -> None:
    """A hook of requests: the list at these keys stays text, where that is wanted."""
    if isinstance(response, Response) and stays_text():
        response.leaves = partial(outlined, path=names)
