"""Check that each page has the list, so that another response is not taken for the list's end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import requests

from framework.definition.expressions.jmespath_expression import Expression
from framework.errors import RequestError
from framework.events import WarningRaised
from framework.extract.api_list import ApiList, ListLocator, has_records_beside
from framework.extract.compilation.plan import Plan
from framework.extract.page import Page
from framework.extract.paging.next_page_signs import says_end
from framework.extract.paging.pagination import FrameworkPaginator
from framework.extract.read_options import ReadOptions
from framework.http.error_reports import (
    EXPIRED,
    error_in,
    error_words,
    failure_in,
    is_only_error,
    reports_error,
    says_expired,
    unlike,
)
from framework.runtime.field_paths import ABSENT, field_at
from framework.runtime.redaction import Redactor, redact_url
from framework.text import count_noun, json_shape, json_type

Json = Any

IGNORED = (
    "is ignored by response_actions, but the page before it says that it exists: the list "
    "would end too early\nRestrict the action, or repeat the request with `action: retry`."
)
REPEAT = (
    "If the error passes, repeat the request: response_actions: [{%s, action: retry}]. If it means "
    "that there are no records: `action: ignore`."
)


class PageJudge:
    """Judge the responses of one list; `selector` is its data_selector in dlt's form."""

    def __init__(self, plan: Plan, selector: Any, locator: ListLocator, redactor: Redactor) -> None:
        self._plan = plan
        declared = plan.endpoint.data_selector
        self._selector = declared if isinstance(declared, str) else selector
        self._names = declared.names if isinstance(declared, Expression) else ()
        self._has_default = locator.has_default
        self._redactor = redactor

    def fault(
        self,
        found: ApiList,
        items: Sequence[Json],
        response: requests.Response,
        paginator: FrameworkPaginator | None,
        known: Collection[str],
    ) -> str:
        """Return why a page must not count as read, with its request; empty if it may.

        `items` are what the selector gave. `paginator` has not read the response yet; None if it
        is still to be detected. `known` are keys of a record of an earlier page.
        """
        fault = self._fault(found, items, response, paginator, frozenset(known))
        return self.placed(response.request, fault) if fault else ""

    def placed(self, request: requests.PreparedRequest, fault: str) -> str:
        """Return a fault after its request."""
        return f"({request.method} {redact_url(request.url, self._redactor)}) {fault}"

    def _fault(
        self,
        found: ApiList,
        items: Sequence[Json],
        response: requests.Response,
        paginator: FrameworkPaginator | None,
        known: frozenset[str],
    ) -> str:
        if self._ends_with_error(found, items):
            words = error_words(items[-1], self._redactor)
            return self._failed("is an error in place of records", response, words)
        if found.kind == "object" and known and known.isdisjoint(items[0]):
            return f"is an object without any key of the records before it; {json_shape(items[0])}"
        if found.kind == "object" or (found.kind == "list" and found.items):
            return ""
        if found.kind == "value" and isinstance(found.items[0], list):
            return (
                f"has a list where data_selector `{self._selector}` reads the values of an object "
                "(`.*`)\nWrite `[]` in place of `.*`."
            )
        if found.kind == "value":
            kind = json_type(found.items[0])
            return f"has {kind} at data_selector `{self._selector}`, expected a list of records"
        failure = failure_in(response)
        if failure:
            return self._failed(failure, response, error_in(response, self._redactor))
        if found.kind == "list" or self._is_end(found.kind, response, paginator):
            return ""
        what = "finds null" if found.kind == "null" else "finds nothing"
        told = ", but the API said that there are more records" if found.kind == "null" else ""
        return (
            f"has no list: data_selector `{self._selector}` {what}{told}; "
            f"{unlike(response, self._redactor)}\n{self._remedy(found.kind)}"
        )

    def _ends_with_error(self, found: ApiList, items: Sequence[Json]) -> bool:
        """Return whether an error stands where a record does: as the only item or the last line."""
        if not items or not is_only_error(items[-1]):
            return False
        if self._plan.endpoint.response_format.kind == "jsonl":
            return True
        is_guessed = self._plan.endpoint.data_selector is None
        return len(items) == 1 and (found.kind == "object" or is_guessed)

    def _failed(self, failure: str, response: requests.Response, words: str) -> str:
        status = response.status_code
        condition = f"status_code: {status}" if status != 200 else "body: EXPRESSION"
        remedy = EXPIRED if says_expired(words) else REPEAT % condition
        return f"{failure}{f': {words}' if words else ''}\n{remedy}"

    def _is_end(
        self, kind: str, response: requests.Response, paginator: FrameworkPaginator | None
    ) -> bool:
        """Return whether a list that is null or missing means that there are no more records."""
        body, promised = response.json(), paginator is not None and paginator.promises
        ends = None if paginator is None else paginator.says_end(response)
        names_next = paginator is not None and not paginator.counts
        if kind == "null":
            is_there = not self._names or field_at(body, self._names) is not ABSENT
            is_last = ends is None and (not promised or (names_next and is_there))
            return is_last or ends is True or (ends is False and names_next)
        if self._has_default or self._is_empty_element(body):
            return True
        if has_records_beside(body):
            return False
        if ends is not None and (ends or names_next):
            return True  # the last page, or an empty one that names the next
        if ends is None and says_end(response, self._names):
            return True
        replaces = self._plan.resource.write_disposition == "replace"
        is_first = paginator is None or paginator.is_first
        return not body and is_first and not replaces

    def _remedy(self, kind: str) -> str:
        if kind == "null":
            return "Read it again later, or correct the paginator."
        if isinstance(self._plan.endpoint.data_selector, Expression):
            return (
                "Correct data_selector. If the API omits an empty list, default to one: "
                'data_selector: "PATH || `[]`".'
            )
        has_selector = self._plan.endpoint.data_selector is not None
        return "Correct data_selector." if has_selector else "Write a data_selector."

    def _is_empty_element(self, body: Json) -> bool:
        """Return whether the body is XML with the list's element, but no items in it.

        Such an element does not say what its items would be called.
        """
        names = self._names
        if self._plan.endpoint.response_format.kind != "xml" or len(names) < 2:
            return False
        element = field_at(body, names[:-1])
        if isinstance(element, dict):
            return all(name[:1] in ("@", "#") for name in element)
        return element is None or isinstance(element, str)


