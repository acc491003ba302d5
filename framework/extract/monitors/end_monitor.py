"""Check that a list was read to its end: by the API's total, and by what its last page says.

A list that ends though the API plainly says that records are missing is an error, what is less
plain a warning. The API's own word that there is no more is believed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import requests
from dlt.sources.helpers.rest_client.paginators import (
    BaseReferencePaginator,
    OffsetPaginator,
    RangePaginator,
    SinglePagePaginator,
)

from framework.definition.expressions.placeholders import texts_of
from framework.definition.model import Endpoint
from framework.errors import RequestError
from framework.events import WarningRaised
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.paging.next_page_signs import (
    Sign,
    best_sign,
    counted_place,
    graphql_variable,
    page_signs,
    proposed_paginator,
)
from framework.extract.paging.pagination import FrameworkPaginator
from framework.extract.paging.paging_fields import total_of
from framework.extract.paging.paging_words import plain, words
from framework.extract.read_options import ReadOptions
from framework.text import count_noun, join_words

Json = Any

HARMLESS = words(
    """
    limit perpage pagesize size count top first rows maxresults maxpagesize resultsperpage
    itemsperpage page pagenumber offset skip start startindex cursor after sort sortby order
    orderby ordering direction sortorder fields select include expand embed format
    apiversion version lang locale withcount withtotal includetotal totalcount
    """
)
"""Parameters that do not change which records a list has, compared without punctuation."""


class EndMonitor:
    """Watch one list; `paginator` returns that of the list, None if no page was read."""

    def __init__(
        self,
        plan: Plan,
        options: ReadOptions,
        paginator: Callable[[], FrameworkPaginator | None],
    ) -> None:
        self._name = plan.resource.name
        self._options = options
        self._paginator = paginator
        self._endpoint = plan.endpoint
        self._names, self._is_plain = counted_place(plan.resource)
        self._pages = 0
        self._records = 0
        self._lengths: set[int] = set()
        self._first: requests.Response | None = None
        self._first_count = self._last_count = 0
        self._last: Page | None = None

    @cached_property
    def _variable(self) -> str | None:
        return graphql_variable(self._endpoint)

    @cached_property
    def _has_filters(self) -> bool:
        return has_filters(self._endpoint)

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of pages and of records that were read so far."""
        return {"pages": self._pages, "records": self._records}

    @counts.setter
    def counts(self, counts: Mapping[str, int]) -> None:
        self._pages, self._records = counts["pages"], counts["records"]

    def on_page(self, page: Page) -> None:
        """Count a page, and keep the first and the last."""
        count = page.size
        if self._last is not None:
            self._lengths.add(self._last_count)
        self._last, self._last_count = page, count
        self._pages += 1
        self._records += count
        if self._first is None:
            self._first, self._first_count = page.response, count

    def on_end(self) -> None:
        """Check the complete list; raise RequestError if the API says that records are missing."""
        paginator, last = self._paginator(), self._last
        if paginator is None or last is None or last.response is None:
            return
        if paginator.ended and not paginator.ended_by_length:
            return  # the file's own condition
        if paginator.begins_later or (paginator.maximum and not self._options.checks_maximums):
            return  # the file asks for a part
        signs = [s for s in page_signs(last.response, self._names) if not self._is_token(s)]
        self._check_changes(paginator, last.response, signs)
        if not self._check_declared(paginator, last):
            self._check_signs(paginator, signs)

    def _is_token(self, sign: Sign) -> bool:
        """Return whether the file keeps what looks like the next page's as its sync token."""
        kept = self._endpoint.sync_token
        return kept is not None and f"response.{sign.path}" in kept.token.text

    def _check_changes(
        self, paginator: FrameworkPaginator, last: requests.Response, signs: list[Sign]
    ) -> None:
        """Warn of a total that changed while pages were requested by number."""
        if not isinstance(paginator.inner, RangePaginator) or self._pages < 2:
            return
        assert self._first is not None
        declared = (_declared_total(paginator, one) for one in (self._first, last))
        changes = [(str(paginator.inner.total_path), *declared)]
        after = {(sign.kind, sign.path): sign.number for sign in signs}
        changes += [
            (sign.path, sign.number, after.get((sign.kind, sign.path)))
            for sign in page_signs(self._first, self._names)
            if sign.is_sure and sign.kind in ("pages", "total")
        ]
        assert self._last is not None
        of_page = (self._first_count, self._last_count)  # a total of the page's own records
        for path, before, now in changes:
            if before is None or now is None or before == now or (before, now) == of_page:
                continue
            self._warn(
                "total-changed",
                f"the total (`{path}`) changed from {before:,} to {now:,} while pages were "
                "requested: a record that is removed or inserted moves the others to another page, "
                "so records may be missing. Sort the list by a field that never changes, oldest "
                "first, or use a cursor; the next full read repairs what is missing",
            )
            return

    def _check_declared(self, paginator: FrameworkPaginator, last: Page) -> bool:
        """Compare with the total of total_path; return whether it differs."""
        assert last.response is not None
        total = _declared_total(paginator, last.response)
        if total is None or not self._is_plain:
            return False
        counts_records = isinstance(paginator.inner, OffsetPaginator)
        # an empty page that ended the list is not one of its pages, unless it is the only one
        pages = max(self._pages - (not self._last_count), min(total, 1))
        count = self._records if counts_records else pages
        if count == total or (not counts_records and not total):
            return False
        what = "records" if counts_records else "pages"
        missing = total > count and (
            paginator.maximum is not None
            or self._is_plainly_missing(paginator, total, counts_records)
        )
        if missing:
            self._fail(paginator, [f"total_path says {total:,} {what}"])
        hint = "" if counts_records else ", whose total_path counts pages"
        if total > count and not self._last_count:
            hint += " (`stop_after_empty_page: false` reads past an empty page)"
        self._warn(
            "total-differs",
            f"the API's total_path says {total:,} {what}, {count:,} were read. Check the "
            f"paginator{hint}; records that were removed or inserted meanwhile are another cause: "
            "then run again",
        )
        return True

    def _check_signs(self, paginator: FrameworkPaginator, signs: list[Sign]) -> None:
        """Warn or fail if the last page says that there is more."""
        more = list(self._signs_of_more(paginator, signs))
        totals = [] if self._says_end(signs) and not more else list(self._totals(paginator, signs))
        if not more and not totals:
            return
        said = [_in_words(sign) for sign in (*more, *totals)]
        sure = [sign for sign in totals if sign.is_sure]
        is_told = not (
            isinstance(paginator.inner, RangePaginator) and paginator.inner.total_path is None
        )
        if sure and not self._has_filters and is_told:
            sign = sure[0]
            if self._is_plainly_missing(paginator, sign.number, sign.kind == "total"):
                self._fail(paginator, said, best_sign((*more, sign)))
        self._warn("ended-early", self._message(paginator, said, best_sign((*more, *totals))))

    def _signs_of_more(self, paginator: FrameworkPaginator, signs: list[Sign]) -> Iterator[Sign]:
        """Yield the flags, links and cursors that say more; a flag outweighs the others."""
        flags = [sign for sign in signs if sign.kind == "more"]
        if flags:
            yield from (sign for sign in flags if not sign.is_end)
            if all(sign.is_end for sign in flags):
                return
        is_single = isinstance(paginator.inner, SinglePagePaginator)
        is_followed = isinstance(paginator.inner, BaseReferencePaginator) and self._pages > 1
        if (is_followed and not paginator.ended_by_length) or (
            not self._last_count and self._pages > 1
        ):
            return  # the paginator's own link or cursor is gone, or an empty page is the end
        for sign in signs:
            if sign.kind in ("link", "cursor") and not sign.is_end and (sign.is_sure or is_single):
                yield sign

    def _says_end(self, signs: list[Sign]) -> bool:
        return any(sign.is_end for sign in signs)

    def _totals(self, paginator: FrameworkPaginator, signs: list[Sign]) -> Iterator[Sign]:
        """Yield the totals that are more than was read.

        A total may count what the request's filters leave out: then it only counts beside a page
        of a round length, which looks like a limit.
        """
        assert self._last is not None
        if not self._is_plain:
            return
        if self._has_filters and (self._last_count % 10 or not self._last_count):
            return
        pages = self._pages - (not self._last_count)
        is_followed = isinstance(paginator.inner, BaseReferencePaginator) and self._pages > 1
        for sign in signs:
            if is_followed and not paginator.ended_by_length and not sign.is_sure:
                continue
            read = self._records if sign.kind == "total" else max(pages, 1)
            if sign.kind in ("total", "pages") and sign.number > read:
                yield sign

    def _is_plainly_missing(
        self, paginator: FrameworkPaginator, total: int, counts_records: bool
    ) -> bool:
        """Return whether a total proves that records are missing.

        Records that the user may not see often count in a total, so a small difference on pages
        that were all requested proves nothing.
        """
        assert self._last is not None
        inner, size = paginator.inner, paginator.page_size
        if isinstance(inner, OffsetPaginator):
            size = inner.value_step
        if not self._records:
            return True
        if paginator.ended_by_length:
            return not counts_records or (size is not None and total > size * self._pages)
        if isinstance(inner, OffsetPaginator) and size is not None and self._last_count:
            lengths = self._lengths or {self._last_count}
            is_round = len(self._lengths) > 0 or self._last_count % 10 == 0
            return len(lengths) == 1 and 0 < max(lengths) < size and is_round
        if isinstance(inner, RangePaginator):
            return False
        return self._pages == 1

    def _fail(
        self,
        paginator: FrameworkPaginator,
        words: list[str],
        sign: Sign | None = None,
    ) -> None:
        message = self._message(paginator, words, sign)
        raise RequestError(f"{self._name}: {message}", code="ended-early")

    def _message(self, paginator: FrameworkPaginator, words: list[str], sign: Sign | None) -> str:
        read = f"{count_noun(self._records, 'record')} on {count_noun(self._pages, 'page')}"
        return (
            f"the list ended after {read}, but the API says that there is more: "
            f"{join_words(dict.fromkeys(words))}. {self._remedy(paginator, sign)}"
        )

    def _remedy(self, paginator: FrameworkPaginator, sign: Sign | None) -> str:
        inner = paginator.inner
        if paginator.maximum is not None:
            return f"Remove {paginator.maximum[0]}"
        size = paginator.page_size
        key = "limit" if isinstance(inner, OffsetPaginator) else "page_size"
        shorter = max(self._lengths | {self._last_count})
        if size is not None and 0 < shorter < size:
            # an offset moves by the limit, so that it would skip what a short page lacks
            ends = paginator.rules.stop_after_short_page and key != "limit"
            other = ", or remove stop_after_short_page" if ends else ""
            return (
                f"The API returned {shorter:,} records at once where {size:,} were requested: "
                f"write `{key}: {shorter}`{other}"
            )
        if paginator.ended_by_length:
            return (
                "Remove stop_after_short_page, or the stop_when that counts records: a short page "
                "is not the last one here"
            )
        if sign is None:
            return "Check the paginator"
        proposed = proposed_paginator(sign, self._last_count, self._variable)
        look = " (look up cursor_param in the API's documentation)" * ("cursor_param" in proposed)
        if "cursor_body_path" in proposed:
            look = f" (the query needs this cursor and the variable ${self._variable})"
        text = f"Write `paginator: {_flow(proposed)}`, for example{look}"
        if isinstance(inner, SinglePagePaginator):
            text += "; if only the first page is wanted, `{type: single_page, maximum_page: 1}`"
        return text

    def _warn(self, code: str, message: str) -> None:
        self._options.on_event(WarningRaised(self._name, code, message))


