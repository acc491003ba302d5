"""Check that the pages of a list advance, and that they end.

A list that repeats itself is an error that shows both places; what is only odd is a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import orjson
import requests
from dlt.sources.helpers.rest_client.paginators import (
    BaseNextUrlPaginator,
    OffsetPaginator,
    RangePaginator,
)

from framework.errors import RequestError
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.paging.next_page_signs import counted_place, page_signs
from framework.extract.paging.pagination import FrameworkPaginator
from framework.extract.paging.paging_words import LAST, plain, words
from framework.extract.read_options import ReadOptions
from framework.runtime.field_paths import value_at
from framework.runtime.redaction import redact_url
from framework.text import count_noun, join_words

NAME_THE_END = "Name the end: total_path, has_more_path, maximum_page or stop_when"
OF_PAGES = words(
    """
    limit perpage pagesize size count top first rows maxresults maxpagesize resultsperpage
    itemsperpage page pagenumber offset skip start startindex
    """
)
"""Parameters for the size or place of a page, if their value is a number."""
MAX_PAGES = 1_000_000
"""The last guard against pagination without an end."""
MAX_REPEATS = 3
"""Equal pages in a row that are allowed if no primary key says that two pages must differ."""


class PaginationMonitor:
    """Watch one list, page by page in its order.

    `paginator` returns that of the list, None if no page was read. The length of a page is that of
    the API's own list, of which a selector may leave out elements.
    """

    def __init__(
        self,
        plan: Plan,
        options: ReadOptions,
        paginator: Callable[[], FrameworkPaginator | None],
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
        self._names = counted_place(plan.resource)[0]

    def on_page(self, page: Page) -> bool:
        """Compare the page with those before it, by its length, first and last record.

        Return False if it is the last page once more, which is not to be read. Raise RequestError
        if it repeats a page and a primary key makes that impossible.
        """
        count = page.size
        if not count or page.response is None:
            self._pages += 1
            self._last = page
            return True
        ends = [page.first, page.last] if page.elements is None else page.ends
        text = orjson.dumps(ends, default=str, option=orjson.OPT_NON_STR_KEYS)
        signature = hash((count, text))
        is_repeated = signature == self._last_signature
        if is_repeated and self._is_last_page_again(page):
            return False
        self._pages += 1
        self._last = page
        self._check_length(page)
        self._repeats = self._repeats + 1 if is_repeated else 0
        self._last_signature = signature
        number, url = self._first_pages.setdefault(signature, (self._pages, page.response.url))
        if number != self._pages:
            self._report_repeat(page, page.response.url, number, url)
        return True

    def _is_last_page_again(self, page: Page) -> bool:
        """Return whether an API without a total returned its last page for the number after it.

        That is so if numbers are known to work, as page 2 or later differs from the one before,
        and nothing in the response says that there is more.
        """
        last, paginator = self._last, self._paginator()
        inner = None if paginator is None else paginator.inner
        if last is None or self._pages < 2 or not isinstance(inner, RangePaginator):
            return False
        if not self._primary_key or inner.total_path or inner.has_more_path:
            return False
        if self._repeats or self._first_pages[self._last_signature][0] != self._pages:
            return False
        if page.response is None or last.response is None or not self._is_same(page, last):
            return False
        signs = page_signs(page.response, self._names)
        if any(sign.kind == "more" and not sign.is_end for sign in signs):
            return False
        if any(sign.kind == "pages" and sign.number > self._pages for sign in signs):
            return False
        self._warn(
            "page-repeated",
            f"page {self._pages + 1:,} ({self._redacted(page.response.url)}) returned page "
            f"{self._pages:,} again, which ends the list: some APIs return their last page for "
            f"later numbers. {NAME_THE_END}, so that a fault looks different from the end",
        )
        return True

    def _is_same(self, page: Page, last: Page) -> bool:
        """Return whether two pages have the same records, whatever transforms did to them."""
        assert page.response is not None
        assert last.response is not None
        one, other = page.response.content, last.response.content
        if one == other:
            return True
        try:
            lists = [value_at(orjson.loads(body), self._names) for body in (one, other)]
        except ValueError:
            return False
        return isinstance(lists[0], list) and lists[0] == lists[1]

    def _report_repeat(self, page: Page, url: str, earlier: int, earlier_url: str) -> None:
        url, earlier_url = self._redacted(url), self._redacted(earlier_url)
        message = (
            f"page {self._pages:,} ({url}) returned the same {count_noun(page.size, 'record')} as "
            f"page {earlier:,} ({earlier_url})"
        )
        if self._primary_key or self._repeats >= MAX_REPEATS:
            raise RequestError(
                f"{self._name}: pagination is stuck: {message}. Check the paginator: the API may "
                "be ignoring the parameter that asks for the next page."
                f"{self._end_in_response(page)}",
                code="page-repeated",
            )
        self._warn("page-repeated", f"{message}: check the paginator, or declare a primary_key")

    def _end_in_response(self, page: Page | None) -> str:
        """Return which key reads the end that the last response announces, empty if none does."""
        paginator = self._paginator()
        if page is None or page.response is None or paginator is None:
            return ""
        signs = page_signs(page.response, self._names)
        ends = [one for one in signs if one.kind == "more" and one.is_end and not one.is_header]
        if not ends:
            return ""
        path = ends[0].path
        is_link = isinstance(paginator.inner, BaseNextUrlPaginator)
        if plain(path.rsplit(".", 1)[-1]) in LAST:
            key = f"stop_when: response.{path}"
        else:
            key = f'stop_when: "!(response.{path})"' if is_link else f"has_more_path: {path}"
        return f" `{path}` of the response says that this is the last page: write `{key}`."

    def on_next(self, request: requests.Request) -> None:
        """Compare the next request with those before it.

        Raise RequestError if it was sent before, or if pages do not end.
        """
        text = orjson.dumps(
            [
                *(request.url, request.params, request.json, request.data),
                dict(request.headers or {}),
            ],
            default=str,
            option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        )
        signature = blake2b(text, digest_size=16).digest()  # a list may have 100,000 pages
        self._check_params(request)
        earlier = self._requests.setdefault(signature, self._pages)
        if earlier == self._pages and self._pages < MAX_PAGES:
            return
        url = self._redacted(request.prepare().url)
        reason = (
            f"{url} would be requested after page {self._pages:,}, as after page {earlier:,}. "
            "Check the paginator: the API returned the same next page again."
            f"{self._end_in_response(self._last)}"
            if earlier != self._pages
            else f"{self._pages:,} pages were read, and {url} would follow. Check the paginator."
        )
        raise RequestError(f"{self._name}: pagination does not end: {reason}", code="next-repeated")

    def _check_params(self, request: requests.Request) -> None:
        """Warn of a link that lacks parameters of the first request, but for the page's size."""
        paginator = self._paginator()
        if self._pages > 1 or paginator is None or paginator.rules.resend_params is not None:
            return
        missing = [
            name
            for name, value in paginator.missing_params(request).items()
            if plain(name) not in OF_PAGES or not str(value).isdigit()
        ]
        if missing:
            self._warn(
                "link-drops-params",
                f"the next page's URL lacks {join_words(missing)} of the first request: unless "
                "the API remembers them, later pages have other records. Write `resend_params: "
                "true` in the paginator to send them again, or `resend_params: false` if the URL "
                "stands for them",
            )

    def _check_length(self, page: Page) -> None:
        """Warn of a page shorter than the paginator's limit, by which the offset advances."""
        whole = self._paginator()
        paginator = None if whole is None else whole.inner
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
