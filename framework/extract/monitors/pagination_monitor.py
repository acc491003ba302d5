"""Check that the pages of a list advance, and that they end.

A list that repeats itself is an error that shows both places; what is only odd is a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import requests
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

from framework.errors import RequestError
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.read_options import ReadOptions
from framework.runtime.redaction import redact_url
from framework.text import count_noun

Json = Any
MAX_PAGES = 1_000_000
"""The last guard against pagination without an end."""
MAX_REPEATS = 3
"""Equal pages in a row that are allowed if no primary key says that two pages must differ."""


class PaginationMonitor:
    """Watch one list, page by page in its order.

    `paginator` returns dlt's paginator of the list. The length of a page is that of the API's own
    list, of which a selector may leave out elements.
    """

    def __init__(
        self,
        plan: Plan,
        options: ReadOptions,
        paginator: Callable[[], Any],
    ) -> None:
        self._name = plan.resource.name
        self._primary_key = plan.resource.primary_key
        self._options = options
        self._paginator = paginator
        self._requests: dict[bytes, int] = {}
        self._first_pages: dict[int, tuple[int, str]] = {}
        self._short_page: tuple[int, str] | None = None
        self._pages = 0
        self._warned: set[str] = set()
        self._last: Page | None = None
        self._last_signature = 0
        self._repeats = 0

    def on_page(self, page: Page) -> None:
        """Compare the page with those before it, by its length, first and last record.

        Raise RequestError if it repeats one and a primary key makes that impossible.
        """
        self._last = page
        self._pages += 1
        count = page.size
        if not count or page.response is None:
            return
        self._check_length(page)
        ends = [page.first, page.last] if page.elements is None else page.ends
        text = orjson.dumps(ends, default=str, option=orjson.OPT_NON_STR_KEYS)
        signature = hash((count, text))
        self._repeats = self._repeats + 1 if signature == self._last_signature else 0
        self._last_signature = signature
        number, url = self._first_pages.setdefault(signature, (self._pages, page.response.url))
        if number != self._pages:
            self._report_repeat(page, page.response.url, number, url)

    def _report_repeat(self, page: Page, url: str, earlier: int, earlier_url: str) -> None:
        url, earlier_url = self._redacted(url), self._redacted(earlier_url)
        message = (
            f"page {self._pages:,} ({url}) returned the same {count_noun(page.size, 'record')} as "
            f"page {earlier:,} ({earlier_url})"
        )
        if self._primary_key or self._repeats >= MAX_REPEATS:
            raise RequestError(
                f"{self._name}: pagination is stuck: {message}. Check the paginator: the API may "
                "be ignoring the parameter that asks for the next page.",
                code="page-repeated",
            )
        self._warn("page-repeated", f"{message}: check the paginator, or declare a primary_key")

    def on_next(self, request: requests.Request) -> None:
        """Compare the next request with those before it.

        Raise RequestError if it was sent before, or if pages do not end.
        """
        signature = orjson.dumps(
            [
                *(request.url, request.params, request.json, request.data),
                dict(request.headers or {}),
            ],
            default=str,
            option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        )
        earlier = self._requests.setdefault(signature, self._pages)
        if earlier == self._pages and self._pages < MAX_PAGES:
            return
        url = self._redacted(request.prepare().url)
        reason = (
            f"{url} would be requested after page {self._pages:,}, as after page {earlier:,}. "
            "Check the paginator: the API returned the same next page again."
            if earlier != self._pages
            else f"{self._pages:,} pages were read, and {url} would follow. Check the paginator."
        )
        raise RequestError(f"{self._name}: pagination does not end: {reason}", code="next-repeated")

    def _check_length(self, page: Page) -> None:
        """Warn of a page shorter than the paginator's limit, by which the offset advances."""
        paginator = self._paginator()
        if not isinstance(paginator, OffsetPaginator):
            return
        if self._short_page is not None:
            count, url = self._short_page
            self._warn(
                "page-too-short",
                f"{url} returned {count_noun(count, 'record')} of the {paginator.value_step:,} of "
                "the paginator's limit, and more followed: if the API returns no more at once, "
                "records are skipped. Lower the limit",
            )
        if page.size < paginator.value_step and page.response is not None:
            self._short_page = (page.size, self._redacted(page.response.url))

    def _redacted(self, url: str | None) -> str:
        return redact_url(url, self._options.redactor)

    def _warn(self, code: str, message: str) -> None:
        """Warn once for each list and code."""
        if code not in self._warned:
            self._warned.add(code)
            self._options.on_event(WarningRaised(self._name, code, message))