class ListMonitor:
    """Watch one list: raise for a page that must not count as read, warn of partial errors.

    A sample is warned of such pages, and counts them as `misses`.
    """

    def __init__(self, plan: Plan, options: ReadOptions) -> None:
        self.misses = 0
        self._name = plan.resource.name
        self._options = options
        selector = plan.endpoint.data_selector
        self._own = selector.names[:1] if isinstance(selector, Expression) else ()
        self._errors = 0
        self._first_error = ""
        self._first_miss = ""

    def on_page(self, page: Page, number: int) -> None:
        """Raise RequestError for a page with a fault; count one with an error beside records."""
        response = page.response
        if page.fault:
            self._on_fault(page, number)
        elif page.count and response is not None:
            body = response.json()
            if page.first is not body and reports_error(body, self._own):
                self._on_error(response)

    def _on_error(self, response: requests.Response) -> None:
        secrets = self._options.redactor
        self._errors += 1
        self._first_error = self._first_error or (
            f"{redact_url(response.request.url, secrets)} returned records and an error, so some "
            f"records may be missing: {error_in(response, secrets)}"
        )

    def _on_fault(self, page: Page, number: int) -> None:
        message = f"page {number} {page.fault}"
        if self._options.sample is None:
            status = None if page.response is None else page.response.status_code
            raise RequestError(f"{self._name}: {message}", status=status, code="list-missing")
        self.misses += 1
        self._first_miss = self._first_miss or message

    def on_end(self) -> None:
        """Warn once for the whole list."""
        if self.misses:
            self._warn("selector-no-match", self._first_miss, self.misses)
        if self._errors:
            self._warn("errors-beside-records", self._first_error, self._errors)

    def _warn(self, code: str, message: str, pages: int) -> None:
        more = f" (and {count_noun(pages - 1, 'more page')})" if pages > 1 else ""
        self._options.on_event(WarningRaised(self._name, code, message + more))
