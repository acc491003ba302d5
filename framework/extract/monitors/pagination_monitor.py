"""The pages of one list as they come: whether they get on, end, and are all that the API tells of.

What repeats itself is an error that shows both places; what is only odd is a warning.
"""

from __future__ import annotations

from typing import Any

import orjson
import requests
from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import OffsetPaginator, RangePaginator

from framework.errors import RequestError
from framework.events import WarningRaised
from framework.extract.page import count_of, ends_of
from framework.extract.pagination import FrameworkPaginator
from framework.extract.plan import Plan
from framework.extract.read_options import ReadOptions
from framework.runtime.redaction import redact_url
from framework.text import count_noun

Json = Any
MAX_PAGES = 1_000_000
"""The last guard against paging without an end."""
MOST_IN_A_ROW = 3
"""Pages in a row that may be the one before them, where no primary key says that none may."""


class PaginationMonitor:
    """Told of every page in order; `ended` when the list came to its end by itself.

    `missed` counts the pages in which the selector found nothing: the number of records is
    explained then.
    """

    def __init__(self, plan: Plan, read_options: ReadOptions) -> None:
        self.missed = 0
        self._miss = ""
        self._plan = plan
        self._read_options = read_options
        self._asked: dict[bytes, int] = {}
        self._seen: dict[int, tuple[int, str]] = {}
        self._short: tuple[int, str] | None = None
        self._pages = 0
        self._records = 0
        self._told: set[str] = set()
        self._last = 0
        self._in_a_row = 0

    def misses(self, message: str) -> None:
        """The selector found nothing in the page that came; `message` says where and in what."""
        self._miss = self._miss or message
        self.missed += 1

    def tell_missed(self) -> None:
        """Say once for the whole list that the selector found nothing."""
        if self.missed:
            more = f" (and so in {count_noun(self.missed - 1, 'more page')})"
            self._warn("selector-no-match", self._miss + (more if self.missed > 1 else ""))

    def came(self, page: PageData[Json]) -> None:
        """A page came. RequestError where it is one that came before, by its first and its last
        record, of a resource whose primary key makes that impossible."""
        self._pages += 1
        count = count_of(page)
        self._records += count
        if not page:
            return
        self._judge_length(page)
        options = orjson.OPT_NON_STR_KEYS
        ends = orjson.dumps(ends_of(page), default=str, option=options)
        signature = hash((count, ends))
        self._in_a_row = self._in_a_row + 1 if signature == self._last else 0
        self._last = signature
        before = self._seen.setdefault(signature, (self._pages, page.response.url))
        if before[0] == self._pages:
            return
        url, earlier = (
            redact_url(one, self._read_options.redactor) for one in (page.response.url, before[1])
        )
        message = (
            f"page {self._pages:,} ({url}) brought the same {count_noun(count, 'record')} as page "
            f"{before[0]:,} ({earlier})"
        )
        if self._plan.resource.primary_key or self._in_a_row >= MOST_IN_A_ROW:
            raise RequestError(
                f"{self._name}: paging does not get on: {message}. Check the paginator: the API "
                "may take no notice of the parameter that asks for the next page.",
                code="page-repeated",
            )
        self._warn("page-repeated", f"{message}: check the paginator, or declare a primary_key")

    def follows(self, page: PageData[Json]) -> None:
        """The request after this page; RequestError where it was made before, or pages have no
        end."""
        following: requests.Request = page.request
        signature = orjson.dumps(
            [
                *(following.url, following.params, following.json, following.data),
                dict(following.headers or {}),
            ],
            default=str,
            option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS,
        )
        before = self._asked.setdefault(signature, self._pages)
        if before == self._pages and self._pages < MAX_PAGES:
            return
        url = redact_url(following.prepare().url, self._read_options.redactor)
        why = (
            f"after page {self._pages:,} {url} would be asked for, as after page {before:,}. Check "
            "the paginator: the API repeats its next page."
            if before != self._pages
            else f"{self._pages:,} pages were read, and {url} would follow. Check the paginator."
        )
        raise RequestError(f"{self._name}: paging does not end: {why}", code="next-repeated")

    def ended(self, last: PageData[Json], numbered: RangePaginator | None = None) -> None:
        """No page follows: compare with the total that the paginator declares."""
        paginator = numbered or _numbered(last)
        if not isinstance(paginator, RangePaginator) or paginator.total_path is None or self.missed:
            return
        if paginator.maximum_value is not None or paginator.initial_value != paginator.base_index:
            return  # the file itself asks for a part
        if isinstance(last.paginator, FrameworkPaginator) and last.paginator.ended:
            return  # the file's own condition
        found = jsonpath.find_values(paginator.total_path, last.response.json())
        if not found or not str(found[0]).lstrip("-").isdigit():
            return
        total = int(found[0])
        by_records = isinstance(paginator, OffsetPaginator)
        # an empty page that ended the list is no page of it
        came = self._records if by_records else self._pages - (not last)
        if came == total or (not by_records and not total):
            return
        what = "records" if by_records else "pages"
        self._warn(
            "total-differs",
            f"the API tells of {total:,} {what} (total_path), {came:,} came. Check the "
            f"paginator{'' if by_records else ', whose total_path counts pages'}, or run again if "
            "the data changed meanwhile",
        )

    def _judge_length(self, page: PageData[Json]) -> None:
        """An offset moves by `limit`: where a page has fewer, what lies between is never asked."""
        paginator = _numbered(page)
        if not isinstance(paginator, OffsetPaginator):
            return
        if self._short is not None:
            records, url = self._short
            self._warn(
                "page-too-short",
                f"{url} brought {count_noun(records, 'record')} of the "
                f"{paginator.value_step:,} that "
                "the paginator's limit counts, and more followed: if the API gives no more at "
                "once, records are skipped. Lower the limit",
            )
        count = count_of(page)
        if count < paginator.value_step:
            self._short = (count, redact_url(page.response.url, self._read_options.redactor))

    @property
    def _name(self) -> str:
        return self._plan.resource.name

    def _warn(self, code: str, message: str) -> None:
        """Once for each list and code."""
        if code not in self._told:
            self._told.add(code)
            self._read_options.on_event(WarningRaised(self._name, code, message))


def _numbered(page: PageData[Json]) -> Any:
    """The paginator that counts, where another one stands around it."""
    return getattr(page.paginator, "inner", page.paginator)