def _declared_total(paginator: FrameworkPaginator, response: requests.Response) -> int | None:
    """Return the total that the paginator's total_path finds in a response."""
    inner = paginator.inner
    if not isinstance(inner, RangePaginator) or inner.total_path is None:
        return None
    return total_of(inner, response.json())


def has_filters(endpoint: Endpoint) -> bool:
    """Return whether the request asks for a part of the records, as far as names tell."""
    incremental = endpoint.incremental
    if incremental is not None and (incremental.start_param or incremental.end_param):
        return True
    names = [*endpoint.params]
    if isinstance(endpoint.json, Mapping):
        names += endpoint.json
    if isinstance(endpoint.data, Mapping):
        names += endpoint.data
    if any(plain(name) not in HARMLESS for name in names):
        return True
    others = [part for part in (endpoint.json, endpoint.data) if isinstance(part, (list, str))]
    return bool(others) or any("incremental." in text for text in texts_of(endpoint.path))


def _in_words(sign: Sign) -> str:
    where = f"the header {sign.path}" if sign.is_header else f"`{sign.path}`"
    if sign.kind == "total":
        return f"{where} is {sign.number:,}"
    if sign.kind == "pages":
        return f"{where} is {count_noun(sign.number, 'page')}"
    if sign.kind == "more":
        return f"{where} says so"
    return f"{where} holds the next page's {'URL' if sign.kind == 'link' else 'cursor'}"


def _flow(paginator: Mapping[str, Json]) -> str:
    """Return a paginator in one line of YAML."""
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in paginator.items()) + "}"


def _scalar(value: Json) -> str:
    text = "null" if value is None else str(value)
    return text if re.fullmatch(r"[\w.-]+", text) else "'" + text.replace("'", "''") + "'"
